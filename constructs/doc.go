// Package hearth holds AWS CDK v2 constructs, in Go, for a backend that is one
// Go program on AWS Lambda: kept warm by provisioned concurrency, bounded by
// reserved concurrency, and reached through API Gateway, SQS and EventBridge
// Scheduler.
//
// [Backend] reads what the program serves from the program itself and creates
// the APIs, queues and schedules for it:
//
//	hearth.NewBackend(stack, jsii.String("Backend"), &hearth.BackendProps{
//		Entry: jsii.String("./handler"),
//		Concurrency: &hearth.ConcurrencyProps{
//			Reserved:    jsii.Number(50),
//			Provisioned: hearth.Autoscaled(2, 20),
//		},
//	})
//
// Every part also works alone in an existing CDK app: [Handler] builds and
// deploys a Go program; [HttpApi], [RestApi], [FunctionUrl], [WebSocketApi],
// [Queue] and [Schedule] take any Lambda function or alias; [DatabaseProxy] and
// [DirectDatabase] take any Aurora cluster or RDS instance; [ConnectionRegistry]
// remembers who is connected to a WebSocket API; [Monitoring] watches functions,
// queues and proxies. [NewChecks] brings the rules to stacks that are written by hand,
// and package hearthtest has snapshot tests.
//
// # Errors
//
// A constructor panics with one error that lists every broken rule, after the
// path of the construct, as the CDK constructors around it do. Values that only
// CloudFormation resolves (tokens) are not checked. What may be wrong, and may
// be meant, becomes a CDK warning instead.
//
// # Names that stay
//
// The ids of the children of each construct are part of its interface: they
// make the logical ids of the resources, and a changed logical id replaces the
// resource.
package hearth
