// Package jsonscan reads and writes the JSON of Lambda events without reflection. A
// [Decoder] pulls values out of one JSON text in order. The strings it returns share the
// text's memory unless they hold escapes, so a caller that owns the text needs no copy.
// Invalid JSON gives an error, never a panic. It accepts the same texts as encoding/json.
package jsonscan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// maxDepth is how deep arrays and objects may nest, as in encoding/json.
const maxDepth = 10000

// ErrType is wrapped by the error for a value of an unexpected type.
var ErrType = errors.New("wrong type")

// Decoder pulls values out of one JSON text. The first error sticks: after it,
// every method returns a zero value at once, so callers check [Decoder.Err]
// once at the end. The zero Decoder reads an empty text; it is not safe for
// concurrent use.
type Decoder struct {
	src   string
	pos   int
	depth int
	first bool // the current object or array has had no element yet
	err   error
}

// NewDecoder returns a Decoder over src.
func NewDecoder(src string) Decoder { return Decoder{src: src} }

// Err returns the first error.
func (d *Decoder) Err() error { return d.err }

// End reports an error unless only white space is left.
func (d *Decoder) End() error {
	if d.err == nil {
		if d.space(); d.pos < len(d.src) {
			d.syntax("after the top-level value")
		}
	}
	return d.err
}

func (d *Decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.pos = len(d.src)
}

func (d *Decoder) syntax(where string) {
	if d.err != nil {
		return
	}
	if d.pos >= len(d.src) {
		d.fail(fmt.Errorf("invalid JSON: unexpected end of input %s", where))
		return
	}
	d.fail(fmt.Errorf("invalid JSON at byte %d: unexpected %q %s", d.pos, d.src[d.pos], where))
}

func (d *Decoder) wrongType(want string) {
	if d.err != nil {
		return
	}
	if d.pos >= len(d.src) {
		d.syntax("instead of " + want)
		return
	}
	pos, got := d.pos, typeName(d.src[d.pos])
	if d.Skip(); d.err != nil {
		return // not a value at all: the syntax error is more useful
	}
	d.fail(fmt.Errorf("byte %d: want %s, got %s: %w", pos, want, got, ErrType))
}

func typeName(c byte) string {
	switch c {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

func (d *Decoder) space() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\n', '\r', '\t':
			d.pos++
		default:
			return
		}
	}
}

// Peek returns the first byte of the next value, or 0 at the end.
func (d *Decoder) Peek() byte {
	d.space()
	if d.pos < len(d.src) {
		return d.src[d.pos]
	}
	return 0
}

// Null consumes a null and reports whether there was one.
func (d *Decoder) Null() bool {
	if d.Peek() != 'n' {
		return false
	}
	d.literal("null")
	return d.err == nil
}

// FirstKey consumes the start of an object and returns its first key. A null
// counts as an empty object. Consume one value after each key, and go on with
// [Decoder.Key] until it reports false:
//
//	for key, more := d.FirstKey(); more; key, more = d.Key() { … }
func (d *Decoder) FirstKey() (string, bool) {
	if !d.open('{', "object") {
		return "", false
	}
	return d.Key()
}

// Array consumes the start of an array. A null counts as an empty one, for which Array
// reports false. Call [Decoder.Elem] until it reports false, and consume one value after
// each true.
func (d *Decoder) Array() bool { return d.open('[', "array") }

func (d *Decoder) open(c byte, name string) bool {
	switch d.Peek() {
	case c:
		if d.depth++; d.depth > maxDepth {
			d.fail(errors.New("invalid JSON: nested too deep"))
			return false
		}
		d.pos++
		d.first = true
		return true
	case 'n':
		d.literal("null")
		return false
	}
	d.wrongType(name)
	return false
}

// Elem moves to the next element of the current array; at its end it consumes
// the bracket and reports false.
func (d *Decoder) Elem() bool { return d.next(']', "in an array") }

// Key returns the next key of the current object; at its end it consumes the
// brace and reports false.
func (d *Decoder) Key() (string, bool) {
	// Events come without white space, and with plain keys: `,"key":`.
	src, i := d.src, d.pos
	if !d.first && i < len(src) && src[i] == ',' {
		i++
	}
	if (d.first || i > d.pos) && i < len(src) && src[i] == '"' {
		if end := ends(src, i+1); end+1 < len(src) && src[end] == '"' && src[end+1] == ':' {
			d.first, d.pos = false, end+2
			return src[i+1 : end], true
		}
	}
	if !d.next('}', "in an object") {
		return "", false
	}
	if d.Peek() != '"' {
		d.syntax("instead of an object key")
		return "", false
	}
	key := d.str()
	if d.Peek() != ':' {
		d.syntax("after an object key")
		return "", false
	}
	d.pos++
	return key, d.err == nil
}

