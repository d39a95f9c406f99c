package lambda

import (
	"errors"
	"strings"
	"time"
)

// report logs the lines that Lambda itself writes about an invocation into the function's
// log. The program logs its own errors.
func (f *Function) report(requestID string, err error) {
	var failure *FunctionError
	if !errors.As(err, &failure) || !platformErrors[failure.Type] {
		return
	}
	message := failure.Message
	if _, rest, ok := strings.Cut(message, " Error: "); ok && strings.HasPrefix(message, "RequestId: ") {
		message = rest
	}
	f.host.logf("%s: RequestId: %s Error: %s", f.Config().Name, requestID, message)
}

// platformErrors are the types of the errors that Lambda itself reports.
var platformErrors = map[string]bool{
	typeTimeout: true, "Runtime.ExitError": true, "Runtime.TruncatedResponse": true, "Function.ResponseSizeTooLarge": true,
}

// throttleWindow is the shortest time between two log lines about throttles.
const throttleWindow = time.Second

// throttled counts a refused invocation. It logs the first one at once, and only the
// number of those that follow within throttleWindow. f.mu is held.
func (f *Function) throttled(reason string) error {
	f.counters.Throttles++
	if f.silent != nil {
		*f.silent++
		return &ThrottleError{Reason: reason}
	}
	f.silent = new(int)
	time.AfterFunc(throttleWindow, func() { f.endThrottles(reason) })
	return &ThrottleError{reason, true}
}

func (f *Function) endThrottles(reason string) {
	f.mu.Lock()
	name, n := f.config.Name, *f.silent
	if f.silent = nil; n > 0 && !f.stopped {
		f.silent = new(int)
		defer time.AfterFunc(throttleWindow, func() { f.endThrottles(reason) })
	} else {
		n = 0
	}
	f.mu.Unlock()
	if n > 0 {
		f.host.logf("%s: throttled: %d more within %v: Rate Exceeded. %s", name, n, throttleWindow, reason)
	}
}
