package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
)

// The names of days inside a program, by the function that gives them.
const (
	todayKey   = "today()"
	createdKey = "created()"
)

// soften puts the functions of meanings, which all take two arguments, in the
// place of operators that would fail on a blank.
func soften(n *ast.Node) {
	call := func(name string, arguments ...ast.Node) {
		ast.Patch(n, &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: arguments})
	}
	switch node := (*n).(type) {
	case *ast.BinaryNode:
		if _, ok := binary(node.Operator); ok {
			call("op "+node.Operator, node.Left, node.Right)
		}
	case *ast.UnaryNode:
		switch node.Operator {
		case "-":
			call("op -", &ast.IntegerNode{}, node.Node)
		case "+":
			*n = node.Node
		}
	case *ast.CallNode:
		today := &ast.IdentifierNode{Value: todayKey}
		switch name := node.Callee.(*ast.IdentifierNode).Value; name {
		case "today":
			ast.Patch(n, today)
		case "created":
			ast.Patch(n, &ast.IdentifierNode{Value: createdKey})
		default: // made anew, without the types of before
			call(name, append(node.Arguments, today)...)
		}
	}
}

// meanings are the functions of a running condition. None of them fails: what
// does not fit is false or nil.
func meanings() []expr.Option {
	function := func(name string, f func(a, b any) any) expr.Option {
		return expr.Function(name, func(args ...any) (any, error) { return f(args[0], args[1]), nil })
	}
	all := []expr.Option{
		function("blank", func(a, _ any) any { return nothing(a) }),
		function("days_since", daysSince),
		function("date", func(a, _ any) any {
			text, _ := a.(string)
			day, _ := Context{}.day(text)
			return day
		}),
	}
	for _, operator := range operators {
		if f, ok := binary(operator); ok {
			all = append(all, function("op "+operator, f))
		}
	}
	return all
}

func daysSince(date, today any) any {
	from, ok := date.(time.Time)
	until, okUntil := today.(time.Time)
	if !ok || !okUntil {
		return nil
	}
	return float64(daysBetween(from, until))
}

// binary returns what an operator means where either side may be blank.
func binary(operator string) (func(a, b any) any, bool) {
	ordered := func(is func(int) bool) (func(a, b any) any, bool) {
		return func(a, b any) any { n, ok := compare(a, b); return ok && is(n) }, true
	}
	textual := func(is func(s, part string) bool) (func(a, b any) any, bool) {
		return func(a, b any) any {
			s, ok := a.(string)
			part, okPart := b.(string)
			return ok && okPart && is(strings.ToLower(s), strings.ToLower(part))
		}, true
	}
	switch operator {
	case "==":
		return func(a, b any) any { return same(a, b) }, true
	case "!=":
		return func(a, b any) any { return !same(a, b) }, true
	case "in":
		return func(a, b any) any {
			all, _ := b.([]any)
			return slices.ContainsFunc(all, func(x any) bool { return same(a, x) })
		}, true
	case "<":
		return ordered(func(n int) bool { return n < 0 })
	case "<=":
		return ordered(func(n int) bool { return n <= 0 })
	case ">":
		return ordered(func(n int) bool { return n > 0 })
	case ">=":
		return ordered(func(n int) bool { return n >= 0 })
	case "contains":
		return textual(strings.Contains)
	case "startsWith":
		return textual(strings.HasPrefix)
	case "endsWith":
		return textual(strings.HasSuffix)
	case "+", "-", "*", "/":
		return func(a, b any) any { return calculate(operator, a, b) }, true
	}
	return nil, false
}
