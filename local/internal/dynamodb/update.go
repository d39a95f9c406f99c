package dynamodb

import "slices"

// update is an update expression.
type update struct {
	sets    []assignment
	removes []path
}

// assignment is part of a SET clause.
type assignment struct {
	target path
	source *operand
}

// update reads an update expression: SET path = operand, … and REMOVE path, …, each
// once and in any order.
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
		case clause == "ADD" || clause == "DELETE":
			return nil, errNotSimulated("the clause " + clause)
		}
		seen[clause] = true
		for more := true; more; {
			target, err := p.path()
			if err != nil {
				return nil, err
			}
			if clause == "REMOVE" {
				u.removes = append(u.removes, target)
			} else {
				source, err := p.assigned()
				if err != nil {
					return nil, err
				}
				u.sets = append(u.sets, assignment{target, source})
			}
			_, more = p.symbol(",")
		}
		if p.tokens[p.next].kind == tokenEnd {
			return u, p.checkOverlap(u.targets())
		}
	}
}

// assigned reads what follows the path of an assignment.
func (p *parser) assigned() (*operand, error) {
	if _, ok := p.symbol("="); !ok {
		return nil, p.unexpected()
	}
	source, err := p.value1()
	if err != nil {
		return nil, err
	}
	if sign, ok := p.symbol("+", "-"); ok {
		return nil, errNotSimulated("the operator " + sign)
	}
	return source, nil
}

// value1 reads an operand, perhaps in parentheses.
func (p *parser) value1() (*operand, error) {
	if _, ok := p.symbol("("); ok {
		source, err := p.value1()
		if err != nil {
			return nil, err
		}
		if sign, ok := p.symbol("+", "-"); ok {
			return nil, errNotSimulated("the operator " + sign)
		}
		if _, ok := p.symbol(")"); !ok {
			return nil, p.unexpected()
		}
		return source, nil
	}
	if name, ok := p.function(); ok {
		return nil, p.refuseFunction(name, updateFunctions, conditionFunctions)
	}
	return p.operand()
}

// targets are all paths that change.
func (u *update) targets() []path {
	var targets []path
	for _, s := range u.sets {
		targets = append(targets, s.target)
	}
	return slices.Concat(targets, u.removes)
}

// apply returns what becomes of an item; nil is none. Where there is no item, one
// with the key is made, unless attributes are only removed. All operands are read
// before anything changes.
func (u *update) apply(old, key item) (item, error) {
	if old == nil && len(u.sets) == 0 && len(u.removes) > 0 {
		return nil, nil
	}
	changed := old
	if old == nil {
		changed = key
	}
	before := changed
	var err error
	for _, s := range u.sets {
		v, ok := s.source.in(before)
		if !ok {
			return nil, invalid("The provided expression refers to an attribute that does not exist in the item")
		}
		if changed, err = changed.with(s.target, &v); err != nil {
			return nil, err
		}
	}
	for _, target := range u.removes {
		if changed, err = changed.with(target, nil); err != nil {
			return nil, err
		}
	}
	return changed, nil
}
