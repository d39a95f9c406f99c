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
		`{"n":[{"anything-but":{"suffix":["c",1]}}]}`:                           `p.n[0]: "anything-but" "suffix" must be a string that is not empty, or a list of them, got ["c",1]`,
		`{"n":[{"anything-but":{"prefix":""}}]}`:                                `p.n[0]: "anything-but" "prefix" must be a string that is not empty, or a list of them, got ""`,
		`{"n":[{"anything-but":{"prefix":{"equals-ignore-case":"a"}}}]}`:        `p.n[0]: "anything-but" "prefix" must be a string that is not empty, or a list of them, got {"equals-ignore-case":"a"}`,
		`{"n":[{"anything-but":{"wildcard":""}}]}`:                              "",
		`{"n":[{"anything-but":{"cidr":"10.0.0.0/8"}}]}`:                        `p.n[0]: "anything-but" takes prefix, suffix, equals-ignore-case or wildcard, got "cidr"`,
		`{"n":[{"anything-but":null}]}`:                                         `p.n[0]: "anything-but" must be a string, a number, or a list of either, got null`,
		`{"n":[{"anything-but":["a",null]}]}`:                                   `p.n[0]: "anything-but" must be a string, a number, or a list of either, got ["a",null]`,
		`{"n":[{"anything-but":[1,"a"]}]}`:                                      `p.n[0]: "anything-but" must be a string, a number, or a list of either, got [1,"a"]`,
		`{"n":[{"anything-but":true}]}`:                                         `p.n[0]: "anything-but" must be a string, a number, or a list of either, got true`,
		`{"n":[{"anything-but":[]}]}`:                                           `p.n[0]: "anything-but" must not be an empty list`,
		`{"n":[{"numeric":[">",0,">",5]}]}`:                                     `p.n[0]: "numeric" must have the lower bound first, as in [">", 10, "<=", 20], got [">",0,">",5]`,
		`{"n":[{"numeric":["<",5,">",0]}]}`:                                     `p.n[0]: "numeric" must have the lower bound first, as in [">", 10, "<=", 20], got ["<",5,">",0]`,
		`{"n":[{"numeric":[">=",5,"<=",5]}]}`:                                   `p.n[0]: "numeric" must have the lower bound first, as in [">", 10, "<=", 20], got [">=",5,"<=",5]`,
		`{"$or":[{"a":["b"]}]}`:                                                 `p.$or must be a list of at least two objects, got [{"a":["b"]}]`,
		`{"$or":{"a":["b"]}}`:                                                   `p.$or must be a list of at least two objects, got {"a":["b"]}`,
		`{"n":[{"wildcard":"a\\b*"}]}`:                                          `p.n[0]: "wildcard" must have * or \ after a backslash, got "a\\b*"`,
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

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, event string
		want           bool
	}{
		{`{"order.state":["paid"]}`, `{"order":{"state":"paid"}}`, true},
		{`{"order":{"state":["paid"]}}`, `{"order.state":"paid"}`, true},
		{`{"order":{"state":["paid"],"id":[1]}}`, `{"order.state":"paid","order":{"id":1}}`, true},
		{`{"order":{"state":["paid"]}}`, `{"order.state":"paid","order":{"state":"sent"}}`, true},
		{`{"order.state":["paid"]}`, `{"order":{"state":"sent"}}`, false},
		{`{"tags":["a"]}`, `{"tags":[["a","b"]]}`, true},
		{`{"tags":["c"]}`, `{"tags":[["a","b"]]}`, false},
		{`{"order":{"state":["paid"]}}`, `{"order.state":["paid","sent"],"order":{"state":"new"}}`, true},
		{`{"tags":[{"exists":true}]}`, `{"tags":[]}`, false},
		{`{"tags":[{"exists":false}]}`, `{"tags":[]}`, true},
		{`{"tags":[{"exists":true}]}`, `{"tags":[null]}`, true},
		{`{"items":{"name":[{"exists":false}]}}`, `{"items":[]}`, true},
		{`{"n":[{"anything-but":["a","b"]}]}`, `{"n":null}`, true},
		{`{"n":[{"anything-but":{"equals-ignore-case":["A","B"]}}]}`, `{"n":"b"}`, false},
		{`{"n":[{"anything-but":{"wildcard":"a*z"}}]}`, `{"n":"abc"}`, true},
		{`{"n":[{"wildcard":"a\\*b*"}]}`, `{"n":"a*bc"}`, true},
		{`{"n":[{"wildcard":"a\\*b*"}]}`, `{"n":"axbc"}`, false},
		{`{"n":[{"wildcard":"*\\\\"}]}`, `{"n":"a\\"}`, true},
		{`{"n":[{"numeric":[">=",5,"<",6]}]}`, `{"n":5.5}`, true},
	} {
		v, err := Decode([]byte(c.pattern))
		if err != nil {
			t.Fatal(err)
		}
		match, err := Object("p", v.(map[string]any))
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		event, err := Decode([]byte(c.event))
		if err != nil {
			t.Fatal(err)
		}
		if got := match(event, true); got != c.want {
			t.Errorf("%s of %s: got %v", c.pattern, c.event, got)
		}
	}
}
