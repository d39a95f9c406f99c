// Package hearth holds AWS CDK v2 constructs, in Go, for a backend that is one
// Go program on AWS Lambda: kept warm by provisioned concurrency, bounded by
// reserved concurrency, and reached through API Gateway, SQS and EventBridge
// Scheduler.
//
// [Backend] reads the program's manifest and creates the APIs, queues and schedules for
// it:
//
//	hearth.NewBackend(stack, jsii.String("Backend"), &hearth.BackendProps{
//		Entry: jsii.String("./handler"),
//		Concurrency: &hearth.ConcurrencyProps{
//			Reserved:    jsii.Number(50),
//			Provisioned: hearth.Autoscaled(2, 20),
//		},
//	})
//
// A Backend and a [Handler] are grantees: table.GrantReadWriteData(backend). A Grant
// method of this package gives a permission. A Connect method also sets the variables
// with which package lambdaruntime finds the resource.
//
// Every part also works alone in an existing CDK app: [Handler] builds and deploys a Go
// program, or takes a prebuilt one; [HttpApi], [RestApi], [FunctionUrl], [WebSocketApi],
// [Queue] and [Schedule] take any Lambda function or alias; [DatabaseProxy] and
// [DirectDatabase] take any Aurora cluster or RDS instance; [ConnectionRegistry] records
// the connections of a WebSocket API; [Monitoring] watches functions, queues and proxies.
// [NewChecks] applies the rules to handwritten stacks, and package hearthtest has
// snapshot tests.
//
// # Reading order
//
// [Backend] and backend_plan.go show how the parts fit together. Each part has its own
// file: props, construct, methods, then the rules as plain values in *_rules.go or at the
// end of the file. The state that parts share is in app.go; the variables that they set
// on a program are in connect.go and environment.go. [Monitoring] is in monitoring.go
// and, for each part, in monitoring_parts.go; [NewChecks] in checks.go.
//
// # Errors
//
// A constructor panics with one error that lists every broken rule after the path of the
// construct, as the CDK's own constructors do. Values that only CloudFormation resolves
// (tokens) are not checked. A possible mistake, which may be intended, becomes a CDK
// warning instead.
//
// # Names that stay
//
// The ids of the children of each construct are part of its interface: they
// make the logical ids of the resources, and a changed logical id replaces the
// resource.
package hearth
