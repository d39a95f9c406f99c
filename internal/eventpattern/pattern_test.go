package eventpattern

import "testing"

func TestObject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"source":["a",{"prefix":"b"},{"anything-but":{"suffix":["c","d"]}}]}`: "",
		`{"source":[{"wildcard":"a\\**"}]}`:                                     "",
		`{"source":[{"wildcard":"a**"}]}`:                                       `p.source[0]: "wildcard" must not have two wildcards in a row, got "a**"`,
		`{"source":"a"}`:                                                        `p.source must be an object or a list of rules, got "a"; write ["a"]`,
		`{"source":[]}`:                                                         "p.source must not be an empty list",
		`{"detail":{}}`:                                                         "p.detail must not be an empty object",
		`{"n":[{"numeric":[">","1"]}]}`:                                         `p.n[0]: "numeric" must compare with =, <, <=, > or >= and a number, got [">","1"]`,
		`{"n":[{"anything-but":{"suffix":["c",1]}}]}`:                           `p.n[0]: "anything-but" anything-but[1]: "suffix" must be a string, got 1`,
	} {
		v, err := Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if _, err := Object("p", v.(map[string]any)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
