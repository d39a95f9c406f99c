package sqs

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// operations are the operations of the API by name.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html (2026-11)
var operations = map[string]func(*call) (any, error){
	"CreateQueue":                  operation(createQueue),
	"DeleteQueue":                  operation(deleteQueue),
	"ListQueues":                   operation(listQueues),
	"GetQueueUrl":                  operation(getQueueURL),
	"GetQueueAttributes":           operation(getQueueAttributes),
	"SetQueueAttributes":           operation(setQueueAttributes),
	"PurgeQueue":                   operation(purgeQueue),
	"TagQueue":                     operation(tagQueue),
	"UntagQueue":                   operation(untagQueue),
	"ListQueueTags":                operation(listQueueTags),
	"ListDeadLetterSourceQueues":   operation(listDeadLetterSourceQueues),
	"SendMessage":                  operation(sendMessage),
	"SendMessageBatch":             operation(sendMessageBatch),
	"ReceiveMessage":               operation(receiveMessage),
	"DeleteMessage":                operation(deleteMessage),
	"DeleteMessageBatch":           operation(deleteMessageBatch),
	"ChangeMessageVisibility":      operation(changeMessageVisibility),
	"ChangeMessageVisibilityBatch": operation(changeMessageVisibilityBatch),
	"StartMessageMoveTask":         operation(startMessageMoveTask),
	"CancelMessageMoveTask":        operation(cancelMessageMoveTask),
	"ListMessageMoveTasks":         operation(listMessageMoveTasks),
	"AddPermission":                operation(unsupported),
	"RemovePermission":             operation(unsupported),
}

// operation converts a function of a decoded request into a function of a call.
func operation[I, O any](do func(*call, *I) (O, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		in := new(I)
		if len(c.body) > 0 {
			if err := json.Unmarshal(c.body, in); err != nil {
				return nil, &Error{serviceNamespace + "SerializationException", "SerializationException", http.StatusBadRequest, err.Error()}
			}
		}
		return do(c, in)
	}
}

// empty is the answer of operations that return nothing.
type empty struct{}

// onQueue is the request of operations that need only a queue.
type onQueue struct {
	QueueURL string `json:"QueueUrl"`
}

type queueURL struct {
	QueueURL string `json:"QueueUrl"`
}

func unsupported(*call, *struct{}) (empty, error) {
	return empty{}, errUnsupported("This simulator has no permissions: requests are not authorized. Set the Policy attribute to keep a policy.")
}

type createQueueRequest struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

func createQueue(c *call, in *createQueueRequest) (*queueURL, error) {
	q, err := c.CreateQueue(in.QueueName, in.Attributes, in.Tags)
	if err != nil {
		return nil, err
	}
	return &queueURL{q.URL()}, nil
}

func deleteQueue(c *call, in *onQueue) (empty, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	return empty{}, c.DeleteQueue(q)
}

type getQueueURLRequest struct {
	QueueName              string
	QueueOwnerAWSAccountID string `json:"QueueOwnerAWSAccountId"`
}

func getQueueURL(c *call, in *getQueueURLRequest) (*queueURL, error) {
	if in.QueueName == "" {
		return nil, errMissing("QueueName")
	}
	q := c.Queue(in.QueueName)
	if q == nil || in.QueueOwnerAWSAccountID != "" && in.QueueOwnerAWSAccountID != c.account {
		return nil, errNoQueue()
	}
	return &queueURL{q.URL()}, nil
}

type listQueuesRequest struct {
	QueueNamePrefix string
	MaxResults      *int
	NextToken       string
}

type listQueuesResult struct {
	QueueURLs []string `json:"QueueUrls,omitempty"`
	NextToken string   `json:",omitempty"`
}

func listQueues(c *call, in *listQueuesRequest) (*listQueuesResult, error) {
	queues := slices.DeleteFunc(c.Queues(), func(q *Queue) bool { return !strings.HasPrefix(q.name, in.QueueNamePrefix) })
	page, next, err := c.page(queues, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &listQueuesResult{urls(page), next}, nil
}

type listSourcesRequest struct {
	onQueue
	MaxResults *int
	NextToken  string
}

type listSourcesResult struct {
	QueueURLs []string `json:"queueUrls"`
	NextToken string   `json:",omitempty"`
}

func listDeadLetterSourceQueues(c *call, in *listSourcesRequest) (*listSourcesResult, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return nil, err
	}
	page, next, err := c.page(c.DeadLetterSources(q), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &listSourcesResult{urls(page), next}, nil
}

func urls(queues []*Queue) []string {
	list := make([]string, len(queues))
	for i, q := range queues {
		list[i] = q.URL()
	}
	return list
}

// page returns the requested part of a list of queues, sorted by name. As on AWS, only a
// request that sets a page size gets a token.
func (s *Service) page(queues []*Queue, size *int, token string) (page []*Queue, next string, err error) {
	limit := maxListed
	if size != nil {
		if limit = *size; limit < 1 || limit > maxListed {
			return nil, "", errInvalidValue(limit, "MaxResults", "Must be between 1 and 1000, if provided.")
		}
	}
	if token != "" {
		after, err := base64.StdEncoding.DecodeString(token)
		if err != nil || size == nil {
			return nil, "", errInvalidParameter("Invalid or expired next token.")
		}
		queues = slices.DeleteFunc(queues, func(q *Queue) bool { return q.name <= string(after) })
	}
	if len(queues) <= limit {
		return queues, "", nil
	}
	queues = queues[:limit]
	if size != nil {
		next = base64.StdEncoding.EncodeToString([]byte(queues[limit-1].name))
	}
	return queues, next, nil
}

type getQueueAttributesRequest struct {
	onQueue
	AttributeNames []string
}

type queueAttributes struct {
	Attributes map[string]string `json:",omitempty"`
}

func getQueueAttributes(c *call, in *getQueueAttributesRequest) (*queueAttributes, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return nil, err
	}
	all, err := q.Attributes()
	if err != nil {
		return nil, err
	}
	for _, name := range in.AttributeNames {
		if name != attrAll && !knownAttribute(name) {
			return nil, errAttributeName(name)
		}
	}
	if !slices.Contains(in.AttributeNames, attrAll) {
		maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(in.AttributeNames, name) })
	}
	return &queueAttributes{all}, nil
}

