package hearth

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/lambdahearth/hearth/internal/wire"
)

// https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html (2026-11)
var variablePattern = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html (2026-11)
var functionNamePattern = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

const (
	maxDescriptionLetters = 256

	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
	maxLayers                  = 5
	minStorageMB, maxStorageMB = 512, 10240

	// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html (2026-11)
	maxAsyncRetries = 2
	maxAsyncAgeSecs = 6 * 60 * 60
)

// check checks the props of a function. Concurrency and environment have separate rules,
// because a [Backend] has them as its own props.
func (p *HandlerProps) check(r *rules) {
	for _, tag := range p.BuildTags {
		if tag == "" || strings.ContainsAny(tag, ", \t") {
			r.breaks("BuildTags", "must be one tag for each element, got %q; split it", tag)
		}
	}
	for _, flag := range p.LinkerFlags {
		if name := strings.Fields(flag); len(name) == 0 || !strings.HasPrefix(name[0], "-") {
			r.breaks("LinkerFlags", "must be a flag with its value for each element, got %q; start it with -", flag)
		}
	}
	for _, file := range sortedKeys(p.Files) {
		if !fs.ValidPath(file) || file == "." || file == "bootstrap" {
			r.breaks("Files", "must have paths inside the deployed program other than bootstrap, got %q; use / and neither .. nor a leading /", file)
		}
	}
	noneNil(r, "Layers", elementsOf(p.Layers))
	checkGroups(r, p.SecurityGroups)
	if p.Code != nil || p.Image != nil {
		r.mustBeUnset("with Code or Image, which is built already; remove one of them",
			given{"BuildTags", p.BuildTags != nil}, given{"Entry", p.Entry != nil}, given{"Files", p.Files != nil},
			given{"LinkerFlags", p.LinkerFlags != nil}, given{"VersionControl", p.VersionControl != nil})
	}
	if p.Code != nil && p.Image != nil {
		r.breaks("Image", "must be unset with Code, as a function has one program; remove one of them")
	}
	p.Gradual.check(r, p.Concurrency != nil && p.Concurrency.Provisioned != nil)
	if p.Half != "" && p.Half != Requests && p.Half != Jobs && p.Half != relayHalf {
		r.breaks("Half", "must be Requests or Jobs, got %q; leave it unset for everything", p.Half)
	}
	if p.LogGroup != nil && p.LogRemovalPolicy != "" {
		r.breaks("LogRemovalPolicy", "must be unset with LogGroup, which has its own; remove one of them")
	}
	if p.LogGroup != nil && p.LogRetention != "" {
		r.breaks("LogRetention", "must be unset with LogGroup, which has its own retention; remove one of them")
	}
	if name := textOf(p.FunctionName); name.known && !functionNamePattern.MatchString(name.value) {
		r.breaks("FunctionName", "must be 1 to 64 letters, digits, - and _, got %q; rename it", name.value)
	}
	if description := textOf(p.Description); description.known && len(description.value) > maxDescriptionLetters {
		r.breaks("Description", "must be at most %d letters, got %d; shorten it", maxDescriptionLetters, len(description.value))
	}
	if n := len(elementsOf(p.Layers)); n > maxLayers {
		r.breaks("Layers", "must be at most %d layers, got %d; join some of them", maxLayers, n)
	}
	if p.AsyncInvoke != nil {
		r.within("AsyncInvoke.RetryAttempts", numberOf(p.AsyncInvoke.RetryAttempts), 0, maxAsyncRetries, "retries", "leave it unset for 2")
		r.within("AsyncInvoke.MaxEventAge", secondsOf(p.AsyncInvoke.MaxEventAge), minEventAgeSecs, maxAsyncAgeSecs, "seconds", "leave it unset for 6 hours")
	}
	checkRemoval(r, "LogRemovalPolicy", p.LogRemovalPolicy)
	checkLogRetention(r, "LogRetention", p.LogRetention)
	oneOf(r, "Tracing", p.Tracing, awslambda.Tracing_ACTIVE, awslambda.Tracing_DISABLED, awslambda.Tracing_PASS_THROUGH)
	r.within("MemorySize", numberOf(p.MemorySize), minMemoryMB, maxMemoryMB, "MB", "see the memory limits of Lambda")
	r.within("Timeout", secondsOf(p.Timeout), minTimeoutSecs, maxTimeoutSecs, "seconds", "split work that takes longer")
	checkSelection(r, p.VpcSubnets)
	if p.Vpc == nil {
		r.mustBeUnset("without Vpc; set Vpc too", given{"SecurityGroups", p.SecurityGroups != nil}, given{"VpcSubnets", p.VpcSubnets != nil})
	}
}

