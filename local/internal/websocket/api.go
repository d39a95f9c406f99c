// Package websocket simulates API Gateway WebSocket APIs in front of Lambda functions. It
// holds the connections, turns their events into invocations, and serves the @connections
// API.
//
//	api := websocket.New(invoker, clock.Real{})
//	api.Configure(websocket.Config{ID: "abc", Stages: …, Routes: …})
//	http.ListenAndServe("127.0.0.1:3000", api)
package websocket

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/local/internal/gateway"

	"github.com/lambdahearth/hearth/local/internal/clock"
)

// Limits of WebSocket APIs.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (2026-11)
const (
	maxFrameBytes   = 32 * 1024
	maxMessageBytes = 128 * 1024
	maxIdle         = 10 * time.Minute
	maxLifetime     = 2 * time.Hour
	maxTimeout      = 29 * time.Second

	authorizerTimeout = 10 * time.Second
	// maxParallel bounds how many messages of one connection are handled at once.
	maxParallel = 16
	// goodbye is how long Stop waits for the $disconnect invocations.
	goodbye = 2 * time.Second
)

// Invoker invokes Lambda functions.
type Invoker interface {
	Invoke(ctx context.Context, i gateway.Invocation) ([]byte, error)
}

// Config is an API's configuration.
type Config struct {
	// ID, Region and Account are parts of the API's domain and ARNs.
	ID, Region, Account string
	// RouteSelection is the route selection expression, such as
	// "$request.body.action".
	RouteSelection string
	// Debug lifts the time limits of integrations.
	Debug bool
	// Stages are the variables of the deployed stages, by the stage's name.
	Stages map[string]map[string]string
	// Routes are the routes by their keys: $connect, $disconnect, $default and the API's
	// own keys.
	Routes map[string]Route
}

// Route is one route.
type Route struct {
	// Function is the ARN of the route's function, alias or version.
	Function string
	// Timeout is the integration's timeout; 0 means 29 seconds.
	Timeout time.Duration
	// Respond says that the route has a route response: the client gets the body that the
	// function returns.
	Respond bool
	// Authorizer guards $connect; nil lets everybody in.
	Authorizer *Authorizer
}

// API is a WebSocket API with its stages and connections. It is safe for concurrent use.
//
// It differs from AWS: it speaks plain HTTP on loopback. If it has only one stage, it
// accepts connections on any path. It does not check signatures of the @connections API,
// and ends connections of clients that do not read. The engine's clock measures idle time
// and lifetime; a ping ends idle time. Throttling, access logs, custom domains, request
// templates and integrations other than Lambda proxies are not simulated. Routes with IAM
// authorization let everybody in.
//
// AWS does not document some cases. Here, up to 16 messages of one connection are handled
// at the same time. The answer to a refused handshake has the function's status and API
// Gateway's body.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html (2026-11)
type API struct {
	invoker Invoker
	clock   clock.Clock
	logf    func(format string, args ...any)
	observe Observer

	mu      sync.Mutex
	config  Config
	conns   map[string]*connection
	count   Count
	stopped bool

	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

// Count counts an API's events.
type Count struct {
	Connects    int `json:"connects"`
	Refused     int `json:"refused"`
	Disconnects int `json:"disconnects"`
	MessagesIn  int `json:"messagesIn"`
	MessagesOut int `json:"messagesOut"`
	Errors      int `json:"errors"`
	Gone        int `json:"gone"` // calls of @connections that got 410
}

// New returns an API without routes. logf gets a line for each event that fails because
// of a function; nil discards the lines. The caller stops the API.
func New(invoker Invoker, c clock.Clock, logf func(format string, args ...any)) *API {
	if logf == nil {
		logf = func(string, ...any) {}
	}
	a := &API{invoker: invoker, clock: c, logf: logf, conns: map[string]*connection{}}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

// Observer gets the traffic between clients and the API; it must return quickly and not
// keep text. kind is "connect", "in", "out" or "disconnect".
type Observer func(connection, kind string, text []byte)

// Observe sets the observer; call it before the API serves.
func (a *API) Observe(o Observer) { a.observe = o }

func (a *API) tell(c *connection, kind string, text []byte) {
	if a.observe != nil {
		a.observe(c.id, kind, text)
	}
}

// Configure sets or changes the API's configuration. Connections stay open.
func (a *API) Configure(c Config) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.config = c
}

// Count returns the present counters and the number of open connections.
func (a *API) Count() (c Count, open int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count, len(a.conns)
}

func (a *API) counted(count func(c *Count)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	count(&a.count)
}

// Stop closes all connections with code 1001, waits a moment for the $disconnect
// invocations, and then for the end of everything. New connections are refused.
func (a *API) Stop() {
	a.mu.Lock()
	a.stopped = true
	for _, c := range a.conns {
		c.end(&closeError{code: codeGoingAway, reason: "Going away"})
	}
	a.mu.Unlock()
	timer := time.AfterFunc(goodbye, a.cancel)
	a.tasks.Wait()
	timer.Stop()
	a.cancel()
}

// IsUpgrade reports whether a request asks for a WebSocket.
func IsUpgrade(r *http.Request) bool { return isUpgrade(r) }

// Serves reports whether the @connections API serves the path.
func (a *API) Serves(path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	stage, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	_, ok := a.config.Stages[stage]
	return ok && (strings.HasPrefix(rest, "@connections/") || strings.HasPrefix(rest, "%40connections/"))
}

// ServeHTTP implements [http.Handler].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	config, stopped := a.config, a.stopped
	if !stopped {
		a.tasks.Add(1)
	}
	a.mu.Unlock()
	if stopped {
		gateway.Refuse(w, http.StatusServiceUnavailable, map[string]string{"message": "Service Unavailable"})
		return
	}
	defer a.tasks.Done()
	path := r.URL.EscapedPath()
	stage, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if _, ok := config.Stages[stage]; ok {
		for _, prefix := range []string{"@connections/", "%40connections/"} {
			if id, ok := strings.CutPrefix(rest, prefix); ok {
				if decoded, err := url.PathUnescape(id); err == nil {
					id = decoded
				}
				a.serveConnections(w, r, id)
				return
			}
		}
	} else if len(config.Stages) == 1 {
		for stage = range config.Stages {
		}
	} else {
		gateway.Refuse(w, http.StatusForbidden, map[string]string{"message": "Forbidden"})
		return
	}
	if !isUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		gateway.Refuse(w, http.StatusUpgradeRequired, map[string]string{"message": "Upgrade Required"})
		return
	}
	a.serveConnect(w, r, config, stage)
}

