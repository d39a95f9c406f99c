package dynamodb

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// The types of attribute values, by their descriptors.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html (2026-11)
const (
	typeString    = "S"
	typeNumber    = "N"
	typeBinary    = "B"
	typeBool      = "BOOL"
	typeNull      = "NULL"
	typeList      = "L"
	typeMap       = "M"
	typeStringSet = "SS"
	typeNumberSet = "NS"
	typeBinarySet = "BS"
)

// value is an attribute value. It is immutable, so items can share it.
type value struct {
	kind    string
	text    string   // of a string; a number, by parseNumber; the bytes of a binary
	truth   bool     // of a BOOL
	list    []value  // of a list
	members item     // of a map
	set     []string // of a set, each as text
}

// allTypes are the types, in the order of DynamoDB's errors.
var allTypes = []string{typeBinary, typeNull, typeStringSet, typeBool, typeList, typeBinarySet, typeNumber, typeNumberSet, typeString, typeMap}

// item is the attributes of an item, or the members of a map.
type item map[string]value

// UnmarshalJSON implements [json.Unmarshaler] for {"S": "…"}, {"M": {…}} and so on.
func (v *value) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	maps.DeleteFunc(fields, func(_ string, raw json.RawMessage) bool { return string(raw) == "null" })
	switch {
	case len(fields) == 0:
		return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case len(fields) > 1:
		return invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	for kind, raw := range fields {
		*v = value{kind: kind}
		return v.decode(raw)
	}
	return nil
}

func (v *value) decode(raw json.RawMessage) error {
	var err error
	switch v.kind {
	case typeString, typeNumber, typeBinary:
		if err = json.Unmarshal(raw, &v.text); err != nil {
			return err
		}
		v.text, err = scalar(v.kind, v.text)
		return err
	case typeBool:
		return json.Unmarshal(raw, &v.truth)
	case typeNull:
		if err = json.Unmarshal(raw, &v.truth); err == nil && !v.truth {
			return invalidValue("Null attribute value types must have the value of true")
		}
		return err
	case typeList:
		return json.Unmarshal(raw, &v.list)
	case typeMap:
		return json.Unmarshal(raw, &v.members)
	case typeStringSet, typeNumberSet, typeBinarySet:
		if err = json.Unmarshal(raw, &v.set); err != nil {
			return err
		}
		return v.checkSet()
	}
	return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

// scalar checks the text of a string, number or binary and returns its stored form.
func scalar(kind, text string) (string, error) {
	switch kind {
	case typeNumber:
		number, err := parseNumber(text)
		if err != nil {
			return "", err
		}
		return number, nil
	case typeBinary:
		data, err := base64.StdEncoding.DecodeString(text)
		return string(data), err
	}
	return text, nil
}

func (v *value) checkSet() error {
	if len(v.set) == 0 {
		what := map[string]string{typeStringSet: "An string set  may not be empty", typeNumberSet: "An number set  may not be empty", typeBinarySet: "Binary sets should not be empty"}
		return invalidValue("%s", what[v.kind])
	}
	given := slices.Clone(v.set)
	seen := map[string]bool{}
	for i, text := range v.set {
		element, err := scalar(v.kind[:1], text)
		if err != nil {
			return err
		}
		if seen[element] {
			if v.kind == typeNumberSet {
				return invalid("Input collection contains duplicates")
			}
			return invalidValue("Input collection [%s] contains duplicates.", strings.Join(given, ", "))
		}
		seen[element] = true
		v.set[i] = element
	}
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (v value) MarshalJSON() ([]byte, error) {
	var content any
	switch v.kind {
	case typeString, typeNumber:
		content = v.text
	case typeBinary:
		content = []byte(v.text)
	case typeBool, typeNull:
		content = v.truth
	case typeList:
		content = append([]value{}, v.list...) // never null
	case typeMap:
		if content = v.members; v.members == nil {
			content = item{}
		}
	case typeBinarySet:
		set := make([][]byte, len(v.set))
		for i, s := range v.set {
			set[i] = []byte(s)
		}
		content = set
	default:
		content = v.set
	}
	return json.Marshal(map[string]any{v.kind: content})
}

// equal compares like "=": values of different types differ, and the order of sets does
// not matter.
func (v value) equal(w value) bool {
	return v.kind == w.kind && v.text == w.text && v.truth == w.truth && slices.EqualFunc(v.list, w.list, value.equal) &&
		maps.EqualFunc(v.members, w.members, value.equal) && slices.Equal(slices.Sorted(slices.Values(v.set)), slices.Sorted(slices.Values(w.set)))
}

// compare compares like "<". Only strings, numbers and binaries of the same type have an
// order.
func (v value) compare(w value) (order int, ok bool) {
	switch {
	case v.kind != w.kind || !ordered(v.kind):
		return 0, false
	case v.kind == typeNumber:
		return compareNumbers(v.text, w.text), true
	}
	return cmp.Compare(v.text, w.text), true // by bytes, as UTF-8
}

func ordered(kind string) bool {
	return kind == typeString || kind == typeNumber || kind == typeBinary
}

// bytes returns the value's size for the item size limit.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (2026-11)
func (v value) bytes() int {
	n := 0
	switch v.kind {
	case typeString, typeBinary:
		n = len(v.text)
	case typeNumber:
		n = numberBytes(v.text)
	case typeBool, typeNull:
		n = 1
	case typeList:
		n = 3
		for _, e := range v.list {
			n += e.bytes() + 1
		}
	case typeMap:
		n = 3 + v.members.bytes() + len(v.members)
	case typeNumberSet:
		for _, s := range v.set {
			n += numberBytes(s)
		}
	default:
		for _, s := range v.set {
			n += len(s)
		}
	}
	return n
}

func (i item) bytes() int {
	n := 0
	for name, v := range i {
		n += len(name) + v.bytes()
	}
	return n
}

// nesting returns how many levels of lists and maps the value has.
func (v value) nesting() int {
	n := 0
	switch v.kind {
	case typeList:
		for _, e := range v.list {
			n = max(n, e.nesting())
		}
	case typeMap:
		n = v.members.nesting()
	default:
		return 0
	}
	return n + 1
}

func (i item) nesting() int {
	n := 0
	for _, v := range i {
		n = max(n, v.nesting())
	}
	return n
}

// size returns the result of the function size: characters, bytes or elements. Numbers,
// booleans and nulls have no size.
func (v value) size() (n int, ok bool) {
	switch v.kind {
	case typeString, typeBinary:
		return len(v.text), true // DynamoDB counts the bytes of UTF-8
	case typeList:
		return len(v.list), true
	case typeMap:
		return len(v.members), true
	case typeStringSet, typeNumberSet, typeBinarySet:
		return len(v.set), true
	}
	return 0, false
}

// contains returns the result of the function contains: for a part of a string or binary,
// or an element of a set or list.
func (v value) contains(w value) bool {
	switch {
	case v.kind == typeString || v.kind == typeBinary:
		return v.kind == w.kind && strings.Contains(v.text, w.text)
	case v.kind == typeList:
		return slices.ContainsFunc(v.list, w.equal)
	case len(v.set) > 0:
		return v.kind == w.kind+"S" && slices.Contains(v.set, w.text)
	}
	return false
}
