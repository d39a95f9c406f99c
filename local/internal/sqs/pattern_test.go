package sqs

import (
	"strings"
	"testing"
)

func TestFilters(t *testing.T) {
	t.Parallel()
	const record = `{"messageId":"1","attributes":{"ApproximateReceiveCount":"2"},"messageAttributes":{"tenant":{"stringValue":"acme","dataType":"String"}},"eventSource":"aws:sqs"}`
	const body = `{"s":"video-Jobs.mp4","n":12.50,"zero":0,"t":true,"nil":null,"list":["a","b"],"objects":[{"k":"x","v":1},{"k":"y","v":2}],"in":{"ip":"10.0.0.7","deep":{"a":"b"}},"empty":""}`
	for pattern, want := range map[string]bool{
		// Exact values.
		`{"body":{"s":["x","video-Jobs.mp4"]}}`:         true,
		`{"body":{"s":["x"]}}`:                          false,
		`{"body":{"n":[12.5]}}`:                         true,
		`{"body":{"n":["12.5"]}}`:                       false,
		`{"body":{"t":[true]}}`:                         true,
		`{"body":{"t":["true"]}}`:                       false,
		`{"body":{"nil":[null]}}`:                       true,
		`{"body":{"none":[null]}}`:                      false,
		`{"body":{"empty":[""]}}`:                       true,
		`{"body":{"s":["video-Jobs.mp4"],"t":[false]}}`: false,
		// Lists in the event.
		`{"body":{"list":["b"]}}`:                  true,
		`{"body":{"list":["c"]}}`:                  false,
		`{"body":{"objects":{"k":["x"],"v":[1]}}}`: true,
		`{"body":{"objects":{"k":["x"],"v":[2]}}}`: false,
		// Inner objects.
		`{"body":{"in":{"deep":{"a":["b"]}}}}`: true,
		`{"body":{"in":{"deep":{"b":["b"]}}}}`: false,
		`{"body":{"s":{"a":["b"]}}}`:           false,
		// Strings.
		`{"body":{"s":[{"prefix":"video-"}]}}`:                        true,
		`{"body":{"s":[{"prefix":"Video-"}]}}`:                        false,
		`{"body":{"s":[{"prefix":{"equals-ignore-case":"VIDEO-"}}]}}`: true,
		`{"body":{"s":[{"suffix":".mp4"}]}}`:                          true,
		`{"body":{"s":[{"suffix":{"equals-ignore-case":".MP4"}}]}}`:   true,
		`{"body":{"n":[{"prefix":"12"}]}}`:                            false,
		`{"body":{"s":[{"equals-ignore-case":"VIDEO-jobs.mp4"}]}}`:    true,
		`{"body":{"s":[{"wildcard":"video-*.mp4"}]}}`:                 true,
		`{"body":{"s":[{"wildcard":"*Jobs*"}]}}`:                      true,
		`{"body":{"s":[{"wildcard":"*Jobs"}]}}`:                       false,
		`{"body":{"s":[{"wildcard":"video"}]}}`:                       false,
		// Everything but.
		`{"body":{"s":[{"anything-but":"x"}]}}`:                         true,
		`{"body":{"s":[{"anything-but":["x","video-Jobs.mp4"]}]}}`:      false,
		`{"body":{"n":[{"anything-but":[1,2]}]}}`:                       true,
		`{"body":{"n":[{"anything-but":12.5}]}}`:                        false,
		`{"body":{"s":[{"anything-but":{"prefix":"video-"}}]}}`:         false,
		`{"body":{"s":[{"anything-but":{"suffix":".mkv"}}]}}`:           true,
		`{"body":{"s":[{"anything-but":{"suffix":[".mkv",".mp4"]}}]}}`:  false,
		`{"body":{"s":[{"anything-but":{"wildcard":["*.mkv","a*"]}}]}}`: true,
		`{"body":{"none":[{"anything-but":"x"}]}}`:                      false,
		// Numbers.
		`{"body":{"n":[{"numeric":["=",12.5]}]}}`:         true,
		`{"body":{"n":[{"numeric":[">",12,"<=",12.5]}]}}`: true,
		`{"body":{"n":[{"numeric":[">",12.5]}]}}`:         false,
		`{"body":{"n":[{"numeric":["<",12.5]}]}}`:         false,
		`{"body":{"zero":[{"numeric":[">=",0,"<",1]}]}}`:  true,
		`{"body":{"s":[{"numeric":[">",0]}]}}`:            false,
		// Presence.
		`{"body":{"nil":[{"exists":true}]}}`:            true,
		`{"body":{"none":[{"exists":true}]}}`:           false,
		`{"body":{"none":[{"exists":false}]}}`:          true,
		`{"body":{"s":[{"exists":false}]}}`:             false,
		`{"body":{"in":[{"exists":true}]}}`:             false,
		`{"body":{"in":{"none":[{"exists":false}]}}}`:   true,
		`{"body":{"gone":{"none":[{"exists":false}]}}}`: true,
		// Addresses.
		`{"body":{"in":{"ip":[{"cidr":"10.0.0.0/24"}]}}}`: true,
		`{"body":{"in":{"ip":[{"cidr":"10.0.1.0/24"}]}}}`: false,
		`{"body":{"s":[{"cidr":"10.0.0.0/24"}]}}`:         false,
		// Alternatives.
		`{"body":{"$or":[{"s":["x"]},{"n":[12.5]}]}}`:             true,
		`{"body":{"$or":[{"s":["x"]},{"n":[13]}]}}`:               false,
		`{"body":{"t":[false],"$or":[{"s":["x"]},{"n":[12.5]}]}}`: false,
		// The record, and both.
		`{"messageAttributes":{"tenant":{"stringValue":["acme"]}}}`:            true,
		`{"messageAttributes":{"tenant":{"stringValue":["evil"]}}}`:            false,
		`{"attributes":{"ApproximateReceiveCount":["2"]},"body":{"t":[true]}}`: true,
		`{"attributes":{"ApproximateReceiveCount":["1"]},"body":{"t":[true]}}`: false,
		// A pattern for text does not match a JSON body.
		`{"body":[{"prefix":"{"}]}`: false,
	} {
		f, err := compileFilters([]string{pattern})
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if got := matchFilters(f, []byte(record), body); got != want {
			t.Errorf("%s: got %t", pattern, got)
		}
	}
}

