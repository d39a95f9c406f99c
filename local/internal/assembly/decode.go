package assembly

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Decode resolves the properties for which the struct at into has fields, and stores them
// there. A property has the name of the field, or of its json tag. Use [Int] and [Bool]
// for numbers and booleans, because templates may write them as strings.
func (r *Resource) Decode(into any) error {
	properties := map[string]any{}
	t := reflect.TypeOf(into).Elem()
	for i := range t.NumField() {
		name := propertyName(t.Field(i))
		raw, ok := r.Properties[name]
		if !ok {
			continue
		}
		value, err := r.Stack.resolve(raw, 0)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", r, name, err)
		}
		if value != (noValue{}) {
			properties[name] = texts(value, t.Field(i).Type)
		}
	}
	err := recode(properties, into)
	if err == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) { // whose fault is it?
		err := recode(map[string]any{name: properties[name]}, reflect.New(t).Interface())
		if t := new(json.UnmarshalTypeError); errors.As(err, &t) { // it names the field
			return fmt.Errorf("%s: %w", r, plainly(err))
		} else if err != nil {
			return fmt.Errorf("%s: %s: %w", r, name, err)
		}
	}
	return fmt.Errorf("%s: %w", r, err)
}

// Decode stores a value without intrinsic functions, such as a part of a document, in the
// variable at into. It takes what [Resource.Decode] takes.
func Decode(value, into any) error {
	return plainly(recode(texts(value, reflect.TypeOf(into).Elem()), into))
}

// recode stores a value that was decoded from JSON in the variable at into.
func recode(value, into any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// plainly says in the words of templates that a JSON value has the wrong type.
func plainly(err error) error {
	var t *json.UnmarshalTypeError
	if !errors.As(err, &t) {
		return err
	}
	want := "an object"
	switch t.Type.Kind() {
	case reflect.String:
		want = "a string"
	case reflect.Bool:
		want = "true or false"
	case reflect.Slice:
		want = "a list"
	case reflect.Int, reflect.Float64:
		want = "a number"
	}
	got, ok := map[string]string{"array": "a list", "object": "an object", "string": "a string", "bool": "a boolean", "number": "a number"}[t.Value]
	if !ok {
		got = t.Value // such as "number 1.5"
	}
	return fmt.Errorf("%s must be %s, got %s", cmp.Or(t.Field, "it"), want, got)
}

// texts writes numbers and booleans as text where the type t has a string, as
// CloudFormation does.
func texts(value any, t reflect.Type) any {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return value
	}
	switch v := value.(type) {
	case float64, bool:
		if t.Kind() == reflect.String {
			return scalar(v)
		}
	case []any:
		if t.Kind() == reflect.Slice {
			list := make([]any, len(v))
			for i, item := range v {
				list[i] = texts(item, t.Elem())
			}
			return list
		}
	case map[string]any:
		m := maps.Clone(v)
		switch t.Kind() {
		case reflect.Pointer:
			return texts(v, t.Elem())
		case reflect.Map:
			for key := range m {
				m[key] = texts(m[key], t.Elem())
			}
		case reflect.Struct:
			for key, item := range m {
				for i := range t.NumField() {
					if strings.EqualFold(key, propertyName(t.Field(i))) { // as encoding/json does
						m[key] = texts(item, t.Field(i).Type)
					}
				}
			}
		}
		return m
	}
	return value
}

// propertyName returns the name of the property that a field holds.
func propertyName(f reflect.StructField) string {
	if tag := f.Tag.Get("json"); tag != "" {
		return tag
	}
	return f.Name
}

// Int is a number that a template may write as a string.
type Int int

// UnmarshalJSON implements [json.Unmarshaler].
func (n *Int) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64)
	if err != nil || f != float64(int(f)) {
		return fmt.Errorf("must be a whole number, got %s", data)
	}
	*n = Int(f)
	return nil
}

// Bool is a boolean that a template may write as a string.
type Bool bool

// UnmarshalJSON implements [json.Unmarshaler].
func (b *Bool) UnmarshalJSON(data []byte) error {
	v, err := strconv.ParseBool(strings.Trim(string(data), `"`))
	if err != nil {
		return fmt.Errorf("must be true or false, got %s", data)
	}
	*b = Bool(v)
	return nil
}

// Date is a point in time, as in 2026-11-30T00:00:00Z. Without an offset it is in UTC.
type Date struct{ time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (d *Date) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			d.Time = t
			return nil
		}
	}
	return fmt.Errorf("must be a date as in 2026-11-30T00:00:00Z, got %s", data)
}
