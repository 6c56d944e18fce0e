package notify

import (
	"context"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

func TestADatabaseWithoutRulesCostsNothing(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		w.end()
		w.see(w.edit("a", "Won"))
		s := New(w.o)
		s.o.State = counting{w.db, t}
		commit, err := s.Match(context.Background(), MatchJob())
		if err != nil || commit.Matched == 0 || len(commit.Messages)+len(commit.Jobs) != 0 {
			t.Errorf("Match = %+v, %v; want the watermark alone", commit, err)
		}
	})
}

// counting is a store that nobody may ask about pages.
type counting struct {
	State
	t *testing.T
}

func (c counting) Schema(ctx context.Context, database string) (crm.Schema, bool, error) {
	c.t.Error("the schema is read")
	return c.State.Schema(ctx, database)
}

func (c counting) Snapshot(ctx context.Context, page string) (crm.Snapshot, bool, error) {
	c.t.Error("the page is read")
	return c.State.Snapshot(ctx, page)
}

// forgetful is a store that has forgotten a page.
type forgetful struct{ State }

func (f forgetful) Snapshot(ctx context.Context, page string) (crm.Snapshot, bool, error) {
	return crm.Snapshot{Page: page}, false, nil
}

func TestAPageThatIsForgottenHoldsNothing(t *testing.T) {
	t.Parallel()
	inDeals(t, func(w *world) {
		w.rule("won", "Won", "", "won {{title}}")
		w.end()
		w.see(w.edit("a", "Won"))
		pass(time.Minute)
		w.see(w.edit("a", "Lost", "Acme"))
		w.o.State = forgetful{w.db}
		commit, err := New(w.o).Match(context.Background(), MatchJob())
		if err != nil || len(commit.Messages) != 1 {
			t.Errorf("Match = %+v, %v; want one message", commit, err)
		}
	})
}
