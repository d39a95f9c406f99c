package dynamodb

import (
	"slices"
	"strconv"
	"strings"
)

const (
	functionExists    = "attribute_exists"
	functionNotExists = "attribute_not_exists"
	functionType      = "attribute_type"
	functionBegins    = "begins_with"
	functionContains  = "contains"
	functionSize      = "size"
)

// condition reports whether it holds for an item. A nil item does not exist and has no
// attributes.
type condition func(item) bool

// term is part of a condition: an operand or a boolean.
type term struct {
	operand  *operand
	holds    condition
	function string // the name of a function
	enclosed bool   // in parentheses
}

// condition reads a condition or filter expression:
//
//	or         = and {OR and}
//	and        = not {AND not}
//	not        = NOT not | comparison
//	comparison = atom [comparator atom | BETWEEN atom AND atom | IN "(" atom {"," atom} ")"]
//	atom       = "(" or ")" | function "(" operand {"," operand} ")" | operand
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html (2026-11)
func (e *expressions) condition(what, source string) (condition, error) {
	p, err := e.parser(what, source, "AND", "OR", "NOT", "BETWEEN", "IN")
	if err != nil {
		return nil, err
	}
	t, err := p.or()
	if err != nil {
		return nil, err
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	return p.truth(t)
}

// truth returns the condition of a boolean term.
func (p *parser) truth(t term) (condition, error) {
	if t.holds == nil { // an operand alone
		return nil, p.unexpected()
	}
	return t.holds, nil
}

func (p *parser) or() (term, error) {
	return p.chain("OR", p.and, func(a, b condition) condition { return func(i item) bool { return a(i) || b(i) } })
}

func (p *parser) and() (term, error) {
	return p.chain("AND", p.not, func(a, b condition) condition { return func(i item) bool { return a(i) && b(i) } })
}

// chain reads terms with an operator between them.
func (p *parser) chain(operator string, read func() (term, error), join func(a, b condition) condition) (term, error) {
	left, err := read()
	for err == nil {
		var a, b condition
		var right term
		if operator != p.peekKeyword() {
			return left, nil
		}
		if a, err = p.truth(left); err != nil {
			break
		}
		p.next++
		if right, err = read(); err != nil {
			break
		}
		if b, err = p.truth(right); err != nil {
			break
		}
		left = term{holds: join(a, b)}
	}
	return term{}, err
}

// peekKeyword returns the next keyword, or "".
func (p *parser) peekKeyword() string {
	word, ok := p.keyword(p.keywords...)
	if ok {
		p.next--
	}
	return word
}

func (p *parser) not() (term, error) {
	if _, ok := p.keyword("NOT"); !ok {
		return p.comparison()
	}
	t, err := p.not()
	if err != nil {
		return term{}, err
	}
	holds, err := p.truth(t)
	return term{holds: func(i item) bool { return !holds(i) }}, err
}

func (p *parser) comparison() (term, error) {
	left, err := p.atom()
	if err != nil {
		return term{}, err
	}
	if word, ok := p.keyword("BETWEEN", "IN"); ok {
		first, err := p.operandOf(left)
		if err != nil {
			return term{}, err
		}
		if word == "IN" {
			return p.in(first)
		}
		lower, upper, err := p.bounds()
		if err != nil {
			return term{}, err
		}
		atLeast, atMost := compares(first, ">=", lower), compares(first, "<=", upper)
		return term{holds: func(i item) bool { return atLeast(i) && atMost(i) }}, nil
	}
	comparator, ok := p.symbol("=", "<>", "<", "<=", ">", ">=")
	if !ok {
		return left, nil
	}
	right, err := p.atom()
	if err != nil {
		return term{}, err
	}
	for _, t := range []term{left, right} {
		o, err := p.operandOf(t)
		if err != nil {
			return term{}, err
		}
		if o.literal != nil && comparator != "=" && comparator != "<>" && !ordered(o.literal.kind) {
			return term{}, p.wrongType(comparator, o.literal.kind)
		}
	}
	if left.operand.path != nil && slices.Equal(left.operand.path, right.operand.path) {
		return term{}, p.invalid("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", comparator, left.operand.path)
	}
	return term{holds: compares(left.operand, comparator, right.operand)}, nil
}

// compares makes a comparison. A missing attribute is unequal to everything, even to
// another missing one, and <, <=, >, >= are false for it.
func compares(left *operand, comparator string, right *operand) condition {
	return func(i item) bool {
		a, okA, _ := left.in(i) // functions of conditions do not fail
		b, okB, _ := right.in(i)
		equal := okA && okB && a.equal(b)
		switch comparator {
		case "=":
			return equal
		case "<>":
			return !equal
		}
		order, ok := a.compare(b)
		if !okA || !okB || !ok {
			return false
		}
		switch comparator {
		case "<":
			return order < 0
		case "<=":
			return order <= 0
		case ">":
			return order > 0
		}
		return order >= 0
	}
}

func (p *parser) atom() (term, error) {
	if _, ok := p.symbol("("); ok {
		t, err := p.or()
		if err != nil {
			return term{}, err
		}
		if _, ok := p.symbol(")"); !ok {
			return term{}, p.unexpected()
		}
		if t.enclosed {
			return term{}, p.invalid("The expression has redundant parentheses;")
		}
		t.enclosed = true
		return t, nil
	}
	if name, ok := p.function(); ok {
		return p.call(name)
	}
	o, err := p.operand()
	return term{operand: o}, err
}

// operandOf returns the operand of a term.
func (p *parser) operandOf(t term) (*operand, error) {
	switch {
	case t.function != "":
		return nil, p.misused(t.function)
	case t.operand == nil:
		return nil, p.unexpected()
	}
	return t.operand, nil
}

// atomOperand reads an atom that must be an operand.
func (p *parser) atomOperand() (*operand, error) {
	t, err := p.atom()
	if err != nil {
		return nil, err
	}
	return p.operandOf(t)
}

// bounds reads the two operands after BETWEEN.
func (p *parser) bounds() (lower, upper *operand, err error) {
	if lower, err = p.atomOperand(); err != nil {
		return nil, nil, err
	}
	if _, ok := p.keyword("AND"); !ok {
		return nil, nil, p.unexpected()
	}
	if upper, err = p.atomOperand(); err != nil {
		return nil, nil, err
	}
	for _, o := range []*operand{lower, upper} {
		if o.literal != nil && !ordered(o.literal.kind) {
			return nil, nil, p.wrongType("BETWEEN", o.literal.kind)
		}
	}
	if lower.literal != nil && upper.literal != nil {
		switch order, ok := lower.literal.compare(*upper.literal); {
		case !ok:
			return nil, nil, p.invalid("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {%s:%s}, upper bound operand: AttributeValue: {%s:%s}",
				lower.literal.kind, lower.literal.text, upper.literal.kind, upper.literal.text)
		case order > 0:
			return nil, nil, p.invalid("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {%s:%s}, upper bound operand: AttributeValue: {%s:%s}",
				lower.literal.kind, lower.literal.text, upper.literal.kind, upper.literal.text)
		}
	}
	return lower, upper, nil
}

// in reads the list after IN.
func (p *parser) in(first *operand) (term, error) {
	if _, ok := p.symbol("("); !ok {
		return term{}, p.unexpected()
	}
	var among []condition
	for {
		o, err := p.atomOperand()
		if err != nil {
			return term{}, err
		}
		among = append(among, compares(first, "=", o))
		if _, ok := p.symbol(","); !ok {
			break
		}
	}
	if _, ok := p.symbol(")"); !ok {
		return term{}, p.unexpected()
	}
	if len(among) > maxInOperands {
		return term{}, p.invalid("The IN operator is provided with too many operands; number of operands: %d", len(among))
	}
	return term{holds: func(i item) bool {
		return slices.ContainsFunc(among, func(is condition) bool { return is(i) })
	}}, nil
}

// call reads the arguments of a function, after its name and parenthesis.
func (p *parser) call(name string) (term, error) {
	if !slices.Contains(conditionFunctions, name) {
		return term{}, p.refuseFunction(name)
	}
	count := 2
	if name == functionExists || name == functionNotExists || name == functionSize {
		count = 1
	}
	operands, err := p.arguments(name, count, p.atomOperand)
	if err != nil {
		return term{}, err
	}
	at := operands[0].path
	if at == nil {
		return term{}, p.invalid("Operator or function requires a document path; operator or function: %s", name)
	}
	if count == 1 {
		if name == functionSize {
			return term{operand: &operand{function: name, compute: func(i item) (value, bool, error) {
				v, ok := i.at(at)
				if !ok {
					return value{}, false, nil
				}
				n, ok := v.size()
				return value{kind: typeNumber, text: strconv.Itoa(n)}, ok, nil
			}}}, nil
		}
		return term{function: name, holds: func(i item) bool {
			_, ok := i.at(at)
			return ok == (name == functionExists)
		}}, nil
	}
	second := operands[1]
	switch literal := second.literal; {
	case name == functionType && (literal == nil || literal.kind != typeString || !slices.Contains(allTypes, literal.text)):
		return term{}, p.invalid("Invalid attribute type name found; type: %s, valid types: {%s}", textOf(literal), strings.Join(allTypes, ","))
	case name == functionBegins && literal != nil && literal.kind != typeString && literal.kind != typeBinary:
		return term{}, p.wrongType(name, literal.kind)
	}
	return term{function: name, holds: func(i item) bool {
		v, ok := i.at(at)
		w, okW, _ := second.in(i)
		if !ok || !okW {
			return false
		}
		switch name {
		case functionType:
			return v.kind == w.text
		case functionBegins:
			return v.kind == w.kind && (v.kind == typeString || v.kind == typeBinary) && strings.HasPrefix(v.text, w.text)
		}
		return v.contains(w)
	}}, nil
}

func textOf(v *value) string {
	if v == nil {
		return ""
	}
	return v.text
}
