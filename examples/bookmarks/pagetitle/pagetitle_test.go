package pagetitle

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		addr   string
		public bool
	}{
		{"8.8.8.8", true}, {"100.63.255.255", true}, {"100.128.0.0", true}, {"172.15.255.255", true}, {"172.32.0.0", true},
		{"192.167.255.255", true}, {"223.255.255.255", true}, {"2606:4700:4700::1111", true}, {"2a05:d018::1", true}, {"::ffff:8.8.8.8", true},
		{"0.0.0.0", false}, {"10.0.0.1", false}, {"100.64.0.1", false}, {"100.127.255.255", false}, {"127.0.0.1", false}, {"127.255.255.254", false},
		{"169.254.169.254", false}, {"169.254.170.2", false}, {"172.16.0.1", false}, {"172.31.255.255", false}, {"192.0.0.1", false},
		{"192.0.2.1", false}, {"192.168.1.1", false}, {"198.18.0.1", false}, {"198.51.100.1", false}, {"203.0.113.1", false},
		{"224.0.0.1", false}, {"239.255.255.255", false}, {"240.0.0.1", false}, {"255.255.255.255", false},
		{"::", false}, {"::1", false}, {"::ffff:127.0.0.1", false}, {"::ffff:10.0.0.1", false}, {"::ffff:169.254.169.254", false}, {"::7f00:1", false},
		{"64:ff9b::a00:1", false}, {"64:ff9b:1::1", false}, {"100::1", false}, {"2001::1", false}, {"2001:db8::1", false}, {"2002:a00:1::1", false},
		{"3fff::1", false}, {"fc00::1", false}, {"fd00:ec2::254", false}, {"fe80::1", false}, {"fe80::1%eth0", false}, {"fec0::1", false}, {"ff02::1", false},
	} {
		err := Public(netip.MustParseAddr(tc.addr))
		if (err == nil) != tc.public {
			t.Errorf("Public(%s) = %v, want public: %t", tc.addr, err, tc.public)
		}
	}
	if Public(netip.Addr{}) == nil {
		t.Error("the zero address must be refused")
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, page, want string }{
		{"plain", `<!doctype html><html><head><title>A title</title></head><body>x`, "A title"},
		{"no head", `<title>A title</title>`, "A title"},
		{"entities and white space", "<title>\n a &amp; b &lt;i&gt;\t\u00a0 &#x201c;c&#x201d; </title>", "a & b <i> “c”"},
		{"markup is text", `<title>a <b>c</b></title>`, "a <b>c</b>"},
		{"attributes, case", `<TITLE data-x="<title>no</title>">Yes</TITLE>`, "Yes"},
		{"comment and script first", `<!-- <title>no</title> --><script>"<title>no</title>"</script><title>Yes</title>`, "Yes"},
		{"first of two", `<title>One</title><title>Two</title>`, "One"},
		{"control characters", "<title>a\x00b\x01c\x7fd</title>", "a\uFFFDb c d"},
		{"invalid UTF-8", "<title>a\xffb</title>", "a\uFFFDb"},
		{"unclosed", `<title>Cut off`, "Cut off"},
		{"long", "<title>" + strings.Repeat("ü", 400) + "</title>", strings.Repeat("ü", 299) + "…"},
		{"empty", `<title> </title>`, ""},
		{"none", `<html><body>x`, ""},
		{"only in a drawing", `<html><body><svg><title>no</title></svg>`, ""},
		{"nothing", ``, ""},
	} {
		got, err := parse(strings.NewReader(tc.page))
		if tc.want == "" && !errors.Is(err, ErrPermanent) || tc.want != "" && err != nil || got != tc.want {
			t.Errorf("%s: got %q, %v; want %q", tc.name, got, err, tc.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("<title>a</title>")
	f.Fuzz(func(t *testing.T, page string) {
		title, err := parse(strings.NewReader(page))
		if err == nil && (title == "" || title != clean(title)) {
			t.Errorf("got %q", title)
		}
	})
}

// setup serves pages on loopback and returns a fetcher that may connect to it.
func setup(t *testing.T, pages http.Handler) (*Fetcher, string) {
	t.Helper()
	srv := httptest.NewServer(pages)
	t.Cleanup(srv.Close)
	loopback := func(addr netip.Addr) error {
		if addr.IsLoopback() {
			return nil
		}
		return Public(addr)
	}
	return New(loopback), srv.URL
}

func TestTitle(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	page := func(path, contentType string, status int, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
	const utf8HTML = "text/html; charset=utf-8"
	page("/ok", utf8HTML, 200, "<title>Tïtle</title>")
	page("/latin", "text/html; charset=iso-8859-1", 200, "<title>T\xeftle</title>")
	page("/meta", "text/html", 200, "<meta charset=windows-1251><title>\xcf\xf0</title>")
	page("/missing", utf8HTML, 404, "<title>Not found</title>")
	page("/down", utf8HTML, 503, "<title>Down</title>")
	page("/busy", utf8HTML, 429, "")
	page("/image", "image/png", 200, "<title>no</title>")
	page("/far", utf8HTML, 200, strings.Repeat(" ", maxPageBytes)+"<title>too far</title>")
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", utf8HTML)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(make([]byte, 16<<20)) // the client stops reading
		io.WriteString(z, "<title>too far</title>")
		_ = z.Close()
	})
	redirect := func(path, to string) { mux.Handle(path, http.RedirectHandler(to, http.StatusFound)) }
	redirect("/r3", "/r2")
	redirect("/r2", "/r1")
	redirect("/r1", "/ok")
	redirect("/r4", "/r3")
	redirect("/metadata", "http://169.254.169.254/latest/meta-data/")
	redirect("/mapped", "http://[::ffff:10.0.0.1]/")
	redirect("/file", "file:///etc/passwd")
	f, base := setup(t, mux)
	for _, tc := range []struct {
		path      string
		title     string
		permanent bool
	}{
		{path: "/ok", title: "Tïtle"}, {path: "/latin", title: "Tïtle"}, {path: "/meta", title: "Пр"}, {path: "/r3", title: "Tïtle"},
		{path: "/r4", permanent: true}, {path: "/missing", permanent: true}, {path: "/image", permanent: true}, {path: "/far", permanent: true},
		{path: "/bomb", permanent: true}, {path: "/metadata", permanent: true}, {path: "/mapped", permanent: true}, {path: "/file", permanent: true},
		{path: "/down"}, {path: "/busy"},
	} {
		title, err := f.Title(t.Context(), base+tc.path)
		if title != tc.title || (err == nil) != (tc.title != "") || errors.Is(err, ErrPermanent) != tc.permanent {
			t.Errorf("%s: got %q, %v; want %q, permanent: %t", tc.path, title, err, tc.title, tc.permanent)
		}
	}
}

func TestTitleRefusesPrivateHosts(t *testing.T) {
	t.Parallel()
	reached := false
	_, base := setup(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	f := New(Public)
	port := base[strings.LastIndexByte(base, ':'):]
	for _, url := range []string{
		base, "http://localhost" + port, "http://[::ffff:127.0.0.1]" + port, "http://0x7f000001" + port, "http://2130706433" + port,
		"http://0" + port, "ftp://example.com", "http://", "http://[::1", "javascript:alert(1)",
	} {
		if _, err := f.Title(t.Context(), url); err == nil {
			t.Errorf("%s was fetched", url)
		}
	}
	if _, err := f.Title(t.Context(), base); !errors.Is(err, ErrPermanent) {
		t.Errorf("a private address: got %v, want a permanent error", err)
	}
	if reached {
		t.Error("a private host was reached")
	}
}

func TestTitleErrorsThatMayPass(t *testing.T) {
	t.Parallel()
	f, base := setup(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }))
	if _, err := f.Title(t.Context(), base); err == nil || errors.Is(err, ErrPermanent) {
		t.Errorf("a broken connection: got %v, want an error that may pass", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Title(ctx, base); !errors.Is(err, context.Canceled) || errors.Is(err, ErrPermanent) {
		t.Errorf("cancelled: got %v", err)
	}
	missing := &net.DNSError{Err: "no such host", Name: "x.invalid", IsNotFound: true}
	if err := classify(missing); !errors.Is(err, ErrPermanent) {
		t.Errorf("a name that does not exist: got %v, want a permanent error", err)
	}
}
