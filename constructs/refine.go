package hearth

import "reflect"

// refineProps lets a function of the user change the CDK's own props before the CDK gets
// them. It must not change values that a prop of this package sets, because the rules
// have checked them: ours are those values. elsewhere maps other fields to the prop to
// set instead.
func refineProps[P any](r *rules, field string, props *P, refine func(*P), ours any, elsewhere map[string]string) {
	if refine == nil {
		return
	}
	before := *props
	inner := snapshot(reflect.ValueOf(before))
	refine(props)
	was, is := reflect.ValueOf(before), reflect.ValueOf(props).Elem()
	mine := reflect.Indirect(reflect.ValueOf(ours)).Type()
	for i := range is.NumField() {
		name := is.Type().Field(i).Name
		if same(was.Field(i), is.Field(i)) {
			if changed := changedWithin(inner[i], is.Field(i)); changed != "" {
				r.breaks(field, "must leave %s of %s as it is; set the prop of %s for it", changed, name, r.where)
			}
			continue
		}
		todo, other := elsewhere[name]
		_, prop := mine.FieldByName(name)
		switch {
		case other:
			r.breaks(field, "must leave %s as it is; set %s", name, todo)
		case prop:
			r.breaks(field, "must leave %s as it is; set %s.%s", name, r.where, name)
		case !was.Field(i).IsZero():
			r.breaks(field, "must leave %s as it is, because the construct sets it; remove it", name)
		}
	}
}

// same reports whether two fields hold the same pointer, interface or value.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Func:
		return a.Pointer() == b.Pointer()
	case reflect.Map, reflect.Slice:
		return reflect.DeepEqual(a.Interface(), b.Interface())
	}
	return a.Interface() == b.Interface()
}

// snapshot returns copies of the structs and maps that fields point to, by the index of
// the field.
func snapshot(props reflect.Value) map[int]reflect.Value {
	copies := map[int]reflect.Value{}
	for i := range props.NumField() {
		field := props.Field(i)
		if field.Kind() != reflect.Pointer || field.IsNil() {
			continue
		}
		switch inner := field.Elem(); inner.Kind() {
		case reflect.Struct:
			whole := reflect.New(inner.Type()).Elem()
			whole.Set(inner)
			copies[i] = whole
		case reflect.Map:
			entries := reflect.MakeMap(inner.Type())
			for _, key := range inner.MapKeys() {
				entries.SetMapIndex(key, inner.MapIndex(key))
			}
			copies[i] = entries
		}
	}
	return copies
}

// changedWithin returns the name of a field that had a value in the copy of a struct, or of
// an entry of a map, and has another one now; "" for none.
func changedWithin(before, now reflect.Value) string {
	switch {
	case !before.IsValid():
	case before.Kind() == reflect.Struct:
		for i := range before.NumField() {
			if was := before.Field(i); !was.IsZero() && !same(was, now.Elem().Field(i)) {
				return before.Type().Field(i).Name
			}
		}
	case !reflect.DeepEqual(before.Interface(), now.Elem().Interface()):
		return "an entry"
	}
	return ""
}
