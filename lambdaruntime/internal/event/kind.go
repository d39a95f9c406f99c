package event

// Kind is the type of a Lambda event; [Detect] reads it from the payload.
type Kind uint8

// The kinds of events; package lambdaruntime describes them.
const (
	KindUnknown Kind = iota
	KindHTTPv2
	KindHTTPv1
	KindALB
	KindWebSocket
	KindSQS
	KindSchedule
	KindEventBridge
	KindSNS
	KindS3
	KindDynamoDB
	KindKinesis
	KindAuthorizer

	// NumKinds is the number of kinds.
	NumKinds = iota
)

var kindNames = [...]string{
	KindUnknown:     "unknown",
	KindHTTPv2:      "http-v2",
	KindHTTPv1:      "http-v1",
	KindALB:         "alb",
	KindWebSocket:   "websocket",
	KindSQS:         "sqs",
	KindSchedule:    "schedule",
	KindEventBridge: "eventbridge",
	KindSNS:         "sns",
	KindS3:          "s3",
	KindDynamoDB:    "dynamodb",
	KindKinesis:     "kinesis",
	KindAuthorizer:  "authorizer",
}

// String returns the kind's name: http-v2, http-v1, alb, websocket, sqs,
// schedule, eventbridge, sns, s3, dynamodb, kinesis, authorizer or unknown.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindUnknown]
}