func TestFiltersOfText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, body string
		want          bool
	}{
		{`{"body":["hello"]}`, "hello", true},
		{`{"body":[{"prefix":"he"}]}`, "hello", true},
		{`{"body":["hello"]}`, "bye", false},
		{`{"body":[{"numeric":[">",5]}]}`, "6", true},
		{`{"body":{"a":["b"]}}`, "hello", false},
		{`{"body":{"a":["b"]}}`, `["a","b"]`, false},
		{`{"body":{"a":[{"exists":false}]}}`, "hello", false},
		{`{"body":{"a":["b"]}}`, `{"a":"b"} {}`, false},
		{`{"eventSource":["aws:sqs"]}`, "hello", true},
	} {
		f, err := compileFilters([]string{c.pattern})
		if err != nil {
			t.Fatal(err)
		}
		if got := matchFilters(f, []byte(`{"eventSource":"aws:sqs"}`), c.body); got != c.want {
			t.Errorf("%s on %s: got %t", c.pattern, c.body, got)
		}
	}
	if !matchFilters(nil, []byte(`{}`), "x") {
		t.Error("no filters match nothing")
	}
}

func TestFilterErrors(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		`[]`:                                        "pattern must be a JSON object, got []",
		`{}`:                                        "pattern must not be an empty object",
		`{} {}`:                                     "pattern must be JSON: more than one JSON value",
		`{"body":null}`:                             "pattern.body must be an object or a list of rules, got null",
		`{"body":"x"}`:                              `pattern.body must be an object or a list of rules, got "x"`,
		`{"body":{}}`:                               "pattern.body must not be an empty object",
		`{"body":{"a":"x"}}`:                        `pattern.body.a must be an object or a list of rules, got "x"; write ["x"]`,
		`{"body":{"a":[]}}`:                         "pattern.body.a must not be an empty list",
		`{"body":{"a":[["x"]]}}`:                    "pattern.body.a[0]: a rule must be a value or an object, got a list",
		`{"body":{"a":[{}]}}`:                       "pattern.body.a[0]: a rule must have one operator, got {}",
		`{"body":{"a":[{"like":"x"}]}}`:             `pattern.body.a[0]: "like" is not an operator; use prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists or cidr`,
		`{"body":{"a":[{"prefix":1}]}}`:             `pattern.body.a[0]: "prefix" must be a string, got 1`,
		`{"body":{"a":[{"exists":"yes"}]}}`:         `pattern.body.a[0]: "exists" must be true or false, got "yes"`,
		`{"body":{"a":[{"numeric":[">"]}]}}`:        `pattern.body.a[0]: "numeric" must be a list of one or two comparisons such as [">", 10, "<=", 20], got [">"]`,
		`{"body":{"a":[{"numeric":["!",1]}]}}`:      `pattern.body.a[0]: "numeric" must compare with =, <, <=, > or >= and a number, got ["!",1]`,
		`{"body":{"a":[{"cidr":"10.0.0.0"}]}}`:      `pattern.body.a[0]: "cidr" must be an address range such as 10.0.0.0/24, got "10.0.0.0"`,
		`{"body":{"a":[{"wildcard":"a**"}]}}`:       `pattern.body.a[0]: "wildcard" must not have two wildcards in a row, got "a**"`,
		`{"body":{"$or":["x","y"]}}`:                "pattern.body.$or must be a list of objects",
		`{"a":"` + strings.Repeat("x", 4096) + `"}`: "pattern must be at most 4096 characters, got 4104",
	} {
		if _, err := compileFilters([]string{pattern}); err == nil || err.Error() != "filters[0]: "+want {
			t.Errorf("%s:\ngot  %v\nwant %s", pattern, err, want)
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add(`{"body":{"a":[{"numeric":[">",5]}]}}`, `{"a":6}`)
	f.Add(`{"body":{"$or":[{"a":[{"wildcard":"*x*"}]}]}}`, `{"a":"x"}`)
	f.Fuzz(func(_ *testing.T, pattern, body string) {
		if filters, err := compileFilters([]string{pattern}); err == nil {
			matchFilters(filters, []byte(`{"eventSource":"aws:sqs"}`), body)
		}
	})
}