func (d *Decoder) next(closing byte, where string) bool {
	c := d.Peek()
	switch {
	case d.err != nil:
		return false
	case c == closing && c != 0:
		d.pos++
		d.depth--
		d.first = false
		return false
	case d.first:
		d.first = false
		return true
	case c == ',':
		d.pos++
		if d.Peek() == closing {
			d.syntax(where)
			return false
		}
		return true
	}
	d.syntax(where)
	return false
}

// String consumes a string. A null counts as "".
func (d *Decoder) String() string {
	switch d.Peek() {
	case '"':
		return d.str()
	case 'n':
		d.literal("null")
	default:
		d.wrongType("string")
	}
	return ""
}

// Text consumes any value and returns it if it is a string, or "".
func (d *Decoder) Text() string {
	if d.Peek() == '"' {
		return d.str()
	}
	d.Skip()
	return ""
}

// Bool consumes a boolean. A null counts as false.
func (d *Decoder) Bool() bool {
	switch d.Peek() {
	case 't':
		d.literal("true")
		return d.err == nil
	case 'f':
		d.literal("false")
	case 'n':
		d.literal("null")
	default:
		d.wrongType("boolean")
	}
	return false
}

// Raw consumes any value and returns its text.
func (d *Decoder) Raw() string {
	d.space()
	start := d.pos
	d.Skip()
	if d.err != nil {
		return ""
	}
	return d.src[start:d.pos]
}

// Mark returns the place of the next value, for [Decoder.Since].
func (d *Decoder) Mark() int {
	d.space()
	return d.pos
}

// Since returns the text that was consumed since mark.
func (d *Decoder) Since(mark int) string {
	if d.err != nil {
		return ""
	}
	return d.src[mark:d.pos]
}

// Skip consumes any value, checking its syntax.
func (d *Decoder) Skip() {
	switch c := d.Peek(); {
	case c == '"':
		d.skipString()
	case c == '{':
		if d.open('{', "object") {
			for d.next('}', "in an object") {
				if d.Peek() != '"' {
					d.syntax("instead of an object key")
					return
				}
				d.skipString()
				if d.Peek() != ':' {
					d.syntax("after an object key")
					return
				}
				d.pos++
				d.Skip()
			}
		}
	case c == '[':
		if d.open('[', "array") {
			for d.next(']', "in an array") {
				d.Skip()
			}
		}
	case c == 't':
		d.literal("true")
	case c == 'f':
		d.literal("false")
	case c == 'n':
		d.literal("null")
	case c == '-' || (c >= '0' && c <= '9'):
		d.number()
	default:
		d.syntax("instead of a value")
	}
}

func (d *Decoder) literal(want string) {
	if strings.HasPrefix(d.src[d.pos:], want) {
		d.pos += len(want)
		d.first = false
		return
	}
	for i := 0; i < len(want) && d.pos < len(d.src) && d.src[d.pos] == want[i]; i++ {
		d.pos++
	}
	d.syntax("in the literal " + want)
}

func (d *Decoder) digits() bool {
	start := d.pos
	for d.pos < len(d.src) && d.src[d.pos] >= '0' && d.src[d.pos] <= '9' {
		d.pos++
	}
	return d.pos > start
}

func (d *Decoder) number() {
	d.first = false
	if d.src[d.pos] == '-' {
		d.pos++
	}
	if d.pos < len(d.src) && d.src[d.pos] == '0' {
		d.pos++
	} else if !d.digits() {
		d.syntax("in a number")
		return
	}
	if d.pos < len(d.src) && d.src[d.pos] == '.' {
		d.pos++
		if !d.digits() {
			d.syntax("after the decimal point of a number")
			return
		}
	}
	if d.pos < len(d.src) && (d.src[d.pos] == 'e' || d.src[d.pos] == 'E') {
		d.pos++
		if d.pos < len(d.src) && (d.src[d.pos] == '+' || d.src[d.pos] == '-') {
			d.pos++
		}
		if !d.digits() {
			d.syntax("in the exponent of a number")
		}
	}
}

// plain marks the bytes that stand for themselves inside a string: ASCII
// without controls, quote and backslash.
var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// Eight bytes in a uint64: a 1 in each, and the high bit of each.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// ends returns the index of the first byte from i on that does not stand for itself in a
// string, or len(s). It checks eight bytes at a time.
func ends(s string, i int) int {
	text := unsafe.Pointer(unsafe.StringData(s)) // to be read only
	for ; i+8 <= len(s); i += 8 {
		x := binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(text, i))[:])
		// A byte's high bit is set where the byte is 0x80 and above, a backslash,
		// a quote or below 0x20; flipping bit 1 brings the quote next to the last.
		// A subtraction that borrows spoils only the bytes above it, and the
		// lowest hit is the one that counts.
		hit := (x | (x ^ ones*'\\' - ones) | (x ^ ones*2 - ones*0x21)) & highs
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(s); i++ {
		if !plain[s[i]] {
			return i
		}
	}
	return len(s)
}

