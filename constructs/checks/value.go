package checks

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// value is a part of a template with its intrinsic functions resolved. It is one of
// nil (absent), unknown, string, float64, bool, []any and map[string]any. The items of
// lists and maps are not resolved yet.
//
// A string has a token for each reference to a resource; see [tokenOf].
type value struct {
	stack    *stack
	resolved any
}

// unknown is a value that only CloudFormation knows.
type unknown struct{}

// A token is the placeholder in a string for a part that CloudFormation fills in: an
// attribute of a resource of the app, a pseudo parameter, or anything unknown.
const (
	tokenStart   = "\x01"
	tokenEnd     = "\x02"
	unknownToken = tokenStart + "?" + tokenEnd
)

// tokenOf returns the token of an attribute; "" is the value of Ref.
func tokenOf(r *resource, attribute string) string {
	text := r.stack.key + "#" + r.id
	if attribute != "" {
		text += "." + attribute
	}
	return tokenStart + text + tokenEnd
}

var (
	token        = regexp.MustCompile("\x01([^\x02]*)\x02")
	substitution = regexp.MustCompile(`\$\{([^}]*)\}`)
)

// readable replaces tokens in text with readable references.
func readable(text string) string {
	if !strings.Contains(text, tokenStart) {
		return text
	}
	return token.ReplaceAllStringFunc(text, func(t string) string {
		t = t[1 : len(t)-1]
		if _, id, ok := strings.Cut(t, "#"); ok {
			t = id
		}
		return "${" + t + "}"
	})
}

// resourceOf returns the resource and attribute of a token, from the text between its
// delimiters.
func (a *app) resourceOf(inner string) (r *resource, attribute string) {
	key, name, ok := strings.Cut(inner, "#")
	if !ok {
		return nil, ""
	}
	index, err := strconv.Atoi(key)
	if err != nil || index >= len(a.stacks) {
		return nil, ""
	}
	id, attribute, _ := strings.Cut(name, ".")
	return a.stacks[index].resources[id], attribute
}

// get returns the property at a path of names.
func (v value) get(names ...string) value {
	for _, name := range names {
		switch m := v.document().resolved.(type) {
		case nil:
			return v
		case map[string]any:
			v.resolved = v.stack.follow(m[name], 0)
			if _, more := m["Fn::Transform"]; more && v.resolved == nil {
				v.resolved = unknown{} // a macro may add it
			}
		default:
			v.resolved = unknown{}
		}
	}
	return v
}

// escapeTokens writes tokens as JSON does.
var escapeTokens = strings.NewReplacer(tokenStart, `\u0001`, tokenEnd, `\u0002`)

// document reads a string that contains a JSON object. CloudFormation accepts such a string
// for a policy. Any other value stays as it is.
func (v value) document() value {
	text, is := v.resolved.(string)
	if !is || !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return v
	}
	var object map[string]any
	if json.Unmarshal([]byte(escapeTokens.Replace(text)), &object) == nil {
		v.resolved = object
	}
	return v
}

func (v value) absent() bool { return v.resolved == nil }

// has reports whether the value is present, even if it is unknown.
func (v value) has() bool { return v.resolved != nil }

func (v value) unknown() bool { _, is := v.resolved.(unknown); return is }

// number returns a number, which CloudFormation also accepts as a string.
func (v value) number() (float64, bool) {
	switch n := v.resolved.(type) {
	case float64:
		return n, true
	case string:
		f, err := strconv.ParseFloat(n, 64)
		return f, err == nil
	}
	return 0, false
}

// numberOr returns a number, or fallback if it is absent.
func (v value) numberOr(fallback float64) (float64, bool) {
	if v.absent() {
		return fallback, true
	}
	return v.number()
}

// text returns a string with tokens. An unknown value is a token too.
func (v value) text() string {
	switch t := v.resolved.(type) {
	case nil:
		return ""
	case string:
		return t
	case float64, bool:
		return scalar(t)
	}
	return unknownToken
}

// literal returns a string without tokens.
func (v value) literal() (string, bool) {
	if v.absent() {
		return "", false
	}
	text := v.text()
	return text, !strings.Contains(text, tokenStart)
}

// is reports whether the value is known to be true.
func (v value) is() bool { return v.text() == "true" }

// plain returns a value with all its parts, as JSON decodes it. Strings have tokens. known is
// false if a part is unknown.
func (v value) plain() (result any, known bool) {
	switch t := v.resolved.(type) {
	case unknown:
		return nil, false
	case map[string]any:
		object := map[string]any{}
		for name := range t {
			part := v.get(name)
			if part.absent() && t[name] != nil {
				continue // AWS::NoValue
			}
			if object[name], known = part.plain(); !known {
				return nil, false
			}
		}
		return object, true
	case []any:
		list := []any{}
		for _, item := range t {
			followed := v.stack.follow(item, 0)
			if followed == nil && item != nil {
				continue
			}
			part, known := value{v.stack, followed}.plain()
			if !known {
				return nil, false
			}
			list = append(list, part)
		}
		return list, true
	}
	return v.resolved, true
}

