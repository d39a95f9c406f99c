package dynamodb

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// expressions are the expressions of one request, with the names and values of their
// placeholders. Every placeholder must be defined and used.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html (2026-11)
type expressions struct {
	names      map[string]string
	values     item
	usedNames  map[string]bool
	usedValues map[string]bool
	usedPaths  []path
}

func newExpressions(names map[string]string, values item) (*expressions, error) {
	for _, given := range []struct {
		what string
		keys []string
		none bool // missing, not empty
		mark byte
	}{
		{"ExpressionAttributeNames", slices.Sorted(maps.Keys(names)), names == nil, '#'},
		{"ExpressionAttributeValues", slices.Sorted(maps.Keys(values)), values == nil, ':'},
	} {
		if len(given.keys) == 0 && !given.none {
			return nil, invalid("%s must not be empty", given.what)
		}
		for _, key := range given.keys {
			if !isPlaceholder(key, given.mark) {
				return nil, invalid("%s contains invalid key: Syntax error; key: %q", given.what, key)
			}
		}
	}
	return &expressions{names: names, values: values, usedNames: map[string]bool{}, usedValues: map[string]bool{}}, nil
}

// checkUsed refuses placeholders that no expression uses.
func (e *expressions) checkUsed() error {
	for _, given := range []struct {
		what string
		keys []string
		used map[string]bool
	}{
		{"ExpressionAttributeNames", slices.Sorted(maps.Keys(e.names)), e.usedNames},
		{"ExpressionAttributeValues", slices.Sorted(maps.Keys(e.values)), e.usedValues},
	} {
		unused := slices.DeleteFunc(given.keys, func(key string) bool { return given.used[key] })
		if len(unused) > 0 {
			return invalid("Value provided in %s unused in expressions: keys: {%s}", given.what, strings.Join(unused, ", "))
		}
	}
	return nil
}

// parser reads one expression.
type parser struct {
	*expressions
	what   string // ConditionExpression, …
	source string
	tokens []token
	next   int
	// keywords are the keywords of this expression, in capitals.
	keywords []string
}

func (e *expressions) parser(what, source string, keywords ...string) (*parser, error) {
	p := &parser{expressions: e, what: what, source: source, keywords: keywords}
	switch {
	case strings.TrimSpace(source) == "":
		return nil, p.invalid("The expression can not be empty;")
	case len(source) > maxExpressionBytes:
		return nil, p.invalid("Expression size has exceeded the maximum allowed size; expression size: %d", len(source))
	}
	p.tokens = tokenize(source)
	return p, nil
}

func (p *parser) invalid(format string, args ...any) *Error {
	return invalid("Invalid "+p.what+": "+format, args...)
}

// unexpected returns the error for the next token.
func (p *parser) unexpected() *Error {
	t := p.tokens[p.next]
	before, after := t, t
	if p.next > 0 {
		before = p.tokens[p.next-1]
	}
	if p.next+1 < len(p.tokens) {
		after = p.tokens[p.next+1]
	}
	return p.invalid("Syntax error; token: %q, near: %q", t.text, p.source[before.start:after.end])
}

// symbol consumes the next token if it is one of the symbols.
func (p *parser) symbol(symbols ...string) (string, bool) {
	t := p.tokens[p.next]
	if t.kind != tokenSymbol || !slices.Contains(symbols, t.text) {
		return "", false
	}
	p.next++
	return t.text, true
}

// keyword consumes the next token if it is one of the keywords, given in capitals.
func (p *parser) keyword(keywords ...string) (string, bool) {
	t := p.tokens[p.next]
	word := strings.ToUpper(t.text)
	if t.kind != tokenName || !slices.Contains(keywords, word) {
		return "", false
	}
	p.next++
	return word, true
}

// end checks that no token is left.
func (p *parser) end() error {
	if p.tokens[p.next].kind != tokenEnd {
		return p.unexpected()
	}
	return nil
}

