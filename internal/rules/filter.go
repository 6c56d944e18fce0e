package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/dealbell/dealbell/internal/crm"
)

// Filter is a condition over a row, in the language of expr-lang
// (https://expr-lang.org/docs/language-definition), cut down to comparisons,
// arithmetic and the functions below. Properties are identifiers, or
// prop("Deal Name"). Texts compare as names do, without regard to case.
// Dates are days in the zone of the Context. A blank equals nil, "" and other
// blanks, and is neither less nor more than anything.
type Filter struct {
	source string
	names  []string // of properties, as written
}

// longest is how long conditions and texts may be.
const longest = 4000

// arity lists the functions of conditions with the number of their arguments.
var arity = map[string]int{
	"prop":       1, // the property of that name
	"today":      0, // the day it is
	"created":    0, // the day the page was made
	"date":       1, // the day written YYYY-MM-DD
	"days_since": 1, // days from a date until today; nil when blank
	"blank":      1, // whether there is nothing
}

// operators lists the operators of conditions.
var operators = [...]string{
	"and", "&&", "or", "||", "==", "!=", "<", "<=", ">", ">=", "in",
	"contains", "startsWith", "endsWith", "matches", "+", "-", "*", "/", "??",
}

// CompileFilter checks a condition as far as that is possible without its
// database. The error names the place as line:column.
func CompileFilter(expression string) (*Filter, error) {
	if len(expression) > longest {
		return nil, fmt.Errorf("is longer than %d characters", longest)
	}
	tree, err := parseCondition(expression)
	if err != nil {
		return nil, err
	}
	f := &Filter{source: expression}
	return f, walk(&tree.Node, func(n *ast.Node) error {
		if name, ok := propertyName(*n); ok {
			f.names = append(f.names, name)
		}
		return placed(tree.Source, *n, allowed(*n))
	})
}

// Names returns the names of the properties that the condition uses, as
// written.
func (f *Filter) Names() []string { return slices.Clone(f.names) }

// bare is the language without the built-in functions of expr.
func bare(options ...expr.Option) *conf.Config {
	c := conf.CreateNew()
	for _, option := range append(options, expr.DisableAllBuiltins(), expr.Optimize(false), expr.AsBool()) {
		option(c)
	}
	for name := range c.Disabled {
		delete(c.Builtins, name)
	}
	return c
}

func parseCondition(expression string) (*parser.Tree, error) {
	tree, err := parser.ParseWithConfig(expression, bare())
	if err != nil {
		return nil, crm.WithHint(explain(err), grammarHint(err.Error()))
	}
	return tree, nil
}

func grammarHint(problem string) string {
	switch {
	case strings.Contains(problem, `Operator("=")`):
		return "compare with =="
	case strings.Contains(problem, "unexpected token Identifier"):
		return `write prop("Deal Name") for a name with spaces, and "…" around texts`
	}
	return `write for example Value > 10000 and prop("Deal Name") != "test"`
}

// walk visits the nodes of a condition, leaves first.
func walk(n *ast.Node, visit func(*ast.Node) error) error {
	for _, child := range children(*n) {
		if err := walk(child, visit); err != nil {
			return err
		}
	}
	return visit(n)
}

// children lists what a node is made of; the name of a called function is
// no node of its own.
func children(n ast.Node) (all []*ast.Node) {
	several := func(nodes []ast.Node) {
		for i := range nodes {
			all = append(all, &nodes[i])
		}
	}
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []*ast.Node{&n.Node}
	case *ast.BinaryNode:
		return []*ast.Node{&n.Left, &n.Right}
	case *ast.ConditionalNode:
		return []*ast.Node{&n.Cond, &n.Exp1, &n.Exp2}
	case *ast.ArrayNode:
		several(n.Nodes)
	case *ast.CallNode:
		several(n.Arguments)
	}
	return all
}

// allowed says why a node has no place in a condition; nil when it has one.
func allowed(n ast.Node) error {
	switch n := n.(type) {
	case *ast.NilNode, *ast.IdentifierNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode,
		*ast.UnaryNode, *ast.ConditionalNode, *ast.ArrayNode:
		return nil
	case *ast.BinaryNode:
		return allowedOperator(n)
	case *ast.CallNode:
		return allowedCall(n)
	case *ast.BuiltinNode:
		return unknownFunction(n.Name)
	case *ast.MemberNode, *ast.ChainNode, *ast.SliceNode:
		return crm.WithHint(fmt.Errorf("dots and brackets after a name mean nothing here"), `write prop("…") for a name that holds them`)
	}
	return fmt.Errorf("this is more than a condition may hold")
}

func allowedOperator(n *ast.BinaryNode) error {
	if !slices.Contains(operators[:], n.Operator) {
		return crm.WithHint(fmt.Errorf("the operator %s is not available", n.Operator), "(operators: "+strings.Join(operators[:], " ")+")")
	}
	// A pattern that a stranger wrote could take long to try.
	if _, literal := n.Right.(*ast.StringNode); n.Operator == "matches" && !literal {
		return fmt.Errorf("matches needs a pattern in quotes")
	}
	return nil
}

func allowedCall(n *ast.CallNode) error {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return fmt.Errorf("only functions can be called")
	}
	want, known := arity[callee.Value]
	if !known {
		return unknownFunction(callee.Value)
	}
	if len(n.Arguments) != want {
		return fmt.Errorf("%s takes %d arguments, not %d", callee.Value, want, len(n.Arguments))
	}
	return allowedArgument(callee.Value, n.Arguments)
}

func allowedArgument(function string, arguments []ast.Node) error {
	if function != "prop" && function != "date" {
		return nil
	}
	text, ok := arguments[0].(*ast.StringNode)
	if !ok {
		return fmt.Errorf(`%s takes a text in quotes`, function)
	}
	if _, ok := (Context{}).day(text.Value); function == "date" && !ok {
		return crm.WithHint(fmt.Errorf("%q is no date", text.Value), `write for example date("2026-12-31")`)
	}
	return nil
}

func unknownFunction(name string) error {
	var names []string
	for known := range arity {
		names = append(names, known)
	}
	slices.Sort(names)
	return crm.WithHint(fmt.Errorf("unknown function %q", name), didYouMean(name, names, "functions"))
}

// propertyName returns the name of the property that a node stands for.
func propertyName(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value, true
	case *ast.CallNode:
		callee, _ := n.Callee.(*ast.IdentifierNode)
		if callee != nil && callee.Value == "prop" && len(n.Arguments) == 1 {
			name, ok := n.Arguments[0].(*ast.StringNode)
			return valueOf(name), ok
		}
	}
	return "", false
}

func valueOf(n *ast.StringNode) string {
	if n == nil {
		return ""
	}
	return n.Value
}

// placed puts the place of a node before an error about it.
func placed(source file.Source, n ast.Node, err error) error {
	if err == nil {
		return nil
	}
	at := (&file.Error{Location: n.Location()}).Bind(source)
	return fmt.Errorf("%d:%d: %w", at.Line, at.Column+1, err)
}
