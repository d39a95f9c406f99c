package sqs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	kjson "sigs.k8s.io/json"
)

// Names of queue attributes.
const (
	attrPolicy        = "Policy"
	attrVisibility    = "VisibilityTimeout"
	attrMaxSize       = "MaximumMessageSize"
	attrRetention     = "MessageRetentionPeriod"
	attrDelay         = "DelaySeconds"
	attrWait          = "ReceiveMessageWaitTimeSeconds"
	attrRedrive       = "RedrivePolicy"
	attrRedriveAllow  = "RedriveAllowPolicy"
	attrFIFO          = "FifoQueue"
	attrContentDedup  = "ContentBasedDeduplication"
	attrDedupScope    = "DeduplicationScope"
	attrThroughput    = "FifoThroughputLimit"
	attrKMSKey        = "KmsMasterKeyId"
	attrKMSReuse      = "KmsDataKeyReusePeriodSeconds"
	attrManagedSSE    = "SqsManagedSseEnabled"
	attrQueueARN      = "QueueArn"
	attrVisibleCount  = "ApproximateNumberOfMessages"
	attrInFlightCount = "ApproximateNumberOfMessagesNotVisible"
	attrDelayedCount  = "ApproximateNumberOfMessagesDelayed"
	attrCreated       = "CreatedTimestamp"
	attrModified      = "LastModifiedTimestamp"
)

// Values of attributes that take one of a few words.
const (
	scopeQueue         = "queue"
	scopeGroup         = "messageGroup"
	throughputPerQueue = "perQueue"
	throughputPerGroup = "perMessageGroupId"
	allowAll           = "allowAll"
	denyAll            = "denyAll"
	byQueue            = "byQueue"
)

// readOnlyAttributes are computed by SQS; nobody can set them.
var readOnlyAttributes = []string{attrQueueARN, attrVisibleCount, attrInFlightCount, attrDelayedCount, attrCreated, attrModified}

// integerAttributes are the attributes that are whole numbers, with their bounds
// and defaults.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html (2026-11)
var integerAttributes = map[string]struct{ low, high, otherwise int }{
	attrVisibility: {0, maxVisibilitySeconds, int(defaultVisibility / time.Second)},
	attrMaxSize:    {minMessageBytes, maxMessageBytes, maxMessageBytes},
	attrRetention:  {minRetentionSeconds, maxRetentionSeconds, int(defaultRetention / time.Second)},
	attrDelay:      {0, maxDelaySeconds, 0},
	attrWait:       {0, maxWaitSeconds, 0},
	attrKMSReuse:   {minKMSReuseSeconds, maxKMSReuseSeconds, 300},
}

// settings are a queue's attributes, as the API returns them and in parsed form.
type settings struct {
	attributes map[string]string

	visibility, retention, delay, wait time.Duration
	maxSize                            int
	redrive                            *redrivePolicy
	allow                              redriveAllowPolicy
	fifo, contentDedup, dedupPerGroup  bool
}

// redrivePolicy is the RedrivePolicy attribute:
//
//	{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:jobs-dead", "maxReceiveCount": 3}
type redrivePolicy struct {
	TargetARN       string `json:"deadLetterTargetArn"`
	MaxReceiveCount int    `json:"maxReceiveCount"`
}

// redriveAllowPolicy is the RedriveAllowPolicy attribute of a dead-letter queue:
//
//	{"redrivePermission": "byQueue", "sourceQueueArns": ["arn:aws:sqs:us-east-1:000000000000:jobs"]}
type redriveAllowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitempty"`
}

func (p redriveAllowPolicy) allows(source string) bool {
	switch p.Permission {
	case denyAll:
		return false
	case byQueue:
		return slices.Contains(p.Sources, source)
	}
	return true
}

// defaultSettings are the settings of a queue without attributes.
func defaultSettings(fifo bool) *settings {
	attributes := map[string]string{attrManagedSSE: "true"}
	for name, a := range integerAttributes {
		if name != attrKMSReuse {
			attributes[name] = strconv.Itoa(a.otherwise)
		}
	}
	if fifo {
		attributes[attrFIFO] = "true"
		attributes[attrContentDedup] = "false"
		attributes[attrDedupScope] = scopeQueue
		attributes[attrThroughput] = throughputPerQueue
	}
	s := &settings{attributes: attributes, fifo: fifo}
	s.parse()
	return s
}

