// Package loopback restricts ports to the programs of this machine.
//
// A loopback address keeps other machines out, but not web pages. A page of any site may
// send requests to it. If the site's name resolves to it (DNS rebinding), the page can
// also read the answers. Two headers reveal such requests: Host has the site's name, and
// only browsers send Origin.
package loopback

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Listen opens a loopback port, such as 127.0.0.1:3000 or localhost:0.
func Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address must be host:port, got %q: %w", addr, err)
	}
	if !Names(host) {
		return nil, fmt.Errorf("address must be on loopback (127.0.0.1, ::1 or localhost), got %q; nothing here has authentication, and other machines must not reach it", addr)
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1" // no matter how the name resolves
	}
	return net.Listen("tcp", net.JoinHostPort(host, port))
}

// Names reports whether a host, with or without a port, is a loopback name or address.
func Names(host string) bool {
	host = withoutPort(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func withoutPort(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.Trim(host, "[]."))
}

// Foreign says why a request may come from elsewhere; "" means that it does not. hosts
// are further accepted names, such as a tunnel's: *.example stands for all names below a
// domain, and * for every name.
func Foreign(r *http.Request, hosts []string) string {
	host := withoutPort(r.Host)
	if Names(host) || slices.ContainsFunc(hosts, func(pattern string) bool { return matches(pattern, host) }) {
		return ""
	}
	return fmt.Sprintf("the header Host must name this machine, such as localhost, got %q", r.Host)
}

func matches(pattern, host string) bool {
	pattern = strings.ToLower(pattern)
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(host, suffix)
	}
	return host == pattern
}

// FromPage says why a request may come from a web page of another origin; "" means that
// it does not. Use it for ports that serve only programs and the engine's own page.
// Browsers name the request's origin in Sec-Fetch-Site; requests for pictures and scripts
// have no Origin.
func FromPage(r *http.Request) string {
	if why := Foreign(r, nil); why != "" {
		return why
	}
	if origin := r.Header.Get("Origin"); r.Header["Origin"] != nil && origin != "http://"+r.Host {
		return fmt.Sprintf("requests of other origins are refused, got the header Origin %q", origin)
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return fmt.Sprintf("requests of other origins are refused, got the header Sec-Fetch-Site %q", site)
	}
	return ""
}

// Navigates reports whether a browser requests a page to show it in a tab, for example
// after a click on a link. The page with the link cannot read the answer.
func Navigates(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// Exactly accepts only requests whose host is addr and that come from no browser: requests
// of a program that knows the address. A page's request for a picture has no Origin, but
// Sec-Fetch-Site; it would take an event away from the program.
func Exactly(addr string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != addr || r.Header["Origin"] != nil || r.Header["Sec-Fetch-Site"] != nil {
			http.Error(w, "this port is for the process that it was opened for", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
