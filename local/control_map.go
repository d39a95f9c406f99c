package local

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/lambdahearth/hearth/local/internal/plan"

	"github.com/lambdahearth/hearth/constructs/checks"
	"github.com/lambdahearth/hearth/internal/wire"
)

// appMap is the graph of an app: its resources, and the events between them.
type appMap struct {
	Nodes []mapNode `json:"nodes"`
	Edges []mapEdge `json:"edges"`
	// NotSimulated are the resources that the engine does not simulate.
	NotSimulated []Resource `json:"notSimulated"`
	// Findings are the findings of hearth check.
	Findings []checks.Finding `json:"findings"`
	// CheckError says why the checks could not run; "" if they ran.
	CheckError string `json:"checkError,omitempty"`
}

type mapNode struct {
	// ID is the kind and the logical id, with a slash between them.
	ID string `json:"id"`
	// Kind is http, websocket, schedule, function, queue, table or database.
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	LogicalID string `json:"logicalId"`
	// Findings are indexes into the map's Findings, of those about this node.
	Findings []int `json:"findings"`
}

type mapEdge struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Kind is invokes, sends, deadLetters or uses.
	Kind string `json:"kind"`
	// Count is the number of events that passed, Failed the number of those that failed.
	Count  int `json:"count"`
	Failed int `json:"failed"`
}

// inspection holds the checks' findings in the templates of a plan.
type inspection struct {
	mu       sync.Mutex
	plan     *plan.Plan // nil before the first check
	findings []checks.Finding
	err      string
}

// findings checks the templates once for each plan, and then returns the stored findings.
func (e *Engine) findings() ([]checks.Finding, string) {
	e.mu.Lock()
	current := e.plan
	e.mu.Unlock()
	c := &e.inspection
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plan != current {
		found, err := checks.Paths(e.opts.Assembly)
		if c.plan, c.findings, c.err = current, found, ""; err != nil {
			c.err = err.Error()
		}
	}
	return append([]checks.Finding{}, c.findings...), c.err
}

func (c *call) appMap() (any, error) {
	out := appMap{Nodes: []mapNode{}, Edges: []mapEdge{}, NotSimulated: []Resource{}}
	out.Findings, out.CheckError = c.findings()
	s := c.State()
	out.NotSimulated = append(out.NotSimulated, s.NotSimulated...)
	ids := map[string]string{} // node ids by kind and name
	add := func(kind, name, logicalID string) string {
		n := mapNode{ID: kind + "/" + logicalID, Kind: kind, Name: name, LogicalID: logicalID, Findings: []int{}}
		for i, f := range out.Findings {
			if f.LogicalID == logicalID {
				n.Findings = append(n.Findings, i)
			}
		}
		out.Nodes = append(out.Nodes, n)
		ids[kind+" "+name] = n.ID
		return n.ID
	}
	connect := func(from, to, kind string, count, failed int) {
		if from != "" && to != "" {
			out.Edges = append(out.Edges, mapEdge{from, to, kind, count, failed})
		}
	}
	for _, f := range s.Functions {
		add("function", f.Name, f.LogicalID)
	}
	for _, q := range s.Queues {
		add("queue", q.Name, q.LogicalID)
	}
	for _, t := range s.Tables {
		add("table", t.Name, t.LogicalID)
	}
	database := ""
	if s.Database != "" {
		database = add("database", s.Database, strings.Join(s.Proxies, " "))
	}
	functionOf := func(ref string) string {
		if i := strings.Index(ref, ":function:"); i >= 0 {
			ref = ref[i+len(":function:"):]
		}
		name, _, _ := strings.Cut(ref, ":")
		return ids["function "+name]
	}
	c.mu.Lock()
	current := c.plan
	c.mu.Unlock()
	for i, h := range current.HTTPAPIs {
		id, count := add("http", cmp.Or(h.Name, h.Resource.ID), h.Resource.ID), s.HTTPAPIs[i].Counters
		targets := map[string]bool{}
		for _, r := range h.Config.Routes {
			targets[functionOf(r.Integration.Function)] = true
		}
		for _, to := range slices.Sorted(maps.Keys(targets)) {
			connect(id, to, "invokes", int(count.Requests), int(count.ServerErrors))
		}
	}
	for i, w := range current.WebSockets {
		id, count := add("websocket", cmp.Or(w.Name, w.Resource.ID), w.Resource.ID), s.WebSocketAPIs[i].Counters
		targets := map[string]bool{}
		for _, r := range w.Config.Routes {
			targets[functionOf(r.Function)] = true
		}
		for _, to := range slices.Sorted(maps.Keys(targets)) {
			connect(id, to, "invokes", count.MessagesIn+count.Connects+count.Disconnects, count.Errors)
		}
	}
	runs := map[string]ScheduleState{}
	for _, r := range s.Schedules {
		runs[r.ARN] = r
	}
	for _, p := range current.Schedules {
		id, run := add("schedule", p.Schedule.Name, p.Resource.ID), runs[p.Schedule.ARN]
		if to := functionOf(p.Schedule.TargetARN); to != "" {
			connect(id, to, "invokes", run.Runs, run.Failures)
		} else {
			connect(id, ids["queue "+plan.LastPart(p.Schedule.TargetARN, ":")], "sends", run.Runs, run.Failures)
		}
		connect(id, ids["queue "+plan.LastPart(p.Schedule.DeadLetterARN, ":")], "deadLetters", run.Failures, 0)
	}
	for _, m := range s.EventSources {
		connect(ids["queue "+m.Queue], functionOf(m.Function), "invokes", m.Counters.Messages, m.Counters.Failed)
	}
	for _, q := range s.Queues {
		connect(ids["queue "+q.Name], ids["queue "+q.DeadLetterQueue], "deadLetters", q.Counters.Dead, 0)
	}
	sends := c.history.Sends()
	for _, f := range current.Functions {
		from := ids["function "+f.Config.Name]
		for _, q := range s.Queues {
			n := sends[[2]string{f.Config.Name, q.Name}]
			if n > 0 || mentions(f.Config.Env, "/"+q.Name) {
				connect(from, ids["queue "+q.Name], "sends", n, 0)
			}
		}
		for _, t := range s.Tables {
			if mentions(f.Config.Env, t.Name) {
				connect(from, ids["table "+t.Name], "uses", 0, 0)
			}
		}
		for name := range f.Config.Env {
			if strings.HasPrefix(name, wire.EnvDatabaseHost) {
				connect(from, database, "uses", 0, 0)
				break
			}
		}
	}
	return out, nil
}

// mentions reports whether any variable has a value that ends with name, or has name
// before a delimiter.
func mentions(env map[string]string, name string) bool {
	for _, value := range env {
		for rest := value; ; {
			_, after, ok := strings.Cut(rest, name)
			if !ok {
				break
			}
			if after == "" || strings.ContainsAny(after[:1], "\",;} \n") {
				return true
			}
			rest = after
		}
	}
	return false
}