// with returns the settings with the given changes. An empty value removes an optional
// attribute.
func (s *settings) with(changes map[string]string) (*settings, error) {
	n := &settings{attributes: maps.Clone(s.attributes), fifo: s.fifo}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		value, err := n.normalize(name, changes[name])
		if err != nil {
			return nil, err
		}
		if value == "" {
			delete(n.attributes, name)
		} else {
			n.attributes[name] = value
		}
	}
	if changes[attrKMSKey] != "" {
		if changes[attrManagedSSE] == "true" {
			return nil, modelError("InvalidAttributeName", "InvalidAttributeName", 400, "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
		}
		n.attributes[attrManagedSSE] = "false"
		if n.attributes[attrKMSReuse] == "" {
			n.attributes[attrKMSReuse] = defaultKMSReuse
		}
	}
	if n.attributes[attrThroughput] == throughputPerGroup && n.attributes[attrDedupScope] != scopeGroup {
		return nil, errAttributeValue(attrThroughput, "perMessageGroupId is allowed only when DeduplicationScope is messageGroup.")
	}
	if n.attributes[attrKMSKey] == "" && n.attributes[attrKMSReuse] == defaultKMSReuse {
		delete(n.attributes, attrKMSReuse) // LocalStack's captures of AWS, 2026-03
	}
	n.parse()
	return n, nil
}

// normalize checks one attribute and returns the form in which it is stored and compared.
func (s *settings) normalize(name, value string) (string, error) {
	switch name {
	case attrFIFO:
		if !s.fifo {
			return "", errAttributeName(name)
		}
		if !isTrue(value) {
			return "", errAttributeValue(name, "Modifying queue type is not supported.")
		}
		return "true", nil
	case attrContentDedup:
		if !s.fifo {
			return "", errAttributeName(name)
		}
		if !isTrue(value) && !strings.EqualFold(value, "false") {
			return "", errAttributeValue(name, "")
		}
		return strings.ToLower(value), nil
	case attrDedupScope, attrThroughput:
		if !s.fifo {
			return "", errFIFOOnly(name)
		}
		allowed := []string{scopeQueue, scopeGroup}
		if name == attrThroughput {
			allowed = []string{throughputPerQueue, throughputPerGroup}
		}
		if !slices.Contains(allowed, value) {
			return "", errAttributeValue(name, "")
		}
	case attrManagedSSE:
		if value != "true" && value != "false" {
			return "", errAttributeValue(name, "")
		}
	case attrKMSKey:
	case attrPolicy:
		if value != "" && !json.Valid([]byte(value)) {
			return "", errAttributeValue(name, "")
		}
	case attrRedrive:
		return normalizeRedrive(value)
	case attrRedriveAllow:
		return normalizeRedriveAllow(value)
	default:
		bounds, ok := integerAttributes[name]
		if !ok {
			return "", errAttributeName(name)
		}
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < bounds.low || n > bounds.high {
			return "", errAttributeValue(name, "")
		}
		return strconv.Itoa(n), nil
	}
	return value, nil
}

// isTrue reports whether a bool of a FIFO queue is true. AWS accepts "True" too:
// LocalStack's captures of AWS, 2026-03.
func isTrue(value string) bool { return strings.EqualFold(value, "true") }

