package assembly

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"
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
	data, err := json.Marshal(properties)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r, err)
	}
	return nil
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
			for i := range t.NumField() {
				name := propertyName(t.Field(i))
				if item, ok := m[name]; ok {
					m[name] = texts(item, t.Field(i).Type)
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
