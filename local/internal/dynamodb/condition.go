package dynamodb

import (
	"slices"
)

const (
	functionExists    = "attribute_exists"
	functionNotExists = "attribute_not_exists"
)

// condition reports whether it holds of an item; nil is no item, which has no
// attributes.
type condition func(item) bool

// term is part of a condition: an operand, or what is true or false.
type term struct {
	operand  *operand
	holds    condition
	function string // its name, if it is one
	enclosed bool   // in parentheses
}

// condition reads a condition expression:
//
//	or         = and {OR and}
//	and        = not {AND not}
//	not        = NOT not | comparison
//	comparison = atom [comparator atom]
//	atom       = "(" or ")" | function "(" operand ")" | operand
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html (2026-11)
func (e *expressions) condition(source string) (condition, error) {
	p, err := e.parser("ConditionExpression", source, "AND", "OR", "NOT", "BETWEEN", "IN")
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

// truth is the condition that a term is.
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

// peekKeyword is the keyword that is next, or "".
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
	if word := p.peekKeyword(); word == "BETWEEN" || word == "IN" {
		return term{}, errNotSimulated("the operator " + word)
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
		switch {
		case t.function != "":
			return term{}, p.misused(t.function)
		case t.operand == nil:
			return term{}, p.unexpected()
		case t.operand.literal != nil && comparator != "=" && comparator != "<>" && !ordered(t.operand.literal.kind):
			return term{}, p.invalid("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", comparator, t.operand.literal.kind)
		}
	}
	if left.operand.path != nil && slices.Equal(left.operand.path, right.operand.path) {
		return term{}, p.invalid("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", comparator, left.operand.path)
	}
	return term{holds: compares(left.operand, comparator, right.operand)}, nil
}

// compares is a comparison. What is not there differs from everything, also from
// what is not there either, and is in no order.
func compares(left *operand, comparator string, right *operand) condition {
	return func(i item) bool {
		a, okA := left.in(i)
		b, okB := right.in(i)
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
		return p.exists(name)
	}
	o, err := p.operand()
	return term{operand: o}, err
}

// exists reads what follows attribute_exists( or attribute_not_exists(.
func (p *parser) exists(name string) (term, error) {
	if name != functionExists && name != functionNotExists {
		return term{}, p.refuseFunction(name, conditionFunctions, updateFunctions)
	}
	var operands []*operand
	for {
		t, err := p.atom()
		switch {
		case err != nil:
			return term{}, err
		case t.function != "":
			return term{}, p.misused(t.function)
		case t.operand == nil:
			return term{}, p.unexpected()
		}
		operands = append(operands, t.operand)
		if _, ok := p.symbol(","); !ok {
			break
		}
	}
	if _, ok := p.symbol(")"); !ok {
		return term{}, p.unexpected()
	}
	if len(operands) != 1 {
		return term{}, p.invalid("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(operands))
	}
	at := operands[0].path
	if at == nil {
		return term{}, p.invalid("Operator or function requires a document path; operator or function: %s", name)
	}
	return term{function: name, holds: func(i item) bool {
		_, ok := i.at(at)
		return ok == (name == functionExists)
	}}, nil
}
