package dynamodb

import (
	"math/big"
	"slices"
)

const (
	functionIfNotExists = "if_not_exists"
	functionAppend      = "list_append"
)

// update is an update expression.
type update struct {
	sets    []assignment
	removes []path
	adds    []assignment // numbers and elements of sets
	deletes []assignment // elements of sets
}

// assignment is part of a SET, ADD or DELETE clause.
type assignment struct {
	target path
	source *operand
}

// update parses an update expression: SET path = value, …, REMOVE path, …, ADD path
// value, … and DELETE path value, …. Each may occur once, in any order.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html (2026-11)
func (e *expressions) update(source string) (*update, error) {
	p, err := e.parser("UpdateExpression", source, "SET", "REMOVE", "ADD", "DELETE")
	if err != nil {
		return nil, err
	}
	u := &update{}
	seen := map[string]bool{}
	for {
		clause, ok := p.keyword(p.keywords...)
		switch {
		case !ok:
			return nil, p.unexpected()
		case seen[clause]:
			return nil, p.invalid("The %q section can only be used once in an update expression;", clause)
		}
		seen[clause] = true
		for more := true; more; {
			if err := p.action(u, clause); err != nil {
				return nil, err
			}
			_, more = p.symbol(",")
		}
		if p.tokens[p.next].kind == tokenEnd {
			return u, p.checkOverlap(u.targets())
		}
	}
}

// action parses one part of a clause.
func (p *parser) action(u *update, clause string) error {
	target, err := p.path()
	if err != nil {
		return err
	}
	switch clause {
	case "REMOVE":
		u.removes = append(u.removes, target)
		return nil
	case "SET":
		source, err := p.assigned()
		u.sets = append(u.sets, assignment{target, source})
		return err
	}
	source, err := p.operand()
	switch {
	case err != nil:
		return err
	case source.literal == nil:
		return p.unexpected()
	}
	if kind := source.literal.kind; len(source.literal.set) == 0 && (clause == "DELETE" || kind != typeNumber) {
		return p.wrongType(clause, typeNames[kind])
	}
	if clause == "ADD" {
		u.adds = append(u.adds, assignment{target, source})
	} else {
		u.deletes = append(u.deletes, assignment{target, source})
	}
	return nil
}

// typeNames are the names of the types in errors about ADD and DELETE.
var typeNames = map[string]string{
	typeString: "STRING", typeNumber: "NUMBER", typeBinary: "BINARY", typeBool: "BOOLEAN", typeNull: "NULL", typeList: "LIST", typeMap: "MAP",
}

// assigned parses the rest of an assignment, after its path.
func (p *parser) assigned() (*operand, error) {
	if _, ok := p.symbol("="); !ok {
		return nil, p.unexpected()
	}
	return p.sum()
}

// sum parses one value, or two with a sign between them.
func (p *parser) sum() (*operand, error) {
	left, err := p.summand()
	if err != nil {
		return nil, err
	}
	sign, ok := p.symbol("+", "-")
	if !ok {
		return left, nil
	}
	right, err := p.summand()
	if err != nil {
		return nil, err
	}
	for _, o := range []*operand{left, right} {
		if o.literal != nil && o.literal.kind != typeNumber {
			return nil, p.wrongType(sign, o.literal.kind)
		}
	}
	return &operand{function: sign, compute: func(i item) (value, bool, error) {
		a, okA, err := left.in(i)
		if err != nil || !okA {
			return value{}, false, err
		}
		b, okB, err := right.in(i)
		if err != nil || !okB {
			return value{}, false, err
		}
		if a.kind != typeNumber || b.kind != typeNumber {
			return value{}, false, invalid("An operand in the update expression has an incorrect data type")
		}
		v, err := add(a, b, sign == "-")
		return v, true, err
	}}, nil
}

// add returns the sum of two numbers, or their difference.
func add(a, b value, subtract bool) (value, error) {
	sum := rational(b.text)
	if subtract {
		sum = new(big.Rat).Neg(sum)
	}
	sum = new(big.Rat).Add(rational(a.text), sum)
	text, err := parseNumber(decimal(sum))
	if err != nil {
		return value{}, err
	}
	return value{kind: typeNumber, text: text}, nil
}

// decimal formats a number whose denominator is a power of ten.
func decimal(r *big.Rat) string {
	digits, exact := r.FloatPrec()
	if !exact {
		digits = maxNumberDigits // impossible: both summands were decimals
	}
	return r.FloatString(digits)
}

