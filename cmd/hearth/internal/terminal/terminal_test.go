package terminal

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWrite checks that a client's text cannot move the cursor or set the title.
func TestWrite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain ä 世界\ttext\n": "plain ä 世界\ttext\n", "\x1b]0;x\x07": `\x1b]0;x\a`, "a\rb\x00\x7f": `a\rb\x00\x7f`, "\x9b31m\xff": `\x9b31m\xff`,
		"\u009b31m": `\u009b31m`, "abc\u202edef": `abc\u202edef`,
	} {
		out := &strings.Builder{}
		if n, err := New(out).Write([]byte(text)); n != len(text) || err != nil || out.String() != want {
			t.Errorf("%q: %d, %v, got %q, want %q", text, n, err, out, want)
		}
	}
}

func TestWriteColored(t *testing.T) {
	t.Parallel()
	out := &strings.Builder{}
	colored := &Terminal{w: out, colored: true}
	colored.WriteColored("at noon ERROR \x1b[2J ERROR\n", "ERROR", Red)
	colored.WriteColored("no word\n", "ERROR", Red)
	New(out).WriteColored("plain ERROR\n", "ERROR", Red)
	if want := "at noon \x1b[31mERROR\x1b[0m \\x1b[2J ERROR\nno word\nplain ERROR\n"; out.String() != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

// TestColors checks that a file gets no colours.
func TestColors(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if New(file).colored {
		t.Error("a file got colours")
	}
}

// TestPrinting: only a terminal needs escapes.
func TestPrinting(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if Printing(&b) != io.Writer(&b) {
		t.Error("a buffer is no terminal")
	}
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("skipped: there is no terminal: %v", err)
	}
	defer tty.Close()
	if _, ok := Printing(tty).(*Terminal); !ok {
		t.Error("control characters reach a terminal")
	}
}
