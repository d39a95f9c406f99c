package dynamodb

import "testing"

// FuzzExpressions holds that whatever an expression is, it is read or refused.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{
		"attribute_not_exists(PK) OR userId = :user", "NOT (a.b <> :v AND #n >= c)", "SET connections.#n = :v, a = b REMOVE c, d.e",
		"REMOVE connections.#n", "a, b.c, #n", "((a))", "a[0]", "SET a = b + :v", "é # : <", "not not not",
		"id = :v AND begins_with(n, :v)", "(id = :v) AND n BETWEEN :v AND :v", "SET a = list_append(if_not_exists(a, :v), :v) ADD #n :v DELETE a[0].b :v",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		e, err := newExpressions(map[string]string{"#n": "n"}, item{":v": {kind: typeNumber, text: "1"}})
		if err != nil {
			t.Fatal(err)
		}
		thing := item{"id": {kind: typeString, text: "a"}, "a": {kind: typeMap, members: item{"b": {kind: typeNumber, text: "2"}}}}
		if holds, err := e.condition("ConditionExpression", source); err == nil {
			holds(thing)
			holds(nil)
		}
		if u, err := e.update(source); err == nil {
			for _, old := range []item{thing, nil} {
				if changed, err := u.apply(old, item{"id": thing["id"]}); err == nil {
					_ = changed.bytes()
				}
			}
		}
		if k, err := e.keyCondition(source); err == nil {
			_ = k.check([]Key{{"id", typeString}, {"n", typeNumber}})
			k.holds(thing)
		}
		if paths, err := e.projection(source); err == nil {
			thing.project(paths)
		}
		if len(thing) != 2 || len(thing["a"].members) != 1 {
			t.Errorf("%q changed what others share: %v", source, thing)
		}
	})
}

// FuzzNumbers holds that what a number becomes stays that.
func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{"0", "-12.50", "1e125", "1E-130", "+.5", "5."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		number, err := parseNumber(source)
		if err != nil {
			return
		}
		again, err := parseNumber(number)
		if err != nil || again != number || compareNumbers(number, source) != 0 {
			t.Errorf("%q became %q, and then %q, %v", source, number, again, err)
		}
	})
}
