package page

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// maxBytes bounds the page with all its files, uncompressed.
const maxBytes = 150_000

func TestSize(t *testing.T) {
	t.Parallel()
	files, err := fs.ReadDir(assets, "assets")
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	total := 0
	for _, f := range files {
		data, err := assets.ReadFile("assets/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		total += len(data)
		z.Write(data)
	}
	z.Close()
	t.Logf("%d files, %d bytes, %d compressed", len(files), total, packed.Len())
	if total > maxBytes {
		t.Errorf("the page has %d bytes, want at most %d", total, maxBytes)
	}
}

// TestFiles: every file that another one names is there, and nothing is named that is
// elsewhere.
func TestFiles(t *testing.T) {
	t.Parallel()
	names := regexp.MustCompile(`(?:from '\./|href="|src="|src: ')([\w.]+)["']`)
	files, _ := fs.ReadDir(assets, "assets")
	for _, f := range files {
		data, _ := assets.ReadFile("assets/" + f.Name())
		for _, m := range names.FindAllStringSubmatch(string(data), -1) {
			if !Has(m[1]) {
				t.Errorf("%s names %s, which is not there", f.Name(), m[1])
			}
		}
		if f.Name() != "uplot.js" && f.Name() != "uplot.LICENSE" && regexp.MustCompile(`https?://[^w]`).Match(data) {
			t.Errorf("%s names another site", f.Name())
		}
	}
	for _, name := range []string{"index.html", "../page.go", "none.js", "assets/app.js"} {
		if Has(name) {
			t.Errorf("there is a file %q", name)
		}
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	h := Handler(`a"token`)
	for path, want := range map[string]string{"/_hearth/": "text/html; charset=utf-8", "/_hearth/app.js": "text/javascript; charset=utf-8", "/_hearth/style.css": "text/css; charset=utf-8", "/_hearth/icon.svg": "image/svg+xml"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Header().Get("Content-Type"); got != want || w.Code != http.StatusOK {
			t.Errorf("%s: %d, %s", path, w.Code, got)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", path, csp)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/_hearth/", nil))
	if !strings.Contains(w.Body.String(), `content="a&#34;token"`) {
		t.Error("the page does not have its token, or does not escape it")
	}
}
