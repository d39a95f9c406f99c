// Package mask hides secrets in events, responses and log lines before the engine shows
// them.
//
//	text, hidden := mask.JSON(event) // "authorization":"••••••1"
//	event = mask.Restore(edited, hidden)
//
// It works on the text: numbers, spaces and the order of keys do not change. Each hidden
// value gets a number, so that an edited text can get its secrets back.
package mask

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Dots replace a secret; the secret's number follows.
const Dots = "••••••"

var (
	// secretKey matches the names of fields and headers that hold secrets.
	secretKey = regexp.MustCompile(`(?i)^(proxy-)?authorization(token)?$|^(set-)?cookies?$|passw(or)?d|secret|^x-api-key$|api_?key$|(^|[_-])token$|(access|id|refresh|auth|session|security)_?token$|^sec-websocket-key$|private_?key|^x-amz-security-token$|^database_url$`)
	// secretText matches secrets that a field's name does not reveal: the text after
	// Bearer or Basic, a JSON Web Token, a parameter of a query or form, and a password in
	// a URL.
	secretText = regexp.MustCompile(`(?i)\b(bearer|basic) +[a-z0-9._~+/=-]{6,}|\beyJ[a-z0-9_-]{6,}\.[a-z0-9_-]{6,}\.[a-z0-9_-]*|\b(?:token|[\w-]*(?:(?:access|id|refresh|auth|session|security)_?token|api_?key|passw(?:or)?d|secret|signature))=[^&\s"'\\]+|://[^/\s:@"\\]+:[^/\s@"\\]+@`)
)

// Secret reports whether a field or header of this name holds a secret.
func Secret(name string) bool { return secretKey.MatchString(name) }

// Hidden are the hidden secrets, as they stand in the JSON.
type Hidden []string

// JSON hides the values of fields with secret names, also in JSON strings that contain
// JSON, and the whole of a field called body that is text with a secret in base64, as the
// forms in an HTTP API's events are. It also hides the secrets that Text hides. Text that
// is not JSON is treated as Text.
func JSON(data []byte) (string, Hidden) {
	m := masker{}
	if !json.Valid(data) {
		return m.text(string(data)), m.hidden
	}
	m.in = string(data)
	m.value(false)
	m.out.WriteString(m.in[m.at:])
	return m.out.String(), m.hidden
}

// Text hides the secrets that can be recognized without a field's name.
func Text(text string) string {
	m := masker{}
	if strings.HasPrefix(text, "{") && json.Valid([]byte(text)) {
		out, _ := JSON([]byte(text))
		return out
	}
	return m.text(text)
}

// Restore replaces the numbered dots with the hidden values.
func Restore(text string, hidden Hidden) string {
	for n := len(hidden) - 1; n >= 0; n-- {
		text = strings.ReplaceAll(text, Dots+strconv.Itoa(n+1)+"•", hidden[n])
	}
	return text
}

type masker struct {
	in     string
	at     int
	out    strings.Builder
	hidden Hidden
}

func (m *masker) hide(secret string) string {
	m.hidden = append(m.hidden, secret)
	return Dots + strconv.Itoa(len(m.hidden)) + "•"
}

// text hides matches of secretText, in decoded text and in the inside of JSON strings.
func (m *masker) text(text string) string {
	return secretText.ReplaceAllStringFunc(text, func(found string) string {
		for _, cut := range []string{" ", "=", "://"} {
			if before, after, ok := strings.Cut(found, cut); ok {
				if cut == "://" {
					user, password, _ := strings.Cut(strings.TrimSuffix(after, "@"), ":")
					return before + cut + user + ":" + m.hide(password) + "@"
				}
				if !strings.HasPrefix(found, "eyJ") {
					return before + cut + m.hide(strings.TrimLeft(after, " "))
				}
			}
		}
		return m.hide(found)
	})
}

func (m *masker) space() {
	for m.at < len(m.in) && strings.IndexByte(" \t\r\n", m.in[m.at]) >= 0 {
		m.out.WriteByte(m.in[m.at])
		m.at++
	}
}

func (m *masker) byte() {
	m.out.WriteByte(m.in[m.at])
	m.at++
}

// value copies a value of valid JSON, and hides it if it is secret.
func (m *masker) value(secret bool) {
	m.space()
	switch m.in[m.at] {
	case '{':
		m.byte()
		for m.space(); m.in[m.at] != '}'; m.space() {
			if m.in[m.at] == ',' {
				m.byte()
				m.space()
			}
			raw := m.str()
			m.out.WriteString(raw)
			var key string
			json.Unmarshal([]byte(raw), &key) //nolint:errcheck // it is valid
			m.space()
			m.byte() // the colon
			m.value(secret || Secret(key) || key == "body" && m.encodedSecret())
		}
		m.byte()
	case '[':
		m.byte()
		for m.space(); m.in[m.at] != ']'; m.space() {
			if m.in[m.at] == ',' {
				m.byte()
			}
			m.value(secret)
		}
		m.byte()
	case '"':
		m.quoted(m.str(), secret)
	default:
		from := m.at
		for m.at < len(m.in) && strings.IndexByte(",]} \t\r\n", m.in[m.at]) < 0 {
			m.at++
		}
		m.out.WriteString(m.in[from:m.at])
	}
}

// encodedSecret reports whether the value at the present position is text with a secret, in
// base64.
func (m *masker) encodedSecret() bool {
	rest, isString := strings.CutPrefix(strings.TrimLeft(m.in[m.at:], " \t\r\n"), `"`)
	if !isString {
		return false
	}
	encoded, _, _ := strings.Cut(rest, `"`) // base64 needs no escapes
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !utf8.Valid(text) {
		return false
	}
	_, hidden := JSON(text)
	return len(hidden) > 0
}

// str returns the string at the present position, with its quotes.
func (m *masker) str() string {
	from := m.at
	for m.at++; m.in[m.at] != '"'; m.at++ {
		if m.in[m.at] == '\\' {
			m.at++
		}
	}
	m.at++
	return m.in[from:m.at]
}

// quoted writes a string; raw has its quotes.
func (m *masker) quoted(raw string, secret bool) {
	inner := raw[1 : len(raw)-1]
	var text string
	switch {
	case secret && inner != "":
		m.out.WriteString(`"` + m.hide(inner) + `"`)
		return
	case len(inner) > 2 && (inner[0] == '{' || inner[0] == '[') && json.Unmarshal([]byte(raw), &text) == nil && json.Valid([]byte(text)):
		nested := masker{in: text, hidden: m.hidden}
		before := len(m.hidden)
		nested.value(false)
		nested.out.WriteString(text[nested.at:])
		if len(nested.hidden) > before {
			for n := before; n < len(nested.hidden); n++ { // a secret stands inside two pairs of quotes
				nested.hidden[n] = escape(nested.hidden[n])
			}
			m.hidden = nested.hidden
			m.out.WriteString(`"` + escape(nested.out.String()) + `"`)
			return
		}
	}
	m.out.WriteString(`"` + m.text(inner) + `"`)
}

// escape returns text as the inside of a JSON string.
func escape(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(text) //nolint:errcheck // strings always encode
	quoted := strings.TrimSuffix(b.String(), "\n")
	return quoted[1 : len(quoted)-1]
}
