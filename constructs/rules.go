package hearth

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// number is a numeric prop as a plain value. Rules read props with [numberOf],
// [secondsOf] and [textOf], which ask the CDK only about tokens and durations.
type number struct {
	value float64
	// known is false for an unset prop and for a token.
	known bool
	// set is true when the prop was given, even as a token.
	set bool
}

func known(value float64) number { return number{value: value, known: true, set: true} }

// or replaces an unset number by its default.
func (n number) or(value float64) number {
	if n.set {
		return n
	}
	return number{value: value, known: true}
}

// orKnown replaces an unset number by a value that counts as set.
func (n number) orKnown(value float64) number {
	if n.set {
		return n
	}
	return known(value)
}

func (n number) String() string { return format(n.value) }

func format(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// numberOf reads a numeric prop.
func numberOf(v *float64) number {
	if v == nil {
		return number{}
	}
	if mayBeToken(*v) && *awscdk.Token_IsUnresolved(v) {
		return number{set: true}
	}
	return known(*v)
}

// mayBeToken reports whether a number can be a token. The CDK encodes a token as a huge
// negative number, so other numbers need no request to the CDK. It cannot be asked about
// infinity, which JSON does not have.
func mayBeToken(v float64) bool { return v < -1e200 && !math.IsInf(v, -1) }

// lengths caches the durations that were read or made, since reading one takes two
// requests to the CDK. It is not state of an app: a duration exists before its tree, and
// never changes.
var lengths = map[awscdk.Duration]number{}

// secondsOf reads a duration prop.
func secondsOf(d awscdk.Duration) number {
	if d == nil {
		return number{}
	}
	n, read := lengths[d]
	if !read {
		if n = (number{set: true}); !*d.IsUnresolved() {
			n = known(*d.ToSeconds(&awscdk.TimeConversionOptions{Integral: jsii.Bool(false)}))
		}
		lengths[d] = n
	}
	return n
}

// newDuration makes a duration that secondsOf reads without a request to the CDK.
func newDuration(seconds float64) awscdk.Duration {
	d := awscdk.Duration_Seconds(jsii.Number(seconds))
	lengths[d] = known(seconds)
	return d
}

// text is a string prop as a plain value for the rules; see [number].
type text struct {
	value      string
	known, set bool
	// standIn is a name for a value that the CDK looks up after this pass of the synth.
	// Nothing may fail in this pass, because the lookup would never happen. It is "" for
	// other values.
	standIn string
}

// lookupPlaceholder is in the CDK's value, in the first pass of a synth, of a parameter
// that it looks up after that pass.
// https://github.com/aws/aws-cdk/issues/8604 (2026-11)
const lookupPlaceholder = "dummy-value-for-"

// unlessLookedUp returns a value, or nil before its lookup. It is for values that the CDK
// checks itself.
func unlessLookedUp(v *string) *string {
	if textOf(v).standIn != "" {
		return nil
	}
	return v
}

// isListToken reports whether an element of a list stands for a list that is a token. The
// CDK encodes it as #{Token[…]}.
func isListToken(element string) bool { return strings.HasPrefix(element, "#{Token[") }

func textOf(v *string) text {
	if v == nil {
		return text{}
	}
	if strings.Contains(*v, "${") && *awscdk.Token_IsUnresolved(v) { // tokens are ${Token[…]}
		return text{set: true}
	}
	if strings.Contains(*v, lookupPlaceholder) {
		return text{set: true, standIn: strings.Map(func(letter rune) rune {
			if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", letter) {
				return letter
			}
			return '-'
		}, *v)}
	}
	return text{value: *v, known: true, set: true}
}

// pathOf returns the path of a construct in one request: Node().Path() takes two. For a
// CfnElement it returns more than the path.
func pathOf(c constructs.Construct) string { return *c.ToString() }

// newConstruct makes c, a pointer to a struct that embeds constructs.Construct, a
// construct itself. With constructs.NewConstruct the embedded one would be the construct,
// and jsii would refuse c as a scope or a dependency. The type of c needs an exported
// method. newConstruct returns the state of the app.
func newConstruct(c, scope constructs.Construct, id *string) *app {
	switch {
	case scope == nil:
		panic(fmt.Errorf("%T must have a scope, got nil; pass the stack or a construct in it", c))
	case id == nil || *id == "":
		panic(fmt.Errorf("%T in %q must have an id, got none; pass one that is unique in its scope", c, pathOf(scope)))
	}
	if _, outside := scope.(awscdk.Stage); outside { // an App is a Stage too
		panic(fmt.Errorf("%T %q must be in a stack, got the app or a stage as its scope; pass a stack", c, *id))
	}
	a := appOf(scope)
	if err := caught(func() { constructs.NewConstruct_Override(c, scope, id) }); err != nil {
		if strings.Contains(err.Error(), "already a Construct") {
			err = fmt.Errorf("%T must have an id that is unique in its scope, got %q again in %q; rename it", c, *id, pathOf(scope))
		}
		panic(err)
	}
	a.scopes[c], a.parents[c] = true, scope
	return a
}

func isTrue(v *bool) bool { return v != nil && *v }

func isFalse(v *bool) bool { return v != nil && !*v }

// rules collects the broken rules of one props struct, in the user's words.
type rules struct {
	// where names the props, such as "QueueProps".
	where  string
	broken []error
}

// breaks adds a broken rule of one field. The message continues after the field's name:
// "must be <bound, unit>, got <value>; <what to do>".
func (r *rules) breaks(field, message string, args ...any) {
	r.broken = append(r.broken, r.brokenRule(field, message, args...))
}

func (r *rules) brokenRule(field, message string, args ...any) error {
	return fmt.Errorf("%s.%s "+message, append([]any{r.where, field}, args...)...)
}

