package jsonscan

import (
	"encoding/json"
	"strings"
	"testing"
)

// seeds are texts at the edges of the grammar, valid and not.
var seeds = []string{
	``, ` `, `null`, `nul`, `nulll`, `true`, `false`, `fals`, `0`, `-0`, `01`, `-`, `1.`, `1.5`, `1e`, `1e+`, `1E-9`, `.5`,
	`""`, `"a`, `"a\`, `"\u12"`, `"\u12g4"`, `"\u0041"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ude00\ud83d"`, `"\ud83d\u0041"`,
	`"\n\t\r\b\f\/\\\""`, `"\x"`, "\"\x01\"", "\"\x7f\"", "\"\xff\xfe\"", "\"é\"", "\"\xe2\x80\xa8\"", "\"a\xc3\"",
	`[]`, `[1]`, `[1,]`, `[,1]`, `[1 2]`, `[1,2`, `[[[]]]`, `]`, `{}`, `{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`,
	`{"a":1"b":2}`, `{"a":"x""b":"y"}`, `{"a":{}"b":[]}`, `{,"a":1}`, `{"a":1,,"b":2}`, `[{"a":1},"b":2]`, `{"a":1,"b":2}`, `{"a":{},"b":[],"c":"d"}`,
	`{"a":{"b":[null,true,{"c":"d"}]}}`, `{"a":1}x`, "\t{ \"a\" :\n[ 1 , \"x\" ] }\r\n", `{"a\u0062":"c"}`, `{"a":1}]`, `[}`, `{]`,
}

// walk reads a whole text with the typed methods, the way handlers do.
func walk(d *Decoder) any {
	switch d.Peek() {
	case '{':
		m := map[string]any{}
		for k, more := d.FirstKey(); more; k, more = d.Key() {
			m[k] = walk(d)
		}
		return m
	case '[':
		a := []any{}
		d.Array()
		for d.Elem() {
			a = append(a, walk(d))
		}
		return a
	case '"':
		return d.String()
	case 't', 'f':
		return d.Bool()
	case 'n':
		d.Null()
		return nil
	}
	return json.Number(d.Raw())
}

func decodeOracle(src string) (any, error) {
	dec := json.NewDecoder(strings.NewReader(src))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

func checkAgainstEncodingJSON(t *testing.T, src string) {
	t.Helper()
	want := json.Valid([]byte(src))

	skip := NewDecoder(src)
	skip.Skip()
	if got := skip.End() == nil; got != want {
		t.Fatalf("Skip accepts %q: %v, encoding/json: %v (%v)", src, got, want, skip.Err())
	}
	d := NewDecoder(src)
	value := walk(&d)
	if got := d.End() == nil; got != want {
		t.Fatalf("typed methods accept %q: %v, encoding/json: %v (%v)", src, got, want, d.Err())
	}
	if !want {
		return
	}
	oracle, err := decodeOracle(src)
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	got, _ := json.Marshal(value)
	exp, _ := json.Marshal(oracle)
	if string(got) != string(exp) {
		t.Fatalf("%q:\n got %s\nwant %s", src, got, exp)
	}
	if s, ok := oracle.(string); ok {
		var back string
		if err := json.Unmarshal(AppendString(nil, s), &back); err != nil || back != s {
			t.Fatalf("AppendString(%q) reads back as %q, %v", s, back, err)
		}
	}
}

func TestAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, src := range seeds {
		checkAgainstEncodingJSON(t, src)
	}
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	checkAgainstEncodingJSON(t, strings.Repeat("[", maxDepth)+strings.Repeat("]", maxDepth))
	checkAgainstEncodingJSON(t, strings.Repeat("[", maxDepth+1)+strings.Repeat("]", maxDepth+1))
	checkAgainstEncodingJSON(t, strings.Repeat(`{"a":`, 2_000_000))
}

func TestWrongTypes(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(d *Decoder){
		"want object, got string":  func(d *Decoder) { d.FirstKey() },
		"want array, got string":   func(d *Decoder) { d.Array() },
		"want boolean, got string": func(d *Decoder) { d.Bool() },
	} {
		d := NewDecoder(` "x"`)
		read(&d)
		if err := d.Err(); err == nil || err.Error() != "byte 1: "+name+": wrong type" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	d := NewDecoder(`12`)
	if got := d.String(); got != "" {
		t.Errorf("got %q", got)
	}
	if err := d.Err(); err == nil || err.Error() != "byte 0: want string, got number: wrong type" {
		t.Errorf("got %v", err)
	}
}

func TestAppendString(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":              `""`,
		"plain <&>":     `"plain <&>"`,
		"q\"b\\n\n\r\t": `"q\"b\\n\n\r\t"`,
		"\x00\x1f\x7f":  "\"\\u0000\\u001f\x7f\"",
		"é😀":            `"é😀"`,
		"a\xffb":        `"a\ufffdb"`,
		"\u2028\u2029":  `"\u2028\u2029"`,
	} {
		if got := string(AppendString(nil, in)); got != want {
			t.Errorf("AppendString(%q) = %s, want %s", in, got, want)
		}
		if got := string(AppendBytes(nil, []byte(in))); got != want {
			t.Errorf("AppendBytes(%q) = %s, want %s", in, got, want)
		}
	}
}

// TestEveryByteAtEveryOffset puts each byte at each place of an eight-byte word, and
// of the words that are copied one by one and all at once.
func TestEveryByteAtEveryOffset(t *testing.T) {
	t.Parallel()
	for offset := range 50 {
		for c := range 256 {
			text := strings.Repeat("a", offset) + string([]byte{byte(c)}) + "bbbbbbbbbb"
			checkAgainstEncodingJSON(t, `"`+text+`"`)
			var back string
			if err := json.Unmarshal(AppendString(nil, text), &back); err != nil || back != strings.ToValidUTF8(text, "\ufffd") {
				t.Fatalf("AppendString(%q) reads back as %q, %v", text, back, err)
			}
		}
	}
}

func FuzzDecoder(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(checkAgainstEncodingJSON)
}
