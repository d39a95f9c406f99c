package hearth

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/lambdahearth/hearth/internal/similar"
	"github.com/lambdahearth/hearth/internal/wire"
)

// backendPlan is what a [Backend] will create: its own copy of each part's props,
// complete except for the alias that the part invokes.
type backendPlan struct {
	manifest    *Manifest
	handler     *HandlerProps
	jobs        *HandlerProps // nil when the first function runs the jobs
	relay       *WebSocketRelayProps
	registry    *ConnectionRegistryProps
	idempotency *IdempotencyTableProps
	database    *DatabaseProxyProps
	webSocket   *WebSocketApiProps
	// At most one of these serves HTTP.
	http        *HttpApiProps
	rest        *RestApiProps
	functionUrl *FunctionUrlProps
	queues      map[string]*QueueProps
	schedules   map[string]*ScheduleProps
	// The names are in the order of the manifest.
	queueNames, scheduleNames []string
	queueIDs                  map[string]string // the first name of each queue
	warnings                  []warning
}

// removal returns the removal policy of the resources that hold data.
func (p *BackendProps) removal() awscdk.RemovalPolicy {
	if p.RemovalPolicy != "" {
		return p.RemovalPolicy
	}
	return awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
}

// becauseOurs ends a message about a part's prop that the backend sets.
const becauseOurs = "in a backend, which sets it; remove it"

type warning struct{ id, message string }

// newBackendPlan reads the props and the program. It checks each part, the parts against
// the program, and the parts against each other. So it reports all broken rules at once,
// before the backend creates anything.
func newBackendPlan(props *BackendProps) (*backendPlan, []error) {
	plan := &backendPlan{queueIDs: map[string]string{}, queues: map[string]*QueueProps{}, schedules: map[string]*ScheduleProps{}}
	r := &rules{where: "BackendProps"}
	checkRemoval(r, "RemovalPolicy", props.RemovalPolicy)
	plan.planHandler(r, props)
	if props.Database != nil {
		plan.database = props.Database.withDefaults()
		r.in("Database", func(r *rules) { plan.database.check(r, plan.database.engineFamily()) })
	}
	if props.DirectDatabase != nil {
		if props.Database != nil {
			r.breaks("DirectDatabase", "must be unset with Database, which is the proxy; remove one of them")
		}
		if plan.handler.Vpc == nil {
			r.breaks("Handler.Vpc", "must be set with DirectDatabase, got none; pass the VPC of the database")
		}
	}

	if props.Monitoring != nil {
		r.mustBeUnset(becauseOurs, given{"Monitoring.Backend", props.Monitoring.Backend != nil})
		r.in("Monitoring", props.Monitoring.check)
	}

	m, _ := plan.handler.load(r)
	if isFalse(props.Manifest) {
		m = declaredManifest(props)
	}
	if m == nil {
		return nil, r.broken
	}
	plan.manifest = m
	relays := len(halfOf(m, relayHalf).Queues) > 0 || isFalse(props.Manifest)
	m = halfOf(m, "")
	plan.planJobs(r, props, m)
	plan.planApis(r, props, m)
	plan.planRelay(r, props, m, relays)
	plan.planRegistry(r, props, m)
	plan.planIdempotency(r, props)
	plan.planQueues(r, props, m, secondsOf(plan.jobsHandler().Timeout))
	plan.planSchedules(r, props, m)
	plan.checkEnvironment(r, props, m)
	r.in("Handler", func(r *rules) {
		checkTimeouts(r, halfOf(m, plan.handler.Half), secondsOf(plan.handler.Timeout))
	})
	if plan.jobs != nil {
		r.in("Jobs", func(r *rules) { checkTimeouts(r, halfOf(m, Jobs), secondsOf(plan.jobs.Timeout)) })
	}
	plan.checkBudget(r, m)
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
	r.mustBeUnset("in a backend, which sets it; set BackendProps.Jobs for a function of their own", given{"Handler.Half", h.Half != ""})
	h.Concurrency, h.Entry, h.Environment, h.Manifest = props.Concurrency, props.Entry, props.Environment, props.Manifest
	if h.Vpc == nil && props.Database != nil {
		h.Vpc = props.Database.Vpc
	}
	if h.LogRemovalPolicy == "" && h.LogGroup == nil {
		h.LogRemovalPolicy = props.removal()
	}
	b.handler = h.withDefaults()
	r.in("Handler", b.handler.check)
	r.in("Concurrency", b.handler.Concurrency.check)
	checkVariables(r, "Environment", props.Environment)
}

