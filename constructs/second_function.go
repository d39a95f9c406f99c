package hearth

import "reflect"

// secondFunction returns the props of another function from the same asset: a copy of all
// props, without those that belong to one function alone, and with the refined ones.
func (p *HandlerProps) secondFunction(refined *HandlerProps, half Half) *HandlerProps {
	second := *p
	second.Concurrency, second.FunctionName, second.LogGroup, second.Role = nil, nil, nil, nil
	if refined != nil {
		if refined.LogGroup != nil {
			second.LogRetention, second.LogRemovalPolicy = "", ""
		}
		refine(&second, refined)
	}
	second.Half = half
	return second.withDefaults()
}

// refine copies each set field of with into props.
func refine[T any](props, with *T) {
	target, source := reflect.ValueOf(props).Elem(), reflect.ValueOf(with).Elem()
	for i := range source.NumField() {
		if field := source.Field(i); !field.IsZero() {
			target.Field(i).Set(field)
		}
	}
}
