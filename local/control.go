package local

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/lambdahearth/hearth/local/internal/loopback"
	"github.com/lambdahearth/hearth/local/internal/websocket"
)

// The engine's own paths, which the hearth command talks to. Those that do
// something want the header X-Hearth, which no web page of another origin can
// send unasked.
const (
	controlPrefix = "/_hearth/"
	controlHeader = "X-Hearth"
)

// serve serves the engine's port: its own paths, @connections and upgrades for the
// WebSocket API, and everything else for the HTTP API.
func (e *Engine) serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		e.serveControl(w, r)
		return
	}
	if e.refuseForeign(w, r) {
		return
	}
	e.mu.Lock()
	http1, ws := e.httpAPIs[e.plan.addresses.mainHTTP], e.webSockets[e.plan.addresses.mainWS]
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

// serveAPI serves an API that has a port of its own.
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

// refuseForeign answers 403 to a request that does not name this machine: a site whose
// name resolves to it must not read what the app says. Requests of other origins pass,
// as they do on AWS: whether a page may read the answers is up to the app.
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

func (e *Engine) serveControl(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, message string) { writeJSON(w, status, map[string]string{"message": message}) }
	if why := loopback.FromPage(r); why != "" {
		fail(http.StatusForbidden, why)
		return
	}
	action := strings.TrimPrefix(r.URL.Path, controlPrefix)
	if action == "state" {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			fail(http.StatusMethodNotAllowed, "use GET")
			return
		}
		writeJSON(w, http.StatusOK, e.State())
		return
	}
	if r.Method != http.MethodPost || r.Header.Get(controlHeader) == "" {
		fail(http.StatusForbidden, "use POST with the header "+controlHeader)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
	if err != nil {
		fail(http.StatusBadRequest, err.Error())
		return
	}
	name := r.URL.Query().Get("name")
	switch action {
	case "trigger":
		err = e.Trigger(name)
	case "send":
		err = e.Send(name, string(body), r.URL.Query().Get("group"))
	case "invoke":
		var response []byte
		response, err = e.Invoke(r.Context(), name, body)
		var failure *FunctionError
		if errors.As(err, &failure) {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			response, err = failure.Payload, nil
		}
		if err == nil {
			w.Header().Set("Content-Type", "application/json")
			w.Write(response) //nolint:errcheck // the client has gone
			return
		}
	default:
		fail(http.StatusNotFound, "there is no "+r.URL.Path)
		return
	}
	if err != nil {
		fail(http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"message": "done"})
}
