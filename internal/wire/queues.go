package wire

import (
	"fmt"
	"slices"
	"strings"
)

// QueueURL is one queue of [EnvQueues].
type QueueURL struct {
	// Name is the program's logical name for the queue.
	Name string
	// URL is https://sqs.{region}.amazonaws.com/{account}/{physical name}.
	URL string
}

// QueuesPrefix replaces the common prefix of the names of many queues. No name and no URL
// of a queue contains it.
const QueuesPrefix = "~"

// FormatQueues returns the value of [EnvQueues] for queues in this order: entries of a
// name, "=" and a URL, joined by ",". Lambda allows 4 KB of variables. So if a queue's
// URL differs from the one before it only in the physical name, that name may replace the
// URL:
//
//	jobs=https://sqs.eu-north-1.amazonaws.com/123456789012/Shop-Jobs-1A2B,mails=Shop-Mails-3C4D
//
// If that is still too long, the entry of [QueuesPrefix] has the common prefix of many
// names, and the other entries have QueuesPrefix in its place:
//
//	~=Shop-BackendQueue,jobs=https://sqs.eu-north-1.amazonaws.com/123456789012/~jobs1A2B,mails=~mails3C4D
//
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
func FormatQueues(queues []QueueURL) string {
	entries := make([]string, len(queues))
	for i, q := range queues {
		entries[i] = q.Name + "=" + q.URL
	}
	return strings.Join(entries, ",")
}

// ParseQueues reads the value of [EnvQueues]. Each queue that it returns has its whole
// URL.
func ParseQueues(value string) ([]QueueURL, error) {
	if value == "" {
		return nil, nil
	}
	if rest, ok := strings.CutPrefix(value, QueuesPrefix+"="); ok {
		prefix, others, _ := strings.Cut(rest, ",")
		return ParseQueues(strings.ReplaceAll(others, QueuesPrefix, prefix))
	}
	entries := strings.Split(value, ",")
	queues := make([]QueueURL, len(entries))
	place := ""
	for i, entry := range entries {
		name, url, ok := strings.Cut(entry, "=")
		slash := strings.LastIndexByte(url, '/')
		if slash >= 0 {
			place = url[:slash+1]
		}
		if !ok || name == "" || url[slash+1:] == "" || place == "" {
			return nil, fmt.Errorf("%s must be {name}={queue URL}, joined by commas, got %q; give the first queue its whole URL", EnvQueues, entry)
		}
		queues[i] = QueueURL{Name: name, URL: place + url[slash+1:]}
	}
	return queues, nil
}

// AllQueues is the value of [EnvPartialResponses] for all queues in [EnvQueues].
const AllQueues = "*"

// TakesPartialResponses reports whether the queue with a name and a URL takes partial
// responses; value is that of [EnvPartialResponses].
func TakesPartialResponses(value, name, url string) bool {
	// People who write the variable by hand put spaces between the names.
	names := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	return slices.Contains(names, name) || url != "" && slices.Contains(names, AllQueues)
}

// FindQueue returns the URL of one queue in the value of [EnvQueues]; "" when it has
// none.
func FindQueue(value, name string) (url string, err error) {
	queues, err := ParseQueues(value)
	for _, q := range queues {
		if q.Name == name {
			return q.URL, err
		}
	}
	return "", err
}
