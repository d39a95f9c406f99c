package local

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/lambdahearth/hearth/local/internal/gateway"

	"github.com/lambdahearth/hearth/local/internal/plan"

	"github.com/lambdahearth/hearth/local/internal/history"
	"github.com/lambdahearth/hearth/local/internal/httpapi"
	"github.com/lambdahearth/hearth/local/internal/lambda"
	"github.com/lambdahearth/hearth/local/internal/sqs"
)

// function returns the function with a name, or nil.
func (e *Engine) function(name string) *lambda.Function {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.functions[name]
}

// resolve returns the function of an ARN, or of a name with a qualifier.
func (e *Engine) resolve(ref string) (fn *lambda.Function, qualifier string, err error) {
	if i := strings.Index(ref, ":function:"); i >= 0 {
		ref = ref[i+len(":function:"):]
	}
	name, qualifier, _ := strings.Cut(ref, ":")
	if fn = e.function(name); fn == nil {
		return nil, "", fmt.Errorf("function %s is not simulated", name)
	}
	return fn, qualifier, nil
}

// invoker invokes functions for APIs.
type invoker struct {
	e      *Engine
	source string // one of the history's sources
}

// Invoke implements httpapi.Invoker and websocket.Invoker.
func (i invoker) Invoke(ctx context.Context, in gateway.Invocation) ([]byte, error) {
	fn, qualifier, err := i.e.resolve(in.Function)
	if err != nil {
		i.e.opts.logf("%v", err)
		return nil, err
	}
	return fn.Invoke(ctx, qualifier, lambda.Invocation{Payload: in.Event, Trace: in.Trace, RequestID: in.RequestID, Source: i.source})
}

// InvokeStream implements httpapi.Invoker.
func (i invoker) InvokeStream(ctx context.Context, in gateway.Invocation) (*httpapi.Stream, error) {
	fn, qualifier, err := i.e.resolve(in.Function)
	if err != nil {
		i.e.opts.logf("%v", err)
		return nil, err
	}
	s, err := fn.InvokeStream(ctx, qualifier, lambda.Invocation{Payload: in.Event, Trace: in.Trace, RequestID: in.RequestID, Source: i.source})
	if err != nil {
		return nil, err
	}
	return &httpapi.Stream{ContentType: s.ContentType, ReadCloser: s}, nil
}

// mappedFunction invokes the function of an event source mapping.
type mappedFunction struct {
	e   *Engine
	ref string
}

// Invoke implements sqs.Invoker.
func (m mappedFunction) Invoke(ctx context.Context, requestID string, payload []byte) ([]byte, error) {
	fn, qualifier, err := m.e.resolve(m.ref)
	if err != nil {
		m.e.opts.logf("%v", err)
		return nil, err
	}
	return fn.Invoke(ctx, qualifier, lambda.Invocation{Payload: payload, RequestID: requestID, Source: history.SourceQueue, Queued: m.e.wallTime(sentAt(payload))})
}

// logf logs a line about the function.
func (m mappedFunction) logf(format string, args ...any) {
	name := m.ref
	if fn, _, err := m.e.resolve(m.ref); err == nil {
		name = fn.Config().Name
	}
	m.e.opts.logf("%s: %s", name, fmt.Sprintf(format, args...))
}

// target invokes functions asynchronously for schedules, and sends to queues.
type target struct {
	e      *Engine
	source string // one of the history's sources
}

// Deliver implements scheduler.Target.
func (t target) Deliver(ctx context.Context, arn, group string, input []byte) error {
	if strings.HasPrefix(arn, "arn:aws:sqs:") {
		return t.e.sendTo(arn, sqs.SendInput{Body: string(input), GroupID: group})
	}
	fn, qualifier, err := t.e.resolve(arn)
	if err != nil {
		return err
	}
	return fn.InvokeAsync(qualifier, lambda.Invocation{Payload: input, Source: t.source})
}

// sendTo sends a message to the queue with an ARN.
func (e *Engine) sendTo(arn string, in sqs.SendInput) error {
	queue := e.queues.Queue(plan.LastPart(arn, ":"))
	if queue == nil {
		return fmt.Errorf("queue %s is not simulated", arn)
	}
	if queue.FIFO() {
		if in.GroupID == "" {
			in.GroupID = "default"
		}
		in.DeduplicationID = lambda.NewRequestID()
	}
	_, err := queue.Send(in)
	return err
}

// addDestinations connects a function's asynchronous invocations to their destinations.
func (e *Engine) addDestinations(config *lambda.Config, f *plan.Function) {
	send := func(arn string) func(context.Context, []byte) {
		if arn == "" {
			return nil
		}
		return func(ctx context.Context, record []byte) {
			if err := (target{e, history.SourceAsync}).Deliver(ctx, arn, "", record); err != nil {
				e.opts.logf("%s: destination: %v", config.Name, err)
			}
		}
	}
	config.Async.OnFailure, config.Async.OnSuccess = send(f.OnFailure), send(f.OnSuccess)
	if arn := f.DeadLetter; arn != "" {
		config.Async.DeadLetter = func(_ context.Context, event []byte, requestID string, failure *lambda.FunctionError) {
			if err := e.sendTo(arn, sqs.SendInput{Body: string(event), Attributes: deadLetterAttributes(requestID, failure)}); err != nil {
				e.opts.logf("%s: dead-letter queue: %v", config.Name, err)
			}
		}
	}
}