// connection is one client's connection.
type connection struct {
	id         string
	stage      string
	host       string
	sourceIP   string
	userAgent  string
	authorizer map[string]any
	at         time.Time
	wire       *wire
	ending     chan *closeError // the server's reason to end it; capacity 1

	mu     sync.Mutex
	active time.Time
}

func (c *connection) touch(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active = now
}

func (c *connection) lastActive() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.active
}

// end ends the connection from the server's side.
func (c *connection) end(reason *closeError) {
	select {
	case c.ending <- reason:
	default: // it is already ending
	}
}

// serveConnect accepts or refuses a handshake, and then serves the connection.
func (a *API) serveConnect(w http.ResponseWriter, r *http.Request, config Config, stage string) {
	accept, err := checkHandshake(r)
	if err != nil {
		gateway.Refuse(w, http.StatusBadRequest, map[string]string{"message": "Bad Request"})
		return
	}
	now := a.clock.Now()
	c := &connection{
		id: newID(), stage: stage, host: r.Host, sourceIP: gateway.SourceIP(r), userAgent: r.UserAgent(), at: now, active: now,
		ending: make(chan *closeError, 1),
	}
	subprotocol, status := a.connect(r, config, c)
	if status != 0 {
		a.counted(func(n *Count) { n.Refused++ })
		message := http.StatusText(status)
		if status >= 500 {
			message = "Internal server error"
		}
		gateway.Refuse(w, status, map[string]string{"message": message, "connectionId": c.id, "requestId": newID()})
		return
	}
	err = upgrade(w, accept, subprotocol, func(client *wire) {
		client.active = func() { c.touch(a.clock.Now()) }
		c.wire = client
		a.register(c)
	})
	if err != nil {
		a.unregister(c)
		a.disconnected(c, &closeError{code: codeAbnormal, reason: "Connection Closed Abnormally"})
		return
	}
	a.serveConnection(c)
}

// register makes a connection known to the @connections API.
func (a *API) register(c *connection) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count.Connects++
	a.conns[c.id] = c
	a.tell(c, "connect", nil)
	if a.stopped {
		c.end(&closeError{code: codeGoingAway, reason: "Going away"})
	}
}

// unregister removes a connection from the @connections API.
func (a *API) unregister(c *connection) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.conns, c.id)
}

// serveConnection reads a connection's messages until it ends.
func (a *API) serveConnection(c *connection) {
	over := make(chan struct{})
	var closed *closeError // the server's close frame; read after over
	var watcher sync.WaitGroup
	watcher.Go(func() {
		if closed = a.watch(c, over); closed != nil {
			a.unregister(c) // before the client learns that it has ended
			c.wire.writeClose(closed.code, closed.reason)
		}
	})
	slots := make(chan struct{}, maxParallel)
	var handlers sync.WaitGroup
	var end *closeError
	for {
		var message []byte
		if message, end = c.wire.read(); end != nil {
			break
		}
		slots <- struct{}{}
		handlers.Go(func() {
			defer func() { <-slots }()
			a.message(c, message)
		})
	}
	close(over)
	watcher.Wait()
	a.unregister(c)
	switch {
	case closed != nil:
		end = closed
	case end.remote:
		c.wire.writeClose(end.code, "")
	default:
		c.wire.writeClose(end.code, end.reason)
		c.wire.drain()
	}
	c.wire.conn.Close() //nolint:errcheck // it may have ended
	a.disconnected(c, end)
	handlers.Wait()
}

// watch ends a connection that is idle or too old, or that the server wants to end. It
// returns nil if the connection ends first.
func (a *API) watch(c *connection, over <-chan struct{}) *closeError {
	lifetime := a.clock.NewTimer(c.at.Add(maxLifetime).Sub(a.clock.Now()))
	defer lifetime.Stop()
	for {
		idle := a.clock.NewTimer(c.lastActive().Add(maxIdle).Sub(a.clock.Now()))
		select {
		case <-over:
			idle.Stop()
			return nil
		case reason := <-c.ending:
			idle.Stop()
			return reason
		case <-lifetime.C():
			idle.Stop()
			return &closeError{code: codeGoingAway, reason: "Going away"}
		case <-idle.C():
			if !a.clock.Now().Before(c.lastActive().Add(maxIdle)) {
				return &closeError{code: codeGoingAway, reason: "Going away"}
			}
		}
	}
}

// newID returns an id such as "L0SM9cOFvHcCIhw=".
func newID() string { return base64.URLEncoding.EncodeToString(gateway.Random(11)) }
