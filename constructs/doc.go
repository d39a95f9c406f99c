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
// A Backend and a [Handler] are grantees: table.GrantReadWriteData(backend). What a Grant
// method of this package gives is a permission; a Connect method also sets the variables
// by which package lambdaruntime finds the other side.
//
// Every part also works alone in an existing CDK app: [Handler] builds and
// deploys a Go program, or takes one that is built; [HttpApi], [RestApi], [FunctionUrl], [WebSocketApi],
// [Queue] and [Schedule] take any Lambda function or alias; [DatabaseProxy] and
// [DirectDatabase] take any Aurora cluster or RDS instance; [ConnectionRegistry]
// remembers who is connected to a WebSocket API; [Monitoring] watches functions,
// queues and proxies. [NewChecks] brings the rules to stacks that are written by hand,
// and package hearthtest has snapshot tests.
//
// # Reading order
//
// [Backend] and backend_plan.go say how the parts fit together. Each part is a file of
// its own: props, construct, methods, then the rules as plain values in *_rules.go or at
// its end. What parts know of each other is in app.go, and what they tell a program in
// connect.go and environment.go. [Monitoring] is in monitoring.go and, for each part, in
// monitoring_parts.go; [NewChecks] in checks.go.
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
