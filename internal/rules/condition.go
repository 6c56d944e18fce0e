package rules

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/dealbell/dealbell/internal/crm"
)

// BoundFilter is a condition that knows its database.
type BoundFilter struct {
	program *vm.Program             // nil: never met, because of mistakes
	keys    map[string]crm.Property // name inside the program -> property
}

// memory is what one condition may allocate, in the units of expr.
const memory = 10_000

// Bind finds the properties that a condition names. A nil find asks the
// schema. While there are mistakes with Stops, it keeps nothing.
func (f *Filter) Bind(schema crm.Schema, find func(string) (crm.Property, bool)) (*BoundFilter, []Mistake) {
	b := binder{schema, find}
	bound := &BoundFilter{keys: map[string]crm.Property{}}
	mistakes := b.missing(f.names, true)
	tree, err := parseCondition(f.source)
	if err == nil && len(mistakes) == 0 {
		mistakes = append(mistakes, unknownOptions(tree, b)...)
		err = bound.compile(tree, b)
	}
	if err != nil {
		mistakes = append(mistakes, Mistake{Text: err.Error(), Hint: hintOf(err), Stops: true})
	}
	return bound, mistakes
}

// compile checks the types and then puts functions that know blanks in the
// place of operators.
func (f *BoundFilter) compile(tree *parser.Tree, b binder) error {
	kinds := map[string]crm.Kind{}
	_ = walk(&tree.Node, func(n *ast.Node) error {
		if name, ok := propertyName(*n); ok {
			p, _ := b.property(name)
			key := "property " + p.ID
			f.keys[key], kinds[key] = p, p.Kind
			ast.Patch(n, &ast.IdentifierNode{Value: key})
		}
		return nil
	})
	if err := typecheck(tree, kinds); err != nil {
		return err
	}
	_ = walk(&tree.Node, func(n *ast.Node) error { soften(n); return nil })
	config := bare(append(meanings(), expr.Env(types.Map{types.Extra: types.Any}))...)
	if _, err := checker.Check(tree, config); err != nil {
		return explain(err)
	}
	program, err := compiler.Compile(tree, config)
	if err != nil {
		return fmt.Errorf("compile condition: %w", err)
	}
	f.program = program
	return nil
}

// Properties returns the ids of the properties that the condition looks at.
func (f *BoundFilter) Properties() []string {
	var ids []string
	for _, p := range f.keys {
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	return ids
}

// Keeps reports whether a row meets the condition. A condition that cannot be
// answered for the row is not met.
func (f *BoundFilter) Keeps(row Row, in Context) bool {
	if f.program == nil {
		return false
	}
	env := map[string]any{todayKey: in.today()}
	if !row.CreatedAt.IsZero() {
		env[createdKey] = in.dayOf(row.CreatedAt)
	}
	for key, p := range f.keys {
		env[key] = in.operand(row.Values[p.ID], p.Kind)
	}
	machine := vm.VM{MemoryBudget: memory}
	met, err := machine.Run(f.program, env)
	return err == nil && met == true
}

// unknownOptions reports texts that a select property can never be.
func unknownOptions(tree *parser.Tree, b binder) (mistakes []Mistake) {
	_ = walk(&tree.Node, func(n *ast.Node) error {
		c, ok := (*n).(*ast.BinaryNode)
		if !ok || c.Operator != "==" && c.Operator != "in" {
			return nil
		}
		for _, pair := range [][2]ast.Node{{c.Left, c.Right}, {c.Right, c.Left}} {
			name, _ := propertyName(pair[0])
			if p, found := b.property(name); found && isChoice(p.Kind) {
				mistakes = append(mistakes, unknownIn(p, pair[1])...)
			}
		}
		return nil
	})
	return mistakes
}

func unknownIn(p crm.Property, n ast.Node) (mistakes []Mistake) {
	texts := []ast.Node{n}
	if array, ok := n.(*ast.ArrayNode); ok {
		texts = array.Nodes
	}
	for _, n := range texts {
		text, ok := n.(*ast.StringNode)
		if !ok {
			continue
		}
		if m, wrong := misfit(p, text.Value); wrong {
			m.Stops = false // the option may come with the next lead
			mistakes = append(mistakes, m)
		}
	}
	return mistakes
}