// path reads a document path.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.Attributes.html (2026-11)
func (p *parser) path() (path, error) {
	var found path
	for {
		t := p.tokens[p.next]
		name := t.text
		switch {
		case t.kind == tokenName && !slices.Contains(p.keywords, strings.ToUpper(name)):
			if reserved(name) {
				return nil, p.invalid("Attribute name is a reserved keyword; reserved keyword: %s", name)
			}
		case t.kind == tokenAlias:
			var ok bool
			if name, ok = p.names[t.text]; !ok {
				return nil, p.invalid("An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
			}
			p.usedNames[t.text] = true
		default:
			return nil, p.unexpected()
		}
		p.next++
		found = append(found, step{name: name})
		for {
			if _, ok := p.symbol("["); !ok {
				break
			}
			position, err := p.position()
			if err != nil {
				return nil, err
			}
			found = append(found, step{position: position})
		}
		if _, ok := p.symbol("."); !ok {
			p.usedPaths = append(p.usedPaths, found)
			return found, nil
		}
	}
}

// position reads the rest of a list position, after its bracket.
func (p *parser) position() (int, error) {
	digits := ""
	for {
		t, ok := p.symbol("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
		if !ok {
			break
		}
		digits += t
	}
	if digits == "" {
		return 0, p.unexpected()
	}
	if _, ok := p.symbol("]"); !ok {
		return 0, p.unexpected()
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, p.invalid("List index is not within the allowable range; index: [%s]", digits)
	}
	return n, nil
}

// operand is a value in an expression: a value of the request, the value at a path, or
// the result of a function.
type operand struct {
	path    path
	literal *value
	// function is the name of a function or operator; compute returns its result.
	function string
	compute  func(i item) (value, bool, error)
}

// in returns the operand's value for an item, if it has one.
func (o *operand) in(i item) (v value, ok bool, err error) {
	switch {
	case o.compute != nil:
		return o.compute(i)
	case o.literal != nil:
		return *o.literal, true, nil
	}
	v, ok = i.at(o.path)
	return v, ok, nil
}

// operand reads a value's placeholder or a path.
func (p *parser) operand() (*operand, error) {
	t := p.tokens[p.next]
	if t.kind != tokenValue {
		found, err := p.path()
		return &operand{path: found}, err
	}
	v, ok := p.values[t.text]
	if !ok {
		return nil, p.invalid("An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	p.next++
	p.usedValues[t.text] = true
	return &operand{literal: &v}, nil
}

// function consumes a function's name with its parenthesis, if it is next. The caller
// checks whether its expression allows the function.
func (p *parser) function() (string, bool) {
	if p.tokens[p.next].kind != tokenName || p.tokens[p.next+1].text != "(" {
		return "", false
	}
	p.next += 2
	return p.tokens[p.next-2].text, true
}

// The functions that each kind of expression allows.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html (2026-11)
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html (2026-11)
var (
	conditionFunctions = []string{functionExists, functionNotExists, functionType, functionBegins, functionContains, functionSize}
	updateFunctions    = []string{functionIfNotExists, functionAppend}
)

// refuseFunction returns the error for an unknown function, or one that this expression
// does not allow.
func (p *parser) refuseFunction(name string) *Error {
	if slices.Contains(conditionFunctions, name) || slices.Contains(updateFunctions, name) {
		return p.misused(name)
	}
	return p.invalid("Invalid function name; function: %s", name)
}

// arguments reads the operands of a function up to its closing parenthesis.
func (p *parser) arguments(name string, count int, read func() (*operand, error)) ([]*operand, error) {
	var operands []*operand
	for {
		o, err := read()
		if err != nil {
			return nil, err
		}
		operands = append(operands, o)
		if _, ok := p.symbol(","); !ok {
			break
		}
	}
	if _, ok := p.symbol(")"); !ok {
		return nil, p.unexpected()
	}
	if len(operands) != count {
		return nil, p.invalid("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(operands))
	}
	return operands, nil
}

// wrongType returns the error for an operand whose type an operator does not accept.
func (p *parser) wrongType(operator, kind string) *Error {
	return p.invalid("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, kind)
}

func (p *parser) misused(function string) *Error {
	return p.invalid("The function is not allowed to be used this way in an expression; function: %s", function)
}

// projection reads the paths that a read returns.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html (2026-11)
func (e *expressions) projection(source string) ([]path, error) {
	p, err := e.parser("ProjectionExpression", source)
	if err != nil {
		return nil, err
	}
	var paths []path
	for {
		found, err := p.path()
		if err != nil {
			return nil, err
		}
		paths = append(paths, found)
		if _, ok := p.symbol(","); !ok {
			break
		}
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	return paths, p.checkOverlap(paths)
}

// checkOverlap refuses two paths if one contains the other.
func (p *parser) checkOverlap(paths []path) error {
	for i, b := range paths {
		for _, a := range paths[:i] {
			if n := min(len(a), len(b)); slices.Equal(a[:n], b[:n]) {
				return p.invalid("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", a, b)
			}
		}
	}
	return nil
}
