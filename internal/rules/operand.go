package rules

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// operand is a value as conditions see it: nil, bool, float64, string, day or
// list of strings.
func (in Context) operand(v crm.Value, kind crm.Kind) any {
	switch {
	case kind == crm.KindCheckbox || v.Check:
		return v.Check
	case v.Number != "":
		n, err := v.Number.Float64()
		if err != nil || math.IsInf(n, 0) {
			return nil
		}
		return n
	case v.Date != nil:
		if day, ok := in.day(v.Date.Start); ok {
			return day
		}
	case len(v.Names) > 0 && kind != crm.KindMultiSelect:
		return v.Names[0]
	case len(v.Names) > 0:
		return anyList(v.Names)
	case len(v.IDs) > 0:
		return anyList(in.members(v))
	case strings.TrimSpace(v.Text) != "":
		return v.Text
	}
	return nil
}

// members returns names of people, and ids where no name is known.
func (in Context) members(v crm.Value) []string {
	var all []string
	for _, id := range v.IDs {
		all = append(all, cmp.Or(in.person(id), id))
	}
	return all
}

func anyList(texts []string) []any {
	var all []any
	for _, t := range texts {
		all = append(all, t)
	}
	return all
}

// same compares as people do. An absent yes or no is no.
func same(a, b any) bool {
	if all, ok := a.([]any); ok && !nothing(b) {
		other, _ := b.([]any)
		return len(all) == len(other) && !slices.ContainsFunc(all, func(x any) bool {
			return !slices.ContainsFunc(other, func(y any) bool { return same(x, y) })
		})
	}
	if nothing(a) || nothing(b) {
		return nothing(a) && nothing(b) || a == false || b == false
	}
	if a, ok := a.(bool); ok {
		return a == b
	}
	n, ok := compare(a, b)
	return ok && n == 0
}

// nothing reports whether an operand is blank.
func nothing(a any) bool {
	switch a := a.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(a) == ""
	case []any:
		return len(a) == 0
	}
	return false
}

// compare orders two operands of one type.
func compare(a, b any) (int, bool) {
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		if !ok || nothing(x) || nothing(y) {
			return 0, false
		}
		if crm.SameName(x, y) {
			return 0, true
		}
		return cmp.Compare(strings.ToLower(x), strings.ToLower(y)), true
	case time.Time:
		y, ok := b.(time.Time)
		return x.Compare(y), ok
	}
	x, okX := float(a)
	y, okY := float(b)
	return cmp.Compare(x, y), okX && okY
}

func float(a any) (float64, bool) {
	switch n := a.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	}
	return 0, false
}

// calculate is nil where a side is blank or the result is no number.
func calculate(operator string, a, b any) any {
	s, textA := a.(string)
	t, textB := b.(string)
	if operator == "+" && (textA || textB) {
		return s + t
	}
	x, okX := float(a)
	y, okY := float(b)
	if !okX || !okY || operator == "/" && y == 0 {
		return nil
	}
	switch operator {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	}
	return x / y
}