// list returns the items of a list. A single value is a list of one, as in policies. ok is
// false if the list is unknown.
func (v value) list() (items []value, ok bool) {
	switch l := v.resolved.(type) {
	case nil:
		return nil, true
	case unknown:
		return nil, false
	case []any:
		for _, item := range l {
			if followed := v.stack.follow(item, 0); followed != nil {
				items = append(items, value{v.stack, followed})
			}
		}
		return items, true
	}
	return []value{v}, true
}

// first returns the first item of a list, or an absent value.
func (v value) first() value {
	if items, _ := v.list(); len(items) > 0 {
		return items[0]
	}
	return value{v.stack, nil}
}

// keys returns the map of a value. Its items are not resolved.
func (v value) keys() map[string]any {
	m, _ := v.document().resolved.(map[string]any)
	return m
}

func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return unknownToken
}

// maxDepth stops circular references.
const maxDepth = 50

// follow evaluates raw if it is an intrinsic function.
func (s *stack) follow(raw any, depth int) any {
	m, ok := raw.(map[string]any)
	if !ok || len(m) != 1 {
		return raw
	}
	if depth > maxDepth {
		return unknown{}
	}
	depth++
	for name, argument := range m {
		switch name {
		case "Ref":
			id, _ := argument.(string)
			return s.ref(id, depth)
		case "Fn::GetAtt":
			id, attribute := getAttOf(argument)
			return s.getAtt(id, attribute, depth)
		case "Fn::Sub":
			return s.sub(argument, depth)
		case "Fn::Join":
			return s.join(argument, depth)
		case "Fn::FindInMap":
			return s.findInMap(argument, depth)
		case "Fn::ImportValue":
			return s.importValue(argument, depth)
		case "Fn::Select":
			return s.selectItem(argument, depth)
		case "Fn::Split":
			return s.split(argument, depth)
		}
		if strings.HasPrefix(name, "Fn::") || name == "Condition" {
			return unknown{}
		}
	}
	return raw
}

// once caches a value that refers to others; without the cache, the number of evaluations
// would grow with each step. A circular reference gives an unknown value.
func (a *app) once(key string, compute func() any) any {
	if v, ok := a.followed[key]; ok {
		return v
	}
	a.followed[key] = unknown{}
	v := compute()
	a.followed[key] = v
	return v
}

func (s *stack) followText(raw any, depth int) string {
	return value{s, s.follow(raw, depth)}.text()
}

func (s *stack) ref(id string, depth int) any {
	if id == "AWS::NoValue" {
		return nil
	}
	if strings.HasPrefix(id, "AWS::") {
		return tokenStart + id + tokenEnd
	}
	r := s.resources[id]
	if r == nil {
		if s.parent != nil {
			if given, ok := s.parent.get("Parameters").keys()[id]; ok {
				return s.app.once("parameter "+s.key+"#"+id, func() any { return s.parent.stack.follow(given, depth) })
			}
		}
		return unknown{}
	}
	switch r.kind {
	case typeAlias, typeVersion, "AWS::SecretsManager::SecretTargetAttachment":
		return s.app.once("resource "+s.key+"#"+id, func() any { return r.reference(depth) })
	}
	return tokenOf(r, "")
}

// reference returns the value of Ref for a resource that stands for another one.
func (r *resource) reference(depth int) any {
	switch r.kind {
	case typeAlias:
		return r.qualified(r.stack.followText(r.raw.Properties["Name"], depth), depth)
	case typeVersion:
		return r.qualified(tokenOf(r, "Version"), depth)
	}
	return r.stack.follow(r.raw.Properties["SecretId"], depth) // the secret's ARN
}

// qualified returns the ARN of a version or alias, built from its function's token.
func (r *resource) qualified(qualifier string, depth int) any {
	if t, ok := r.stack.app.targetOf(r.stack.followText(r.raw.Properties["FunctionName"], depth)); ok {
		return tokenOf(t.function, "Arn") + ":" + qualifier
	}
	return tokenOf(r, "")
}

func getAttOf(argument any) (id, attribute string) {
	switch a := argument.(type) {
	case string:
		id, attribute, _ = strings.Cut(a, ".")
	case []any:
		if len(a) == 2 {
			id, _ = a[0].(string)
			attribute, _ = a[1].(string)
		}
	}
	return id, attribute
}

