package hearth

import (
	"fmt"
	"strings"

	"github.com/lambdahearth/hearth/internal/wire"
)

// backendPlan is what a [Backend] will create: for each part its own copy of the
// props, complete but for the alias that it invokes.
type backendPlan struct {
	manifest  *Manifest
	handler   *HandlerProps
	database  *DatabaseProxyProps
	http      *HttpApiProps
	webSocket *WebSocketApiProps
	queues    map[string]*QueueProps
	schedules map[string]*ScheduleProps
	// The names are in the order of the manifest.
	queueNames, scheduleNames []string
	warnings                  []warning
}

// becauseOurs ends a message about a prop of a part that the backend sets.
const becauseOurs = "in a backend, which sets it; remove it"

type warning struct{ id, message string }

// newBackendPlan reads the props and the program, and checks each part, the
// parts against the program, and the parts against each other, so that all broken
// rules are reported at once and before anything is created.
func newBackendPlan(props *BackendProps) (*backendPlan, []error) {
	plan := &backendPlan{queues: map[string]*QueueProps{}, schedules: map[string]*ScheduleProps{}}
	r := &rules{where: "BackendProps"}
	plan.planHandler(r, props)
	plan.database = props.Database
	if plan.database != nil {
		r.in("Database", plan.database.withDefaults().values().check)
	}

	m, _ := plan.handler.load(r)
	if props.Manifest != nil && !*props.Manifest {
		m = declaredManifest(props)
	}
	if m == nil {
		return nil, r.broken
	}
	plan.manifest = m
	plan.planApis(r, props, m)
	function := secondsOf(plan.handler.Timeout)
	plan.planQueues(r, props, m, function)
	plan.planSchedules(r, props, m)
	plan.checkEnvironment(r, props, m)
	r.in("Handler", func(r *rules) { checkTimeouts(r, m, function) })
	plan.checkBudget(r, props, m)
	return plan, r.broken
}

// planHandler completes the props of the function.
func (b *backendPlan) planHandler(r *rules, props *BackendProps) {
	h := HandlerProps{}
	if props.Handler != nil {
		h = *props.Handler
	}
	r.mustBeUnset("in a backend; set the prop of this name in BackendProps",
		given{"Handler.Concurrency", h.Concurrency != nil},
		given{"Handler.Entry", h.Entry != nil},
		given{"Handler.Environment", h.Environment != nil},
		given{"Handler.Manifest", h.Manifest != nil},
	)
	h.Concurrency, h.Entry, h.Environment, h.Manifest = props.Concurrency, props.Entry, props.Environment, props.Manifest
	if h.Vpc == nil && props.Database != nil {
		h.Vpc = props.Database.Vpc
	}
	b.handler = h.withDefaults()
	v := b.handler.values()
	r.in("Handler", v.check)
	r.in("Concurrency", v.concurrency.check)
	checkVariableNames(r, v.environment)
}

// declaredManifest is what a program that is not asked serves, as the props say.
func declaredManifest(props *BackendProps) *Manifest {
	m := &Manifest{Version: wire.ManifestVersion, HTTP: props.Http != nil, WebSocket: props.WebSocket != nil}
	for _, name := range sortedKeys(props.Queues) {
		q := wire.ManifestQueue{Name: name}
		if p := props.Queues[name]; p != nil {
			q.FIFO = p.values().fifo
		}
		m.Queues = append(m.Queues, q)
	}
	for _, name := range sortedKeys(props.Schedules) {
		s := wire.ManifestSchedule{Name: name}
		if p := props.Schedules[name]; p != nil && p.Expression != nil {
			s.Expression = *p.Expression
		}
		m.Schedules = append(m.Schedules, s)
	}
	return m
}

func (b *backendPlan) planApis(r *rules, props *BackendProps, m *Manifest) {
	if m.HTTP {
		b.http = &HttpApiProps{}
		if props.Http != nil {
			*b.http = *props.Http
		}
		r.mustBeUnset(becauseOurs, given{"Http.Handler", b.http.Handler != nil})
		r.in("Http", b.http.values().check)
		checkRequestTimeout(r, "Entry", "an HTTP", maxHttpIntegrationSecs, m)
	} else if props.Http != nil {
		r.breaks("Http", "must be unset when the program serves no HTTP; remove it, or set App.HTTP in %s", b.entry())
	}
	if m.WebSocket {
		b.webSocket = &WebSocketApiProps{}
		if props.WebSocket != nil {
			*b.webSocket = *props.WebSocket
		}
		r.mustBeUnset(becauseOurs, given{"WebSocket.Handler", b.webSocket.Handler != nil})
		r.in("WebSocket", b.webSocket.values().check)
		checkRequestTimeout(r, "Entry", "a WebSocket", maxWebSocketIntegrationSecs, m)
	} else if props.WebSocket != nil {
		r.breaks("WebSocket", "must be unset when the program serves no WebSocket API; remove it, or set App.WebSocket in %s", b.entry())
	}
}

