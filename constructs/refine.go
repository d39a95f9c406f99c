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
	refine(props)
	was, is := reflect.ValueOf(before), reflect.ValueOf(props).Elem()
	mine := reflect.Indirect(reflect.ValueOf(ours)).Type()
	for i := range is.NumField() {
		if same(was.Field(i), is.Field(i)) {
			continue
		}
		name := is.Type().Field(i).Name
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
