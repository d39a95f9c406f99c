package local

import (
	"bytes"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/lambdahearth/hearth/local/internal/loopback"
	"github.com/lambdahearth/hearth/local/internal/page"
	"github.com/lambdahearth/hearth/local/internal/websocket"
)

// The engine's own paths. Its page, the hearth command and tests call them. Requests that
// change something need the engine's token in the header X-Hearth.
const (
	controlPrefix = "/_hearth/"
	controlHeader = "X-Hearth"
)

// serve serves the engine's port: its own paths, @connections and upgrades for the
// WebSocket API, and everything else for the HTTP API.
func (e *Engine) serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		e.control.ServeHTTP(w, r)
		return
	}
	if e.refuseForeign(w, r) {
		return
	}
	e.mu.Lock()
	http1, ws := e.httpAPIs[e.plan.At.MainHTTP], e.webSockets[e.plan.At.MainWS]
	e.mu.Unlock()
	switch {
	case ws != nil && (http1 == nil || websocket.IsUpgrade(r) || ws.Serves(r.URL.EscapedPath())):
		ws.ServeHTTP(w, r)
	case http1 != nil:
		http1.ServeHTTP(w, r)
	default:
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "the app has no HTTP API; see " + controlPrefix + "state"})
	}
}

// serveAPI serves an API that has its own port.
func (e *Engine) serveAPI(w http.ResponseWriter, r *http.Request, id string) {
	if e.refuseForeign(w, r) {
		return
	}
	e.mu.Lock()
	http1, ws := e.httpAPIs[id], e.webSockets[id]
	e.mu.Unlock()
	switch {
	case ws != nil:
		ws.ServeHTTP(w, r)
	case http1 != nil:
		http1.ServeHTTP(w, r)
	default:
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "this API is gone"})
	}
}

// refuseForeign answers 403 to a request whose host does not name this machine. A web
// site can let its own name resolve to this machine, and must not read the app's
// responses that way. Requests of other origins pass, as on AWS: the app decides whether
// a page may read its responses.
func (e *Engine) refuseForeign(w http.ResponseWriter, r *http.Request) bool {
	why := loopback.Foreign(r, e.opts.Hosts)
	if why == "" {
		return false
	}
	writeJSON(w, http.StatusForbidden, map[string]string{"message": why + "; a tunnel's host is allowed with hearth dev --host NAME, or Options.Hosts"})
	return true
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	enc.Encode(v) //nolint:errcheck // the client has gone
}

//go:embed openapi.json
var openAPI []byte

// route is one operation of the control API. The OpenAPI file is generated from the
// routes.
type route struct {
	// method and path have the form that [http.ServeMux] takes; path is below /_hearth.
	method, path string
	// id names the operation; summary describes it in one line.
	id, summary string
	// query are the query parameters, each "name: description".
	query []string
	// in is the type of the request body: nil for none, "" for plain text.
	in any
	// out is the type of the answer; nil if do writes the answer itself.
	out any
	// action says that the operation changes something, and so needs the token.
	action bool
	// do answers a request.
	do func(c *call) (any, error)
}

// call is a request to the control API.
type call struct {
	*Engine
	w http.ResponseWriter
	r *http.Request
}

// status is an error with its own HTTP status. Every other error is answered with 400.
type status struct {
	code    int
	message string
}

// Error implements error.
func (s *status) Error() string { return s.message }

func notFound(format string, args ...any) error {
	return &status{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

// maxControlBody bounds the request bodies of the control API.
const maxControlBody = 8 << 20

// body reads the request's body: as it is into a *[]byte, as JSON into any other type.
func (c *call) body(into any) error {
	data, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxControlBody))
	if err != nil {
		return err
	}
	if raw, ok := into.(*[]byte); ok {
		*raw = data
		return nil
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	return nil
}

// hasToken reports whether the request has the engine's token, which actions need.
func (c *call) hasToken() bool {
	return subtle.ConstantTimeCompare([]byte(c.r.Header.Get(controlHeader)), []byte(c.token)) == 1
}

// Token returns the value of the header X-Hearth that actions of the control API need.
// Each engine has its own.
func (e *Engine) Token() string { return e.token }

// done is the answer of actions that return no data.
type done struct {
	Message string `json:"message"`
}

// newControl makes the handler of the engine's own paths.
func (e *Engine) newControl() http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.HandleFunc(r.method+" "+controlPrefix+strings.TrimPrefix(r.path, "/"), func(w http.ResponseWriter, req *http.Request) {
			r.serve(&call{e, w, req})
		})
	}
	pages := page.Handler(e.token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("Cache-Control", "no-store")
		file := strings.TrimPrefix(r.URL.Path, controlPrefix)
		if why := loopback.FromPage(r); why != "" && (file != "" || loopback.Foreign(r, nil) != "" || !loopback.Navigates(r)) {
			writeJSON(w, http.StatusForbidden, done{why})
			return
		}
		if page.Has(file) && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			pages.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (r *route) serve(c *call) {
	if r.action && !c.hasToken() {
		writeJSON(c.w, http.StatusForbidden, done{"the header " + controlHeader + " must be the engine's token, which GET " + controlPrefix + "token gives, and the file hearth-dev-*.json in the assembly's folder"})
		return
	}
	out, err := r.do(c)
	var s *status
	switch {
	case errors.As(err, &s):
		writeJSON(c.w, s.code, done{s.message})
	case err != nil:
		writeJSON(c.w, http.StatusBadRequest, done{err.Error()})
	case out != nil:
		writeJSON(c.w, http.StatusOK, out)
	case r.out != nil:
		writeJSON(c.w, http.StatusOK, done{"done"})
	}
}
