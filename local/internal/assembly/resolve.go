package assembly

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxDepth bounds the depth of references between values, which stops cycles.
const maxDepth = 200

var errCircle = errors.New("values refer to each other in a circle")

// within adds a place to an error, but not to the one of a circle, which has many places.
func within(err error, format string, args ...any) error {
	if errors.Is(err, errCircle) {
		return err
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}

// noValue is the result of Ref AWS::NoValue: the property counts as missing.
type noValue struct{}

// Resolve replaces the intrinsic functions in a value of the resource's template with
// their results. Errors name the resource.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html (2026-11)
func (r *Resource) Resolve(value any) (any, error) {
	resolved, err := r.Stack.resolve(value, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	if resolved == (noValue{}) {
		return nil, nil
	}
	return resolved, nil
}

// Known is Resolve without the placeholders of [App.Loosely].
func (r *Resource) Known(value any) (any, error) {
	app := r.Stack.app
	unknown := app.unknown
	app.unknown = nil
	defer func() { app.unknown = unknown }()
	return r.Resolve(value)
}

// String returns the resource's name in errors: Stack/LogicalId.
func (r *Resource) String() string { return r.Stack.Name + "/" + r.ID }

func (s *Stack) resolve(value any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errCircle
	}
	switch v := value.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			resolved, err := s.resolve(item, depth+1)
			if err != nil {
				return nil, err
			}
			if resolved != any(noValue{}) {
				list = append(list, resolved)
			}
		}
		return list, nil
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::") {
					return s.call(name, argument, depth+1)
				}
			}
		}
		m := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			resolved, err := s.resolve(v[key], depth+1)
			if err != nil {
				return nil, err
			}
			if _, none := resolved.(noValue); !none {
				m[key] = resolved
			}
		}
		return m, nil
	}
	return value, nil
}

// call evaluates one intrinsic function. While [App.Loosely] runs, a function of unknown
// values has a placeholder as its result.
func (s *Stack) call(name string, argument any, depth int) (any, error) {
	before := s.app.unknownSoFar()
	value, err := s.evaluate(name, argument, depth)
	if err != nil && s.app.unknownSoFar() > before {
		return placeholderOf(s.Name, strings.TrimPrefix(name, "Fn::")), nil
	}
	return s.standIn(strings.TrimPrefix(name, "Fn::"), "", value, err)
}

