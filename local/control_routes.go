package local

import (
	"net/http"

	"github.com/lambdahearth/hearth/local/internal/history"
)

// routes are the operations of the control API. init sets it, because some handlers read
// routes themselves.
var routes []route

func init() {
	routes = []route{
		{method: "GET", path: "/state", id: "state", summary: "What the engine runs and has done: URLs, queues, functions, instances, counters", out: State{}, do: func(c *call) (any, error) { return c.State(), nil }},
		{method: "GET", path: "/openapi.json", id: "openapi", summary: "This description", do: (*call).serveOpenAPI},
		{method: "GET", path: "/token", id: "token", summary: "The token that actions want; for programs of this machine, with any value in X-Hearth", out: tokenAnswer{}, do: (*call).giveToken},
		{method: "GET", path: "/stream", id: "stream", summary: "Server-sent events: a tick with what happened, at most ten a second; each has a StreamTick as its data", do: (*call).stream},
		{method: "GET", path: "/lanes", id: "lanes", summary: "The lanes of instances: bars and marks of the last minutes", query: []string{"seconds: how far back, 300 by default", "gapMs: join bars that are less apart, 0 by default"}, out: history.Lanes{}, do: (*call).lanes},
		{method: "GET", path: "/series", id: "series", summary: "Figures for each second of the last ten minutes", query: []string{"after: a time in seconds since 1970; only later seconds"}, out: history.Series{}, do: (*call).series},
		{method: "GET", path: "/invocations", id: "invocations", summary: "Invocations, newest first", query: []string{
			"source: http, websocket, queue, schedule, async, invoke or replay", "status: waiting, init, running, ok, error, timeout, crash, throttled, or failed for all that failed", "function: a function's name",
			"text: a part of the label, the id or the error", "instance: an instance's id", "minMs: shortest duration", "maxMs: longest duration", "from: earliest time in milliseconds since 1970", "to: latest time", "before: the number of an invocation; only older ones", "limit: 100 by default, at most 1000",
		}, out: invocationList{}, do: (*call).invocations},
		{method: "GET", path: "/invocations/{id}", id: "invocation", summary: "One invocation with its event, response and log lines; secrets are masked", query: []string{"secrets: 1 shows them, which wants the token"}, out: invocationDetail{}, do: (*call).invocation},
		{method: "GET", path: "/invocations/{id}/trace", id: "trace", summary: "From the request that began it all to the jobs that its messages became", out: traceAnswer{}, do: (*call).trace},
		{method: "POST", path: "/invocations/{id}/replay", id: "replay", summary: "Send an event again, changed or not; masked secrets are put back", in: replayRequest{}, out: replayAnswer{}, action: true, do: (*call).replay},
		{method: "GET", path: "/logs", id: "logs", summary: "Log lines, newest first; secrets are masked", query: []string{"function: a function's name", "request: an invocation's id", "text: a part of the line", "before: the number of a line; only older ones", "limit: 200 by default, at most 2000"}, out: logAnswer{}, do: (*call).logs},

		{method: "POST", path: "/functions/{name}/reserved", id: "setReserved", summary: "Change the reserved concurrency until the app is read again; 0 stops the function, null is none", in: reservedRequest{}, out: done{}, action: true, do: (*call).setReserved},
		{method: "POST", path: "/instances/{id}/{action}", id: "actOnInstance", summary: "kill, recycle, freeze or thaw an instance", out: done{}, action: true, do: (*call).actOnInstance},
		{method: "POST", path: "/invoke", id: "invoke", summary: "Send an event to a function and wait for its response", query: []string{"name: the function's name or a part of it"}, in: "", do: (*call).invoke, action: true},

		{method: "GET", path: "/queues/{name}/messages", id: "messages", summary: "The messages of a queue, oldest first, without receiving them", query: []string{"limit: 100 by default, at most 1000"}, out: messagesAnswer{}, do: (*call).messages},
		{method: "POST", path: "/send", id: "send", summary: "Put a message on a queue", query: []string{"name: the queue's name or a part of it", "group: the message group of a FIFO queue", "delay: seconds"}, in: "", out: done{}, action: true, do: (*call).send},
		{method: "POST", path: "/queues/{name}/purge", id: "purge", summary: "Delete all messages", out: done{}, action: true, do: (*call).purge},
		{method: "POST", path: "/queues/{name}/redrive", id: "redrive", summary: "Move all messages of a dead-letter queue back to where they came from", out: done{}, action: true, do: (*call).redrive},
		{method: "POST", path: "/queues/{name}/messages/{id}/{action}", id: "actOnMessage", summary: "delete a message, show it (make it visible now), or redrive it, with another body if there is one", in: messageRequest{}, out: done{}, action: true, do: (*call).actOnMessage},
		{method: "POST", path: "/eventsources/{id}/{action}", id: "actOnEventSource", summary: "pause or resume an event source mapping", out: done{}, action: true, do: (*call).actOnEventSource},

		{method: "GET", path: "/connections", id: "connections", summary: "WebSocket connections and the last messages both ways", out: connectionsAnswer{}, do: (*call).connections},
		{method: "POST", path: "/connections/{id}/{action}", id: "actOnConnection", summary: "push text to a client, close its connection, or lose it without a close frame", in: "", out: done{}, action: true, do: (*call).actOnConnection},

		{method: "GET", path: "/schedules", id: "schedules", summary: "Schedules with their next runs", query: []string{"runs: how many runs, 5 by default"}, out: schedulesAnswer{}, do: (*call).schedules},
		{method: "POST", path: "/trigger", id: "trigger", summary: "Run a schedule now", query: []string{"name: the schedule's name or a part of it"}, out: done{}, action: true, do: func(c *call) (any, error) { return nil, c.Trigger(c.r.URL.Query().Get("name")) }},

		{method: "GET", path: "/clock", id: "clock", summary: "The engine's clock, and what it could be moved to", out: clockAnswer{}, do: (*call).clock},
		{method: "POST", path: "/clock", id: "moveClock", summary: "Move the clock forward, where it can be moved", in: clockRequest{}, out: clockAnswer{}, action: true, do: (*call).moveClock},

		{method: "GET", path: "/faults", id: "faults", summary: "What goes wrong on purpose", out: faultsAnswer{}, do: (*call).getFaults},
		{method: "PUT", path: "/faults", id: "setFaults", summary: "Replace what goes wrong on purpose; the body is a file that ReadFaults reads", in: faultsFile{}, out: faultsAnswer{}, action: true, do: (*call).putFaults},

		{method: "GET", path: "/map", id: "map", summary: "How the assembly wires APIs, functions, queues, schedules, tables and the database, with findings of the checks", out: appMap{}, do: (*call).appMap},
	}
}

func (c *call) serveOpenAPI() (any, error) {
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Write(openAPI) //nolint:errcheck // the client has gone
	return nil, nil
}

type tokenAnswer struct {
	Token string `json:"token"`
}

// giveToken requires a header that a web page of another origin can send only after a
// CORS preflight request. The engine grants no preflight.
func (c *call) giveToken() (any, error) {
	if c.r.Header.Get(controlHeader) == "" {
		return nil, &status{http.StatusForbidden, "send the header " + controlHeader + " with any value"}
	}
	return tokenAnswer{c.token}, nil
}
