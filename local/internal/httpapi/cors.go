package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CORS is an API's CORS configuration.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html (2026-11)
type CORS struct {
	AllowOrigins, AllowMethods, AllowHeaders, ExposeHeaders []string
	AllowCredentials                                        bool
	MaxAge                                                  int // in seconds; 0 omits it
}

// answer answers a preflight request. Routes do not get preflight requests then.
func (c *CORS) answer(w http.ResponseWriter, r *http.Request) bool {
	if c == nil || r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	if c.allow(h, r) {
		set(h, "Access-Control-Allow-Methods", c.AllowMethods)
		set(h, "Access-Control-Allow-Headers", c.AllowHeaders)
		if c.MaxAge > 0 {
			h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// adjust replaces the function's CORS headers with the API's own.
func (c *CORS) adjust(h http.Header, r *http.Request) {
	if c == nil {
		return
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
	if r.Header.Get("Origin") != "" && c.allow(h, r) {
		set(h, "Access-Control-Expose-Headers", c.ExposeHeaders)
	}
}

// allow sets the headers for the origin, and reports whether the origin is allowed.
func (c *CORS) allow(h http.Header, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	switch {
	case slices.Contains(c.AllowOrigins, "*"):
		h.Set("Access-Control-Allow-Origin", "*")
	case slices.ContainsFunc(c.AllowOrigins, func(o string) bool {
		return strings.EqualFold(o, origin) || strings.HasSuffix(o, "://*") && strings.HasPrefix(origin, strings.TrimSuffix(o, "*"))
	}):
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
	default:
		return false
	}
	if c.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	return true
}

func set(h http.Header, name string, values []string) {
	if len(values) > 0 {
		h.Set(name, strings.Join(values, ","))
	}
}