// in runs the rules of the props in one field.
func (r *rules) in(field string, check func(*rules)) {
	inner := &rules{where: r.where + "." + field}
	check(inner)
	r.broken = append(r.broken, inner.broken...)
}

// given is a prop's name, and whether it was set.
type given struct {
	field string
	set   bool
}

// mustBeUnset adds a broken rule for each prop that was set.
func (r *rules) mustBeUnset(because string, props ...given) {
	for _, p := range props {
		if p.set {
			r.breaks(p.field, "must be unset %s", because)
		}
	}
}

// oneOf checks a constant of the CDK, which is a plain string in Go. "" is unset.
func oneOf[T ~string](r *rules, field string, value T, choices ...T) {
	if value != "" && !slices.Contains(choices, value) {
		names := make([]string, len(choices))
		for i, choice := range choices {
			names[i] = string(choice)
		}
		r.breaks(field, "must be %s, got %q; use a constant of the CDK", strings.Join(names, ", "), value)
	}
}

// checkRemoval checks a removal policy. None of the resources here has snapshots.
func checkRemoval(r *rules, field string, policy awscdk.RemovalPolicy) {
	oneOf(r, field, policy, awscdk.RemovalPolicy_DESTROY, awscdk.RemovalPolicy_RETAIN, awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE)
}

// noneNil adds a broken rule for each element that is nil. The CDK would answer with an
// error of JavaScript.
func noneNil[T comparable](r *rules, field string, elements []T) {
	var none T
	for i, e := range elements {
		if e == none {
			r.breaks(fmt.Sprintf("%s[%d]", field, i), "must be set, got nil; remove it")
		}
	}
}

// caught runs a function and returns the error with which it panics, or nil. The CDK's
// errors are panics.
func caught(create func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = p
		default:
			err = fmt.Errorf("%v", p)
		}
	}()
	create()
	return nil
}

// checkLogRetention checks how long a log group keeps its entries. CloudWatch Logs knows
// only certain numbers of days.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html (2026-11)
func checkLogRetention(r *rules, field string, retention awslogs.RetentionDays) {
	if retention != "" && !slices.Contains(logRetentions, retention) {
		r.breaks(field, "must be a constant such as awslogs.RetentionDays_ONE_MONTH, got %q; use awslogs.RetentionDays_INFINITE for no end", retention)
	}
}

var logRetentions = []awslogs.RetentionDays{
	awslogs.RetentionDays_ONE_DAY, awslogs.RetentionDays_THREE_DAYS, awslogs.RetentionDays_FIVE_DAYS, awslogs.RetentionDays_ONE_WEEK,
	awslogs.RetentionDays_TWO_WEEKS, awslogs.RetentionDays_ONE_MONTH, awslogs.RetentionDays_TWO_MONTHS, awslogs.RetentionDays_THREE_MONTHS,
	awslogs.RetentionDays_FOUR_MONTHS, awslogs.RetentionDays_FIVE_MONTHS, awslogs.RetentionDays_SIX_MONTHS, awslogs.RetentionDays_ONE_YEAR,
	awslogs.RetentionDays_THIRTEEN_MONTHS, awslogs.RetentionDays_EIGHTEEN_MONTHS, awslogs.RetentionDays_TWO_YEARS, awslogs.RetentionDays_THREE_YEARS,
	awslogs.RetentionDays_FIVE_YEARS, awslogs.RetentionDays_SIX_YEARS, awslogs.RetentionDays_SEVEN_YEARS, awslogs.RetentionDays_EIGHT_YEARS,
	awslogs.RetentionDays_NINE_YEARS, awslogs.RetentionDays_TEN_YEARS, awslogs.RetentionDays_INFINITE,
}

// checkGroups checks the security groups of what is in a VPC.
func checkGroups(r *rules, groups *[]awsec2.ISecurityGroup) {
	if groups != nil && len(*groups) == 0 {
		r.breaks("SecurityGroups", "must have at least 1 security group, got none; leave it unset for a new one")
	}
	noneNil(r, "SecurityGroups", elementsOf(groups))
}

// elementsOf returns the elements of an optional list.
func elementsOf[T any](list *[]T) []T {
	if list == nil {
		return nil
	}
	return *list
}

// within checks that a number is whole, finite, and between two bounds. The unit is
// plural and starts with a letter; todo says how to fix the value.
func (r *rules) within(field string, n number, lowest, highest float64, unit, todo string) {
	if !n.known {
		return
	}
	switch {
	case n.value != math.Trunc(n.value), math.IsInf(n.value, 0):
		r.breaks(field, "must be a whole number of %s, got %s; %s", unit, n, todo)
	case n.value < lowest && math.IsInf(highest, 1):
		if lowest == 1 {
			unit = strings.TrimSuffix(unit, "s")
		}
		r.breaks(field, "must be at least %s %s, got %s; %s", format(lowest), unit, n, todo)
	case n.value < lowest, n.value > highest:
		r.breaks(field, "must be %s to %s %s, got %s; %s", format(lowest), format(highest), unit, n, todo)
	}
}

// refuse panics with all the broken rules under the path of the construct; without any it
// returns.
func refuse(c constructs.Construct, broken []error) {
	if len(broken) == 0 {
		return
	}
	path := *c.Node().Path()
	problems := "1 problem"
	if len(broken) > 1 {
		problems = strconv.Itoa(len(broken)) + " problems"
	}
	items := make([]error, len(broken))
	for i, err := range broken {
		items[i] = fmt.Errorf("  - %w", err)
	}
	panic(fmt.Errorf("%s: %s\n%w", path, problems, errors.Join(items...)))
}
