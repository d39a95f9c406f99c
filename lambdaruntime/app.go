package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
)

// defaultRequestTimeout bounds HTTP requests and WebSocket events.
const defaultRequestTimeout = 10 * time.Second

// App states what a program serves. A nil or empty field is not served: its events go to
// Fallback, or fail with an error that names the field. Start and NewHandler only read an
// App.
type App struct {
	// HTTP serves the requests of API Gateway HTTP APIs (payload format 2.0 and 1.0),
	// REST APIs, function URLs and Application Load Balancers. A request has the client's
	// path, query, repeated headers, cookies and body, as the event carries them: an HTTP
	// API decodes the path, so %2F is a slash there; the others keep escapes.
	// [EventFromContext] returns the request's event, [CallerFromContext] its caller.
	// Lambda gets each response whole, except from a function URL or REST API that
	// streams: there the client gets what the handler writes and flushes.
	HTTP http.Handler

	// WebSocket serves the connections of an API Gateway WebSocket API.
	WebSocket WebSocketHandler

	// RequestTimeout is the longest an HTTP request or WebSocket event may take. After
	// it, the runtime cancels the request's context and answers 504, or cuts off a
	// streamed response that has begun. It always ends before the invocation's own
	// deadline. 0 means 10 seconds; API Gateway itself gives up after 30 seconds (HTTP
	// API) or 29 (REST and WebSocket APIs, by default).
	RequestTimeout time.Duration

	// Queues are the SQS queues that the program consumes; see [Queue.Consume].
	Queues []Consumer

	// Schedules are the functions that the program runs at set times.
	Schedules []Schedule

	// Events are handlers for further kinds of events, such as [KindSNS]. A
	// typed function becomes one with aws-lambda-go's own adapter:
	//
	//	Events: map[lambdaruntime.Kind]lambda.Handler{
	//		lambdaruntime.KindSNS: lambda.NewHandler(func(ctx context.Context, e events.SNSEvent) error { … }),
	//	}
	//
	// A kind that another field of the App serves must not be listed here.
	Events map[Kind]lambda.Handler

	// Fallback handles every event that no other field serves.
	Fallback lambda.Handler

	// Middleware wraps jobs, schedule runs, WebSocket events and further events; the
	// first is the outermost.
	Middleware []Middleware

	// Visibility lets jobs choose when they are retried, with [RetryAfter]; set it to
	// producer.Visibility. It needs the permission sqs:ChangeMessageVisibility, which
	// every consumer has. Nil means after the queue's visibility timeout.
	Visibility VisibilityChanger

	// Shutdown is called when Lambda ends the instance, to flush or close things. Its
	// context ends after 300 ms, before Lambda kills the process. Nil means that Lambda
	// ends the process without notice, its default, which costs nothing. With Shutdown,
	// Start registers an internal extension: the init phase makes one more request, and
	// each instance may take 300 ms longer to end. It is not called when Lambda kills the
	// process at its timeout, nor when it crashes or ends because of abandoned code, which
	// must not run on meanwhile.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (2026-11)
	Shutdown func(ctx context.Context)

	// Warm are the resources that Start loads, all at once, before the first
	// event; see [NewResource].
	Warm []Warmer

	// WarmTimeout is the longest that loading Warm may take. 0 means, on demand, until 9
	// seconds after the process has started: Lambda ends an init phase after 10. With
	// provisioned concurrency and on Lambda Managed Instances 0 means 120 seconds: Lambda
	// allows at least 130 there.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (2026-11)
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html (2026-11)
	WarmTimeout time.Duration

	// Tracer gets a span of each request, job, run and other event; nil for none.
	Tracer Tracer

	// Logger gets the runtime's own records: panics, timeouts, failed jobs, warm-up. Nil
	// means JSON lines on standard output at the level that AWS_LAMBDA_LOG_LEVEL names;
	// Start then also makes it [slog.Default].
	Logger *slog.Logger
}

// Name lengths: SQS's 80, less 5 for ".fifo", and EventBridge Scheduler's.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html (2026-11)
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html (2026-11)
const (
	maxQueueName    = 75
	maxScheduleName = 64
)

