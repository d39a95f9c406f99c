package hearth

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
)

// propertiesOf returns the properties of a CloudFormation resource as in the template: a
// value that only CloudFormation resolves is a map with "Ref" or a function. It returns
// nil for any other construct.
func propertiesOf(c constructs.IConstruct) map[string]any {
	resource, ok := c.(awscdk.CfnResource)
	if !ok {
		return nil
	}
	return propertiesIn(resource.Stack(), resource)
}

// propertiesIn returns the properties of a resource in this stack.
func propertiesIn(stack awscdk.Stack, resource awscdk.CfnResource) map[string]any {
	set := resource.CfnProperties()
	if set == nil {
		return nil
	}
	properties, _ := stack.Resolve(*set).(map[string]any)
	// The CDK's own names start with a small letter, overrides have the template's names.
	named := make(map[string]any, len(properties))
	for name, value := range properties {
		named[upperFirst(name)] = upperNames(value)
	}
	return named
}

// upperNames gives the nested properties the names of the template.
func upperNames(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	if _, isRef := referenceIn(m); isRef {
		return m
	}
	named := make(map[string]any, len(m))
	for name, value := range m {
		named[upperFirst(name)] = upperNames(value)
	}
	return named
}

func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

// numberIn reads a number. Any value that is not a JSON number is treated as an unresolved
// token.
func numberIn(properties map[string]any, name string) number {
	switch v := properties[name].(type) {
	case nil:
		return number{}
	case float64:
		return known(v)
	default:
		return number{set: true}
	}
}

// refersTo reports whether a value is made from one of these resources, such as the name
// of a function that is cut out of an alias's ARN.
func refersTo(v any, ids []string) bool {
	if id, ok := referenceIn(v); ok {
		return slices.Contains(ids, id)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			if refersTo(inner, ids) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return refersTo(inner, ids) })
	}
	return false
}

// referenceIn returns the logical id that {"Ref": id} or {"Fn::GetAtt": [id, …]}
// refers to.
func referenceIn(v any) (id string, ok bool) {
	m, isMap := v.(map[string]any)
	if !isMap || len(m) != 1 {
		return "", false
	}
	if id, ok = m["Ref"].(string); ok {
		return id, true
	}
	if parts, isList := m["Fn::GetAtt"].([]any); isList && len(parts) == 2 {
		id, ok = parts[0].(string)
		return id, ok
	}
	return "", false
}