func (s *Stack) evaluate(name string, argument any, depth int) (any, error) {
	switch name {
	case "Ref":
		id, err := s.text(argument, depth)
		if err != nil {
			return nil, within(err, "Ref takes a logical id")
		}
		return s.ref(id, depth)
	case "Fn::GetAtt":
		id, attribute := "", ""
		switch a := argument.(type) {
		case string:
			id, attribute, _ = strings.Cut(a, ".")
		case []any:
			if len(a) == 2 {
				var err error
				if id, err = s.text(a[0], depth); err != nil {
					return nil, err
				}
				if attribute, err = s.text(a[1], depth); err != nil {
					return nil, err
				}
			}
		}
		if id == "" || attribute == "" {
			return nil, errors.New("Fn::GetAtt takes a logical id and an attribute")
		}
		return s.getAtt(id, attribute, depth)
	case "Fn::Sub":
		return s.sub(argument, depth)
	case "Fn::If":
		a, ok := argument.([]any)
		if !ok || len(a) != 3 {
			return nil, errors.New("Fn::If takes a condition and two values")
		}
		condition, _ := a[0].(string)
		before := s.app.unknownSoFar()
		holds, err := s.condition(condition, depth)
		if err == nil && s.app.unknownSoFar() > before { // it compared a placeholder
			err = ErrUnknown
		}
		if err != nil {
			return nil, err
		}
		if holds {
			return s.resolve(a[1], depth)
		}
		return s.resolve(a[2], depth)
	case "Condition", "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not":
		return s.boolean(map[string]any{name: argument}, depth)
	case "Fn::FindInMap":
		return s.findInMap(argument, depth)
	case "Fn::Transform":
		return s.transform(argument, depth)
	case "Fn::Cidr":
		return nil, unknownf("%s is not supported here", name)
	}
	resolved, err := s.resolve(argument, depth)
	if err != nil {
		return nil, err
	}
	list, _ := resolved.([]any)
	switch name {
	case "Fn::Join":
		return join(list)
	case "Fn::Split":
		if len(list) == 2 {
			separator, ok1 := list[0].(string)
			text, ok2 := list[1].(string)
			if ok1 && ok2 && separator != "" {
				var parts []any
				for _, p := range strings.Split(text, separator) {
					parts = append(parts, p)
				}
				return parts, nil
			}
		}
		return nil, errors.New("Fn::Split takes a separator and a string")
	case "Fn::Select":
		if len(list) == 2 {
			index, err := strconv.Atoi(scalar(list[0]))
			items, ok := list[1].([]any)
			if err == nil && ok && index >= 0 && index < len(items) {
				return items[index], nil
			}
			if err == nil && ok {
				return nil, fmt.Errorf("Fn::Select: index %d is not in a list of %d", index, len(items))
			}
		}
		return nil, errors.New("Fn::Select takes an index and a list")
	case "Fn::Base64":
		if text, ok := resolved.(string); ok {
			return base64.StdEncoding.EncodeToString([]byte(text)), nil
		}
		return nil, errors.New("Fn::Base64 takes a string")
	case "Fn::Length":
		if list == nil {
			return nil, errors.New("Fn::Length takes a list")
		}
		return float64(len(list)), nil
	case "Fn::ToJsonString":
		data, err := json.Marshal(resolved)
		return string(data), err
	case "Fn::GetAZs":
		region, _ := resolved.(string)
		if region == "" {
			region = s.Region
		}
		return []any{region + "a", region + "b", region + "c"}, nil
	case "Fn::ImportValue":
		return s.importValue(scalar(resolved), depth)
	case "Fn::GetStackOutput":
		m, _ := resolved.(map[string]any)
		// StackName may be the name or the ARN, which ends in /{name}/{id}.
		stack := scalar(m["StackName"])
		if parts := strings.Split(stack, "/"); len(parts) == 3 {
			stack = parts[1]
		}
		for _, other := range s.others() {
			if other.Name == stack {
				return other.output(scalar(m["OutputName"]), depth)
			}
		}
		return nil, unknownf("Fn::GetStackOutput: the app has no stack %q", stack)
	}
	return nil, unknownf("%s is not supported here", name)
}

func join(list []any) (any, error) {
	if len(list) == 2 {
		separator, ok1 := list[0].(string)
		items, ok2 := list[1].([]any)
		if ok1 && ok2 {
			parts := make([]string, len(items))
			for i, item := range items {
				switch item.(type) {
				case string, float64, bool:
					parts[i] = scalar(item)
				default:
					return nil, errors.New("Fn::Join joins strings only")
				}
			}
			return strings.Join(parts, separator), nil
		}
	}
	return nil, errors.New("Fn::Join takes a separator and a list")
}

// scalar formats a string, number or boolean like CloudFormation.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (s *Stack) text(value any, depth int) (string, error) {
	resolved, err := s.resolve(value, depth)
	if err != nil {
		return "", err
	}
	switch resolved.(type) {
	case string, float64, bool:
		return scalar(resolved), nil
	}
	return "", fmt.Errorf("a string was expected, got %T", resolved)
}

