package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"github.com/dealbell/dealbell/internal/crm"
)

// grammar checks a template before it is ever rendered, and makes every hole
// pass through the escaper, as html/template does.
type grammar struct {
	text   string
	change bool     // whether there is a change, with an old and a new value
	fields []string // what may stand after a dot
	uses   []use
}

// The functions that the grammar adds to holes and conditions.
const (
	escapeFunction = "_escape"
	filledFunction = "_filled"
)

func (g *grammar) list(l *parse.ListNode) error {
	if l == nil {
		return nil
	}
	for _, n := range l.Nodes {
		if err := g.node(n); err != nil {
			return err
		}
	}
	return nil
}

func (g *grammar) node(n parse.Node) error {
	switch n := n.(type) {
	case *parse.TextNode, *parse.CommentNode:
		return nil
	case *parse.ActionNode:
		_, err := g.pipe(n.Pipe)
		appendCommand(n.Pipe, escapeFunction)
		return err
	case *parse.IfNode:
		if _, err := g.pipe(n.Pipe); err != nil {
			return err
		}
		appendCommand(n.Pipe, filledFunction)
		if err := g.list(n.List); err != nil {
			return err
		}
		return g.list(n.ElseList)
	}
	word, _, _ := strings.Cut(strings.Trim(n.String(), "{}- "), " ")
	return g.wrong(n, "{{%s}} is not available, only holes and {{if}}", word)
}

func appendCommand(p *parse.PipeNode, function string) {
	p.Cmds = append(p.Cmds, &parse.CommandNode{
		NodeType: parse.NodeCommand, Pos: p.Pos,
		Args: []parse.Node{parse.NewIdentifier(function).SetPos(p.Pos)},
	})
}

// pipe returns the name of the property that the pipe stands for, if it
// stands for one as it is.
func (g *grammar) pipe(p *parse.PipeNode) (property string, err error) {
	if len(p.Decl) > 0 {
		return "", g.wrong(p, "variables are not available")
	}
	for i, c := range p.Cmds {
		if property, err = g.command(c, i > 0, property); err != nil {
			return "", err
		}
	}
	return property, nil
}

// command checks one call. A piped one gets the value of property before it.
func (g *grammar) command(c *parse.CommandNode, piped bool, property string) (string, error) {
	called, ok := c.Args[0].(*parse.IdentifierNode)
	if !ok {
		if piped || len(c.Args) > 1 {
			return "", g.wrong(c, "%s is no function", c.Args[0])
		}
		return g.operand(c.Args[0])
	}
	if piped && len(c.Args) > 1 {
		return "", crm.WithHint(g.wrong(c, "%s takes nothing more after |", called.Ident),
			fmt.Sprintf("write {{%s (…) …}} instead", called.Ident))
	}
	if called.Ident == "prop" {
		return g.prop(c)
	}
	given := len(c.Args) - 1
	if piped {
		given++
		g.use(property, called.Ident)
	}
	if err := g.call(called, given); err != nil {
		return "", err
	}
	for _, a := range c.Args[1:] {
		property, err := g.operand(a)
		if err != nil {
			return "", err
		}
		g.use(property, called.Ident)
	}
	return "", nil
}

func (g *grammar) use(property, function string) {
	if property != "" {
		g.uses = append(g.uses, use{property, function})
	}
}

// prop takes a literal name, so that the name can be checked in advance.
func (g *grammar) prop(c *parse.CommandNode) (string, error) {
	if len(c.Args) == 2 {
		if name, ok := c.Args[1].(*parse.StringNode); ok && strings.TrimSpace(name.Text) != "" {
			g.use(name.Text, "prop")
			return name.Text, nil
		}
	}
	return "", crm.WithHint(g.wrong(c, "prop takes the name of a property in quotes"), `write {{prop "Deal Name"}}`)
}

// call checks the name and the number of arguments.
func (g *grammar) call(called *parse.IdentifierNode, given int) error {
	f, known := functions[called.Ident]
	if !known || f.change && !g.change {
		return crm.WithHint(g.wrong(called, "unknown function %q", called.Ident), g.functionHint(called.Ident))
	}
	if given < f.least || given > f.most {
		return g.wrong(called, "%s does not take %d arguments", called.Ident, given)
	}
	return nil
}

func (g *grammar) functionHint(name string) string {
	var names []string
	for known, f := range maps.All(functions) {
		if !f.change || g.change {
			names = append(names, known)
		}
	}
	slices.Sort(names)
	return didYouMean(name, names, "functions")
}

// operand checks an argument, and returns the property that it stands for.
func (g *grammar) operand(n parse.Node) (property string, err error) {
	switch n := n.(type) {
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
		return "", nil
	case *parse.IdentifierNode:
		return "", g.call(n, 0)
	case *parse.PipeNode:
		return g.pipe(n)
	case *parse.FieldNode:
		if len(n.Ident) == 1 && slices.Contains(g.fields, n.Ident[0]) {
			return "", nil
		}
		return "", crm.WithHint(g.wrong(n, "unknown field %s", n), didYouMean(n.Ident[0], g.fields, "fields"))
	}
	return "", g.wrong(n, "%s is not available", n)
}

// wrong is an error with the place of a node as line:column.
func (g *grammar) wrong(n parse.Node, format string, args ...any) error {
	before := g.text[:min(len(g.text), int(n.Position()))]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("%d:%d: %s", line, column, fmt.Sprintf(format, args...))
}
