// Package lambdaruntime runs one Go program as a whole AWS Lambda backend. The
// program states what it serves in one [App]; the package loads its resources
// in the init phase and then routes every event, by its type, to plain Go
// handlers: HTTP requests to an [http.Handler], WebSocket events, SQS messages,
// schedules, and typed handlers for anything else.
//
//	func main() {
//		lambdaruntime.Start(&lambdaruntime.App{HTTP: routes()})
//	}
//
// A program that serves more lists it in the same place:
//
//	var (
//		db       = lambdaruntime.NewResource("db", connect)
//		captures = lambdaruntime.Queue[Capture]{Name: "captures"}
//		ledger   = lambdaruntime.Queue[Entry]{Name: "ledger", FIFO: true}
//	)
//
//	func main() {
//		lambdaruntime.Start(&lambdaruntime.App{
//			HTTP:      routes(),
//			WebSocket: chat{},
//			Queues:    []lambdaruntime.Consumer{captures.Consume(capture), ledger.Consume(post)},
//			Schedules: []lambdaruntime.Schedule{{Name: "nightly", Expression: "cron(0 3 * * ? *)", Run: cleanup}},
//			Warm:      []lambdaruntime.Warmer{db},
//		})
//	}
//
// # What holds for every handler
//
//   - Its context ends with the request, batch or run, and earlier when that
//     takes too long; [context.Cause] is then an [ErrTimeout]. The runtime abandons
//     code that ignores the context: the code may go on running, but its writes are
//     refused and never reach another request. If it blocks later events, the process
//     ends after the answer, and Lambda starts a fresh one; see [Start].
//   - A panic is logged with its stack and fails that request, job or run alone.
//   - Log records written through [log/slog] with the handler's context carry
//     the request id, the event's kind and, for jobs, the queue and message id.
//
// # The manifest
//
// Started with HEARTH_MANIFEST=<file>, the program writes a JSON manifest of the App to
// that file and exits before any warm-up. The CDK constructs of package hearth read it at
// synth, so the deployed APIs, queues and schedules match the program.
package lambdaruntime
