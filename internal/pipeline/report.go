package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// State is what the package needs of the store.
type State interface {
	Schema(ctx context.Context, database string) (crm.Schema, bool, error)
	Bindings(ctx context.Context, database string) (map[string]string, error)
	Read(ctx context.Context, database string) (crm.Read, error)
	Rows(ctx context.Context, database string, visit func(crm.Snapshot) error) error
	Changes(ctx context.Context, f store.ChangeFilter) ([]crm.Change, error)
}

// Spec says where deals are and what their stages mean.
type Spec struct {
	Database string // id
	Stage    string // property
	Value    string // property; "" for none
	Won      []string
	Lost     []string
	Zone     *time.Location // of months
}

// Report is how deals stand.
type Report struct {
	Known  bool  // the database was read, and has the property of the stage
	Open   Stage // all that are neither won nor lost
	Stages []Standing
	Months []Month   // the last twelve, oldest first
	Since  time.Time // since when changes are known
}

// Standing is one stage, and how long rows stay in it.
type Standing struct {
	Stage
	Closed bool          // won or lost
	Median time.Duration // of the stays that have ended; 0 where none has
	Stays  int           // that have ended, and whose length is known
}

// Month is how many deals were closed in a month, as far as the ledger knows
// and they still are.
type Month struct {
	Start     time.Time
	Won, Lost int
}

// Rate returns how many percent of the closed deals were won.
func (m Month) Rate() int { return (100*m.Won + (m.Won+m.Lost)/2) / max(1, m.Won+m.Lost) }

const months = 12

// Read makes the report.
func Read(ctx context.Context, state State, spec Spec, now time.Time) (Report, error) {
	r := &reading{Spec: spec, history: NewHistory(), tally: NewTally(), stays: map[string][]time.Duration{}}
	found, err := r.bind(ctx, state)
	if err != nil || !found {
		return Report{}, err
	}
	if err := EachChange(ctx, state, spec.Database, r.stage.ID, func(c crm.Change) { r.history.Add(c) }); err != nil {
		return Report{}, err
	}
	r.Months = lastMonths(now.In(spec.Zone))
	if err := state.Rows(ctx, spec.Database, r.visit); err != nil {
		return Report{}, fmt.Errorf("read deals: %w", err)
	}
	r.Known, r.Since = true, r.ledger.CompletedAt
	for _, s := range r.tally.InOrder(r.stage.Options) {
		stays := r.stays[s.Name]
		r.Stages = append(r.Stages, Standing{Stage: s, Closed: r.is(s.Name, spec.Won) || r.is(s.Name, spec.Lost), Median: median(stays), Stays: len(stays)})
	}
	return r.Report, nil
}

// reading is one making of a report.
type reading struct {
	Spec
	Report
	stage   crm.Property
	value   crm.Property
	ledger  crm.Read
	history History
	tally   *Tally
	stays   map[string][]time.Duration
}

func (r *reading) bind(ctx context.Context, state State) (found bool, err error) {
	schema, known, err := state.Schema(ctx, r.Database)
	if err != nil || !known {
		return false, err
	}
	names, err := state.Bindings(ctx, r.Database)
	if err != nil {
		return false, err
	}
	b := crm.Bindings{Schema: schema, Known: names}
	r.stage, found = b.Property(r.Stage)
	r.value, _ = b.Property(r.Value)
	r.ledger, err = state.Read(ctx, r.Database)
	return found, err
}

func (r *reading) visit(row crm.Snapshot) error {
	name, value := row.Values[r.stage.ID].String(), row.Values[r.value.ID]
	r.tally.Add(name, value)
	won, lost := r.is(name, r.Won), r.is(name, r.Lost)
	if !won && !lost {
		r.Open.add(value)
	}
	for stage, long := range r.history.left(row, r.ledger) {
		r.stays[stage] = append(r.stays[stage], long...)
	}
	if at, seen := r.history.closed(row.Page); seen && (won || lost) {
		r.close(at.In(r.Zone), won)
	}
	return nil
}

// close counts a deal in the month in which it was won or lost.
func (r *reading) close(at time.Time, won bool) {
	for i := range r.Months {
		m := &r.Months[i]
		if m.Start.Year() != at.Year() || m.Start.Month() != at.Month() {
			continue
		}
		if won {
			m.Won++
		} else {
			m.Lost++
		}
	}
}

func (r *reading) is(stage string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return crm.SameName(n, stage) })
}

func lastMonths(now time.Time) []Month {
	found := make([]Month, months)
	for i := range found {
		found[i].Start = time.Date(now.Year(), now.Month()-months+1+time.Month(i), 1, 0, 0, 0, 0, now.Location())
	}
	return found
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// changesByLook is how many changes are in memory at a time.
const changesByLook = 1000

// EachChange visits the changes of a property, in the order of the ledger.
func EachChange(ctx context.Context, state interface {
	Changes(ctx context.Context, f store.ChangeFilter) ([]crm.Change, error)
}, database, property string, visit func(crm.Change),
) error {
	look := store.ChangeFilter{Database: database, Property: property, Limit: changesByLook}
	for {
		changes, err := state.Changes(ctx, look)
		if err != nil {
			return err
		}
		for _, c := range changes {
			visit(c)
		}
		if len(changes) < changesByLook {
			return nil
		}
		look.After = changes[len(changes)-1].ID
	}
}