// isName reports whether s has 1 to longest letters, digits and bytes of more.
func isName(s string, longest int, more string) bool {
	if s == "" || len(s) > longest {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return true
}

// validate reports every mistake in the App at once.
func (a *App) validate() error {
	var errs []error
	add := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("lambdaruntime: "+format, args...))
	}
	if a.RequestTimeout < 0 {
		add("App.RequestTimeout must be 0 or more, got %s", a.RequestTimeout)
	}
	if a.WarmTimeout < 0 {
		add("App.WarmTimeout must be 0 or more, got %s", a.WarmTimeout)
	}
	queues := map[string]int{}
	for i, c := range a.Queues {
		if c.job == nil {
			add("App.Queues[%d] is empty; make it with Queue.Consume and a function", i)
			continue
		}
		if !isName(c.name, maxQueueName, "-_") {
			add("App.Queues[%d]: Queue.Name must be 1 to 75 letters, digits, - or _, without .fifo, got %q", i, c.name)
		}
		if c.timeout < 0 {
			add("App.Queues[%d] (%s): Queue.Timeout must be 0 or more, got %s", i, c.name, c.timeout)
		}
		if c.concurrency < 0 || (c.fifo && c.concurrency > 1) {
			add("App.Queues[%d] (%s): Queue.Concurrency must be 0 or more, and at most 1 on a FIFO queue, got %d", i, c.name, c.concurrency)
		}
		for _, e := range c.envelopes {
			if e != EnvelopeSNS && e != EnvelopeEventBridge && e != EnvelopeS3 {
				add("App.Queues[%d] (%s): Queue.Envelopes must hold EnvelopeSNS, EnvelopeEventBridge or EnvelopeS3, got %q", i, c.name, e)
			}
		}
		if j, ok := queues[c.name]; ok {
			add("App.Queues[%d] and App.Queues[%d] have one name, %q; give each its own", j, i, c.name)
			continue
		}
		queues[c.name] = i
	}
	schedules := map[string]int{}
	for i, s := range a.Schedules {
		if !isName(s.Name, maxScheduleName, "-_.") {
			add("App.Schedules[%d]: Schedule.Name must be 1 to 64 letters, digits, -, _ or ., got %q", i, s.Name)
		}
		if !isScheduleExpression(s.Expression) {
			add("App.Schedules[%d] (%s): Schedule.Expression must be cron(…), rate(…) or at(…), got %q", i, s.Name, s.Expression)
		}
		if s.Run == nil {
			add("App.Schedules[%d] (%s): Schedule.Run is nil; give it a function", i, s.Name)
		}
		if s.Timeout < 0 {
			add("App.Schedules[%d] (%s): Schedule.Timeout must be 0 or more, got %s", i, s.Name, s.Timeout)
		}
		if j, ok := schedules[s.Name]; ok {
			add("App.Schedules[%d] and App.Schedules[%d] are both named %q; a schedule's name tells its runs apart", j, i, s.Name)
			continue
		}
		schedules[s.Name] = i
	}
	for kind, h := range a.Events {
		served := map[Kind]bool{
			KindHTTPv2: a.HTTP != nil, KindHTTPv1: a.HTTP != nil, KindALB: a.HTTP != nil, KindWebSocket: a.WebSocket != nil,
			KindSQS: len(a.Queues) > 0, KindSchedule: len(a.Schedules) > 0,
		}
		switch {
		case h == nil:
			add("App.Events[%s] is nil; give it a handler or leave it out", kind)
		case kind == KindUnknown:
			add("App.Events[unknown] cannot be told from other events; use App.Fallback")
		case served[kind]:
			add("App.Events[%s] is served by another part of the App too; keep one of the two", kind)
		}
	}
	for i, m := range a.Middleware {
		if m == nil {
			add("App.Middleware[%d] is nil; leave it out", i)
		}
	}
	warm := map[string]bool{}
	for i, w := range a.Warm {
		switch {
		case w == nil:
			add("App.Warm[%d] is nil; leave it out", i)
		case w.Name() == "":
			add("App.Warm[%d] has no name; name it, so that errors can", i)
		case warm[w.Name()]:
			add("App.Warm[%d] is named %q like one before it; resource names must differ", i, w.Name())
		default:
			warm[w.Name()] = true
		}
	}
	return errors.Join(errs...)
}

// isScheduleExpression checks the form only. EventBridge Scheduler checks the text in the
// parentheses when the schedule is deployed.
func isScheduleExpression(s string) bool {
	for _, form := range []string{"cron(", "rate(", "at("} {
		if strings.HasPrefix(s, form) && strings.HasSuffix(s, ")") && len(s) > len(form)+1 {
			return true
		}
	}
	return false
}

func (a *App) requestTimeout() time.Duration {
	if a.RequestTimeout == 0 {
		return defaultRequestTimeout
	}
	return a.RequestTimeout
}

// manifest states what the App serves, for the constructs.
func (a *App) manifest() *wire.Manifest {
	m := &wire.Manifest{
		Version:   wire.ManifestVersion,
		HTTP:      a.HTTP != nil,
		WebSocket: a.WebSocket != nil,
		Queues:    []wire.ManifestQueue{},
		Schedules: []wire.ManifestSchedule{},
		Warm:      []wire.ManifestResource{},
	}
	if m.HTTP || m.WebSocket {
		m.RequestTimeout = a.requestTimeout().Seconds()
	}
	for _, c := range a.Queues {
		m.Queues = append(m.Queues, wire.ManifestQueue{
			Name: c.name, FIFO: c.fifo, Timeout: c.timeout.Seconds(), Concurrency: c.slots(),
		})
	}
	for _, s := range a.Schedules {
		m.Schedules = append(m.Schedules, wire.ManifestSchedule{
			Name: s.Name, Expression: s.Expression, TimeZone: s.TimeZone, Timeout: s.Timeout.Seconds(),
		})
	}
	for _, w := range a.Warm {
		m.Warm = append(m.Warm, wire.ManifestResource{Name: w.Name(), Required: w.Required()})
	}
	for kind := range Kind(event.NumKinds) {
		if a.Events[kind] != nil {
			m.Events = append(m.Events, kind.String())
		}
	}
	return m
}
