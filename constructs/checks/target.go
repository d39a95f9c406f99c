package checks

import (
	"fmt"
	"regexp"
	"strings"
)

// target is a function of the app, with the version or alias that a resource names; "" is
// none.
type target struct {
	function  *resource
	qualifier string
}

var functionARN = regexp.MustCompile("^arn:.*?:lambda:.*?:function:(.+)$")

// targetOf reads the name or ARN of a function, or API Gateway's URI of it. ok is false
// unless the function is known to be the app's.
func (a *app) targetOf(text string) (t target, ok bool) {
	if _, rest, is := strings.Cut(text, ":path/2015-03-31/functions/"); is {
		text = strings.TrimSuffix(rest, "/invocations")
	} else if _, rest, is := strings.Cut(text, ":path/2021-11-15/functions/"); is {
		text = strings.TrimSuffix(rest, "/response-streaming-invocations")
	}
	if m := functionARN.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	if strings.HasPrefix(text, tokenStart) {
		inner, rest, _ := strings.Cut(text[1:], tokenEnd)
		r, attribute := a.resourceOf(inner)
		if r == nil || r.kind != "AWS::Lambda::Function" || attribute != "" && attribute != "Arn" {
			return target{}, false
		}
		qualifier, is := strings.CutPrefix(rest, ":")
		if !is && rest != "" {
			return target{}, false
		}
		return target{r, qualifier}, true
	}
	name, qualifier, _ := strings.Cut(text, ":")
	for _, f := range a.ofType("AWS::Lambda::Function") {
		if have, known := f.get("FunctionName").literal(); known && have == name {
			return target{f, qualifier}, true
		}
	}
	return target{}, false
}

// target returns the function that a value names.
func (v value) target() (target, bool) {
	if v.absent() {
		return target{}, false
	}
	return v.stack.app.targetOf(v.text())
}

// resource returns the resource of some type that a value refers to, or nil.
func (v value) resource(types ...string) *resource {
	text := v.text()
	if !strings.HasPrefix(text, tokenStart) || !strings.HasSuffix(text, tokenEnd) || strings.Count(text, tokenStart) != 1 {
		return nil
	}
	r, _ := v.stack.app.resourceOf(text[1 : len(text)-1])
	for _, t := range types {
		if r != nil && r.kind == t {
			return r
		}
	}
	return nil
}

// queue returns the queue whose ARN a value is, or nil.
func (v value) queue() *resource {
	if q := v.resource("AWS::SQS::Queue"); q != nil {
		return q
	}
	text := v.text()
	_, name, ok := strings.Cut(text, ":sqs:"+tokenStart+"AWS::Region"+tokenEnd+":"+tokenStart+"AWS::AccountId"+tokenEnd+":")
	if !ok {
		return nil // the queue may be in another account
	}
	for _, q := range v.stack.byType["AWS::SQS::Queue"] {
		if q.get("QueueName").text() == name || tokenOf(q, "QueueName") == name {
			return q
		}
	}
	return nil
}

// unknownText reports whether a part of text is unknown. An attribute that could have any
// value is unknown too, such as an attribute of a custom resource.
func (a *app) unknownText(text string) bool {
	if strings.Contains(text, unknownToken) {
		return true
	}
	for _, m := range token.FindAllStringSubmatch(text, -1) {
		if r, _ := a.resourceOf(m[1]); r != nil && (!strings.HasPrefix(r.kind, "AWS::") || echoes[r.kind]) {
			return true
		}
	}
	return false
}

// echoes are the types, besides custom ones, whose attributes may have any value.
var echoes = map[string]bool{
	"AWS::CloudFormation::CustomResource": true,
	"AWS::CloudFormation::Stack":          true,
	"AWS::SSM::Parameter":                 true,
}

// aliasOf returns the alias of the app that a target names, or nil.
func (t target) aliasOf() *resource {
	aliases, _ := t.function.aliases()
	for _, alias := range aliases {
		if alias.get("Name").text() == t.qualifier {
			return alias
		}
	}
	return nil
}

// missingAlias reports whether a target names an alias that does not exist.
func (t target) missingAlias() bool {
	if t.qualifier == "" || t.qualifier == "$LATEST" || strings.Contains(t.qualifier, tokenStart) || strings.Trim(t.qualifier, "0123456789") == "" {
		return false
	}
	aliases, known := t.function.aliases()
	for _, alias := range aliases {
		if name, literal := alias.get("Name").literal(); !literal || name == t.qualifier {
			return false
		}
	}
	return known
}

// aliases returns the aliases of a function. known is false if there may be more.
func (f *resource) aliases() (found []*resource, known bool) {
	return f.qualifiersOf("AWS::Lambda::Alias")
}

// qualifiersOf returns the aliases or versions of a function.
func (f *resource) qualifiersOf(types ...string) (found []*resource, known bool) {
	known = !f.stack.app.open
	for _, r := range f.stack.app.ofType(types...) {
		t, ok := r.get("FunctionName").target()
		switch {
		case ok && t.function == f:
			found = append(found, r)
		case !ok && f.stack.app.unknownText(r.get("FunctionName").text()):
			known = false
		}
	}
	return found, known
}

// String returns the name of the function or alias for findings.
func (t target) String() string {
	if t.qualifier == "" {
		return "function " + t.function.id
	}
	return fmt.Sprintf("%s of function %s", t.qualifier, t.function.id)
}

// warmth is the provisioned concurrency of a version or alias.
type warmth struct {
	resource  *resource
	instances float64
}

// warm returns the versions and aliases of a function that certainly exist and have
// provisioned concurrency. Autoscaling sets a number that is unknown at its deployment to
// MinCapacity at least.
func (f *resource) warm() []warmth {
	var warm []warmth
	found, _ := f.qualifiersOf(typeAlias, typeVersion)
	for _, r := range found {
		instances := r.get("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions")
		n, known := instances.number()
		if !known && instances.has() {
			n, known = r.lowestCapacity()
		}
		if known && !r.conditional {
			warm = append(warm, warmth{r, n})
		}
	}
	return warm
}

// lowestCapacity returns MinCapacity of the scalable target of an alias.
func (r *resource) lowestCapacity() (n float64, known bool) {
	for _, s := range r.stack.app.ofType(typeScalableTarget) {
		if t, ok := scaled(s); ok && !s.conditional && t.aliasOf() == r {
			return s.get("MinCapacity").number()
		}
	}
	return 0, false
}
