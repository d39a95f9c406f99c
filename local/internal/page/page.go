// Package page is the engine's page: plain ES modules that use only the control API. Its
// files are in assets. uplot.js is uPlot 1.6.32, under the licence beside it; all other
// files are our own. There is no build step: browsers get the files as they are.
package page

import (
	"bytes"
	"embed"
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assets embed.FS

// policy is the page's content security policy: no content from other origins, no inline
// code. Connections to other loopback ports are allowed, because WebSocket APIs may have
// their own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self' ws://127.0.0.1:* ws://localhost:*; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Has reports whether the page has a file with a name; "" is the page itself.
func Has(name string) bool {
	if name == "" {
		return true
	}
	if strings.Contains(name, "/") || name == "index.html" {
		return false
	}
	f, err := assets.Open("assets/" + name)
	if err == nil {
		f.Close() //nolint:errcheck // it was only opened
	}
	return err == nil
}

// Handler serves the page's files by the last part of their path. The page contains the
// token that control API actions need; a page of another origin cannot read it.
func Handler(token string) http.Handler {
	index := template.Must(template.ParseFS(assets, "assets/index.html"))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		if strings.HasSuffix(r.URL.Path, "/") {
			var page bytes.Buffer
			if err := index.Execute(&page, token); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			h.Set("Content-Type", "text/html; charset=utf-8")
			w.Write(page.Bytes()) //nolint:errcheck // the client has gone
			return
		}
		data, err := assets.ReadFile("assets/" + name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		kind := mime.TypeByExtension(path.Ext(name))
		if kind == "" {
			kind = "text/plain; charset=utf-8"
		}
		h.Set("Content-Type", kind)
		w.Write(data) //nolint:errcheck // the client has gone
	})
}
