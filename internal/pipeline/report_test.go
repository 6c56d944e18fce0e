package pipeline_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/pipeline"
	"github.com/dealbell/dealbell/internal/store"
)

var (
	now   = at("2026-11-20 12:00")
	begun = at("2026-06-01 00:00") // the ledger
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

// ledger is a replica of Deals, written down by hand.
type ledger struct {
	rows    []crm.Snapshot
	changes []crm.Change
	schema  crm.Schema
}

func newLedger() *ledger {
	return &ledger{schema: crm.Schema{Database: "deals", Properties: []crm.Property{
		{ID: "s", Name: "Stage", Kind: crm.KindStatus, Options: []string{"Lead", "Negotiation", "Won", "Lost"}},
		{ID: "v", Name: "Value", Kind: crm.KindNumber},
	}}}
}

func (l *ledger) Schema(context.Context, string) (crm.Schema, bool, error) {
	return l.schema, len(l.schema.Properties) > 0, nil
}
func (l *ledger) Bindings(context.Context, string) (map[string]string, error) { return nil, nil }
func (l *ledger) Read(context.Context, string) (crm.Read, error) {
	return crm.Read{CompletedAt: begun}, nil
}

func (l *ledger) Rows(_ context.Context, _ string, visit func(crm.Snapshot) error) error {
	for _, row := range l.rows {
		if err := visit(row); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) Changes(_ context.Context, f store.ChangeFilter) (found []crm.Change, _ error) {
	for _, c := range l.changes {
		if c.ID > f.After && c.Property == f.Property && len(found) < f.Limit {
			found = append(found, c)
		}
	}
	return found, nil
}

// deal adds a row that was made at some time and then moved: stage, time,
// stage, time, …, stage.
func (l *ledger) deal(page, made, value string, way ...string) {
	stage := way[0]
	for i := 1; i+1 < len(way); i += 2 {
		l.changes = append(l.changes, crm.Change{
			ID: int64(len(l.changes) + 1), Page: page, Property: "s", EditedAt: at(way[i]),
			Old: crm.Choice(crm.KindStatus, stage), New: crm.Choice(crm.KindStatus, way[i+1]),
		})
		stage = way[i+1]
	}
	l.rows = append(l.rows, crm.Snapshot{Page: page, CreatedAt: at(made), Values: map[string]crm.Value{
		"s": crm.Choice(crm.KindStatus, stage), "v": {Kind: crm.KindNumber, Number: json.Number(value)},
	}})
}

var spec = pipeline.Spec{Database: "deals", Stage: "Stage", Value: "Value", Won: []string{"won"}, Lost: []string{"Lost"}, Zone: time.UTC}

func (l *ledger) read(t *testing.T) pipeline.Report {
	t.Helper()
	r, err := pipeline.Read(t.Context(), l, spec, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDealsAreCountedByStageInNotionsOrder(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.deal("a", "2026-07-01 00:00", "100", "Won")
	l.deal("b", "2026-07-01 00:00", "20.5", "Negotiation")
	l.deal("c", "2026-07-01 00:00", "", "Lead")
	l.deal("d", "2026-07-01 00:00", "7", "Lead")
	l.deal("e", "2026-07-01 00:00", "1", "Gone stage")
	r := l.read(t)
	var got []pipeline.Stage
	for _, s := range r.Stages {
		got = append(got, s.Stage)
	}
	want := []pipeline.Stage{{Name: "Lead", Count: 2, Value: 7}, {Name: "Negotiation", Count: 1, Value: 20.5}, {Name: "Won", Count: 1, Value: 100}, {Name: "Gone stage", Count: 1, Value: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	if want := (pipeline.Stage{Count: 4, Value: 28.5}); r.Open != want {
		t.Errorf("open: %+v, want %+v", r.Open, want)
	}
	if !r.Stages[2].Closed || r.Stages[1].Closed {
		t.Errorf("closed: %+v", r.Stages)
	}
}

func TestOnlyStaysOfKnownLengthCount(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.deal("new", "2026-07-01 00:00", "", "Lead", "2026-07-03 00:00", "Negotiation", "2026-07-13 00:00", "Won")
	l.deal("newer", "2026-08-01 00:00", "", "Lead", "2026-08-05 00:00", "Negotiation")
	l.deal("older than the ledger", "2025-01-01 00:00", "", "Lead", "2026-06-02 00:00", "Negotiation", "2026-06-22 00:00", "Lost")
	got := map[string]time.Duration{}
	for _, s := range l.read(t).Stages {
		got[s.Name] = s.Median
	}
	const day = 24 * time.Hour
	want := map[string]time.Duration{"Negotiation": 15 * day, "Won": 0, "Lost": 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("medians (-want +got):\n%s", diff)
	}
	l.deal("in the first stage", "2026-09-01 00:00", "", "Lead")
	if s := l.read(t).Stages[0]; s.Name != "Lead" || s.Median != 3*day || s.Stays != 2 {
		t.Errorf("got %+v, want a median of 3 days of 2 stays", s)
	}
}

func TestADealCountsInTheMonthOfItsLastClosing(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.deal("won", "2026-07-01 00:00", "", "Lead", "2026-10-31 23:59", "Won")
	l.deal("won after it was lost", "2026-07-01 00:00", "", "Lead", "2026-08-01 00:00", "Lost", "2026-11-01 00:00", "Won")
	l.deal("lost", "2026-07-01 00:00", "", "Lead", "2026-11-02 00:00", "Lost")
	l.deal("lost, too", "2026-07-01 00:00", "", "Lead", "2026-11-03 00:00", "Lost")
	l.deal("opened again", "2026-07-01 00:00", "", "Lead", "2026-11-04 00:00", "Won", "2026-11-05 00:00", "Lead")
	l.deal("closed before anybody looked", "2025-07-01 00:00", "", "Won")
	l.deal("more than a year ago", "2025-07-01 00:00", "", "Lead", "2025-11-30 00:00", "Won")
	months := l.read(t).Months
	if len(months) != 12 || !months[0].Start.Equal(at("2025-12-01 00:00")) {
		t.Fatalf("months: %+v", months)
	}
	for i, m := range months {
		want := pipeline.Month{Start: m.Start}
		switch i {
		case 10:
			want.Won = 1
		case 11:
			want.Won, want.Lost = 1, 2
		}
		if m != want {
			t.Errorf("%s: %+v, want %+v", m.Start.Format("2006-01"), m, want)
		}
	}
	if got := [...]int{months[0].Rate(), months[10].Rate(), months[11].Rate()}; got != [...]int{0, 100, 33} {
		t.Errorf("rates %v", got)
	}
}

func TestWithoutTheStageThereIsNoReport(t *testing.T) {
	t.Parallel()
	if r := (&ledger{}).read(t); r.Known {
		t.Errorf("got %+v of a database that was never read", r)
	}
	l := newLedger()
	l.schema.Properties = l.schema.Properties[1:]
	if r := l.read(t); r.Known {
		t.Errorf("got %+v without a stage", r)
	}
}
