// Package pipeline tells how deals stand: how many there are in each stage,
// what they are worth, how long they stay there, and how many are won.
//
// It reads the replica and the ledger of changes alone, never Notion.
package pipeline

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// Stage is what is counted of one stage.
type Stage struct {
	Name  string // as in Notion; "" for none
	Count int
	Value float64
}

// Tally counts rows by stage.
type Tally struct {
	All    Stage // together
	stages map[string]*Stage
}

// NewTally returns a tally without rows.
func NewTally() *Tally { return &Tally{stages: map[string]*Stage{}} }

// Add counts a row. A value that is no number counts as nothing.
func (t *Tally) Add(stage string, value crm.Value) {
	s := t.stages[strings.ToLower(stage)]
	if s == nil {
		s = &Stage{Name: stage}
		t.stages[strings.ToLower(stage)] = s
	}
	s.add(value)
	t.All.add(value)
}

func (s *Stage) add(value crm.Value) {
	s.Count++
	if worth, err := value.Number.Float64(); err == nil {
		s.Value += worth
	}
}

// InOrder lists the stages in the order of the property's options, then those
// that it no longer has, then none.
func (t *Tally) InOrder(options []string) []Stage {
	place := func(s *Stage) int {
		i := slices.IndexFunc(options, func(o string) bool { return crm.SameName(o, s.Name) })
		switch {
		case s.Name == "":
			return len(options) + 1
		case i < 0:
			return len(options)
		}
		return i
	}
	sorted := slices.SortedFunc(maps.Values(t.stages), func(a, b *Stage) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a.Name, b.Name))
	})
	found := make([]Stage, len(sorted))
	for i, s := range sorted {
		found[i] = *s
	}
	return found
}
