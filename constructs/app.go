package hearth

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// app is the state that the constructs of one CDK app share. It is a construct under the
// root of the tree, without a resource, so that it ends with its app.
type app struct {
	constructs.Construct

	assets       map[asset]awslambda.Code
	budgets      map[awslambda.Function]*budget
	domains      map[string]*domain
	durations    map[float64]awscdk.Duration
	environments map[awslambda.Function]*environment
	// names are the constructs that fix a physical name; see checkUnique.
	names map[string]constructs.IConstruct
	// handlers are all handlers, in the order of their creation.
	handlers []*Handler
	// made counts, for each stack, the resources of this package that foreign counts.
	made map[awscdk.Stack]int
	// owners are the handlers of the functions, aliases and versions that this
	// package creates.
	owners map[awslambda.IFunction]*Handler
	// parents are the scopes of constructs of this package, for stackOf.
	parents map[constructs.IConstruct]constructs.IConstruct
	// places are the places of the stacks that placeOf has looked up.
	places map[awscdk.Stack]place
	// queueSources are the event source mappings that a [Queue] made: it has added them
	// to the budget itself.
	queueSources map[constructs.IConstruct]bool
	// scopes are the constructs of this package, and those that appOf has looked up.
	scopes map[constructs.IConstruct]bool
	// stacks are the stacks of constructs, and stacksAt those by their paths.
	stacks   map[constructs.IConstruct]awscdk.Stack
	stacksAt map[string]awscdk.Stack
}

// appID is the id of the [app] under the root.
const appID = "@hearth"

// recent caches the app of the last lookup. It is not state: each app knows its own
// scopes, so a construct of another app is looked up. The cache saves four requests to the
// CDK for each construct; a whole stack makes about 210.
var recent *app

// appOf returns the state of the app that a construct belongs to.
func appOf(c constructs.IConstruct) *app {
	if recent == nil || !recent.scopes[c] {
		recent = findApp(c)
		recent.scopes[c] = true
	}
	return recent
}

func findApp(c constructs.IConstruct) *app {
	root := c.Node().Root()
	if found, ok := root.Node().TryFindChild(jsii.String(appID)).(*app); ok {
		return found
	}
	a := &app{
		assets:       map[asset]awslambda.Code{},
		budgets:      map[awslambda.Function]*budget{},
		domains:      map[string]*domain{},
		durations:    map[float64]awscdk.Duration{},
		environments: map[awslambda.Function]*environment{},
		made:         map[awscdk.Stack]int{},
		names:        map[string]constructs.IConstruct{},
		owners:       map[awslambda.IFunction]*Handler{},
		parents:      map[constructs.IConstruct]constructs.IConstruct{},
		places:       map[awscdk.Stack]place{},
		queueSources: map[constructs.IConstruct]bool{},
		scopes:       map[constructs.IConstruct]bool{},
		stacks:       map[constructs.IConstruct]awscdk.Stack{},
		stacksAt:     map[string]awscdk.Stack{},
	}
	constructs.NewConstruct_Override(a, root.(constructs.Construct), jsii.String(appID))
	return a
}

// ToString overrides the construct's method: jsii accepts a Go type as a construct only
// if it has an exported method.
func (a *app) ToString() *string { return jsii.String(appID) }

// stackOf returns the stack of a construct, and caches it.
func (a *app) stackOf(c constructs.IConstruct) awscdk.Stack {
	stack := a.stacks[c]
	if stack != nil {
		return stack
	}
	if parent := a.parents[c]; parent != nil {
		stack = a.stackOf(parent)
	} else {
		stack = a.sameStack(awscdk.Stack_Of(c))
	}
	a.stacks[c] = stack
	return stack
}

// sameStack returns the same Go value for each value that the CDK returns for a stack.
func (a *app) sameStack(stack awscdk.Stack) awscdk.Stack {
	same := a.stacks[stack]
	if same == nil {
		path := pathOf(stack)
		if same = a.stacksAt[path]; same == nil {
			same = stack
			a.stacksAt[path] = stack
		}
		a.stacks[stack] = same
	}
	return same
}

// duration returns a duration, the same one each time.
func (a *app) duration(seconds float64) awscdk.Duration {
	d := a.durations[seconds]
	if d == nil {
		d = newDuration(seconds)
		a.durations[seconds] = d
	}
	return d
}

// ownerOf returns the [Handler] of a function, alias or version, even if other code
// created that, or nil.
func (a *app) ownerOf(fn awslambda.IFunction) *Handler {
	if h := a.owners[fn]; h != nil {
		return h
	}
	if f := a.functionOf(fn); f != nil {
		return a.owners[f]
	}
	return nil
}

// functionOf returns the function behind an alias or a version; nil when the function is
// imported.
func (a *app) functionOf(fn awslambda.IFunction) awslambda.Function {
	if h := a.owners[fn]; h != nil {
		return h.Function
	}
	switch f := fn.(type) {
	case awslambda.IAlias:
		return a.functionOf(f.Version())
	case awslambda.IVersion:
		return a.functionOf(f.Lambda())
	case awslambda.Function:
		return f
	}
	return nil
}

