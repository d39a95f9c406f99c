package hearth

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
)

// The rules of functions that the app imports. The CDK knows only their ARN, and whether
// it may change their permissions.

// functionArnPattern is the pattern of the ARN of a function, of its version or its alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (2026-11)
var functionArnPattern = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9_-]+(:(\$LATEST|[a-zA-Z0-9_-]+))?$`)

// importedArn returns the ARN of an imported function; unset for a function of this app.
func (a *app) importedArn(fn awslambda.IFunction) text {
	if fn == nil || a.functionOf(fn) != nil {
		return text{}
	}
	return textOf(fn.FunctionArn())
}

// checkArn refuses an imported function whose ARN is that of something else.
func (a *app) checkArn(r *rules, fn awslambda.IFunction) {
	if arn := a.importedArn(fn); arn.known && !functionArnPattern.MatchString(arn.value) {
		r.breaks("Handler", "must be a function, got an import of %q; pass an ARN such as arn:aws:lambda:eu-north-1:123456789012:function:name, followed by :alias for an alias", arn.value)
	}
}

// checkHere refuses a function of another account or region for a resource that belongs to
// its function, such as a mapping or a URL.
func (a *app) checkHere(r *rules, c constructs.Construct, fn awslambda.IFunction, what string) {
	is, here := a.placeOfFunction(fn), a.placeOf(c)
	for _, part := range []struct {
		name      string
		is, ought text
	}{{"region", is.region, here.region}, {"account", is.account, here.account}} {
		if part.is.known && part.ought.known && part.is.value != part.ought.value {
			r.breaks("Handler", "must be in the %s of the stack, %s, where %s is created, got a function in %s; create %s in a stack there", part.name, part.ought.value, what, part.is.value, what)
		}
	}
}

// placeOfFunction returns the place of a function, which for an imported one is in its ARN.
func (a *app) placeOfFunction(fn awslambda.IFunction) place {
	if f := a.functionOf(fn); f != nil {
		return a.placeOf(f)
	}
	arn := a.importedArn(fn)
	if !arn.known || !functionArnPattern.MatchString(arn.value) {
		return place{}
	}
	parts := strings.Split(arn.value, ":")
	return place{account: text{value: parts[4], known: true, set: true}, region: text{value: parts[3], known: true, set: true}}
}

const typePermission = "AWS::Lambda::Permission"

// expectPermission returns a check that the caller runs after it has wired a function to an
// API. The check warns if the CDK has added no permission: it cannot change those of a
// function that was imported by its ARN alone. The function's own stack may permit the API,
// which cannot be known here.
func (a *app) expectPermission(api constructs.Construct, fn awslambda.IFunction) (check func()) {
	if a.functionOf(fn) != nil {
		return func() {}
	}
	before := len(resourcesIn(api, typePermission))
	return func() {
		if len(resourcesIn(api, typePermission)) == before {
			warn(api, "notPermitted", fmt.Sprintf("nothing here permits the API to invoke %s, an imported function, so requests fail with 500 unless its own stack does; import it with awslambda.Function_FromFunctionAttributes and SameEnvironment, or acknowledge this warning", *fn.Node().Path()))
		}
	}
}
