// Package pagetitle fetches the title of a web page that a user names. The user may be
// hostile: the package connects only to hosts of the public internet, and limits time, size
// and redirects.
package pagetitle

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

const (
	maxTime      = 10 * time.Second
	maxPageBytes = 1 << 20
	maxRedirects = 3
	maxTitle     = 300 // characters
)

// ErrPermanent marks errors that a retry cannot fix: the page does not exist, is not HTML,
// or must not be fetched.
var ErrPermanent = errors.New("permanent")

// Fetcher fetches pages. It is safe for concurrent use.
type Fetcher struct{ client *http.Client }

// New returns a fetcher that connects to the addresses that check accepts. In production,
// check is [Public].
func New(check func(netip.Addr) error) *Fetcher {
	dialer := &net.Dialer{Timeout: maxTime / 2, Control: control(check)}
	return &Fetcher{client: &http.Client{
		Transport: &http.Transport{
			Proxy:       nil, // a proxy would bypass the dialer's check
			DialContext: dialer.DialContext,
			// The next page is on another host, and Lambda may freeze the instance before.
			DisableKeepAlives:      true,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return &refusal{fmt.Errorf("more than %d redirects", maxRedirects)}
			}
			return checkScheme(req.URL.Scheme)
		},
	}}
}

func checkScheme(scheme string) error {
	if scheme != "http" && scheme != "https" {
		return &refusal{fmt.Errorf("scheme must be http or https, got %q", scheme)}
	}
	return nil
}

// Title fetches a page and returns its title: one line of valid UTF-8, up to 300
// characters. A retry does not fix an error that is an [ErrPermanent].
func (f *Fetcher) Title(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxTime, fmt.Errorf("the page took more than %s", maxTime))
	defer cancel()
	title, err := f.title(ctx, url)
	if errors.Is(err, context.DeadlineExceeded) {
		err = context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("fetch title: %w", err)
	}
	return title, nil
}

func (f *Fetcher) title(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", &refusal{err}
	}
	if err := checkScheme(req.URL.Scheme); err != nil {
		return "", err
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	req.Header.Set("User-Agent", "bookmarks/1.0 (fetches titles)")
	resp, err := f.client.Do(req)
	if err != nil {
		return "", classify(err)
	}
	defer resp.Body.Close()
	if err := checkStatus(resp.StatusCode); err != nil {
		return "", err
	}
	contentType := resp.Header.Get("Content-Type")
	if media, _, _ := mime.ParseMediaType(contentType); media != "text/html" && media != "application/xhtml+xml" {
		return "", &refusal{fmt.Errorf("the page must be HTML, got Content-Type %q", contentType)}
	}
	// The limit applies after decompression, because a small response may be a large page.
	page, err := charset.NewReader(io.LimitReader(resp.Body, maxPageBytes), contentType)
	if err != nil {
		return "", classify(err)
	}
	return parse(page)
}

func checkStatus(status int) error {
	err := fmt.Errorf("the page must answer 200, got %d %s", status, http.StatusText(status))
	switch {
	case status == http.StatusOK:
		return nil
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return err
	}
	return &refusal{err}
}

// classify marks the permanent errors of the HTTP client.
func classify(err error) error {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &certificate) {
		return &refusal{err}
	}
	return err
}

// parse finds the first title element of a page.
func parse(page io.Reader) (string, error) {
	z := html.NewTokenizer(page)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return "", classify(err)
			}
			return "", &refusal{errors.New("the page has no title")}
		case html.StartTagToken:
			name, _ := z.TagName()
			switch atom.Lookup(name) {
			case atom.Body: // later titles belong to SVG drawings
				return "", &refusal{errors.New("the page has no title")}
			case atom.Title:
				title := ""
				if z.Next() == html.TextToken {
					title = clean(string(z.Text()))
				}
				if title == "" {
					return "", &refusal{errors.New("the page's title is empty")}
				}
				return title, nil
			}
		}
	}
}

// clean makes a title one line of text that any database accepts.
func clean(title string) string {
	title = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(title, "\uFFFD"))
	title = strings.Join(strings.Fields(title), " ")
	if utf8.RuneCountInString(title) > maxTitle {
		title = string([]rune(title)[:maxTitle-1]) + "…"
	}
	return title
}