// planJobs completes the props of the second function.
func (b *backendPlan) planJobs(r *rules, props *BackendProps, m *Manifest) {
	if props.Jobs == nil {
		return
	}
	if len(m.Queues)+len(m.Schedules) == 0 {
		r.breaks("Jobs", "must be unset for a program without queues and schedules; remove it, or add them in %s", b.entry())
	}
	if !m.HTTP && !m.WebSocket {
		r.breaks("Jobs", "must be unset for a program that serves no requests; remove it, or serve them in %s", b.entry())
	}
	refined := props.Jobs
	r.mustBeUnset("for a function from the same asset in the same VPC; set the prop of this name in Handler or BackendProps",
		given{"Jobs.Architecture", refined.Architecture != nil},
		given{"Jobs.BuildTags", refined.BuildTags != nil},
		given{"Jobs.Code", refined.Code != nil},
		given{"Jobs.Entry", refined.Entry != nil},
		given{"Jobs.Environment", refined.Environment != nil},
		given{"Jobs.Files", refined.Files != nil},
		given{"Jobs.Half", refined.Half != ""},
		given{"Jobs.Image", refined.Image != nil},
		given{"Jobs.LinkerFlags", refined.LinkerFlags != nil},
		given{"Jobs.Manifest", refined.Manifest != nil},
		given{"Jobs.ManifestEnvironment", refined.ManifestEnvironment != nil},
		given{"Jobs.ManifestFile", refined.ManifestFile != nil},
		given{"Jobs.VersionControl", refined.VersionControl != nil},
		given{"Jobs.Vpc", refined.Vpc != nil},
	)
	b.handler.Half = Requests
	b.jobs = b.handler.secondFunction(refined, Jobs)
	r.in("Jobs", b.jobs.check)
	r.in("Jobs.Concurrency", b.jobs.Concurrency.check)
}

// planRelay completes the props of the relay, and refuses a program that could not push.
func (b *backendPlan) planRelay(r *rules, props *BackendProps, m *Manifest, relays bool) {
	if isTrue(props.WebSocketRelay) {
		if !m.WebSocket {
			r.breaks("WebSocketRelay", "must be unset when the program serves no WebSocket API; remove it, or set App.WebSocket in %s", b.entry())
			return
		}
		if !relays {
			r.breaks("WebSocketRelay", "must be unset for a program that does not consume %q, got true; add relay.Consumer() to App.Queues in %s, and push with relay.New()", wire.RelayQueueName, b.entry())
		}
		b.relay = &WebSocketRelayProps{EncryptionKey: props.EncryptionKey, Handler: b.handler}
		return
	}
	if m.WebSocket && (b.handler.isolated() || b.jobs != nil && b.jobs.isolated()) {
		r.breaks("WebSocketRelay", "must be true for a program with a WebSocket API in isolated subnets, from which nothing reaches @connections (it has no VPC endpoint), got false; set it, choose subnets with NAT in Handler.VpcSubnets, or leave the VPC")
	}
}

// planRegistry completes the props of the table of the WebSocket connections.
func (b *backendPlan) planRegistry(r *rules, props *BackendProps, m *Manifest) {
	if props.ConnectionRegistry == nil {
		return
	}
	registry := *props.ConnectionRegistry
	b.registry = &registry
	if !m.WebSocket {
		r.breaks("ConnectionRegistry", "must be unset when the program serves no WebSocket API; remove it, or set App.WebSocket in %s", b.entry())
	}
	r.in("ConnectionRegistry", registry.check)
	if registry.EncryptionKey == nil && registry.Table == nil {
		b.registry.EncryptionKey = props.EncryptionKey
	}
}

// planIdempotency completes the props of the table of what was done.
func (b *backendPlan) planIdempotency(r *rules, props *BackendProps) {
	if props.IdempotencyTable == nil {
		return
	}
	table := *props.IdempotencyTable
	b.idempotency = &table
	r.in("IdempotencyTable", table.check)
	if table.EncryptionKey == nil && table.Table == nil {
		b.idempotency.EncryptionKey = props.EncryptionKey
	}
	if table.RemovalPolicy == "" && table.Table == nil {
		b.idempotency.RemovalPolicy = props.removal()
	}
}