// summand parses an operand, a function, or either in parentheses.
func (p *parser) summand() (*operand, error) {
	if _, ok := p.symbol("("); ok {
		source, err := p.sum()
		if err != nil {
			return nil, err
		}
		if _, ok := p.symbol(")"); !ok {
			return nil, p.unexpected()
		}
		return source, nil
	}
	name, ok := p.function()
	if !ok {
		return p.operand()
	}
	if !slices.Contains(updateFunctions, name) {
		return nil, p.refuseFunction(name)
	}
	operands, err := p.arguments(name, 2, p.summand)
	if err != nil {
		return nil, err
	}
	first, second := operands[0], operands[1]
	if name == functionIfNotExists {
		if first.path == nil {
			return nil, p.invalid("Operator or function requires a document path; operator or function: %s", name)
		}
		return &operand{function: name, compute: func(i item) (value, bool, error) {
			if v, ok := i.at(first.path); ok {
				return v, true, nil
			}
			return second.in(i)
		}}, nil
	}
	for _, o := range operands {
		if o.literal != nil && o.literal.kind != typeList {
			return nil, p.wrongType(name, o.literal.kind)
		}
	}
	return &operand{function: name, compute: func(i item) (value, bool, error) {
		a, okA, err := first.in(i)
		if err != nil || !okA {
			return value{}, false, err
		}
		b, okB, err := second.in(i)
		if err != nil || !okB {
			return value{}, false, err
		}
		if a.kind != typeList || b.kind != typeList {
			return value{}, false, invalid("An operand in the update expression has an incorrect data type")
		}
		return value{kind: typeList, list: slices.Concat(a.list, b.list)}, true, nil
	}}, nil
}

// targets returns all paths that the update changes.
func (u *update) targets() []path {
	var targets []path
	for _, list := range [][]assignment{u.sets, u.adds, u.deletes} {
		for _, s := range list {
			targets = append(targets, s.target)
		}
	}
	return slices.Concat(targets, u.removes)
}

// apply returns the updated item; nil means none. A missing item is made from the key,
// unless the update only removes. All operands are read before anything changes.
func (u *update) apply(old, key item) (item, error) {
	if old == nil && len(u.sets)+len(u.adds) == 0 && len(u.removes)+len(u.deletes) > 0 {
		return nil, nil
	}
	changed := old
	if old == nil {
		changed = key
	}
	before := changed
	var err error
	for _, s := range u.sets {
		v, ok, err := s.source.in(before)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			return nil, invalid("The provided expression refers to an attribute that does not exist in the item")
		}
		if changed, err = changed.with(s.target, &v); err != nil {
			return nil, err
		}
	}
	for _, s := range u.adds {
		v, err := added(before, s)
		if err != nil {
			return nil, err
		}
		if changed, err = changed.with(s.target, &v); err != nil {
			return nil, err
		}
	}
	for _, s := range u.deletes {
		have, ok := before.at(s.target)
		if !ok {
			continue
		}
		if have.kind != s.source.literal.kind {
			return nil, invalid("An operand in the update expression has an incorrect data type")
		}
		left := &value{kind: have.kind, set: slices.DeleteFunc(slices.Clone(have.set), func(e string) bool { return slices.Contains(s.source.literal.set, e) })}
		if len(left.set) == 0 {
			left = nil // a set is never empty
		}
		if changed, err = changed.with(s.target, left); err != nil {
			return nil, err
		}
	}
	// Positions mean those before the update, so a list's last elements are removed
	// first.
	for _, target := range slices.SortedFunc(slices.Values(u.removes), path.compare) {
		if changed, err = changed.with(target, nil); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

// added returns an attribute's value after ADD.
func added(before item, s assignment) (value, error) {
	w := *s.source.literal
	have, ok := before.at(s.target)
	switch {
	case !ok:
		return w, nil
	case have.kind != w.kind:
		return value{}, invalid("An operand in the update expression has an incorrect data type")
	case w.kind == typeNumber:
		return add(have, w, false)
	}
	set := slices.Clone(have.set)
	for _, element := range w.set {
		if !slices.Contains(set, element) {
			set = append(set, element)
		}
	}
	return value{kind: have.kind, set: set}, nil
}

// updated returns the values at the update's paths, for UPDATED_OLD and UPDATED_NEW.
func (u *update) updated(i item) item {
	if i == nil {
		return nil
	}
	return i.project(u.targets())
}