// appendPlain appends the bytes of s from i on that stand for themselves in a string, and
// returns the index of their end. It copies the first 32 while it searches, since JSON in
// JSON has a quote every few bytes. It may overwrite up to eight bytes after the result.
func appendPlain(dst []byte, s string, i int) ([]byte, int) {
	text := unsafe.Pointer(unsafe.StringData(s)) // to be read only
	for first := i; i+8 <= len(s); i += 8 {
		if i-first == 32 {
			end := ends(s, i)
			return append(dst, s[i:end]...), end
		}
		n := len(dst)
		if cap(dst)-n < 8 {
			dst = slices.Grow(dst, len(s)-i)
		}
		x := binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(text, i))[:])
		dst = dst[:n+8]
		binary.LittleEndian.PutUint64(dst[n:], x)
		hit := (x | (x ^ ones*'\\' - ones) | (x ^ ones*2 - ones*0x21)) & highs // as in ends
		if hit != 0 {
			k := bits.TrailingZeros64(hit) / 8
			return dst[:n+k], i + k
		}
	}
	for ; i < len(s) && plain[s[i]]; i++ {
		dst = append(dst, s[i])
	}
	return dst, i
}

// skipString consumes the string at d.pos.
func (d *Decoder) skipString() {
	d.first = false
	d.pos++
	i := ends(d.src, d.pos)
	if i < len(d.src) && d.src[i] == '"' {
		d.pos = i + 1
		return
	}
	d.skipSpecial(i)
}

// skipSpecial skips the rest of the string that starts at d.pos, from i, its first byte
// that does not stand for itself. verbatim means that the string's text is its value: it
// has no escapes and is valid UTF-8.
func (d *Decoder) skipSpecial(i int) (verbatim bool) {
	start, ascii := d.pos, true
	verbatim = true
	src := d.src
	for ; i < len(src); i = ends(src, i) {
		switch c := src[i]; {
		case c == '"':
			d.pos = i + 1
			return verbatim && (ascii || utf8.ValidString(src[start:i]))
		case c == '\\':
			verbatim = false
			n := escapeLen(src[i:])
			if n == 0 {
				if d.pos = i + 1; d.pos < len(src) && src[d.pos] == 'u' {
					d.pos++
				}
				d.syntax("in a string escape")
				return false
			}
			i += n
		case c < 0x20:
			d.pos = i
			d.syntax("in a string")
			return false
		default:
			ascii = false
			for i++; i < len(src) && src[i] >= utf8.RuneSelf; i++ {
			}
		}
	}
	d.pos = len(src)
	d.syntax("in a string")
	return false
}

// escapeLen returns the length of the escape that s starts with, or 0.
func escapeLen(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(s); ok {
			return 6
		}
	}
	return 0
}

// hex4 reads the code unit of the escape \uXXXX that s starts with.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[2:6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// str consumes the string at d.pos and returns its value.
func (d *Decoder) str() string {
	src, start := d.src, d.pos+1
	end := ends(src, start)
	if end < len(src) && src[end] == '"' {
		d.first, d.pos = false, end+1
		return src[start:end]
	}
	d.first, d.pos = false, start
	verbatim := d.skipSpecial(end)
	if d.err != nil {
		return ""
	}
	if text := src[start : d.pos-1]; !verbatim {
		return unescape(text)
	} else {
		return text
	}
}

// unescape returns the value of a string's text. Its escapes must be well formed. Invalid
// UTF-8 and lone surrogates become U+FFFD.
func unescape(s string) string {
	b, i := appendPlain(make([]byte, 0, len(s)+8), s, 0) // only invalid UTF-8 grows
	for i < len(s) {
		switch c := s[i]; {
		case c == '\\' && s[i+1] == 'u':
			r, _ := hex4(s[i:])
			i += 6
			if utf16.IsSurrogate(r) {
				low, ok := hex4(s[i:])
				if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
					r = pair
					i += 6
				} else {
					r = utf8.RuneError
				}
			}
			b = utf8.AppendRune(b, r)
		case c == '\\':
			b = append(b, escaped[s[i+1]])
			i += 2
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
		}
		b, i = appendPlain(b, s, i)
	}
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// escaped maps the byte after a backslash to its value.
var escaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}