func normalizeRedrive(value string) (string, error) {
	if value == "" {
		return "", nil
	}
	invalid := func(reason string) error { return errInvalidValue(value, attrRedrive, reason) }
	var raw struct {
		TargetARN       *string         `json:"deadLetterTargetArn"`
		MaxReceiveCount json.RawMessage `json:"maxReceiveCount"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts([]byte(value), &raw); err != nil {
		return "", invalid("Redrive policy is not a valid JSON map.")
	}
	// The reference calls 10 the default of maxReceiveCount. SQS was seen to refuse a policy
	// without it; LocalStack's captures of AWS, 2026-03, say so too.
	if raw.MaxReceiveCount == nil {
		return "", invalid("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	if raw.TargetARN == nil {
		return "", invalid("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if strings.Count(*raw.TargetARN, ":") != 5 || !strings.HasPrefix(*raw.TargetARN, "arn:") {
		return "", invalid("Invalid value for deadLetterTargetArn.")
	}
	count, err := strconv.Atoi(strings.Trim(string(raw.MaxReceiveCount), `"`))
	if err != nil || count < 1 || count > maxReceiveCountLimit {
		return "", invalid("Invalid value for maxReceiveCount: must be between 1 and 1000.")
	}
	return marshal(redrivePolicy{*raw.TargetARN, count}), nil
}

func normalizeRedriveAllow(value string) (string, error) {
	if value == "" {
		return "", nil
	}
	invalid := func(reason string) error { return errInvalidValue(value, attrRedriveAllow, reason) }
	var p redriveAllowPolicy
	if err := json.Unmarshal([]byte(value), &p); err != nil {
		return "", invalid("Amazon SQS can't parse the redrive allow policy.")
	}
	switch {
	case !slices.Contains([]string{allowAll, denyAll, byQueue}, p.Permission):
		return "", invalid("Amazon SQS can't create the redrive allow policy: redrivePermission must be allowAll, denyAll or byQueue.")
	case p.Permission == byQueue && (len(p.Sources) == 0 || len(p.Sources) > maxSourceARNs):
		return "", invalid("Amazon SQS can't create the redrive allow policy: sourceQueueArns must hold 1 to 10 ARNs when redrivePermission is byQueue.")
	case p.Permission != byQueue && p.Sources != nil:
		return "", invalid("Amazon SQS can't create the redrive allow policy: sourceQueueArns is for redrivePermission byQueue.")
	}
	return marshal(p), nil
}

func marshal(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic("sqs: " + err.Error()) // only plain structs come here
	}
	return string(data)
}

// parse sets the parsed fields from the attributes, which must be valid.
func (s *settings) parse() {
	integer := func(name string) int {
		n, _ := strconv.Atoi(s.attributes[name])
		return n
	}
	seconds := func(name string) time.Duration { return time.Duration(integer(name)) * time.Second }
	s.visibility, s.retention, s.delay, s.wait = seconds(attrVisibility), seconds(attrRetention), seconds(attrDelay), seconds(attrWait)
	s.maxSize = integer(attrMaxSize)
	s.contentDedup = s.attributes[attrContentDedup] == "true"
	s.dedupPerGroup = s.attributes[attrDedupScope] == scopeGroup
	if v := s.attributes[attrRedrive]; v != "" {
		s.redrive = &redrivePolicy{}
		json.Unmarshal([]byte(v), s.redrive) //nolint:errcheck // it was marshalled by normalizeRedrive
	}
	if v := s.attributes[attrRedriveAllow]; v != "" {
		json.Unmarshal([]byte(v), &s.allow) //nolint:errcheck // it was marshalled by normalizeRedriveAllow
	}
}

// Definition describes a queue to [Service.Define].
type Definition struct {
	// Name is the queue's name; a FIFO queue's name ends in ".fifo".
	Name string
	// Attributes are the attributes of CreateQueue. FifoQueue may be missing.
	Attributes map[string]string
	// Tags are the queue's tags.
	Tags map[string]string
}

// FromTemplate makes a definition from the properties of an AWS::SQS::Queue with resolved
// references. The queue's name is QueueName if set, otherwise name. Every property that
// is an attribute counts, whether it is a number, a bool or an object.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html (2026-11)
func FromTemplate(name string, properties map[string]any) (Definition, error) {
	d := Definition{Name: name, Attributes: map[string]string{}, Tags: map[string]string{}}
	for key, value := range properties {
		switch v := value.(type) {
		case string:
			if key == "QueueName" {
				d.Name = v
				continue
			}
			d.Attributes[key] = v
		case bool:
			d.Attributes[key] = strconv.FormatBool(v)
		case float64:
			d.Attributes[key] = strconv.FormatFloat(v, 'f', -1, 64)
		case int:
			d.Attributes[key] = strconv.Itoa(v)
		case map[string]any:
			d.Attributes[key] = marshal(v)
		case []any:
			if key != "Tags" {
				return d, fmt.Errorf("queue %q: property %s must not be a list", name, key)
			}
			for _, item := range v {
				tag, _ := item.(map[string]any)
				if tag["Key"] == nil {
					return d, fmt.Errorf("queue %q: property Tags must hold objects with a Key and a Value, got %v", name, item)
				}
				d.Tags[fmt.Sprint(tag["Key"])] = fmt.Sprint(tag["Value"])
			}
		default:
			return d, fmt.Errorf("queue %q: property %s has a value of an unexpected type, %T", name, key, value)
		}
	}
	if d.Attributes[attrFIFO] == "false" {
		delete(d.Attributes, attrFIFO) // the API accepts true only
	}
	return d, nil
}
