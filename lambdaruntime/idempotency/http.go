package idempotency

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

const (
	keyHeader = "Idempotency-Key"
	// replayedHeader marks the response of an earlier request.
	replayedHeader = "Idempotent-Replayed"

	maxKey = 255 // bytes
	// maxBody is more than any service passes to a Lambda function.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
	maxBody = 10 << 20
)

// HTTPOptions configure how [HTTP] distinguishes requests. The zero value is right for an
// API with an authorizer.
type HTTPOptions struct {
	// Required refuses a POST or PATCH without a key with 400. PUT and DELETE are
	// idempotent by themselves and may come without one.
	Required bool

	// Caller names the sender of a request, so that no caller gets another's response: a
	// user's or a tenant's id, the same for a repetition. The program must have verified
	// it. If Caller is nil or returns "", HTTP uses the identity of
	// [lambdaruntime.CallerFromContext]: the claims iss and sub (or client_id), a Lambda
	// authorizer's principal, or the IAM identity. Without one, the headers
	// Authorization, Cookie and X-Api-Key count as part of the request: a repetition with
	// other credentials, such as a renewed token, gets 422.
	Caller func(*http.Request) string
}

// HTTP makes requests with the header Idempotency-Key take effect once. next serves the
// first one. A repetition gets its response, with its status, headers and body, and the
// header Idempotent-Replayed: true. It follows
// https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-07 (2025-10).
//
//	Idempotency-Key: "8e03978e-40d5-43dd-bc93-6894a57f9324"
//
// A key is one string of 1 to 255 printable ASCII characters, with or without the quotes.
// It belongs to one caller, host, method and path: elsewhere the same text is another
// key. Requests of the methods GET, HEAD, OPTIONS and TRACE, and requests without a key,
// go to next unchanged.
//
// The store keeps the response of next, even a refusal such as 404. It does not keep a
// status that asks the client to try again: 408, 409, 425, 429, and 500 and above. Nor
// does it keep a response after which next panics. Then the next request with the key
// runs next again.
//
// The middleware itself answers with application/problem+json:
//
//   - 400: the key is missing but required, or cannot be read.
//   - 409 with Retry-After: the first request is in progress, or another one has
//     overtaken it after its lease. A later repetition gets the response.
//   - 410: the request was done, but its response was over [MaxResult] and is not stored.
//   - 413: the body is over 10 MB.
//   - 422: the key was used with another query, content type or body.
//   - 503 with Retry-After: the store cannot be reached. next was not called.
//
// HTTP sends a response when next has returned and the store has the response, so it does
// not stream. If the response grows over MaxResult, HTTP sends it from then on while next
// writes it.
func HTTP(g *Guard, next http.Handler, opts HTTPOptions) http.Handler {
	if g == nil || next == nil {
		panic("idempotency: HTTP: the guard and the handler must not be nil")
	}
	return &middleware{g, next, opts}
}

type middleware struct {
	guard *Guard
	next  http.Handler
	opts  HTTPOptions
}

// errTryAgain releases the key after a response that asks the client to try again.
var errTryAgain = errors.New("the response asks the client to try again")

