package crm_test

import (
	"context"
	"sync"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
)

func TestAJournalTakesDownWhatIsAboutSomebody(t *testing.T) {
	t.Parallel()
	note := func(ctx context.Context, why string) { crm.Note(ctx, crm.Step{Kind: crm.StepAsked, Why: why}) }
	note(context.Background(), "no journal")
	if got := crm.Noted(context.Background()); got != nil {
		t.Errorf("without a journal: %+v", got)
	}
	ctx, journal := crm.Keep(t.Context(), 7)
	note(ctx, "nobody")
	ana := crm.About(ctx, crm.Record{Key: "ana"})
	note(ana, "one")
	note(crm.About(ana, crm.Record{}), "nobody again")
	note(crm.About(ana, crm.Record{Page: "p"}), "two")
	early := crm.Noted(ctx)
	note(ana, "three")
	late, about, whole := journal.Left()
	if len(early) != 2 || early[0].Why != "one" || early[0].Record.Key != "ana" || early[0].Job != 7 || early[0].At.IsZero() || early[1].Record != (crm.Record{Page: "p"}) {
		t.Errorf("taken early: %+v", early)
	}
	if len(late) != 1 || late[0].Why != "three" || about.Key != "ana" || whole {
		t.Errorf("left: %+v, about %+v, whole %v", late, about, whole)
	}
}

func TestAJournalTakesManyAtOnce(t *testing.T) {
	t.Parallel()
	ctx, journal := crm.Keep(t.Context(), 1)
	ctx = crm.About(ctx, crm.Record{Key: "ana"})
	var early []crm.Step
	var all sync.WaitGroup
	const n = 100
	for range n {
		all.Go(func() { crm.Note(ctx, crm.Step{Kind: crm.StepAsked}) })
	}
	early = crm.Noted(ctx)
	all.Wait()
	if left, _, _ := journal.Left(); len(early)+len(left) != n {
		t.Errorf("%d and %d steps, want %d", len(early), len(left), n)
	}
}