func (s *Stack) ref(id string, depth int) (any, error) {
	switch id {
	case "AWS::Region":
		return s.Region, nil
	case "AWS::AccountId":
		return s.Account, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::StackName":
		return s.Name, nil
	case "AWS::StackId":
		return "arn:aws:cloudformation:" + s.Region + ":" + s.Account + ":stack/" + s.Name + "/local", nil
	case "AWS::NotificationARNs":
		return []any{}, nil
	case "AWS::NoValue":
		return noValue{}, nil
	}
	if p, ok := s.template.Parameters[id]; ok {
		if given, ok := s.parameters[id]; ok {
			return given(depth + 1)
		}
		value := p.Default
		if given, ok := s.given(id); ok {
			value = given
		} else if value == nil {
			return s.standIn(id, "", nil, unknownf("parameter %s has no default; give it a value with --parameter %[1]s=VALUE", id))
		} else if strings.HasPrefix(p.Type, "AWS::SSM::Parameter::Value<") { // the default is its name
			return s.standIn(id, "", nil, unknownf("parameter %s is stored in SSM; give it a value with --parameter %[1]s=VALUE", id))
		}
		if text, ok := value.(string); ok && (p.Type == "CommaDelimitedList" || strings.HasPrefix(p.Type, "List<")) {
			var list []any
			for _, item := range strings.Split(text, ",") {
				list = append(list, strings.TrimSpace(item))
			}
			return list, nil
		}
		return value, nil
	}
	r, err := s.resource("Ref", id, id)
	if err != nil {
		return s.standIn(id, "", nil, err)
	}
	v, err := s.app.ask(r, func() (any, error) { return s.app.values.Ref(r) })
	if err != nil {
		err = fmt.Errorf("Ref %q of type %s: %w", id, r.Type, err)
	}
	return s.standIn(id, "Ref "+id+" of type "+r.Type+" is not known here", v, err)
}

// given returns the value that [Load] got for a parameter.
func (s *Stack) given(id string) (value string, ok bool) {
	if value, ok = s.app.parameters[s.Name+":"+id]; !ok {
		value, ok = s.app.parameters[id]
	}
	return value, ok
}

// resource returns the resource to which a function refers; what is its argument.
func (s *Stack) resource(function, id, what string) (*Resource, error) {
	r, ok := s.resources[id]
	switch {
	case s.undecided[id] != nil:
		return nil, unknownf("%s %q: %v", function, what, s.undecided[id])
	case !ok:
		return nil, unknownf("%s %q: the template has no such resource, so that AWS refuses it", function, what)
	case s.app.values == nil:
		return nil, fmt.Errorf("%s %q: %w", function, what, ErrUnknown)
	}
	return r, nil
}

func (s *Stack) getAtt(id, attribute string, depth int) (any, error) {
	if child := s.children[id]; child != nil {
		if name, ok := strings.CutPrefix(attribute, "Outputs."); ok {
			return child.output(name, depth)
		}
	}
	r, err := s.resource("Fn::GetAtt", id, id+"."+attribute)
	if err != nil {
		return s.standIn(id, "", nil, err)
	}
	v, err := s.app.ask(r, func() (any, error) { return s.app.values.GetAtt(r, attribute) })
	if err != nil {
		err = fmt.Errorf("Fn::GetAtt %q of type %s: %w", id+"."+attribute, r.Type, err)
	}
	return s.standIn(id, "Fn::GetAtt "+id+"."+attribute+" of type "+r.Type+" is not known here", v, err)
}

// ask computes a value of a resource. It may need those of other resources, but not the
// resource's own ones.
func (a *App) ask(r *Resource, value func() (any, error)) (any, error) {
	if slices.Contains(a.asked, r) {
		return nil, errCircle
	}
	a.asked = append(a.asked, r)
	defer func() { a.asked = a.asked[:len(a.asked)-1] }()
	return value()
}

func (s *Stack) output(name string, depth int) (any, error) {
	o, ok := s.template.Outputs[name]
	if !ok {
		return nil, unknownf("stack %s has no output %q", s.Name, name)
	}
	v, err := s.resolve(o.Value, depth+1)
	if err != nil {
		return nil, within(err, "output %s of stack %s", name, s.Name)
	}
	return v, nil
}

func (s *Stack) importValue(name string, depth int) (any, error) {
	for _, other := range s.others() {
		for _, id := range slices.Sorted(maps.Keys(other.template.Outputs)) {
			export := other.template.Outputs[id].Export
			if export == nil {
				continue
			}
			if have, err := other.text(export.Name, depth+1); err == nil && have == name {
				return other.output(id, depth+1)
			}
		}
	}
	return nil, unknownf("Fn::ImportValue: no stack of the app exports %q", name)
}

