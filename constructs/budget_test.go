package hearth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

func TestDemandRules(t *testing.T) {
	two := []source{{name: "jobs", max: known(5)}, {name: "ledger", max: known(7)}}
	for _, c := range []struct {
		name     string
		demand   demand
		reserved number
		want     string
	}{
		{"unreserved", demand{sources: two}, number{}, ""},
		{"token", demand{sources: two}, unresolved, ""},
		{"paused", demand{sources: two, requests: true}, known(0), ""},
		{"above", demand{sources: two, requests: true}, known(14), ""},
		{"at", demand{sources: two, requests: true}, known(13), ""},
		{"below", demand{sources: two, requests: true}, known(12), "must be at least 13 instances, the sum of the queues' MaxConcurrency: 5 (jobs) + 7 (ledger) and 1 for requests, got 12; raise it or lower a MaxConcurrency"},
		{"at without requests", demand{sources: two}, known(12), ""},
		{"below without requests", demand{sources: two}, known(11), "must be at least 12 instances, the sum of the queues' MaxConcurrency: 5 (jobs) + 7 (ledger), got 11; raise it or lower a MaxConcurrency"},
		{"token source", demand{sources: []source{{name: "jobs", max: unresolved}, {name: "ledger", max: known(7)}}}, known(7), ""},
		{"pollers at", demand{sources: []source{{name: "jobs", max: pollersBound(known(2)), pollers: true}}}, known(20), ""},
		{"pollers below", demand{sources: []source{{name: "jobs", max: pollersBound(known(2)), pollers: true}}}, known(19), "must be at least 20 instances, the sum of the queues' MaxConcurrency: 20 (jobs: 2 pollers × 10), got 19; raise it or lower a MaxConcurrency"},
		{"pollers by default", demand{sources: []source{{name: "jobs", max: pollersBound(number{}), pollers: true}}}, known(1999), "must be at least 2000 instances, the sum of the queues' MaxConcurrency: 2000 (jobs: 200 pollers × 10), got 1999; raise it or lower a MaxConcurrency"},
		{"only requests", demand{requests: true}, known(1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.demand.shortfall(c.reserved); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestBudgetAcrossConstructs shows that the sum includes everything wired to a function,
// by any construct and through any alias.
func TestBudgetAcrossConstructs(t *testing.T) {
	stack := func(reserved *float64) awscdk.Stack {
		stack := setup(t)
		fn := awslambda.NewFunction(stack, jsii.String("Existing"), &awslambda.FunctionProps{
			Code:                         awslambda.Code_FromInline(jsii.String("exports.handler = async () => {}")),
			Handler:                      jsii.String("index.handler"),
			ReservedConcurrentExecutions: reserved,
			Runtime:                      awslambda.Runtime_NODEJS_22_X(),
		})
		alias := awslambda.NewAlias(stack, jsii.String("Alias"), &awslambda.AliasProps{AliasName: jsii.String("live"), Version: fn.CurrentVersion()})
		NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: fn, MaxConcurrency: jsii.Number(5)})
		NewQueue(stack, jsii.String("Ledger"), &QueueProps{Handler: alias, MaxConcurrency: jsii.Number(4)})
		alias.AddEventSource(awslambdaeventsources.NewSqsEventSource(awssqs.NewQueue(stack, jsii.String("Own"), nil),
			&awslambdaeventsources.SqsEventSourceProps{MaxConcurrency: jsii.Number(3)}))
		NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{Handler: fn.CurrentVersion()})
		return stack
	}
	template(stack(jsii.Number(13)))
	template(stack(nil))
	parameter := func() *float64 {
		s := setup(t)
		return awscdk.NewCfnParameter(s, jsii.String("N"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()
	}
	if n := numberOf(parameter()); n.known {
		t.Error("a parameter must be a token")
	}
	got := refusal(t, func() { template(stack(jsii.Number(12))) })
	want := "[Test/Existing] the reserved concurrency of Test/Existing must be at least 13 instances, the sum of the queues' MaxConcurrency: 5 (Test/Jobs) + 4 (Test/Ledger) + 3 (Test/Alias/SqsEventSource:TestOwn"
	if !strings.Contains(got, want) || !strings.Contains(got, " and 1 for requests, got 12; raise it or lower a MaxConcurrency") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestBudgetOfHandler shows the warning about a backlog in an unbounded queue, and that a
// queue added to a backend counts.
func TestBudgetOfHandler(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{
		Entry: entry("silent"), Manifest: jsii.Bool(false), Concurrency: &ConcurrencyProps{Reserved: jsii.Number(10)},
	})
	NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: h.Alias, Pollers: &PollersProps{Max: jsii.Number(2)}})
	got := refusal(t, func() { template(stack) })
	if want := "must be at least 20 instances, the sum of the queues' MaxConcurrency: 20 (Test/Jobs: 2 pollers × 10), got 10"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	stack = setup(t)
	h = NewHandler(stack, jsii.String("Handler"), &HandlerProps{
		Entry: entry("silent"), Manifest: jsii.Bool(false), Concurrency: &ConcurrencyProps{Reserved: jsii.Number(10)},
	})
	NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: h.Alias})
	assertions.Annotations_FromStack(stack).HasWarning(jsii.String("/Test/Handler/Function"),
		assertions.Match_StringLikeRegexp(jsii.String(`a backlog in "Test/Jobs" can keep all 10 reserved instances busy`)))

	stack = setup(t)
	b := NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry:       entry("full"),
		Concurrency: &ConcurrencyProps{Reserved: jsii.Number(11)},
		Manifest:    jsii.Bool(false),
		Queues:      map[string]*QueueProps{"jobs": {MaxConcurrency: jsii.Number(10)}},
	})
	NewQueue(stack, jsii.String("More"), &QueueProps{Handler: b.Handler.Alias, MaxConcurrency: jsii.Number(2), Name: jsii.String("more")})
	got = refusal(t, func() { template(stack) })
	if want := "must be at least 12 instances, the sum of the queues' MaxConcurrency: 10 (Test/Backend/Queue-jobs) + 2 (Test/More), got 11"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestForeignMappings shows that event sources count wherever they are created, except
