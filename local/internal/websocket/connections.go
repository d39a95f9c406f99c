package websocket

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/lambdahearth/hearth/local/internal/gateway"
)

// serveConnections serves the @connections API.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html (2026-11)
func (a *API) serveConnections(w http.ResponseWriter, r *http.Request, id string) {
	w.Header().Set("X-Amzn-Requestid", newID())
	fail := func(status int, kind, message string) {
		w.Header().Set("X-Amzn-Errortype", kind)
		gateway.Refuse(w, status, map[string]string{"message": message})
	}
	gone := func() {
		a.counted(func(n *Count) { n.Gone++ })
		fail(http.StatusGone, "GoneException", "Gone")
	}
	a.mu.Lock()
	c := a.conns[id]
	a.mu.Unlock()
	switch r.Method {
	case http.MethodPost, http.MethodGet, http.MethodDelete:
	default:
		fail(http.StatusMethodNotAllowed, "MethodNotAllowedException", "Method Not Allowed")
		return
	}
	if c == nil {
		gone()
		return
	}
	switch r.Method {
	case http.MethodPost:
		data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessageBytes))
		var tooLarge *http.MaxBytesError
		switch {
		case errors.As(err, &tooLarge):
			fail(http.StatusRequestEntityTooLarge, "PayloadTooLargeException", "Message too long")
		case err != nil || !utf8.Valid(data):
			fail(http.StatusBadRequest, "BadRequestException", "The message must be UTF-8")
		case a.send(c, data) != nil:
			gone()
		default:
			w.WriteHeader(http.StatusOK)
		}
	case http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{ //nolint:errcheck // the caller has gone
			"connectedAt": c.at.UTC().Format(time.RFC3339Nano), "lastActiveAt": c.lastActive().UTC().Format(time.RFC3339Nano),
			"identity": identity{c.sourceIP, c.userAgent},
		})
	case http.MethodDelete:
		c.end(&closeError{code: codeNormal, reason: "Connection Closed Normally"})
		w.WriteHeader(http.StatusNoContent)
	}
}

// Authorizer asks a Lambda function whether a client may connect.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html (2026-11)
type Authorizer struct {
	// Function is the ARN of the function.
	Function string
	// Unknown says why the engine cannot simulate the authorizer. Every handshake gets
	// 401.
	Unknown string
	// IdentitySource are expressions such as "route.request.header.Authorization" and
	// "route.request.querystring.token". If a handshake lacks one of them, the API
	// refuses it without an invocation.
	IdentitySource []string
}

// authorize asks the authorizer. A status other than 0 refuses the connection.
func (a *API) authorize(r *http.Request, config *Config, c *connection, auth *Authorizer, e event) (status int) {
	if auth.Unknown != "" {
		a.logf("$connect is answered 401: %s", auth.Unknown)
		return http.StatusUnauthorized
	}
	for _, source := range auth.IdentitySource {
		value := ""
		if name, ok := strings.CutPrefix(source, "route.request.header."); ok {
			value = r.Header.Get(name)
		} else if name, ok := strings.CutPrefix(source, "route.request.querystring."); ok {
			value = r.URL.Query().Get(name)
		} else if name, ok := strings.CutPrefix(source, "stageVariables."); ok {
			value = config.Stages[c.stage][name]
		} else {
			continue // the context always has it
		}
		if value == "" {
			return http.StatusUnauthorized
		}
	}
	e.Type = "REQUEST"
	e.MethodARN = "arn:aws:execute-api:" + config.Region + ":" + config.Account + ":" + config.ID + "/" + c.stage + "/$connect"
	ctx, cancel := context.WithTimeout(a.ctx, gateway.Limit(authorizerTimeout, config.Debug))
	defer cancel()
	data, err := a.invoker.Invoke(ctx, gateway.Invocation{Function: auth.Function, RequestID: uuid.NewString(), Trace: gateway.Segment(e.trace), Event: gateway.Encode(&e)})
	if gateway.SaysUnauthorized(err) {
		return http.StatusUnauthorized
	}
	var answer *gateway.Decision
	if err == nil {
		answer, err = gateway.ReadDecision(data)
	}
	if err != nil {
		a.logf("authorizer %s of $connect: %v; the client gets 500", auth.Function, err)
		return http.StatusInternalServerError
	}
	if !answer.Policy.Allows(e.MethodARN) {
		return http.StatusForbidden
	}
	c.authorizer = map[string]any{"principalId": answer.PrincipalID}
	for name, value := range answer.Context {
		switch value.(type) {
		case string, int64, float64, bool: // events contain strings
			c.authorizer[name] = gateway.Text(value)
		}
	}
	return 0
}
