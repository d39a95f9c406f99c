package local

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/loopback"
)

// listener is a port of loopback and the server on it.
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

// listen opens a port of loopback. Clients that connect before it serves wait.
func listen(addr string, handler http.Handler) (*listener, error) {
	socket, err := loopback.Listen(addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return &listener{
		addr: socket.Addr().String(), socket: socket, server: &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second},
	}, nil
}

// serve begins to serve, unless it does already.
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

// listenFor decides which APIs the main port serves, the first of each kind, and
// opens ports for the others.
func (e *Engine) listenFor(app *assembly.App) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mainHTTP, e.mainWS, e.socketAPIs = "", "", map[string]bool{}
	for _, r := range append(app.OfType("AWS::ApiGatewayV2::Api"), app.OfType("AWS::Lambda::Url")...) {
		id := shortID(r)
		first := &e.mainHTTP
		if r.Properties["ProtocolType"] == "WEBSOCKET" {
			first = &e.mainWS
			e.socketAPIs[id] = true
		}
		switch {
		case *first == "":
			*first = id
		case e.listeners[id] == nil:
			l, err := listen("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.serveAPI(w, r, id) }))
			if err != nil {
				return err
			}
			e.listeners[id] = l
		}
	}
	return nil
}

// hostOf is the address of the port that serves an API.
func (e *Engine) hostOf(apiID string) string {
	if apiID != e.mainHTTP && apiID != e.mainWS {
		if l := e.listeners[apiID]; l != nil {
			return l.addr
		}
	}
	return e.main.addr
}

// apiURL is the URL of an API, without a stage.
func (e *Engine) apiURL(id string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.socketAPIs[id] {
		return "ws://" + e.hostOf(id)
	}
	return "http://" + e.hostOf(id)
}

// localize replaces the URLs that APIs have in AWS by those on this machine:
// https://{id}.execute-api.{region}.amazonaws.com/live by http://127.0.0.1:3000/live.
func (e *Engine) localize(text string) string {
	if !strings.Contains(text, ".execute-api.") {
		return text
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ids := []string{e.mainHTTP, e.mainWS}
	for id := range e.listeners {
		ids = append(ids, id)
	}
	for _, id := range ids {
		for {
			before, rest, ok := strings.Cut(text, id+".execute-api.")
			_, after, ok2 := strings.Cut(rest, ".amazonaws.com")
			if id == "" || !ok || !ok2 {
				break
			}
			for secure, plain := range map[string]string{"https://": "http://", "wss://": "ws://"} {
				if head, ok := strings.CutSuffix(before, secure); ok {
					before = head + plain
				}
			}
			text = before + e.hostOf(id) + after
		}
	}
	return text
}
