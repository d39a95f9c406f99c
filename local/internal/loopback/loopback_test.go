package loopback

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestForeign(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost:3000": false, "LocalHost": false, "127.0.0.1:1": false, "127.8.8.8": false, "[::1]:3000": false, "app.localhost:80": false, "localhost.": false,
		"evil.example": true, "localhost.evil.example:3000": true, "127.0.0.1.evil.example": true, "10.0.0.1": true, "0.0.0.0": true, "": true,
		"mine.tunnel.example": false, "MINE.tunnel.example:443": false, "other.tunnel.example": true, "a.b.shared.example": false, "shared.example": true, "evilshared.example": true,
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.Host = host
		why := Foreign(r, []string{"mine.tunnel.example", "*.shared.example"})
		if (why != "") != want {
			t.Errorf("%q: %q", host, why)
		}
		if Foreign(r, []string{"*"}) != "" {
			t.Errorf("%q was refused although every name is allowed", host)
		}
	}
}

func TestFromPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host, origin string
		refused      bool
	}{
		{"127.0.0.1:1", "", false}, {"127.0.0.1:1", "http://127.0.0.1:1", false}, {"localhost:1", "http://localhost:1", false},
		{"127.0.0.1:1", "http://127.0.0.1:2", true}, {"127.0.0.1:1", "null", true}, {"127.0.0.1:1", "http://evil.example", true}, {"evil.example", "", true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if why := FromPage(r); (why != "") != c.refused {
			t.Errorf("%+v: %q", c, why)
		}
	}
}

// TestFromPageOfAnotherSite has what browsers send for pictures, scripts and links: no Origin.
func TestFromPageOfAnotherSite(t *testing.T) {
	t.Parallel()
	for site, refused := range map[string]bool{"": false, "same-origin": false, "none": false, "same-site": true, "cross-site": true} {
		for dest, navigates := range map[string]bool{"image": false, "iframe": false, "document": true} {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			r.Host = "127.0.0.1:1"
			r.Header.Set("Sec-Fetch-Dest", dest)
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			if site != "" {
				r.Header.Set("Sec-Fetch-Site", site)
			}
			if why := FromPage(r); (why != "") != refused {
				t.Errorf("%s: %q", site, why)
			}
			if got := Navigates(r); got != navigates {
				t.Errorf("%s navigates: %v", dest, got)
			}
			r.Method = "POST"
			if Navigates(r) {
				t.Error("a form that posts must not count as a link")
			}
		}
	}
}

func TestExactly(t *testing.T) {
	t.Parallel()
	h := Exactly("127.0.0.1:9", http.NotFoundHandler())
	for _, c := range []struct {
		host, header, value string
		status              int
	}{
		{host: "127.0.0.1:9", status: 404},
		{host: "127.0.0.1:9", header: "X-Other", value: "1", status: 404},
		{host: "localhost:9", status: 403},
		{host: "127.0.0.1:8", status: 403},
		{host: "evil.example", status: 403},
		{"127.0.0.1:9", "Origin", "http://127.0.0.1:9", 403},
		{"127.0.0.1:9", "Sec-Fetch-Site", "cross-site", 403},
		{"127.0.0.1:9", "Sec-Fetch-Site", "none", 403}, // a tab
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.Host = c.host
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"0.0.0.0:0": "address must be on loopback", ":0": "address must be on loopback", "example.com:0": "address must be on loopback", "3000": "address must be host:port",
	} {
		if l, err := Listen(addr); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v %v", addr, l, err)
		}
	}
	for _, addr := range []string{"localhost:0", "127.0.0.1:0"} {
		l, err := Listen(addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Addr().String(); !strings.HasPrefix(got, "127.0.0.1:") {
			t.Errorf("%s: listens on %s", addr, got)
		}
		l.Close()
	}
}