// those of other stacks.
func TestForeignMappings(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{
		Entry: entry("silent"), Manifest: jsii.Bool(false), Concurrency: &ConcurrencyProps{Reserved: jsii.Number(5)},
	})
	NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: h.Alias, MaxConcurrency: jsii.Number(5)})
	mapping := func(scope awscdk.Stack, most float64) {
		awslambda.NewCfnEventSourceMapping(scope, jsii.String("Mapping"), &awslambda.CfnEventSourceMappingProps{
			FunctionName:  h.Alias.FunctionArn(),
			ScalingConfig: &awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: jsii.Number(most)},
		})
	}
	mapping(awscdk.NewNestedStack(stack, jsii.String("Nested"), nil), 100)
	mapping(stack, 2)
	got := refusal(t, func() { template(stack) })
	want := "[Test/Handler] the reserved concurrency of Test/Handler/Function must be at least 7 instances, the sum of the queues' MaxConcurrency: 5 (Test/Jobs) + 2 (Test/Mapping), got 5; raise it or lower a MaxConcurrency"
	if !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func newSeparateBackend(stack awscdk.Stack) *Backend {
	return NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry:       entry("full"),
		Concurrency: &ConcurrencyProps{Reserved: jsii.Number(20), Provisioned: Fixed(2)},
		Queues:      map[string]*QueueProps{"ledger": {MaxConcurrency: jsii.Number(5)}, "screenshots": {MaxConcurrency: jsii.Number(10)}},
		Jobs:        &HandlerProps{Concurrency: &ConcurrencyProps{Reserved: jsii.Number(15)}, Timeout: seconds(90)},
	})
}

func TestBackendJobs(t *testing.T) {
	stack := setup(t)
	b := newSeparateBackend(stack)
	jobs := *stack.GetLogicalId(b.Jobs.Alias.Node().DefaultChild().(awslambda.CfnAlias))
	for kind, count := range map[string]int{"AWS::Lambda::EventSourceMapping": 2, "AWS::Scheduler::Schedule": 2} {
		found := resources(stack, kind)
		if len(found) != count {
			t.Errorf("%d of %s, want %d", len(found), kind, count)
		}
		for id, resource := range found {
			if !strings.Contains(resource, jobs) {
				t.Errorf("%s must invoke the function of the jobs: %s", id, resource)
			}
		}
	}
	assets := map[string]bool{}
	for id, resource := range resources(stack, "AWS::Lambda::Function") {
		assets[assetHash.FindString(resource)] = true
		role := `"HEARTH_ROLE":"requests"`
		if strings.Contains(id, "BackendJobs") {
			role = `"HEARTH_ROLE":"jobs"`
		}
		if !strings.Contains(resource, role) {
			t.Errorf("%s must have %s: %s", id, role, resource)
		}
	}
	if len(assets) != 1 {
		t.Errorf("assets are %v, want one", assets)
	}
	golden(t, stack)
}