// inVpc reports whether a function has network interfaces in a VPC.
func (a *app) inVpc(fn awslambda.Function) bool {
	if h := a.ownerOf(fn); h != nil {
		return h.props.Vpc != nil
	}
	return *fn.IsBoundToVpc()
}

// contractOf returns the contract of a function's [Handler], or nil when there is none:
// another function, or a program that synth does not ask.
func (a *app) contractOf(fn awslambda.IFunction) *contract {
	if h := a.ownerOf(fn); h != nil {
		return h.contract
	}
	return nil
}

// checkInvoked checks the function that an API, a queue or a schedule invokes.
func (a *app) checkInvoked(r *rules, fn awslambda.IFunction) {
	switch fn.(type) {
	case nil:
		r.breaks("Handler", "must be a function, got none; pass Handler.Alias")
	case awslambda.Function:
		if a.ownerOf(fn) != nil {
			r.breaks("Handler", "must be Handler.Alias, to which the provisioned concurrency belongs, got Handler.Function; pass the alias")
		}
	case awslambda.IVersion:
		if a.ownerOf(fn) != nil {
			r.breaks("Handler", "must be Handler.Alias, to which the provisioned concurrency belongs, got a version of its function; pass the alias")
		}
	}
	a.checkArn(r, fn)
}

// timeoutOf reads the timeout of a function that is created in this app.
func (a *app) timeoutOf(fn awslambda.IFunction) number {
	if h := a.ownerOf(fn); h != nil {
		return secondsOf(h.props.Timeout)
	}
	if f := a.functionOf(fn); f != nil {
		return secondsOf(f.Timeout()).or(defaultLambdaTimeoutSecs)
	}
	return number{}
}

// reservedOf reads the reserved concurrency from the properties of the function's
// resource, so that later changes count. The CDK does not show values that
// AddPropertyOverride has set.
func (a *app) reservedOf(fn awslambda.Function) number {
	var resource awslambda.CfnFunction
	if h := a.ownerOf(fn); h != nil {
		resource = h.resource
	} else if resource, _ = fn.Node().DefaultChild().(awslambda.CfnFunction); resource == nil {
		return number{}
	}
	return numberOf(resource.ReservedConcurrentExecutions())
}

// checkUnique refuses a physical name that another construct has in the account and region:
// CloudFormation would fail to create the second resource. It only warns of one in another
// stack if the account or region is not known: each stack may be deployed to its own.
func (a *app) checkUnique(r *rules, by constructs.Construct, kind, field string, name *string) {
	if !textOf(name).known {
		return
	}
	stack := a.stackOf(by)
	at, stage := a.placeOf(by), ""
	known := at.account.known && at.region.known
	if !known {
		stage = pathOf(awscdk.Stage_Of(by))
	}
	key := strings.Join([]string{stage, *stack.Account(), *stack.Region(), kind, *name}, "\n")
	switch other := a.names[key]; {
	case other == nil:
		a.names[key] = by
	case known || a.topStackOf(other) == a.topStackOf(by):
		r.breaks(field, "must be unique in the account and region, got %q, as in %s; rename one of them, or leave it unset", *name, *other.Node().Path())
	default:
		warn(by, "sameName", fmt.Sprintf("%s is %q, as in %s; deploy the two stacks to different accounts or regions, or rename one of them", field, *name, *other.Node().Path()))
	}
}

// topStackOf returns the stack of a construct, or the one that nests it.
func (a *app) topStackOf(c constructs.IConstruct) awscdk.Stack {
	stack := a.stackOf(c)
	for parent := stack.NestedStackParent(); parent != nil; parent = stack.NestedStackParent() {
		stack = a.sameStack(parent)
	}
	return stack
}

// ofQueue reports whether a [Queue] made a mapping.
func (a *app) ofQueue(mapping constructs.IConstruct) bool {
	return a.queueSources[mapping.Node().Scope()]
}

// foreign reports whether other code than this package made a resource in a stack on which
// the budget depends: an event source, an alias, or the scaling of one. It counts them,
// because each question to the CDK about one of them is a request.
func (a *app) foreign(stack awscdk.Stack) bool {
	return len(resourcesIn(stack, typeMapping, typeAlias, typeScaling)) != a.made[stack]
}

// budgetOf returns the budget of the function behind an alias or a version; nil when the
// function is not created in this app, so that its settings are unknown.
func (a *app) budgetOf(fn awslambda.IFunction) *budget {
	f := a.functionOf(fn)
	if f == nil {
		return nil
	}
	b := a.budgets[f]
	if b == nil {
		b = &budget{app: a, function: f}
		a.budgets[f] = b
		if a.ownerOf(f) == nil { // a Handler checks its own
			f.Node().AddValidation(b)
		}
	}
	return b
}

// asset is the key of functions that share their code. The CDK does not share code
// between stacks.
type asset struct {
	stack   awscdk.Stack
	program *byte // the archive of one program
	files   string
}