// jobsHandler returns the props of the function that runs the queues and schedules.
func (b *backendPlan) jobsHandler() *HandlerProps {
	if b.jobs != nil {
		return b.jobs
	}
	return b.handler
}

// declaredManifest returns the manifest that the props declare.
func declaredManifest(props *BackendProps) *Manifest {
	m := &Manifest{Version: wire.ManifestVersion, HTTP: props.Http != nil || props.Rest != nil || props.FunctionUrl != nil || isTrue(props.HttpElsewhere), WebSocket: props.WebSocket != nil}
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

// planHttp completes the props of the construct that serves HTTP.
func (b *backendPlan) planHttp(r *rules, props *BackendProps, m *Manifest) {
	ways := []given{{"Http", props.Http != nil}, {"Rest", props.Rest != nil}, {"FunctionUrl", props.FunctionUrl != nil}, {"HttpElsewhere", isTrue(props.HttpElsewhere)}}
	var set []string
	for _, way := range ways {
		if way.set {
			set = append(set, way.field)
		}
	}
	switch {
	case !m.HTTP:
		for _, field := range set {
			r.breaks(field, "must be unset when the program serves no HTTP; remove it, or set App.HTTP in %s", b.entry())
		}
	case len(set) > 1:
		r.breaks(set[1], "must be unset with %s, as requests have one way in; remove one of them", set[0])
	case props.Rest != nil:
		rest := *props.Rest
		b.rest = &rest
		if rest.AccessLogRemovalPolicy == "" {
			b.rest.AccessLogRemovalPolicy = props.removal()
		}
		r.mustBeUnset(becauseOurs, given{"Rest.Handler", rest.Handler != nil})
		r.in("Rest", rest.check)
		checkRequestTimeout(r, "Entry", "a REST", rest.timeout().value, m)
	case props.FunctionUrl != nil:
		url := *props.FunctionUrl
		b.functionUrl = &url
		r.mustBeUnset(becauseOurs, given{"FunctionUrl.Handler", url.Handler != nil})
		r.in("FunctionUrl", url.check)
	case isTrue(props.HttpElsewhere):
	default:
		b.http = &HttpApiProps{}
		if props.Http != nil {
			*b.http = *props.Http
		}
		if b.http.AccessLogRemovalPolicy == "" {
			b.http.AccessLogRemovalPolicy = props.removal()
		}
		r.mustBeUnset(becauseOurs, given{"Http.Handler", b.http.Handler != nil})
		r.in("Http", b.http.check)
		checkRequestTimeout(r, "Entry", "an HTTP", maxHttpIntegrationSecs, m)
	}
}

func (b *backendPlan) planApis(r *rules, props *BackendProps, m *Manifest) {
	b.planHttp(r, props, m)
	if m.WebSocket {
		b.webSocket = &WebSocketApiProps{}
		if props.WebSocket != nil {
			*b.webSocket = *props.WebSocket
		}
		if b.webSocket.AccessLogRemovalPolicy == "" {
			b.webSocket.AccessLogRemovalPolicy = props.removal()
		}
		r.mustBeUnset(becauseOurs, given{"WebSocket.Handler", b.webSocket.Handler != nil})
		r.in("WebSocket", b.webSocket.check)
		checkRequestTimeout(r, "Entry", "a WebSocket", maxWebSocketIntegrationSecs, m)
	} else if props.WebSocket != nil {
		r.breaks("WebSocket", "must be unset when the program serves no WebSocket API; remove it, or set App.WebSocket in %s", b.entry())
	}
}

func (b *backendPlan) planQueues(r *rules, props *BackendProps, m *Manifest, function number) {
	for _, queue := range m.Queues {
		where := fmt.Sprintf("Queues[%q]", queue.Name)
		if _, twice := b.queues[queue.Name]; twice {
			r.breaks(where, "must be consumed once, got two consumers in %s; remove one of them", b.entry())
			continue
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
		if p.RemovalPolicy == "" && !v.existing {
			p.RemovalPolicy = props.removal()
		}
		if p.EncryptionMasterKey == nil && !v.existing {
			p.EncryptionMasterKey = props.EncryptionKey
		}
		b.queueIDs[queue.Name] = queue.Name
		if former, renamed := props.RenamedQueues[queue.Name]; renamed {
			b.queueIDs[queue.Name] = former
		}
		v = p.values()
		v.consumed, v.functionTimeout = true, function
		r.in(where, v.check)
		b.queues[queue.Name] = &p
		b.queueNames = append(b.queueNames, queue.Name)
	}
	b.checkRenamed(r, props)
	for _, name := range sortedKeys(props.Queues) {
		if b.queues[name] == nil {
			r.breaks(fmt.Sprintf("Queues[%q]", name), "must be a queue that the program consumes, got one without a consumer (it consumes %s); remove it, or add a consumer in %s", listNear(name, b.queueNames), b.entry())
		}
	}
}

// checkRenamed checks that each queue has an id of its own.
func (b *backendPlan) checkRenamed(r *rules, props *BackendProps) {
	for _, name := range sortedKeys(props.RenamedQueues) {
		former := props.RenamedQueues[name]
		where := fmt.Sprintf("RenamedQueues[%q]", name)
		switch {
		case b.queues[name] == nil:
			r.breaks(where, "must be a queue that the program consumes, got one without a consumer (it consumes %s); remove it, or add a consumer in %s", listNear(name, b.queueNames), b.entry())
		case !queueNamePattern.MatchString(former):
			r.breaks(where, "must be the former name of the queue, got %q; it is 1 to 75 letters, digits, - and _", former)
		}
	}
	seen := map[string]string{}
	for _, name := range b.queueNames {
		id := b.queueIDs[name]
		if other, twice := seen[id]; twice {
			r.breaks("RenamedQueues", "must give each queue a former name of its own, got %q for %q and %q; correct one of them", id, other, name)
		}
		seen[id] = name
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
		if p.DeadLetterQueue == nil {
			p.DeadLetterQueue = props.ScheduleDeadLetterQueue
		}
		if p.EncryptionKey == nil {
			p.EncryptionKey = props.EncryptionKey
		}
		r.in(where, p.check)
		b.schedules[schedule.Name] = &p
		b.scheduleNames = append(b.scheduleNames, schedule.Name)
	}
	if props.ScheduleDeadLetterQueue != nil && len(m.Schedules) == 0 {
		r.breaks("ScheduleDeadLetterQueue", "must be unset for a program without schedules; remove it, or add them in %s", b.entry())
	}
	for _, name := range sortedKeys(props.Schedules) {
		if b.schedules[name] == nil {
			r.breaks(fmt.Sprintf("Schedules[%q]", name), "must be a schedule that the program runs, got one that it does not (it runs %s); remove it, or add it to App.Schedules in %s", listNear(name, b.scheduleNames), b.entry())
		}
	}
}

// checkEnvironment refuses variables that the backend sets.
func (b *backendPlan) checkEnvironment(r *rules, props *BackendProps, m *Manifest) {
	if props.Environment == nil {
		return
	}
	set := map[string]bool{}
	if len(m.Queues) > 0 {
		set[wire.EnvQueues], set[wire.EnvPartialResponses] = true, true
	}
	if m.WebSocket {
		set[wire.EnvWebSocketEndpoint], set[wire.EnvQueues] = true, true
	}
	if props.ConnectionRegistry != nil {
		set[wire.EnvConnectionsTable] = true
	}
	if props.IdempotencyTable != nil {
		set[wire.EnvIdempotencyTable] = true
	}
	if props.Database != nil || props.DirectDatabase != nil {
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

// checkBudget checks that the instances that the queues may keep busy leave room for
// requests.
func (b *backendPlan) checkBudget(r *rules, m *Manifest) {
	field := ""
	if b.jobs != nil {
		field = "Jobs."
	}
	d := demand{requests: b.jobs == nil && (m.HTTP || m.WebSocket)}
	for _, name := range b.queueNames {
		d.sources = append(d.sources, b.queues[name].values().source(name))
	}
	reserved := b.jobsHandler().Concurrency.reserved()
	if message := d.shortfall(reserved); message != "" {
		r.breaks(field+"Concurrency.Reserved", "%s", message)
	}
	if message := d.backlog(reserved, "set MaxConcurrency in BackendProps.Queues"); message != "" {
		b.warnings = append(b.warnings, warning{"unboundedQueue", message})
	}
}

// entry names the program in messages about its manifest.
func (b *backendPlan) entry() string { return fmt.Sprintf("%q", b.handler.title()) }

// listNear joins names for messages, and asks whether a misspelt one means any of them.
func listNear(name string, names []string) string {
	text := list(names)
	if near := similar.Names(name, names); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %q?", near[0])
	}
	return text
}

// list joins names for messages.
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