func TestBackendJobsRefusal(t *testing.T) {
	for name, c := range map[string]struct {
		props *BackendProps
		want  string
	}{
		"budget": {
			&BackendProps{
				Entry: entry("full"), Jobs: &HandlerProps{Concurrency: &ConcurrencyProps{Reserved: jsii.Number(3)}},
				Queues: map[string]*QueueProps{"ledger": {MaxConcurrency: jsii.Number(2)}, "screenshots": {MaxConcurrency: jsii.Number(2)}},
			},
			`BackendProps.Jobs.Concurrency.Reserved must be at least 4 instances, the sum of the queues' MaxConcurrency: 2 (screenshots) + 2 (ledger), got 3; raise it or lower a MaxConcurrency`,
		},
		"timeout": {
			&BackendProps{Entry: entry("full"), Jobs: &HandlerProps{Timeout: seconds(30)}},
			`BackendProps.Jobs.Timeout must be more than 30 seconds, the timeout of a job of queue "screenshots" in the program, got 30; raise it or shorten the other`,
		},
		"asset": {
			&BackendProps{Entry: entry("full"), Jobs: &HandlerProps{BuildTags: []string{"x"}}},
			`BackendProps.Jobs.BuildTags must be unset for a function from the same asset in the same VPC; set the prop of this name in Handler or BackendProps`,
		},
		"no connections": {
			&BackendProps{Entry: entry("empty"), ConnectionRegistry: &ConnectionRegistryProps{}},
			`BackendProps.ConnectionRegistry must be unset when the program serves no WebSocket API; remove it, or set App.WebSocket in "testdata/programs/empty"`,
		},
		"no relay": {
			&BackendProps{Entry: entry("empty"), WebSocketRelay: jsii.Bool(true)},
			`BackendProps.WebSocketRelay must be unset when the program serves no WebSocket API; remove it, or set App.WebSocket in "testdata/programs/empty"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := refusal(t, func() { NewBackend(setup(t), jsii.String("Backend"), c.props) })
			if want := "Test/Backend: 1 problem\n  - " + c.want; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	got := refusal(t, func() {
		NewBackend(setup(t), jsii.String("Backend"), &BackendProps{Entry: entry("empty"), Jobs: &HandlerProps{}})
	})
	want := `Test/Backend: 2 problems
  - BackendProps.Jobs must be unset for a program without queues and schedules; remove it, or add them in "testdata/programs/empty"
  - BackendProps.Jobs must be unset for a program that serves no requests; remove it, or serve them in "testdata/programs/empty"`
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestParts shows the contract of a program that two functions share, without a
// Backend.
func TestParts(t *testing.T) {
	requests := func(stack awscdk.Stack) *Handler {
		return NewHandler(stack, jsii.String("Api"), &HandlerProps{Entry: entry("full"), Half: Requests})
	}
	stack := setup(t)
	api := requests(stack)
	got := refusal(t, func() { template(stack) })
	if want := `[Test/Api] the queues and schedules of "testdata/programs/full" must be run by a function, got none with Jobs; create a Handler with this Entry and Jobs, or leave Half unset`; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	got = refusal(t, func() {
		NewQueue(stack, jsii.String("Wrong"), &QueueProps{Handler: api.Alias, Name: jsii.String("screenshots")})
	})
	if want := `QueueProps.Handler must be a function that runs jobs, got one with Half "requests"; pass the alias of the one with Jobs`; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	stack = setup(t)
	requests(stack)
	jobs := NewHandler(stack, jsii.String("Jobs"), &HandlerProps{Entry: entry("full"), Half: Jobs})
	got = refusal(t, func() { NewHttpApi(stack, jsii.String("Wrong"), &HttpApiProps{Handler: jobs.Alias}) })
	if want := `HttpApiProps.Handler must be a function that serves requests, got one with Half "jobs"; pass the alias of the one with Requests`; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	wireJobs(stack, jobs.Alias, &QueueProps{})
	template(stack)

	// Another path to the same folder is the same program.
	stack = setup(t)
	requests(stack)
	jobs = NewHandler(stack, jsii.String("Jobs"), &HandlerProps{Entry: jsii.String("./testdata/programs/full"), Half: Jobs})
	wireJobs(stack, jobs.Alias, &QueueProps{})
	template(stack)

	// Each stage of an app is deployed separately.
	stack = setup(t)
	app := stack.Node().Root().(awscdk.App)
	inStage := func(id string) awscdk.Stack {
		return awscdk.NewStack(awscdk.NewStage(app, &id, nil), jsii.String("Test"), nil)
	}
	requests(inStage("Beta"))
	stack = inStage("Prod")
	wireJobs(stack, NewHandler(stack, jsii.String("Jobs"), &HandlerProps{Entry: entry("full"), Half: Jobs}).Alias, &QueueProps{})
	got = refusal(t, func() { app.Synth(nil) })
	if want := `[Beta/Test/Api] the queues and schedules of "testdata/programs/full" must be run by a function, got none with Jobs`; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestScheduleOfAToken shows that a schedule whose name is a token may be any of the
// program's.
func TestScheduleOfAToken(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("full")})
	NewQueue(stack, jsii.String("Screenshots"), &QueueProps{Handler: h.Alias, Name: jsii.String("screenshots")})
	NewQueue(stack, jsii.String("Ledger"), &QueueProps{Handler: h.Alias, Name: jsii.String("ledger"), Fifo: jsii.Bool(true)})
	for _, id := range []string{"A", "B"} {
		NewSchedule(stack, &id, &ScheduleProps{
			Expression: jsii.String("rate(1 day)"), Handler: h.Alias,
			Name: awscdk.NewCfnParameter(stack, jsii.String("Name"+id), nil).ValueAsString(),
		})
	}
	template(stack)
}

// versionIDs returns the logical ids of the versions of a handler.
func versionIDs(t *testing.T, props *HandlerProps) string {
	t.Helper()
	stack := setup(t)
	NewHandler(stack, jsii.String("Handler"), props)
	var ids []string
	for id := range resources(stack, "AWS::Lambda::Version") {
		ids = append(ids, id)
	}
	return strings.Join(ids, ",")
}

// TestDeploySafety shows which changes publish a new version, and so start new warm
// instances, and which do not.
func TestDeploySafety(t *testing.T) {
	dir := clone(t)
	props := func(c *ConcurrencyProps) *HandlerProps {
		return &HandlerProps{Entry: &dir, Manifest: jsii.Bool(false), Concurrency: c}
	}
	first := versionIDs(t, props(nil))
	for name, c := range map[string]*ConcurrencyProps{
		"reserved":            {Reserved: jsii.Number(10)},
		"another reserved":    {Reserved: jsii.Number(11)},
		"provisioned":         {Provisioned: Fixed(2)},
		"another provisioned": {Provisioned: Autoscaled(2, 4)},
	} {
		if got := versionIDs(t, props(c)); got != first {
			t.Errorf("%s publishes version %s after %s", name, got, first)
		}
	}
	changed := props(nil)
	changed.MemorySize = jsii.Number(1024)
	if versionIDs(t, changed) == first {
		t.Error("a changed configuration must publish a new version")
	}
	other := clone(t)
	if err := os.WriteFile(filepath.Join(other, "main.go"), []byte("package main\n\nfunc main() { println(\"other\") }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if versionIDs(t, &HandlerProps{Entry: &other, Manifest: jsii.Bool(false)}) == first {
		t.Error("a changed program must publish a new version")
	}
}

// TestWeightedAlias shows that weights and warm instances exclude each other.
func TestWeightedAlias(t *testing.T) {
	weigh := func(provisioned *ProvisionedConcurrency) awscdk.Stack {
		stack := setup(t)
		h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Concurrency: &ConcurrencyProps{Provisioned: provisioned}})
		h.Alias.Node().DefaultChild().(awslambda.CfnAlias).SetRoutingConfig(&awslambda.CfnAlias_AliasRoutingConfigurationProperty{
			AdditionalVersionWeights: &[]any{&awslambda.CfnAlias_VersionWeightProperty{FunctionVersion: jsii.String("1"), FunctionWeight: jsii.Number(0.1)}},
		})
		return stack
	}
	template(weigh(nil))
	got := refusal(t, func() { template(weigh(Fixed(1))) })
	if want := "[Test/Handler] the alias Test/Handler/Alias/Resource must not have weights together with provisioned concurrency, which Lambda refuses; shift all traffic at once, or unset Provisioned during the shift"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAliasesOfAHandler shows that sources of all aliases of a function count, and that
// invocations of a version bypass the warm instances.
func TestAliasesOfAHandler(t *testing.T) {
	for name, aliasOf := range map[string]func(awscdk.Stack, *Handler) awslambda.IFunction{
		"added": func(_ awscdk.Stack, h *Handler) awslambda.IFunction {
			return h.Function.AddAlias(jsii.String("blue"), nil)
		},
		"created": func(stack awscdk.Stack, h *Handler) awslambda.IFunction {
			return awslambda.NewAlias(stack, jsii.String("Blue"), &awslambda.AliasProps{AliasName: jsii.String("blue"), Version: h.Version})
		},
		"imported": func(stack awscdk.Stack, h *Handler) awslambda.IFunction {
			return awslambda.Alias_FromAliasAttributes(stack, jsii.String("Blue"), &awslambda.AliasAttributes{AliasName: jsii.String("live"), AliasVersion: h.Version})
		},
	} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("full"), Concurrency: &ConcurrencyProps{Reserved: jsii.Number(10)}})
			alias := aliasOf(stack, h)
			wireJobs(stack, alias, &QueueProps{MaxConcurrency: jsii.Number(11)})
			got := refusal(t, func() { template(stack) })
			want := "[Test/Handler] the reserved concurrency of Test/Handler/Function must be at least 11 instances, the sum of the queues' MaxConcurrency: 11 (Test/Screenshots), got 10; raise it or lower a MaxConcurrency"
			if !strings.HasSuffix(got, want) { // and nothing else, such as a queue that is not wired
				t.Errorf("got %q, want %q", got, want)
			}
			got = refusal(t, func() {
				NewQueue(stack, jsii.String("Wrong"), &QueueProps{Handler: alias, Name: jsii.String("nobody")})
			})
			if want := `got "nobody" without a consumer`; !strings.Contains(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}

	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), silent(nil))
	for _, version := range []awslambda.IFunction{h.Version, h.Function.LatestVersion()} {
		got := refusal(t, func() { NewHttpApi(stack, jsii.String("Http"), &HttpApiProps{Handler: version}) })
		want := "Test/Http: 1 problem\n  - HttpApiProps.Handler must be Handler.Alias, to which the provisioned concurrency belongs, got a version of its function; pass the alias"
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		stack.Node().TryRemoveChild(jsii.String("Http"))
	}

	stack = setup(t)
	latest := plainFunction(stack, reserve(5)).LatestVersion()
	NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: latest, MaxConcurrency: jsii.Number(6)})
	got := refusal(t, func() { template(stack) })
	if want := "the sum of the queues' MaxConcurrency: 6 (Test/Jobs), got 5"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestReservedSetLater shows that the reserved concurrency of a function's resource
// counts, not that of the props.
func TestReservedSetLater(t *testing.T) {
	build := func(reserved float64) awscdk.Stack {
		stack := setup(t)
		h := NewHandler(stack, jsii.String("Handler"), silent(&ConcurrencyProps{Reserved: jsii.Number(50), Provisioned: Fixed(5)}))
		h.Function.Node().DefaultChild().(awslambda.CfnFunction).SetReservedConcurrentExecutions(&reserved)
		return stack
	}
	template(build(6))
	template(build(5))
	for reserved, want := range map[float64]string{
		4: "Provisioned must be at most Reserved (4 instances), got 5; raise Reserved or lower the provisioned number",
		0: "Provisioned must be unset while Reserved is 0, which pauses the function, got 5; unset it, or set Reserved to at least 5",
	} {
		got := refusal(t, func() { template(build(reserved)) })
		if want := "[Test/Handler] ConcurrencyProps." + want; !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// wireJobs wires all jobs of the program "full".
func wireJobs(stack awscdk.Stack, fn awslambda.IFunction, screenshots *QueueProps) {
	screenshots.Handler, screenshots.Name = fn, jsii.String("screenshots")
	NewQueue(stack, jsii.String("Screenshots"), screenshots)
	NewQueue(stack, jsii.String("Ledger"), &QueueProps{Handler: fn, Name: jsii.String("ledger"), Fifo: jsii.Bool(true)})
	for _, name := range []string{"nightly", "tick"} {
		NewSchedule(stack, &name, &ScheduleProps{Handler: fn, Name: &name, Expression: jsii.String("rate(1 day)")})
	}
}

// TestWarmAliases shows that the provisioned concurrency of all aliases of a function
// counts, whatever code created them.
func TestWarmAliases(t *testing.T) {
	build := func(reserved *float64, most float64) awscdk.Stack {
		stack := setup(t)
		h := NewHandler(stack, jsii.String("Handler"), silent(&ConcurrencyProps{Reserved: reserved, Provisioned: Autoscaled(1, 3)}))
		h.Function.AddAlias(jsii.String("blue"), &awslambda.AliasOptions{ProvisionedConcurrentExecutions: jsii.Number(1)}).
			AddAutoScaling(&awslambda.AutoScalingOptions{MaxCapacity: &most})
		return stack
	}
	template(build(jsii.Number(6), 2))
	template(build(jsii.Number(6), 3))
	template(build(nil, 4))
	template(build(awscdk.Token_AsNumber(map[string]any{"Ref": "AWS::NoValue"}), 4))
	got := refusal(t, func() { template(build(jsii.Number(6), 4)) })
	want := "[Test/Handler] Test/Handler/Function: the provisioned concurrency of all aliases must be at most the reserved concurrency of the function (6 instances), got 7, the sum of 4 (Test/Handler/Function/Aliasblue/Resource) + 3 (Test/Handler/Alias/Resource); raise the reserved or lower a provisioned number"
	if !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestForeign shows that the budget tells the resources that this package makes from those
// of other code.
func TestForeign(t *testing.T) {
	made := func(t *testing.T) (awscdk.Stack, *Backend) {
		stack := setup(t)
		b := NewBackend(stack, jsii.String("Backend"), &BackendProps{
			Concurrency:    &ConcurrencyProps{Provisioned: &ProvisionedConcurrency{HoldAtUpdate: jsii.Bool(true), Max: jsii.Number(9), Min: jsii.Number(1)}, Reserved: jsii.Number(100)},
			Entry:          entry("relayed"),
			Jobs:           &HandlerProps{Concurrency: &ConcurrencyProps{Provisioned: Autoscaled(1, 5), Reserved: jsii.Number(50)}},
			WebSocketRelay: jsii.Bool(true),
		})
		return stack, b
	}
	for name, add := range map[string]func(stack awscdk.Stack, b *Backend){
		"":      func(awscdk.Stack, *Backend) {},
		"alias": func(_ awscdk.Stack, b *Backend) { b.Handler.Function.AddAlias(jsii.String("blue"), nil) },
		"mapping": func(stack awscdk.Stack, b *Backend) {
			b.Jobs.Alias.AddEventSource(awslambdaeventsources.NewSqsEventSource(awssqs.NewQueue(stack, jsii.String("Other"), nil), nil))
		},
		"scaling": func(_ awscdk.Stack, b *Backend) {
			b.Handler.Function.AddAlias(jsii.String("blue"), nil).AddAutoScaling(&awslambda.AutoScalingOptions{MaxCapacity: jsii.Number(2)})
		},
		"nested stack": func(stack awscdk.Stack, _ *Backend) {
			nested := awscdk.NewNestedStack(stack, jsii.String("Nested"), nil)
			NewHandler(nested, jsii.String("Handler"), silent(nil))
			if appOf(nested).foreign(nested) {
				t.Error("the handler of the nested stack is this package's")
			}
		},
	} {
		stack, b := made(t)
		add(stack, b)
		// The CDK counts the resources of nested stacks too, which only costs a longer look.
		if got, want := appOf(stack).foreign(stack), name != ""; got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
}
