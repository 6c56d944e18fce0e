package rules

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// happened reports whether the way from one value to another is the
// transition. What a person would call the same value is no transition.
func (w When) happened(from, to crm.Value, in Context) bool {
	switch {
	case from.Same(to):
		return false
	case w.Is == isSet:
		return empty(from) && !empty(to)
	case w.Is == isCleared:
		return !empty(from) && empty(to)
	case w.Changes != nil:
		return in.isAny(from, w.Changes.From) && in.isAny(to, w.Changes.To)
	}
	return slices.ContainsFunc(w.Becomes, func(want string) bool {
		// Whether a list that Notion cut held it before, nobody knows.
		return in.is(to, want) && !in.is(from, want) && (!from.More || strings.TrimSpace(want) == "")
	})
}

// isAny reports whether v is one of the wanted values; no wish is any value.
func (in Context) isAny(v crm.Value, wanted List) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(want string) bool { return in.is(v, want) })
}

// is reports whether v is, or as a list holds, what the operator wrote.
func (in Context) is(v crm.Value, want string) bool {
	want = strings.TrimSpace(want)
	switch {
	case want == "":
		return empty(v)
	case v.Kind == crm.KindCheckbox || v.Check:
		yes, ok := yesOrNo(want)
		return ok && yes == v.Check
	case v.Number != "":
		n, ok := decimal(want)
		return ok && crm.Value{Kind: v.Kind, Number: n}.Same(crm.Value{Kind: v.Kind, Number: v.Number})
	case v.Date != nil:
		return in.isOn(v.Date.Start, want)
	case len(v.Names) > 0:
		return slices.ContainsFunc(v.Names, func(name string) bool { return crm.SameName(name, want) })
	case len(v.IDs) > 0:
		return slices.ContainsFunc(v.IDs, func(id string) bool {
			return id == crm.NormalID(want) || crm.SameName(in.person(id), want)
		})
	}
	return crm.SameName(v.Text, want)
}

// empty is what set and cleared look at: an unticked checkbox is not set.
func empty(v crm.Value) bool {
	return v.Blank() || v.Kind == crm.KindCheckbox && !v.Check
}

// isOn compares with a day, or exactly with a moment.
func (in Context) isOn(start, want string) bool {
	if moment, err := time.Parse(time.RFC3339, want); err == nil {
		at, err := time.Parse(time.RFC3339, start)
		return err == nil && at.Equal(moment)
	}
	day, ok := in.day(want)
	got, okGot := in.day(start)
	return ok && okGot && day.Equal(got)
}

func yesOrNo(s string) (yes, ok bool) {
	switch strings.ToLower(s) {
	case "true", "yes":
		return true, true
	case "false", "no":
		return false, true
	}
	return false, false
}

// decimal reads a number in the usual way of writing.
func decimal(s string) (json.Number, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || strings.ContainsAny(s, "xXpP_") {
		return "", false
	}
	return json.Number(strings.TrimPrefix(s, "+")), true
}