func knownAttribute(name string) bool {
	switch name {
	case attrPolicy, attrRedrive, attrRedriveAllow, attrFIFO, attrContentDedup, attrDedupScope, attrThroughput, attrKMSKey, attrManagedSSE:
		return true
	}
	_, integer := integerAttributes[name]
	return integer || slices.Contains(readOnlyAttributes, name)
}

type setQueueAttributesRequest struct {
	onQueue
	Attributes map[string]string
}

func setQueueAttributes(c *call, in *setQueueAttributesRequest) (empty, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	if in.Attributes == nil {
		return empty{}, errMissing("Attribute.Name")
	}
	return empty{}, q.SetAttributes(in.Attributes)
}

func purgeQueue(c *call, in *onQueue) (empty, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	return empty{}, q.Purge(true)
}

type tagQueueRequest struct {
	onQueue
	Tags map[string]string
}

func tagQueue(c *call, in *tagQueueRequest) (empty, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	if len(in.Tags) == 0 {
		return empty{}, errMissing("Tags")
	}
	return empty{}, q.Tag(in.Tags)
}

type untagQueueRequest struct {
	onQueue
	TagKeys []string
}

func untagQueue(c *call, in *untagQueueRequest) (empty, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	if len(in.TagKeys) == 0 {
		return empty{}, errMissing("TagKeys")
	}
	return empty{}, q.Untag(in.TagKeys)
}

type queueTags struct {
	Tags map[string]string `json:",omitempty"`
}

func listQueueTags(c *call, in *onQueue) (*queueTags, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return nil, err
	}
	return &queueTags{q.Tags()}, nil
}

type startMoveRequest struct {
	SourceARN      string `json:"SourceArn"`
	DestinationARN string `json:"DestinationArn"`
	Rate           *int   `json:"MaxNumberOfMessagesPerSecond"`
}

type taskHandleResult struct {
	TaskHandle string
}

func startMessageMoveTask(c *call, in *startMoveRequest) (*taskHandleResult, error) {
	handle, err := c.StartMove(in.SourceARN, in.DestinationARN, in.Rate)
	if err != nil {
		return nil, err
	}
	return &taskHandleResult{handle}, nil
}

type cancelMoveRequest struct {
	TaskHandle string
}

type cancelMoveResult struct {
	Moved int `json:"ApproximateNumberOfMessagesMoved"`
}

func cancelMessageMoveTask(c *call, in *cancelMoveRequest) (*cancelMoveResult, error) {
	moved, err := c.CancelMove(in.TaskHandle)
	if err != nil {
		return nil, err
	}
	return &cancelMoveResult{moved}, nil
}

type listMovesRequest struct {
	SourceARN  string `json:"SourceArn"`
	MaxResults *int
}

type listMovesResult struct {
	Results []listedMove
}

type listedMove struct {
	Moved          int    `json:"ApproximateNumberOfMessagesMoved"`
	ToMove         int    `json:"ApproximateNumberOfMessagesToMove"`
	DestinationARN string `json:"DestinationArn,omitempty"`
	FailureReason  string `json:",omitempty"`
	Rate           int    `json:"MaxNumberOfMessagesPerSecond,omitempty"`
	SourceARN      string `json:"SourceArn"`
	Started        int64  `json:"StartedTimestamp"`
	Status         string
	TaskHandle     string `json:",omitempty"`
}

func listMessageMoveTasks(c *call, in *listMovesRequest) (*listMovesResult, error) {
	n := 1
	if in.MaxResults != nil {
		n = *in.MaxResults
	}
	moves, err := c.Moves(in.SourceARN, n)
	if err != nil {
		return nil, err
	}
	out := &listMovesResult{Results: []listedMove{}}
	for _, m := range moves {
		out.Results = append(out.Results, listedMove{m.Moved, m.ToMove, m.DestinationARN, m.FailureReason, m.Rate, m.SourceARN, m.StartedAt.UnixMilli(), m.Status, m.Handle})
	}
	return out, nil
}

// duration converts a number of seconds and checks its bounds; nil stays nil.
func duration(seconds *int, parameter string, high int) (*time.Duration, error) {
	if seconds == nil {
		return nil, nil
	}
	if *seconds < 0 || *seconds > high {
		return nil, errInvalidParameter("Value %d for parameter %s is invalid. Reason: Must be >= 0 and <= %d, if provided.", *seconds, parameter, high)
	}
	d := time.Duration(*seconds) * time.Second
	return &d, nil
}
