package checks

import (
	"reflect"
	"strings"
)

const (
	aliasPage   = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html"
	weightsPage = "https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html"
	versionPage = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html"
)

// isVersion reports whether a target names a published version.
func (t target) isVersion() bool {
	if version := (value{t.function.stack, t.qualifier}).resource(typeVersion); version != nil {
		return true
	}
	return t.qualifier != "" && strings.Trim(t.qualifier, "0123456789") == ""
}

var aliasRules = []Rule{
	{
		ID: "alias-missing", Severity: Error, Page: aliasPage,
		Fault: "A reference to an alias that does not exist; the call or the deployment fails.",
		types: append([]string{typeScalableTarget, typePermission, typeInvokeConfig}, callerTypes...),
		each: func(r *resource, report reporter) {
			calls := callsOf(r)
			if t, ok := scaled(r); ok {
				calls = append(calls, call{property: "ResourceId", target: t})
			}
			if t, ok := r.get("FunctionName").target(); ok && r.kind == typePermission {
				calls = append(calls, call{property: "FunctionName", target: t})
			}
			if t, ok := r.get("FunctionName").target(); ok && r.kind == typeInvokeConfig && r.get("Qualifier").has() {
				calls = append(calls, call{property: "Qualifier", target: target{t.function, r.get("Qualifier").text()}})
			}
			for _, c := range calls {
				if c.target.missingAlias() {
					report("%s must be an alias of function %s, got %q, which does not exist in the app; create it or correct the name", c.property, c.target.function.id, c.target.qualifier)
				}
			}
		},
	},
	{
		ID: "alias-version", Severity: Error, Page: aliasPage,
		Fault: "An alias that names a version of another function; Lambda refuses it, or the alias serves the version of its own function with the same number.",
		types: []string{typeAlias},
		each: func(r *resource, report reporter) {
			t, ok := r.get("FunctionName").target()
			check := func(property string, v value) {
				version := v.resource(typeVersion)
				if !ok || version == nil {
					return
				}
				if of, known := version.get("FunctionName").target(); known && of.function != t.function {
					report("%s must be a version of function %s, got %s, a version of function %s; name a version of the same function", property, t.function.id, version.id, of.function.id)
				}
			}
			check("FunctionVersion", r.get("FunctionVersion"))
			weights, _ := r.get("RoutingConfig", "AdditionalVersionWeights").list()
			for _, w := range weights {
				check("RoutingConfig.AdditionalVersionWeights", w.get("FunctionVersion"))
			}
		},
	},
	{
		ID: "alias-weights", Severity: Error, Page: weightsPage,
		Fault: "Weights of an alias that Lambda does not accept: more than one other version, $LATEST, or a weight that is not from 0 to 1.",
		types: []string{typeAlias},
		each: func(r *resource, report reporter) {
			weights, _ := r.get("RoutingConfig", "AdditionalVersionWeights").list()
			if len(weights) > 1 {
				report("RoutingConfig.AdditionalVersionWeights must have at most 1 version, got %d; remove the others", len(weights))
			}
			for _, w := range weights {
				between(w.get("FunctionWeight"), "RoutingConfig.AdditionalVersionWeights.FunctionWeight", 0, 1, "", report)
				if r.get("FunctionVersion").text() == "$LATEST" || w.get("FunctionVersion").text() == "$LATEST" {
					report("RoutingConfig must be unset with $LATEST, got a weight; publish a version")
				}
			}
		},
	},
	{
		ID: "version-duplicate", Severity: Warning, Page: versionPage,
		Fault: "Two equal versions of one function; Lambda publishes no second version without a change, so the first deployment fails.",
		types: []string{typeVersion},
		each: func(r *resource, report reporter) {
			t, ok := r.get("FunctionName").target()
			for _, other := range r.earlier() {
				if same, known := other.get("FunctionName").target(); ok && known && same == t && reflect.DeepEqual(r.raw.Properties, other.raw.Properties) {
					report("FunctionName must be a function without another equal version, got %s, which already has the equal version %s; remove one of them", t.function.id, other.id)
				}
			}
		},
	},
	{
		ID: "url-version", Severity: Error, Page: urlsPage,
		Fault: "A function URL of a version; Lambda accepts only an alias or the function itself.",
		types: []string{typeURL},
		each: func(r *resource, report reporter) {
			for _, c := range callsOf(r) {
				if c.target.isVersion() {
					report("TargetFunctionArn must be a function or an alias, got a version of function %s; name an alias", c.target.function.id)
				}
			}
		},
	},
}
