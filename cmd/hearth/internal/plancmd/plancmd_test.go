package plancmd

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/plan"
)

// assembly writes a cloud assembly with an autoscaled Go function, its queue and its API.
func assembly(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"manifest.json": `{"artifacts": {"Shop": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region", "properties": {"templateFile": "Shop.template.json"}}}}`,
		"Shop.template.json": `{"Resources": {
			"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "provided.al2023", "Architectures": ["arm64"], "MemorySize": 1024, "Timeout": 20, "ReservedConcurrentExecutions": 40},
				"Metadata": {"hearth:entry": "handler"}},
			"Live": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "Fn"}, "FunctionVersion": "1", "Name": "live", "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 3}}},
			"Url": {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": {"Ref": "Live"}, "AuthType": "NONE"}},
			"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 120, "RedrivePolicy": {"maxReceiveCount": 4}}},
			"Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]}, "FunctionName": {"Ref": "Live"}, "BatchSize": 5, "ScalingConfig": {"MaximumConcurrency": 8}}},
			"Other": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "provided.al2023", "Environment": {"Variables": {"HOST": {"Fn::GetAtt": ["Db", "Endpoint.Address"]}}}}},
			"Tick": {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "rate(1 hour)", "Targets": [{"Id": "0", "Arn": {"Fn::GetAtt": ["Other", "Arn"]}}]}},
			"Send": {"Type": "AWS::Scheduler::Schedule", "Properties": {"ScheduleExpression": "rate(30 minutes)", "Target": {"Arn": {"Fn::GetAtt": ["Ticks", "Arn"]}}}},
			"Ticks": {"Type": "AWS::SQS::Queue"},
			"Db": {"Type": "AWS::RDS::DBInstance"},
			"Pool": {"Type": "AWS::RDS::DBProxyTargetGroup", "Properties": {"ConnectionPoolConfigurationInfo": {"MaxConnectionsPercent": 90, "ConnectionBorrowTimeout": 30}}},
			"TickMapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"EventSourceArn": {"Fn::GetAtt": ["Ticks", "Arn"]}, "FunctionName": {"Ref": "Other"}}}
		}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestProject checks that a project needs only the traffic, and that flags override the
// settings of the assembly.
func TestProject(t *testing.T) {
	t.Parallel()
	dir := assembly(t)
	read := func(f Flags) (r struct {
		Title    string
		Scenario struct {
			Provisioned, MaxProvisioned, MemoryMB int
			Reserved                              *int
			Timeout                               float64
			Arch, API                             string
			Queues                                []string
		}
		Advice struct {
			Reserved    int
			ReservedWhy string
			Queues      []struct{ Name string }
		}
		Assumed []string
	}) {
		t.Helper()
		f.Assembly, f.JSON, f.Requests = dir, true, 20_000
		var out bytes.Buffer
		if err := Run(t.Context(), f, &out); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := read(Flags{Rate: 5})
	s := r.Scenario
	if r.Title != "Plan for Fn in Shop" || s.Provisioned != 3 || s.MemoryMB != 1024 || *s.Reserved != 40 || s.Timeout != 20 || s.Arch != "arm64" || s.API != "url" {
		t.Errorf("got %+v", r)
	}
	if len(r.Assumed) != 3 || !strings.Contains(r.Advice.ReservedWhy, "queues without messages here may take 8") {
		t.Errorf("got %q, %s", r.Assumed, r.Advice.ReservedWhy)
	}
	r = read(Flags{Rate: 5, Idle: "10m", Memory: 256, Timeout: 3 * time.Second, Arch: "x86_64", API: "http"})
	if s := r.Scenario; s.Provisioned != 0 || s.Reserved != nil || s.MemoryMB != 256 || s.Timeout != 3 || s.Arch != "x86_64" || s.API != "http" {
		t.Errorf("got %+v", r)
	}
	r = read(Flags{Rate: 0.1, Queues: []string{"Jobs,rate=2,duration=100ms"}, Length: time.Hour})
	if len(r.Scenario.Queues) != 1 || len(r.Advice.Queues) != 1 || r.Advice.Queues[0].Name != "Jobs" || len(r.Assumed) != 3 || !strings.HasPrefix(r.Assumed[2], "An invocation runs one job of Jobs at a time: --queue Jobs,jobs=4 says how many. The program could not be asked: ") {
		t.Errorf("got %+v", r)
	}
}

// TestBrokenProject checks that a plan without the project works with a broken assembly.
func TestBrokenProject(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("cdk.out", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("cdk.out/manifest.json", []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	in, err := (&Flags{Rate: 5, Duration: "1s", Init: "1s"}).input(t.Context())
	if err != nil || len(in.Assumed) != 1 || !strings.HasPrefix(in.Assumed[0], "Nothing comes from cdk.out: read assembly: ") {
		t.Errorf("got %+v, %v", in, err)
	}
	if _, err := (&Flags{Rate: 5, Function: "Fn"}).input(t.Context()); err == nil {
		t.Error("a function of an assembly that cannot be read is planned for")
	}
}

// TestQueues checks the settings of queues from flags and from the project.
func TestQueues(t *testing.T) {
	t.Parallel()
	f := Flags{Assembly: assembly(t), Queues: []string{"Jobs,backlog=50,duration=lognormal:1s/0.5,max=6,jobs=3", "other.fifo,rate=1,duration=1s,fifo,groups=4,batch=2,window=3s,failure=0.1,visibility=9s,receives=2", "polled,rate=1,duration=1s,pollers=2-4"}}
	in, err := f.input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q := in.Scenario.Queues
	if in.Scenario.Traffic != nil || len(q) != 3 {
		t.Fatalf("got %+v", in.Scenario)
	}
	if a := q[0]; a.Backlog != 50 || a.MaxConcurrency != 6 || a.Jobs != 3 || a.BatchSize != 5 || a.MaxReceives != 4 || a.Visibility != 2*time.Minute || !a.WholeBatch || a.Duration.String() != "lognormal:1s,0.5" {
		t.Errorf("got %+v", a)
	}
	if a := q[1]; !a.FIFO || a.Groups != 4 || a.BatchSize != 2 || a.Window != 3*time.Second || a.Failure != 0.1 || a.Visibility != 9*time.Second || a.MaxReceives != 2 || a.Traffic.Mean() != 1 {
		t.Errorf("got %+v", a)
	}
	if a := q[2]; a.MinPollers != 2 || a.MaxPollers != 4 {
		t.Errorf("got %+v", a)
	}
}

// TestSizes checks durations at memory sizes, a week, and WebSocket clients.
func TestSizes(t *testing.T) {
	t.Parallel()
	f := Flags{Daily: "1-3", Weekend: 0.5, AtMemory: []string{"256=400ms", "512=lognormal:80ms,0.5"}, Clients: 100, API: "websocket"}
	in, err := f.input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m := in.Billing.Measured; len(m) != 2 || m[1].MB != 512 || m[0].Duration.Mean() != 0.4 || in.Billing.Connections != 100 {
		t.Errorf("got %+v", in.Billing)
	}
	if mean := in.Scenario.Traffic.Mean(); mean < 1.71 || mean > 1.72 {
		t.Errorf("a week has %g requests/s, want 2·6/7", mean)
	}
}

// TestFiles checks traffic and durations from files.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, f := range map[string]Flags{
		"counts":  {Traffic: write("counts.csv", "60\n120\n"), Duration: "100ms", Repeat: true},
		"trace":   {Traffic: write("trace.csv", "app,func,end_timestamp,duration\na,f,1,0.5\na,g,2,0.5\n"), Func: "g"},
		"reports": {Traffic: write("reports.log", "REPORT RequestId: 1\tDuration: 500.00 ms\tBilled Duration: 500 ms\tMemory Size: 256 MB\tInit Duration: 80 ms\n"), Rate: 3, Scale: 2},
	} {
		in, err := f.input(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := map[string]float64{"counts": 1.5, "trace": 0, "reports": 6}[name]
		if got := in.Scenario.Traffic.Mean(); got != want {
			t.Errorf("%s: %g requests/s, want %g", name, got, want)
		}
		if name == "reports" && (in.Scenario.Duration.Mean() != 0.5 || in.Scenario.Init.Mean() != 0.08 || in.Billing.MemoryMB != 256) {
			t.Errorf("got %+v", in)
		}
	}
}

// TestMeasure starts a program to measure its init.
func TestMeasure(t *testing.T) {
	t.Parallel()
	f := Flags{Rate: 1, Measure: true, Dir: "../../testdata/program"}
	in, err := f.input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if init := in.Scenario.Init.Mean(); init <= 0 || init > 30 || !strings.Contains(strings.Join(in.Assumed, "\n"), "measured on this machine, 5 times") {
		t.Errorf("init %g s, assumed %q", init, in.Assumed)
	}
}

// TestSchedules checks that a project's schedules are traffic, alone if no API invokes the
// function, and what flags say about them.
func TestSchedules(t *testing.T) {
	t.Parallel()
	f := Flags{Assembly: assembly(t), Function: "Other", Start: "2026-12-24", Schedules: []string{"extra,window=1m,zone=Asia/Tokyo,duration=uniform:1s-2s,cron(0 3 ? * MON,TUE *)"}}
	in, err := f.input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := in.Scenario
	if s.Traffic != nil || len(s.Schedules) != 3 || len(s.Queues) != 1 || s.Queues[0].Name != "Ticks" || s.Queues[0].Duration.Mean() != 1.5 {
		t.Fatalf("got %+v", s)
	}
	if a := s.Schedules[0]; a.Name != "Send" || a.Queue != "Ticks" || a.Expression != "rate(30 minutes)" {
		t.Errorf("got %+v", a)
	}
	if a := s.Schedules[1]; a.Name != "Tick" || a.Queue != "" || a.Duration.Mean() != 1.5 { // half of the timeout
		t.Errorf("got %+v", a)
	}
	if a := s.Schedules[2]; a.Window != time.Minute || a.Expression != "cron(0 3 ? * MON,TUE *) Asia/Tokyo" || a.Duration.Mean() != 1.5 || a.Next(s.Start, s.Start).UTC() != time.Date(2026, 12, 27, 18, 0, 0, 0, time.UTC) {
		t.Errorf("got %+v, first at %s", a, a.Next(s.Start, s.Start))
	}
	assumed := strings.Join(in.Assumed, "\n")
	for _, want := range []string{"A run of the schedule Tick takes 1.5s on average: --schedule Tick,duration=1s says how long.", "A job of the queue Ticks takes 1.5s on average"} {
		if !strings.Contains(assumed, want) {
			t.Errorf("%q is not in %q", want, assumed)
		}
	}
	f.Schedules, f.Rate = []string{"Tick,duration=100ms"}, 2
	if in, err = f.input(t.Context()); err != nil || in.Scenario.Schedules[1].Duration.Mean() != 0.1 || in.Scenario.Traffic.Mean() != 2 {
		t.Errorf("got %+v, %v", in, err)
	}
}

// TestDatabase checks the database of flags and of the project.
func TestDatabase(t *testing.T) {
	t.Parallel()
	dir := assembly(t)
	for _, c := range []struct {
		flags Flags
		want  plan.Database
	}{
		{Flags{Connections: 50}, plan.Database{Connections: 50}},
		{Flags{Connections: 50, Borrow: time.Second, Held: 0.5}, plan.Database{Connections: 50, Proxy: true, Borrow: time.Second, Held: 0.5}},
		{Flags{Connections: 50, Assembly: dir, Function: "Other"}, plan.Database{Connections: 45, Proxy: true, Borrow: 30 * time.Second}},
		{Flags{Connections: 1, Borrow: time.Minute, Assembly: dir, Function: "Other"}, plan.Database{Connections: 1, Proxy: true, Borrow: time.Minute}},
	} {
		if in, err := c.flags.input(t.Context()); err != nil || *in.Scenario.Database != c.want {
			t.Errorf("%+v: %+v, %v", c.flags, in.Scenario.Database, err)
		}
	}
	in, err := (&Flags{Assembly: dir, Function: "Other"}).input(t.Context())
	if err != nil || in.Scenario.Database != nil || !strings.Contains(strings.Join(in.Assumed, "\n"), "Nothing waits for the database: --connections says its max_connections.") {
		t.Errorf("got %+v, %v", in, err)
	}
}

// TestJobs checks that the number of concurrent jobs comes from the program's manifest,
// unless the flag has it.
func TestJobs(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("../../../../test/testdata/bookmarks.template.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := assembly(t)
	if err := os.WriteFile(filepath.Join(dir, "Shop.template.json"), template, 0o644); err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string]int{"titles,rate=1,duration=1s": 5, "titles,rate=1,duration=1s,jobs=3": 3} {
		f := Flags{Assembly: dir, Dir: "../../../../examples/bookmarks/handler", Queues: []string{flag}}
		in, err := f.input(t.Context())
		if err != nil || in.Scenario.Queues[0].Jobs != want {
			t.Errorf("%s: got %+v, %v; assumed %q", flag, in.Scenario.Queues, err, in.Assumed)
		}
	}
}

// TestNoFunction checks the error for an assembly without a Go function.
func TestNoFunction(t *testing.T) {
	t.Parallel()
	dir := assembly(t)
	if err := os.WriteFile(filepath.Join(dir, "Shop.template.json"), []byte(`{"Resources": {}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	const want = "plan: the assembly must have a Go function, which has the runtime provided.al2023, got none; name another one with --assembly, or none"
	if err := Run(t.Context(), Flags{Assembly: dir}, io.Discard); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	dir := assembly(t)
	counts := filepath.Join(t.TempDir(), "counts.csv")
	if err := os.WriteFile(counts, []byte("60\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]Flags{
		"plan: --rate: must be 0 requests a second or more, got -1; correct it":                                                                                                       {Rate: -1},
		`plan: --duration: must be a duration such as 250ms, or constant:250ms, exponential:250ms, lognormal:200ms,0.6 or uniform:100ms-400ms, got "1": "1" is no number with a unit`: {Duration: "1"},
		"plan: --distribution: must be exponential or constant, got \"normal\"; others are written as --duration lognormal:200ms,0.6":                                                 {Distribution: "normal"},
		`plan: --init: must be a duration such as 250ms, or constant:250ms, exponential:250ms, lognormal:200ms,0.6 or uniform:100ms-400ms, got "x": "x" is no number with a unit`:     {Init: "x"},
		`plan: --idle: must be a duration such as 10m or a band such as 5m-15m, got "x": "x" is no number with a unit`:                                                                {Idle: "x"},
		`plan: --provisioned: must be a number of instances, or the lowest and the highest, such as 2-20, got "5-2": the lower number comes first`:                                    {Provisioned: "5-2"},
		`plan: --reserved: must be 0 or more instances, got "-1"; leave it out to reserve nothing`:                                                                                    {Reserved: "-1"},
		`plan: --goal: must be the share of requests that may be cold, such as 0.1%, got "150%"; correct it`:                                                                          {Goal: "150%"},
		"plan: --noticeable and --age must be 0 or more, got 0s and -1ns; correct them":                                                                                               {Age: -1},
		`plan: --arch: must be arm64 or x86_64, got "mips"; correct it`:                                                                                                               {Arch: "mips"},
		`plan: --api: must be http, rest, url, websocket or none, got "soap"; correct it`:                                                                                             {API: "soap"},
		"plan: --memory: must be 128 to 10240 MB, got 64; correct it":                                                                                                                 {Memory: 64},
		`plan: --daily: must be two rates in requests a second, such as 2-40, got "9-2": the lower number comes first`:                                                                {Daily: "9-2"},
		`plan: --burst: must be a number of requests, and over what time they come, such as 50/2s, got "0"; correct it`:                                                               {Burst: "0"},
		`plan: --at-memory: must be 128 to 10240 MB and the duration with it, such as 512=110ms, got "64=1s"; correct it`:                                                             {AtMemory: []string{"64=1s"}},
		"plan: --weekend: must be the share of a weekday's requests, such as 0.3, got -1; correct it":                                                                                 {Daily: "1-2", Weekend: -1},
		"plan: --weekend: must be the share of a weekday's requests, such as 0.3, got NaN; correct it":                                                                                {Daily: "1-2", Weekend: math.NaN()},
		"plan: --weekend: must come with --daily, got it alone; a week has days of that kind":                                                                                         {Weekend: 0.5},
		"plan: --rush: must be above 0 requests a second, got -5; correct it":                                                                                                         {Rush: -5},
		"plan: --rush: must be above 0 requests a second, got NaN; correct it":                                                                                                        {Rush: math.NaN()},
		"plan: --scale: must be above 0, got NaN; correct it":                                                                                                                         {Scale: math.NaN()},
		"plan: --clients: must be 0 or more, got -5; correct it":                                                                                                                      {Clients: -5},
		"plan: --scale: must be above 0, got -1; correct it":                                                                                                                          {Scale: -1},
		`plan: --queue: must begin with the name of the queue, got "rate=5"; write jobs,rate=5,duration=2s`:                                                                           {Queues: []string{"rate=5"}},
		`plan: --queue: "jobs": must have messages, got none; add rate=5 or backlog=1000`:                                                                                             {Queues: []string{"jobs"}},
		`plan: --queue: must be given once for each queue, got "jobs" twice; leave one out`:                                                                                           {Queues: []string{"jobs,rate=1", "jobs,rate=2"}},
		`plan: --schedule: "x": must be a schedule of the project or have an expression, got none; add rate(5 minutes) or cron(0 3 * * ? *)`:                                          {Schedules: []string{"x"}},
		`plan: --schedule: must begin with the name of the schedule, got "rate(1 hour)"; write nightly,duration=5m,cron(0 3 * * ? *)`:                                                 {Schedules: []string{"rate(1 hour)"}},
		`plan: --schedule: "x": speed: the options are duration, failure, zone and window, and last cron(…), rate(…) or at(…)`:                                                        {Schedules: []string{"x,speed=1,rate(1 hour)"}},
		`plan: --schedule: "x": schedule expression "rate(0 hours)": rate must be a number from 1 and minutes, hours or days, got "0 hours"`:                                          {Schedules: []string{"x,rate(0 hours)"}},
		`plan: --schedule: "x": zone must come with an expression, got "UTC" alone; add one`:                                                                                          {Schedules: []string{"x,zone=UTC"}},
		`plan: --schedule: "Tick": must have its times once, got another expression; leave one out`:                                                                                   {Assembly: dir, Function: "Other", Schedules: []string{"Tick,rate(1 hour)"}},
		`plan: --start: must be a date or a time such as 2026-11-30 or 2026-11-30T08:00:00Z, got "today"; correct it`:                                                                 {Start: "today"},
		"plan: --connections: must be 1 or more, got -1; see max_connections of the database":                                                                                         {Connections: -1},
		"plan: --connections: must be given with --borrow and --held, got none; see max_connections of the database":                                                                  {Held: 0.5},
		"plan: --borrow: must be 0s or more, got -1ns; correct it":                                                                                                                    {Borrow: -1},
		"plan: --held: must be a share of 0 to 1, got 2; correct it":                                                                                                                  {Held: 2},
		`plan: --queue: "jobs": batch: "x" is no whole number`:                                                                                                                        {Queues: []string{"jobs,batch=x"}},
		`plan: --queue: "jobs": window: "5" is no duration such as 30s`:                                                                                                               {Queues: []string{"jobs,window=5"}},
		`plan: --queue: "jobs": failure: "nan" is no number`:                                                                                                                          {Queues: []string{"jobs,failure=nan"}},
		`plan: --provisioned: must be a number of instances, or the lowest and the highest, such as 2-20, got "-1": "" is no whole number`:                                            {Provisioned: "-1"},
		`plan: --queue: "jobs": there is no option "speed"; the options are rate, traffic, backlog, duration, jobs, batch, window`:                                                    {Queues: []string{"jobs,speed=1"}},
		"plan: traffic must be given once, got several of --rate, --traffic, --daily, --rush and --burst; a rate goes with":                                                           {Rate: 1, Daily: "1-2"},
		`plan: --function: must name one of the Go functions Fn, Other, got "x"; name it, or a part that only it has`:                                                                 {Assembly: dir, Function: "x"},
		"plan: there is no cdk.out here; synthesize the app first, or name its assembly with --assembly":                                                                              {Function: "Fn"},
		"plan: read assembly: open ":      {Assembly: "none"},
		"plan: read traffic: open none: ": {Traffic: "none"},
		"plan: read prices: open none: ":  {Prices: "none"},
		"plan: measure init: the folder of the program must be known, got none; name it with --dir; say how long": {Measure: true},
		"plan: provisioned must be at most reserved (2 instances), got 5; lower it":                               {Provisioned: "5", Reserved: "2"},
		`queue "jobs": duration must be given, got none; say how long a job takes, such as 250ms`:                 {Queues: []string{"jobs,rate=1"}},
		"plan: traffic must be given once": {Traffic: counts, Rate: 5},
	} {
		var out bytes.Buffer
		if err := Run(t.Context(), f, &out); err == nil || !strings.HasPrefix(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%+v:\ngot  %v\nwant %s", f, err, want)
		}
	}
}
