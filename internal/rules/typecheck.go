package rules

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"

	"github.com/dealbell/dealbell/internal/crm"
)

// The kinds whose values are computed by Notion and of the simple types that
// conditions know.
const (
	kindCreatedTime crm.Kind = "created_time"
	kindEditedTime  crm.Kind = "last_edited_time"
	kindCreatedBy   crm.Kind = "created_by"
	kindEditedBy    crm.Kind = "last_edited_by"
	kindUniqueID    crm.Kind = "unique_id"
	kindFormula     crm.Kind = "formula"
	kindRollup      crm.Kind = "rollup"
)

// typeOf is what a condition takes the values of a kind for. What a formula
// or a rollup gives is known only when it is seen.
func typeOf(k crm.Kind) types.Type {
	switch k {
	case crm.KindNumber:
		return types.Float64
	case crm.KindTitle, crm.KindText, crm.KindEmail, crm.KindURL, crm.KindPhone, crm.KindSelect, crm.KindStatus, kindUniqueID:
		return types.String
	case crm.KindCheckbox:
		return types.Bool
	case crm.KindDate, kindCreatedTime, kindEditedTime:
		return types.TypeOf(time.Time{})
	case crm.KindMultiSelect, crm.KindPeople, crm.KindRelation, kindCreatedBy, kindEditedBy:
		return types.TypeOf([]string{})
	}
	return types.Any
}

// typecheck reports what can be known to be wrong before there is a row. The
// names of properties in tree are keys of kinds.
func typecheck(tree *parser.Tree, kinds map[string]crm.Kind) error {
	names := types.Map{}
	for key, kind := range kinds {
		names[key] = typeOf(kind)
	}
	nothing := func(...any) (any, error) { return nil, nil }
	config := bare(expr.Env(names),
		expr.Function("today", nothing, new(func() time.Time)),
		expr.Function("created", nothing, new(func() time.Time)),
		expr.Function("date", nothing, new(func(string) time.Time)),
		expr.Function("days_since", nothing, new(func(time.Time) int)),
		expr.Function("blank", nothing, new(func(any) bool)),
	)
	_, err := checker.Check(tree, config)
	dates := walk(&tree.Node, func(n *ast.Node) error { return placed(tree.Source, *n, noDateArithmetic(*n)) })
	switch {
	case dates != nil: // what expr says then is about durations
		return dates
	case err != nil:
		return crm.WithHint(explain(err), typeHint(err.Error()))
	}
	return nil
}

// noDateArithmetic refuses what expr would take for a duration.
func noDateArithmetic(n ast.Node) error {
	b, ok := n.(*ast.BinaryNode)
	if !ok || !slices.Contains([]string{"+", "-", "*", "/"}, b.Operator) {
		return nil
	}
	date := reflect.TypeFor[time.Time]()
	if b.Left.Type() != date && b.Right.Type() != date {
		return nil
	}
	return crm.WithHint(fmt.Errorf("there is no %s for dates", b.Operator), "count days with days_since(…)")
}

func typeHint(problem string) string {
	switch {
	case strings.Contains(problem, "[]string"):
		return `a property with several values is asked with "…" in it`
	case strings.Contains(problem, "time.Time"):
		return `write a day as date("2026-12-31"), or count days with days_since(…)`
	case strings.Contains(problem, "float64"), strings.Contains(problem, "int"):
		return "write numbers without quotes, and texts with them"
	}
	return ""
}

// explain puts an error of expr into our words, without its drawing.
func explain(err error) error {
	words := strings.NewReplacer(" float64", " number", " integer", " integer", " int", " number", " string", " text",
		" time.Time", " date", " []string", " list", " []interface {}", " list", " bool", " yes/no")
	e, ok := errors.AsType[*file.Error](err)
	if !ok {
		return errors.New(words.Replace(err.Error()))
	}
	return fmt.Errorf("%d:%d: %s", e.Line, e.Column+1, words.Replace(e.Message))
}
