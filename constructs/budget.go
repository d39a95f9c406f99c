package hearth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// Each event poller of a queue in provisioned mode runs up to 10 invocations at once.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html (2026-11)
const invocationsPerPoller = 10

// demand lists the sources that may keep the instances of one function busy at the same
// time, in plain values.
type demand struct {
	sources []source
	// requests says that an API or a function URL waits for the function's answers. One
	// instance at least must be left for it.
	requests bool
}

// source is an event source of a function.
type source struct {
	// name is the user's name for it; if it is "", messages use path.
	name string
	path func() string
	// max is the highest number of instances that it can keep busy: unset without a bound.
	max number
	// pollers says that the bound comes from provisioned pollers.
	pollers bool
}

func (s source) title() string {
	if s.name == "" && s.path != nil {
		return s.path()
	}
	return s.name
}

// shortfall describes what is wrong with a number of reserved instances, or returns "".
// An unset or unknown number bounds nothing, and 0 pauses the function on purpose.
func (d demand) shortfall(reserved number) string {
	if !reserved.known || reserved.value == 0 {
		return ""
	}
	sum := 0.0
	var bounded []source
	for _, s := range d.sources {
		if s.max.known {
			sum += s.max.value
			bounded = append(bounded, s)
		}
	}
	what := ""
	if d.requests {
		sum++
		what = " and 1 for requests"
	}
	if len(bounded) == 0 || sum <= reserved.value {
		return ""
	}
	parts := make([]string, len(bounded))
	for i, s := range bounded {
		if s.pollers {
			parts[i] = fmt.Sprintf("%s (%s: %s pollers × %d)", s.max, s.title(), format(s.max.value/invocationsPerPoller), invocationsPerPoller)
		} else {
			parts[i] = fmt.Sprintf("%s (%s)", s.max, s.title())
		}
	}
	return fmt.Sprintf("must be at least %s instances, the sum of the queues' MaxConcurrency: %s%s, got %s; raise it or lower a MaxConcurrency",
		format(sum), strings.Join(parts, " + "), what, reserved)
}

// unbounded names the event sources that can keep every instance busy.
func (d demand) unbounded() []string {
	var names []string
	for _, s := range d.sources {
		if !s.max.set {
			names = append(names, s.title())
		}
	}
	return names
}

// backlog returns the warning about event sources without a bound, or "".
func (d demand) backlog(reserved number, todo string) string {
	if !reserved.known || reserved.value == 0 {
		return ""
	}
	names := d.unbounded()
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("a backlog in %s can keep all %s reserved instances busy; %s", list(names), reserved, todo)
}

// budget collects the demand on one function, and its URLs, while constructs are wired to
// it. It checks the demand at synth, when all wiring is done.
type budget struct {
	app      *app
	demand   demand
	function awslambda.Function
	// quiet is set when the warning about unbounded queues has been given.
	quiet bool
	urls  []urlOf
}

// addSource adds an event source. A nil budget (an imported function, whose settings are
// unknown) ignores it.
func (b *budget) addSource(s source) {
	if b != nil {
		b.demand.sources = append(b.demand.sources, s)
	}
}

// addRequests records that an API waits for the function.
func (b *budget) addRequests() {
	if b != nil {
		b.demand.requests = true
	}
}

// Validate implements constructs.IValidation.
func (b *budget) Validate() *[]*string { return jsii.Strings(b.check()...) }

func (b *budget) check() []string {
	reserved := b.app.reservedOf(b.function)
	h := b.app.ownerOf(b.function)
	if h != nil {
		if p := h.props.Concurrency; p.reserved() != reserved { // it has changed since
			r := &rules{where: "ConcurrencyProps"}
			p.checkWith(r, reserved)
			if len(r.broken) > 0 {
				return messages(r.broken)
			}
		}
	}
	bounded := reserved.known && reserved.value != 0
	if h == nil && !bounded {
		return nil
	}
	stack := b.app.stackOf(b.function)
	foreign := b.app.foreign(stack)
	if h != nil && foreign {
		h.warnOfWholeBatches(stack)
	}
	if !bounded {
		return nil
	}
	d := b.demand
	var broken []string
	if foreign {
		everything := newInventory(stack)
		ids := everything.functionIDs(b.function.Node().DefaultChild().(awscdk.CfnResource))
		d.sources = append(slices.Clone(d.sources), everything.sourcesOf(ids, false)...)
		if message := everything.warmExcess(ids[0], reserved); message != "" {
			broken = append(broken, fmt.Sprintf("%s: %s", pathOf(b.function), message))
		}
	}
	if message := d.shortfall(reserved); message != "" {
		broken = append(broken, fmt.Sprintf("the reserved concurrency of %s %s", pathOf(b.function), message))
	}
	if broken != nil {
		return broken
	}
	if message := d.backlog(reserved, "set MaxConcurrency of the queue"); message != "" && !b.quiet {
		warn(b.function, "unboundedQueue", message)
		b.quiet = true // a second synth would repeat the warning
	}
	return nil
}

func messages(errs []error) []string {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	return texts
}

// sourceIn reads the resolved properties of an event source mapping.
func sourceIn(mapping awscdk.CfnResource, properties map[string]any) source {
	s := source{path: func() string { return *mapping.Node().Path() }}
	if scaling, ok := properties["ScalingConfig"].(map[string]any); ok {
		s.max = numberIn(scaling, "MaximumConcurrency")
	}
	if pollers, ok := properties["ProvisionedPollerConfig"].(map[string]any); ok {
		s.max, s.pollers = pollersBound(numberIn(pollers, "MaximumPollers")), true
	}
	return s
}

// pollersBound returns how many instances a number of event pollers keep busy.
func pollersBound(maxPollers number) number {
	maxPollers = maxPollers.or(defaultMaxPollers)
	maxPollers.value *= invocationsPerPoller
	return maxPollers
}