func (b *backendPlan) planQueues(r *rules, props *BackendProps, m *Manifest, function number) {
	environment := map[string]string{}
	for _, queue := range m.Queues {
		where := fmt.Sprintf("Queues[%q]", queue.Name)
		if _, twice := b.queues[queue.Name]; twice {
			r.breaks(where, "must be consumed once, got two consumers in %s; remove one of them", b.entry())
			continue
		}
		if other, shared := sharedQueueEnv(environment, queue.Name); shared {
			r.breaks(where, "must differ from %q in more than case, - and _, as both URLs would be in %s; rename one of them in %s", other, wire.QueueURLEnv(queue.Name), b.entry())
		}
		p := QueueProps{}
		if refined := props.Queues[queue.Name]; refined != nil {
			p = *refined
		}
		r.mustBeUnset(becauseOurs,
			given{where + ".FunctionTimeout", p.FunctionTimeout != nil},
			given{where + ".Handler", p.Handler != nil},
			given{where + ".Name", p.Name != nil},
		)
		v := p.values()
		switch {
		case v.existing && v.fifo != queue.FIFO:
			r.breaks(where+".Queue", "must be a %s queue, which the program consumes, got a %s queue; pass another one, or change the consumer in %s", kindOf(queue.FIFO), kindOf(v.fifo), b.entry())
		case p.Fifo != nil && *p.Fifo != queue.FIFO:
			r.breaks(where+".Fifo", "must be %t, as the program consumes a %s queue, got %t; remove it, or change the consumer in %s", queue.FIFO, kindOf(queue.FIFO), *p.Fifo, b.entry())
		case queue.FIFO && !v.existing:
			p.Fifo = &queue.FIFO
		}
		p.Name = &queue.Name
		v = p.values()
		v.consumed, v.functionTimeout = true, function
		r.in(where, v.check)
		b.queues[queue.Name] = &p
		b.queueNames = append(b.queueNames, queue.Name)
	}
	for _, name := range sortedKeys(props.Queues) {
		if b.queues[name] == nil {
			r.breaks(fmt.Sprintf("Queues[%q]", name), "must be a queue that the program consumes, got one without a consumer (it consumes %s); remove it, or add a consumer in %s", list(b.queueNames), b.entry())
		}
	}
}

func (b *backendPlan) planSchedules(r *rules, props *BackendProps, m *Manifest) {
	for _, schedule := range m.Schedules {
		where := fmt.Sprintf("Schedules[%q]", schedule.Name)
		if _, twice := b.schedules[schedule.Name]; twice {
			r.breaks(where, "must be run once, got two schedules in %s; rename one of them", b.entry())
			continue
		}
		p := ScheduleProps{}
		if refined := props.Schedules[schedule.Name]; refined != nil {
			p = *refined
		}
		r.mustBeUnset(becauseOurs, given{where + ".Handler", p.Handler != nil}, given{where + ".Name", p.Name != nil})
		agree := func(field string, refined *string, program string) *string {
			if refined != nil && program != "" && *refined != program {
				r.breaks(where+"."+field, "must be that of the program, %q, got %q; remove it, or change it in %s", program, *refined, b.entry())
			}
			if program != "" {
				return &program
			}
			return refined
		}
		p.Expression = agree("Expression", p.Expression, schedule.Expression)
		p.TimeZone = agree("TimeZone", p.TimeZone, schedule.TimeZone)
		p.Name = &schedule.Name
		r.in(where, p.values().check)
		b.schedules[schedule.Name] = &p
		b.scheduleNames = append(b.scheduleNames, schedule.Name)
	}
	for _, name := range sortedKeys(props.Schedules) {
		if b.schedules[name] == nil {
			r.breaks(fmt.Sprintf("Schedules[%q]", name), "must be a schedule that the program runs, got one that it does not (it runs %s); remove it, or add it to App.Schedules in %s", list(b.scheduleNames), b.entry())
		}
	}
}

// checkEnvironment refuses variables that the backend sets.
func (b *backendPlan) checkEnvironment(r *rules, props *BackendProps, m *Manifest) {
	if props.Environment == nil {
		return
	}
	set := map[string]bool{}
	for _, queue := range m.Queues {
		set[wire.QueueURLEnv(queue.Name)] = true
	}
	if m.WebSocket {
		set[wire.EnvWebSocketEndpoint] = true
	}
	if props.Database != nil {
		for _, name := range []string{wire.EnvDatabaseHost, wire.EnvDatabasePort, wire.EnvDatabaseName, wire.EnvDatabaseUser, wire.EnvDatabaseEngine} {
			set[name] = true
		}
	}
	for _, name := range sortedKeys(*props.Environment) {
		if set[name] {
			r.breaks(fmt.Sprintf("Environment[%q]", name), "must be unset, as the backend sets it; remove it")
		}
	}
}

// checkBudget checks that the instances that the queues may keep busy leave room
// for those who wait for an answer.
func (b *backendPlan) checkBudget(r *rules, props *BackendProps, m *Manifest) {
	reserved := concurrencyValuesOf(props.Concurrency).reserved
	if !reserved.known || reserved.value == 0 || len(b.queueNames) == 0 {
		return
	}
	sum, parts, unbounded := 0.0, []string{}, []string{}
	for _, name := range b.queueNames {
		most := numberOf(b.queues[name].MaxConcurrency)
		switch {
		case most.known:
			sum += most.value
			parts = append(parts, fmt.Sprintf("%s (%s)", most, name))
		case !most.set:
			unbounded = append(unbounded, name)
		}
	}
	room, what := 0.0, ""
	if m.HTTP || m.WebSocket {
		room, what = 1, " and 1 for requests"
	}
	if len(parts) > 0 && sum+room > reserved.value {
		r.breaks("Concurrency.Reserved", "must be at least %s instances, the sum of the queues' MaxConcurrency: %s%s, got %s; raise it or lower a MaxConcurrency",
			format(sum+room), strings.Join(parts, " + "), what, reserved)
	}
	if len(unbounded) > 0 {
		b.warnings = append(b.warnings, warning{"unboundedQueue", fmt.Sprintf(
			"a backlog in %s can keep all %s reserved instances busy; set MaxConcurrency in BackendProps.Queues", list(unbounded), reserved)})
	}
}

// entry names the program in messages about what it says.
func (b *backendPlan) entry() string { return fmt.Sprintf("%q", *b.handler.Entry) }

// list names things in messages.
func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}