// maxErrorMessage is how many bytes of an error's message a dead-letter queue gets.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (2026-11)
const maxErrorMessage = 1024

// deadLetterAttributes returns the attributes that Lambda gives an event in a dead-letter
// queue. AWS does not document those of an event that no instance has handled; here, it has
// only the id.
func deadLetterAttributes(requestID string, failure *lambda.FunctionError) map[string]sqs.Attribute {
	attributes := map[string]sqs.Attribute{"RequestID": {DataType: "String", StringValue: &requestID}}
	if failure == nil {
		return attributes
	}
	code, message := "200", failure.Message
	for len(message) > maxErrorMessage {
		_, size := utf8.DecodeLastRuneInString(message)
		message = message[:len(message)-size]
	}
	attributes["ErrorCode"] = sqs.Attribute{DataType: "Number", StringValue: &code}
	if message != "" { // SQS takes no empty values
		attributes["ErrorMessage"] = sqs.Attribute{DataType: "String", StringValue: &message}
	}
	return attributes
}

// Invoke sends an event to a function synchronously and returns its response. It invokes
// the function's alias if it has exactly one, else $LATEST. The name is the function's,
// its logical id, or a part of these that no other function has; "" means the only
// function. Errors are a [*FunctionError] or a [*ThrottleError].
func (e *Engine) Invoke(ctx context.Context, name string, event []byte) ([]byte, error) {
	if !json.Valid(event) {
		return nil, fmt.Errorf("invoke: the event must be JSON")
	}
	f, err := e.findFunction(name)
	if err != nil {
		return nil, err
	}
	fn := e.function(f.Config.Name)
	if fn == nil {
		return nil, errStopped
	}
	return fn.Invoke(ctx, onlyAlias(f.Config.Aliases), lambda.Invocation{Payload: event, Source: history.SourceInvoke})
}

// onlyAlias returns a function's alias if it has exactly one, else "".
func onlyAlias(aliases map[string]string) string {
	if len(aliases) == 1 {
		for alias := range aliases {
			return alias
		}
	}
	return ""
}

// Trigger runs a schedule now. The name is its name in the program, its own name, or a
// part of these that no other schedule has.
func (e *Engine) Trigger(name string) error {
	e.mu.Lock()
	current := e.plan
	e.mu.Unlock()
	s, err := find("schedule", name, current.Schedules, func(s plan.Schedule) []string {
		return []string{s.Schedule.Name, plan.LastPart(s.Schedule.ARN, "/"), s.Resource.ID, s.Resource.String()}
	})
	if err != nil {
		return err
	}
	return e.scheduler.Trigger(s.Schedule.ARN)
}

// Send sends a message to a queue. The name is the queue's logical name in the program,
// its own name, or a part of these that no other queue has. For a FIFO queue, group is
// the message group id; "" means "default".
func (e *Engine) Send(name, body, group string) error {
	q, err := e.findQueue(name)
	if err != nil {
		return err
	}
	return e.sendTo(e.queues.ARN(q.Definition.Name), sqs.SendInput{Body: body, GroupID: group})
}

func (e *Engine) findQueue(name string) (*plan.Queue, error) {
	e.mu.Lock()
	current := e.plan
	e.mu.Unlock()
	return find("queue", name, current.Queues, func(q *plan.Queue) []string {
		return []string{q.Alias, q.Definition.Name, q.Resource.ID, q.Resource.String()}
	})
}

func (e *Engine) findFunction(name string) (*plan.Function, error) {
	e.mu.Lock()
	current := e.plan
	e.mu.Unlock()
	return find("function", name, current.Functions, func(f *plan.Function) []string {
		return []string{f.Config.Name, f.Resource.ID, f.Resource.String()}
	})
}

// find returns the item with a name: the exact name, or else a part of a name that no
// other item has. The last of an item's names has its stack, and no other item has it.
func find[T any](what, name string, items []T, names func(T) []string) (T, error) {
	var zero T
	var all []string
	var exact, parts []T
	for _, item := range items {
		label := ""
		whole, part := false, false
		for _, n := range names(item) {
			if n == "" {
				continue
			}
			whole = whole || n == name
			if label == "" {
				label = n
			}
			part = part || strings.Contains(strings.ToLower(n), strings.ToLower(name))
		}
		all = append(all, label)
		if whole {
			exact = append(exact, item)
		}
		if part {
			parts = append(parts, item)
		}
	}
	switch {
	case len(exact) == 1:
		return exact[0], nil
	case len(exact) > 1:
		var full []string
		for _, item := range exact {
			list := names(item)
			full = append(full, list[len(list)-1])
		}
		return zero, fmt.Errorf("more than one %s is named %q: %s", what, name, strings.Join(full, ", "))
	case len(parts) == 1:
		return parts[0], nil
	case len(items) == 0:
		return zero, fmt.Errorf("the app has no %s", what)
	case len(parts) > 1:
		return zero, fmt.Errorf("more than one %s matches %q; the app has %s", what, name, strings.Join(all, ", "))
	}
	return zero, fmt.Errorf("there is no %s %q; the app has %s", what, name, strings.Join(all, ", "))
}