func (s *stack) getAtt(id, attribute string, depth int) any {
	r := s.resources[id]
	if r == nil || attribute == "" {
		return unknown{}
	}
	if name, ok := strings.CutPrefix(attribute, "Outputs."); ok && r.kind == "AWS::CloudFormation::Stack" {
		if r.children == nil {
			return unknown{}
		}
		output, ok := r.children.template.Outputs[name]
		if !ok {
			return unknown{}
		}
		return s.app.once("output "+r.children.key+"#"+name, func() any { return r.children.follow(output.Value, depth) })
	}
	switch r.kind + "." + attribute {
	case "AWS::Lambda::Alias.AliasArn", "AWS::Lambda::Version.FunctionArn":
		return s.ref(id, depth)
	}
	return tokenOf(r, attribute)
}

func subOf(argument any) (text string, variables map[string]any) {
	switch a := argument.(type) {
	case string:
		text = a
	case []any:
		if len(a) == 2 {
			text, _ = a[0].(string)
			variables, _ = a[1].(map[string]any)
		}
	}
	return text, variables
}

func (s *stack) sub(argument any, depth int) any {
	text, variables := subOf(argument)
	return substitution.ReplaceAllStringFunc(text, func(match string) string {
		name := strings.TrimSpace(match[2 : len(match)-1])
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		if v, ok := variables[name]; ok {
			return s.followText(v, depth)
		}
		if id, attribute, dotted := strings.Cut(name, "."); dotted {
			return value{s, s.getAtt(id, attribute, depth)}.text()
		}
		return value{s, s.ref(name, depth)}.text()
	})
}

func (s *stack) join(argument any, depth int) any {
	a, _ := argument.([]any)
	if len(a) != 2 {
		return unknown{}
	}
	separator, ok1 := a[0].(string)
	items, ok2 := s.follow(a[1], depth).([]any)
	if !ok1 || !ok2 {
		return unknown{}
	}
	var parts []string
	for _, item := range items {
		if followed := s.follow(item, depth); followed != nil {
			parts = append(parts, value{s, followed}.text())
		}
	}
	return strings.Join(parts, separator)
}

func (s *stack) findInMap(argument any, depth int) any {
	a, _ := argument.([]any)
	if len(a) != 3 {
		return unknown{}
	}
	found, ok := s.template.Mappings[s.followText(a[0], depth)][s.followText(a[1], depth)][s.followText(a[2], depth)]
	if !ok {
		return unknown{}
	}
	return found
}

// importValue returns the value that a stack of the app exports under a name.
func (s *stack) importValue(argument any, depth int) any {
	name := s.followText(argument, depth)
	return s.app.once("import "+name, func() any { return s.app.exported(name, depth) })
}

// exported returns the value that the only exporting stack exports under a name.
func (a *app) exported(name string, depth int) any {
	var from *stack
	var found any
	for _, other := range a.stacks {
		for _, output := range other.template.Outputs {
			if output.Export == nil || other.followText(output.Export.Name, depth) != name {
				continue
			}
			if from != nil || output.Condition != "" {
				return unknown{}
			}
			from, found = other, output.Value
		}
	}
	if from == nil || strings.Contains(name, tokenStart) {
		return unknown{}
	}
	return from.follow(found, depth)
}

func (s *stack) selectItem(argument any, depth int) any {
	a, _ := argument.([]any)
	if len(a) != 2 {
		return unknown{}
	}
	index, ok := value{s, s.follow(a[0], depth)}.number()
	items, isList := s.follow(a[1], depth).([]any)
	if !ok || !isList || index < 0 || int(index) >= len(items) {
		return unknown{}
	}
	return s.follow(items[int(index)], depth)
}

// split splits text outside of its tokens, because the value of a token is unknown. The ARN
// of a function is an exception: the CDK takes the function's name from the ARN of an alias.
func (s *stack) split(argument any, depth int) any {
	a, _ := argument.([]any)
	if len(a) != 2 {
		return unknown{}
	}
	separator, ok := a[0].(string)
	text := s.followText(a[1], depth)
	if separator == ":" {
		if parts := s.app.splitFunction(text); parts != nil {
			return parts
		}
	}
	if !ok || separator == "" || strings.Contains(text, tokenStart) {
		return unknown{}
	}
	var parts []any
	for _, part := range strings.Split(text, separator) {
		parts = append(parts, part)
	}
	return parts
}

// splitFunction splits the ARN of a function of the app, or of its version or alias, at its
// colons. It returns nil for any other text.
func (a *app) splitFunction(text string) []any {
	t, ok := a.targetOf(text)
	if !ok || !strings.HasPrefix(text, tokenOf(t.function, "Arn")) {
		return nil
	}
	pseudo := func(name string) string { return tokenStart + "AWS::" + name + tokenEnd }
	parts := []any{"arn", pseudo("Partition"), "lambda", pseudo("Region"), pseudo("AccountId"), "function", tokenOf(t.function, "")}
	if t.qualifier != "" {
		parts = append(parts, t.qualifier)
	}
	return parts
}