// ServeHTTP implements http.Handler.
func (m *middleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		m.next.ServeHTTP(w, r)
		return
	}
	key, ok := parseKey(r.Header.Values(keyHeader))
	switch {
	case !ok:
		problem(w, http.StatusBadRequest, keyHeader+" must be one string of 1 to 255 printable ASCII characters")
		return
	case key == "" && m.opts.Required && (r.Method == http.MethodPost || r.Method == http.MethodPatch):
		problem(w, http.StatusBadRequest, "a "+r.Method+" needs the header "+keyHeader+"; make a new key for each operation, and send it again with each repetition")
		return
	case key == "":
		m.next.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			problem(w, http.StatusRequestEntityTooLarge, "the body must be at most 10 MB")
		} else {
			problem(w, http.StatusBadRequest, "the body cannot be read")
		}
		return
	}
	key, fingerprint := m.identify(r, key, body)
	rec := &recorder{w: w, header: http.Header{}}
	data, ran, err := m.guard.once(r.Context(), key, fingerprint, encodeResponse, func(ctx context.Context) (any, error) {
		again := r.WithContext(ctx)
		again.Body = io.NopCloser(bytes.NewReader(body))
		m.next.ServeHTTP(rec, again)
		if asksAgain(rec.status) {
			return nil, errTryAgain
		}
		return rec.response(), nil
	})
	switch {
	case rec.passed: // it is sent
	case ran && (err == nil || errors.Is(err, errTryAgain)):
		rec.send()
	case err == nil:
		m.replay(w, r, data)
	case errors.Is(err, ErrInProgress), errors.Is(err, ErrLost):
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusConflict, "a request with this key is in progress; send it again to get its response")
	case errors.Is(err, errMismatch):
		problem(w, http.StatusUnprocessableEntity, "this key was used with another request; make a new key for each operation")
	case errors.Is(err, ErrNotKept):
		problem(w, http.StatusGone, "the request was done before, but its response was not kept")
	default:
		slog.ErrorContext(r.Context(), "an idempotency key could not be looked up", "guard", m.guard.name, "error", err.Error())
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable, "the request was not begun; send it again")
	}
}

func (m *middleware) replay(w http.ResponseWriter, r *http.Request, data []byte) {
	resp, err := decodeResponse(data)
	if err != nil {
		slog.ErrorContext(r.Context(), "a remembered response could not be read", "guard", m.guard.name, "error", err.Error())
		problem(w, http.StatusGone, "the request was done before, but its response was not kept")
		return
	}
	w.Header().Set(replayedHeader, "true")
	resp.Write(w)
}

// identify returns the key in its scope, and a fingerprint of the rest of the request.
func (m *middleware) identify(r *http.Request, key string, body []byte) (scoped, fingerprint string) {
	caller := ""
	if m.opts.Caller != nil {
		caller = m.opts.Caller(r)
	}
	parts := []string{r.URL.RawQuery, r.Header.Get("Content-Type"), string(body)}
	if caller != "" {
		caller = digest("program", caller)
	} else if caller = callerOf(r); caller == "" {
		for _, name := range []string{"Authorization", "Cookie", "X-Api-Key"} {
			parts = append(parts, strings.Join(r.Header.Values(name), "\n"))
		}
	}
	return digest("http", caller, r.Host, r.Method, r.URL.EscapedPath(), key), digest(parts...)
}

// callerOf returns the caller's verified identity, or "".
func callerOf(r *http.Request) string {
	c, _ := lambdaruntime.CallerFromContext(r.Context())
	subject := c.Claims["sub"]
	if subject == "" {
		subject = c.Claims["client_id"]
	}
	switch i := c.IAM; {
	case subject != "":
		return digest("claims", c.Claims["iss"], subject)
	case c.PrincipalID != "":
		return digest("principal", c.PrincipalID)
	case i != nil && i.CognitoIdentityID != "":
		return digest("cognito", i.CognitoIdentityPoolID, i.CognitoIdentityID)
	case i != nil && i.ARN != "":
		return digest("iam", i.ARN)
	}
	return ""
}

// parseKey reads the header: a string of structured fields, "…" with \ before quotes and
// backslashes, or the same without quotes, as many clients send it. An HTTP API joins
// repeated headers with a comma, so a key without quotes contains none.
// https://www.rfc-editor.org/rfc/rfc9651#name-strings (2026-11)
func parseKey(values []string) (key string, ok bool) {
	if len(values) == 0 {
		return "", true
	}
	if len(values) > 1 {
		return "", false
	}
	v := strings.Trim(values[0], " \t")
	quoted := len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"'
	if quoted {
		v = v[1 : len(v)-1]
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c < ' ' || c > '~', !quoted && strings.IndexByte(` ",;\`, c) >= 0, c == '"':
			return "", false
		case c == '\\':
			if i++; i == len(v) || v[i] != '"' && v[i] != '\\' {
				return "", false
			}
		}
		b.WriteByte(v[i])
	}
	return b.String(), b.Len() >= 1 && b.Len() <= maxKey
}

// problem answers in the format of RFC 9457.
func problem(w http.ResponseWriter, status int, detail string) {
	body, _ := json.Marshal(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail}) // cannot fail
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone
}
