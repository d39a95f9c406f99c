// Package terminal prints for people: it keeps concurrent writes apart, escapes control
// characters, and uses colours only on a terminal.
package terminal

import (
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

// A Color is the number of an ANSI foreground colour.
type Color int

// The colours of the commands.
const (
	Red    Color = 31
	Green  Color = 32
	Yellow Color = 33
)

// Terminal is a writer that escapes control characters, because a client may have sent
// them. It keeps newlines and tabs. It is safe for use by several goroutines.
type Terminal struct {
	mu      sync.Mutex
	w       io.Writer
	colored bool
}

// New returns a Terminal that writes to w. It has colours if w is a terminal, NO_COLOR
// is unset or empty (https://no-color.org, 2026-11) and TERM is not "dumb".
func New(w io.Writer) *Terminal {
	return &Terminal{w: w, colored: Is(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// Is reports whether a reader or writer is a terminal.
func Is(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// Printing returns a writer for the output of the user's programs. On a terminal it
// escapes control characters; in a file or pipe the bytes stay as they are.
func Printing(w io.Writer) io.Writer {
	if Is(w) {
		return New(w)
	}
	return w
}

// Write implements [io.Writer].
func (t *Terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := io.WriteString(t.w, printable(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteColored writes text with the first occurrence of word in a colour.
func (t *Terminal) WriteColored(text, word string, color Color) error {
	text = printable(text)
	if before, after, found := strings.Cut(text, word); t.colored && found && word != "" {
		text = before + "\x1b[" + strconv.Itoa(int(color)) + "m" + word + "\x1b[0m" + after
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := io.WriteString(t.w, text)
	return err
}

// printable escapes bytes that are not UTF-8, and the characters that a terminal would
// interpret, such as escape sequences that move its cursor or set its title.
func printable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, Acts) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(text[0])|0x100, 16)[1:])
		case Acts(r):
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// Acts reports whether a terminal interprets a character: a control character other than
// newline and tab, or a character that changes the direction of text.
func Acts(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
}