// others returns all stacks. Stacks of the same account and region come first, as exports
// are theirs, and of these the selected ones: another stage may use the same names.
func (s *Stack) others() []*Stack {
	rank := func(other *Stack) int {
		n := 0
		if other.Account != s.Account || other.Region != s.Region {
			n += 2
		}
		if !slices.Contains(s.app.Stacks, other) {
			n++
		}
		return n
	}
	return slices.SortedStableFunc(slices.Values(s.app.all), func(a, b *Stack) int { return rank(a) - rank(b) })
}

var substitution = regexp.MustCompile(`\$\{([^}]*)\}`)

func (s *Stack) sub(argument any, depth int) (any, error) {
	text, ok := argument.(string)
	var variables map[string]any
	if list, isList := argument.([]any); isList && len(list) == 2 {
		text, ok = list[0].(string)
		variables, _ = list[1].(map[string]any)
	}
	if !ok {
		return nil, errors.New("Fn::Sub takes a string, or a string and a map")
	}
	var failure error
	result := substitution.ReplaceAllStringFunc(text, func(match string) string {
		name := strings.TrimSpace(match[2 : len(match)-1])
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		var value any
		var err error
		if v, ok := variables[name]; ok {
			value, err = s.resolve(v, depth)
		} else if id, attribute, dotted := strings.Cut(name, "."); dotted {
			value, err = s.getAtt(id, attribute, depth)
		} else {
			value, err = s.ref(name, depth)
		}
		if err != nil && failure == nil {
			failure = fmt.Errorf("Fn::Sub: %w", err)
		}
		return scalar(value)
	})
	if failure != nil {
		return nil, failure
	}
	return result, nil
}

func (s *Stack) findInMap(argument any, depth int) (any, error) {
	a, ok := argument.([]any)
	if !ok || len(a) != 3 && len(a) != 4 {
		return nil, errors.New("Fn::FindInMap takes a map's name and two keys")
	}
	var keys [3]string
	for i := range keys {
		var err error
		if keys[i], err = s.text(a[i], depth); err != nil {
			return nil, err
		}
	}
	if v, ok := s.template.Mappings[keys[0]][keys[1]][keys[2]]; ok {
		return v, nil
	}
	if len(a) == 4 {
		if m, ok := a[3].(map[string]any); ok {
			if v, ok := m["DefaultValue"]; ok {
				return s.resolve(v, depth)
			}
		}
	}
	return nil, unknownf("Fn::FindInMap: there is no value for %s", strings.Join(keys[:], ", "))
}

// condition evaluates a condition of the template.
func (s *Stack) condition(name string, depth int) (bool, error) {
	c, ok := s.template.Conditions[name]
	if !ok {
		return false, unknownf("the template has no condition %q", name)
	}
	holds, err := s.boolean(c, depth+1)
	if err != nil {
		return false, within(err, "condition %s", name)
	}
	return holds, nil
}

func (s *Stack) boolean(value any, depth int) (bool, error) {
	if depth > maxDepth {
		return false, errCircle
	}
	m, ok := value.(map[string]any)
	if !ok || len(m) != 1 {
		return false, unknownf("a condition must be one function")
	}
	for name, argument := range m {
		if name == "Condition" {
			id, _ := argument.(string)
			return s.condition(id, depth)
		}
		list, ok := argument.([]any)
		if !ok {
			return false, fmt.Errorf("%s takes a list", name)
		}
		switch name {
		case "Fn::Equals":
			if len(list) != 2 {
				return false, errors.New("Fn::Equals takes two values")
			}
			a, err := s.resolve(list[0], depth+1)
			if err != nil {
				return false, err
			}
			b, err := s.resolve(list[1], depth+1)
			if err != nil {
				return false, err
			}
			return reflect.DeepEqual(a, b) || scalar(a) != "" && scalar(a) == scalar(b), nil
		case "Fn::Not":
			if len(list) != 1 {
				return false, errors.New("Fn::Not takes one condition")
			}
			holds, err := s.boolean(list[0], depth+1)
			return !holds, err
		case "Fn::And", "Fn::Or":
			for _, item := range list {
				holds, err := s.boolean(item, depth+1)
				if err != nil || holds == (name == "Fn::Or") {
					return holds, err
				}
			}
			return name == "Fn::And", nil
		}
		return false, fmt.Errorf("%s is no condition", name)
	}
	return false, nil
}
