// Package loopback keeps ports for the programs of this machine.
//
// An address of loopback keeps other machines out, but not web pages: a page of any
// site may send requests to it, and one whose name resolves to it (DNS rebinding) may
// read the answers too. What gives those away is the header Host, which is the site's
// name, and the header Origin, which no program sends that is not a browser.
package loopback

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Listen opens a port of loopback, such as 127.0.0.1:3000 or localhost:0.
func Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address must be host:port, got %q: %w", addr, err)
	}
	if !Names(host) {
		return nil, fmt.Errorf("address must be on loopback (127.0.0.1, ::1 or localhost), got %q; nothing here has authentication, and other machines must not reach it", addr)
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1" // not what a resolver makes of it
	}
	return net.Listen("tcp", net.JoinHostPort(host, port))
}

// Names reports whether a host, with a port or without, is a name or an address of
// this machine alone.
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

// Foreign says why a request may come from somewhere else; "" means that it does not.
// hosts are names that are taken beside loopback, such as that of a tunnel: *.example
// stands for all below a domain, and * for every name.
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

// FromPage says why a request may come from a web page of another origin; "" means
// that it does not. It is for ports that only programs use, and the engine's own page.
// Browsers say in Sec-Fetch-Site where a request comes from; those that load a picture
// or a script have no Origin.
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

// Navigates reports whether a browser asks for a page to show it in a tab of its own, as
// when somebody follows a link. The page that has the link cannot read it.
func Navigates(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// Exactly lets requests pass that name one address as their host and have no Origin:
// those of a program that was told the address.
func Exactly(addr string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != addr || r.Header["Origin"] != nil {
			http.Error(w, "this port is for the process that it was opened for", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