// checkStorage checks the size of /tmp, which Refine can set.
func checkStorage(r *rules, size awscdk.Size) {
	if size == nil || *size.IsUnresolved() {
		return
	}
	mebibytes := size.ToMebibytes(&awscdk.SizeConversionOptions{Rounding: awscdk.SizeRoundingBehavior_NONE})
	r.within("Refine.EphemeralStorageSize", numberOf(mebibytes), minStorageMB, maxStorageMB, "MB", "leave it unset for 512")
}

// checkVariables checks environment variables.
func checkVariables(r *rules, field string, variables *map[string]*string) {
	if variables == nil {
		return
	}
	for _, name := range sortedKeys(*variables) {
		checkVariable(r, field, name, (*variables)[name])
	}
}

func checkVariable(r *rules, field, name string, value *string) {
	switch {
	case name == wire.EnvRole:
		r.breaks(field, "must not have %s, which says which half of the program runs; set HandlerProps.Half", name)
	case name == wire.EnvManifest:
		r.breaks(field, "must not have %s, with which the program writes its manifest and exits; remove it", name)
	case wire.ReservedVariables[name]:
		r.breaks(field, "must not have %s, which Lambda sets itself; rename it", name)
	case !variablePattern.MatchString(name):
		r.breaks(field, "must have names of 2 or more letters, digits and _ that start with a letter, got %q; rename it", name)
	case value == nil:
		r.breaks(field, "must have a value for %s, got nil; remove it, or set an empty string", name)
	}
}

// checkTimeouts checks that the program's own timeouts come before Lambda kills the
// instance.
func checkTimeouts(r *rules, m *Manifest, function number) {
	if !function.known {
		return
	}
	shorter := func(what string, seconds float64) {
		if seconds >= function.value {
			r.breaks("Timeout", "must be more than %s seconds, the timeout of %s in the program, got %s; raise it or shorten the other", format(seconds), what, function)
		}
	}
	if m.HTTP || m.WebSocket {
		shorter("a request", m.RequestTimeout)
	}
	for _, q := range m.Queues {
		shorter(fmt.Sprintf("a job of queue %q", q.Name), q.Timeout)
	}
	for _, s := range m.Schedules {
		shorter(fmt.Sprintf("schedule %q", s.Name), s.Timeout)
	}
}

// checkWeights refuses weights of an alias with provisioned concurrency.
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html (2026-11)
func (h *Handler) checkWeights() []string {
	if h.props.Concurrency.Provisioned == nil {
		return nil
	}
	alias := h.Alias.Node().DefaultChild().(awslambda.CfnAlias)
	if alias.RoutingConfig() == nil || !weighted(propertiesOf(alias)) {
		return nil
	}
	return []string{weightedMessage(*alias.Node().Path())}
}

// weighted reports whether an alias sends a share of the invocations to another version.
func weighted(alias map[string]any) bool {
	routing, _ := alias["RoutingConfig"].(map[string]any)
	weights, _ := routing["AdditionalVersionWeights"].([]any)
	return len(weights) > 0
}

func weightedMessage(path string) string {
	return fmt.Sprintf("the alias %s must not have weights together with provisioned concurrency, which Lambda refuses; shift all traffic at once, or unset Provisioned during the shift", path)
}
