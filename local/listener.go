package local

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/lambdahearth/hearth/local/internal/plan"

	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/loopback"
)

// listener is a loopback port with its HTTP server.
type listener struct {
	addr   string
	server *http.Server
	socket net.Listener
	served chan struct{}
}

func orAnyPort(addr string) string {
	if addr == "" {
		return "127.0.0.1:0"
	}
	return addr
}

// listen opens a loopback port. Clients that connect before serve wait.
func listen(addr string, handler http.Handler) (*listener, error) {
	socket, err := loopback.Listen(addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return &listener{
		addr: socket.Addr().String(), socket: socket, server: &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second},
	}, nil
}

// serve starts the server, unless it runs already.
func (l *listener) serve() {
	if l.served != nil {
		return
	}
	l.served = make(chan struct{})
	go func() {
		defer close(l.served)
		l.server.Serve(l.socket) //nolint:errcheck // it ends when stop closes it
	}()
}

func (l *listener) stop() {
	if l.served == nil {
		l.socket.Close() //nolint:errcheck // nothing was served
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	if l.server.Shutdown(ctx) != nil {
		l.server.Close()
	}
	<-l.served
}

// reserve opens the ports that the app needs and the engine does not have yet, and
// returns all addresses. The engine's own port serves the first API of each kind. The
// caller closes opened again, unless the engine adopts it with the plan.
func (e *Engine) reserve(app *assembly.App) (a *plan.Addresses, opened map[string]*listener, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	opened = map[string]*listener{}
	open := func(id, addr string, handler http.HandlerFunc) (string, error) {
		if l := e.listeners[id]; l != nil {
			return l.addr, nil
		}
		l, err := listen(orAnyPort(addr), handler)
		if err != nil {
			closeAll(opened)
			return "", err
		}
		opened[id] = l
		return l.addr, nil
	}
	a = &plan.Addresses{SQS: e.sqs.URL(), Main: e.main.addr, APIs: map[string]string{}, Sockets: map[string]bool{}}
	for _, kind := range plan.APITypes {
		for _, r := range app.OfType(kind) {
			id := plan.ID(r)
			first := &a.MainHTTP
			if r.Properties["ProtocolType"] == "WEBSOCKET" {
				first = &a.MainWS
				a.Sockets[id] = true
			}
			if *first == "" {
				*first = id
				continue
			}
			var addr string
			if addr, err = e.apiAddr(opened); err != nil {
				closeAll(opened)
				return nil, nil, err
			}
			if a.APIs[id], err = open(id, addr, func(w http.ResponseWriter, r *http.Request) { e.serveAPI(w, r, id) }); err != nil {
				return nil, nil, err
			}
		}
	}
	for _, kind := range plan.TableTypes {
		if len(app.OfType(kind)) > 0 {
			addr, err := open(tablesPort, e.opts.DynamoDBAddr, e.serveTables)
			if err != nil {
				return nil, nil, err
			}
			a.DynamoDB = "http://" + addr
		}
	}
	return a, opened, nil
}

// apiAddr returns the address for the next API that needs its own port: the first one
// that no API has yet. e.mu is held.
func (e *Engine) apiAddr(opened map[string]*listener) (string, error) {
	if e.opts.APIAddr == "" {
		return "", nil
	}
	host, text, err := net.SplitHostPort(e.opts.APIAddr)
	if err != nil {
		return "", fmt.Errorf("Options.APIAddr must be host:port, got %q", e.opts.APIAddr)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return "", fmt.Errorf("Options.APIAddr must have a number as its port, got %q", e.opts.APIAddr)
	}
	if port == 0 {
		return e.opts.APIAddr, nil
	}
	taken := map[string]bool{}
	for _, listeners := range []map[string]*listener{e.listeners, opened} {
		for _, l := range listeners {
			_, text, _ := net.SplitHostPort(l.addr)
			taken[text] = true
		}
	}
	for ; taken[strconv.Itoa(port)]; port++ {
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// tablesPort is the key of the tables' listener; the other keys are API ids.
const tablesPort = "tables"

func closeAll(listeners map[string]*listener) {
	for _, l := range listeners {
		l.stop()
	}
}

// adopt takes over a plan's ports, and returns the ports that the engine no longer needs.
// e.mu is held.
func (e *Engine) adopt(p *plan.Plan, opened map[string]*listener) (unused map[string]*listener) {
	unused = map[string]*listener{}
	for id, l := range e.listeners {
		if _, used := p.At.APIs[id]; !used && (id != tablesPort || p.At.DynamoDB == "") {
			unused[id] = l
			delete(e.listeners, id)
		}
	}
	for id, l := range opened {
		e.listeners[id] = l
	}
	return unused
}
