package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

func TestADailyReconcileFindsWhatIsGone(t *testing.T) {
	for _, tc := range []struct {
		name   string
		happen func(s *watch, deal string)
		undo   func(s *watch, deal string)
	}{
		{"to the trash", func(s *watch, deal string) { s.notion.Trash(deal) }, func(s *watch, deal string) { s.notion.Restore(deal) }},
		{"for good", func(s *watch, deal string) { s.notion.Purge(deal) }, nil},
		{"out of reach", func(s *watch, deal string) { s.notion.Unshare(deal) }, func(s *watch, deal string) { s.notion.Share(deal) }},
		{"into a database that nobody watches", func(s *watch, deal string) { s.notion.MoveRow(deal, s.crm.Activities) }, func(s *watch, deal string) { s.notion.MoveRow(deal, s.crm.Deals) }},
		{"into a watched database", func(s *watch, deal string) { s.notion.MoveRow(deal, s.crm.Contacts) }, func(s *watch, deal string) { s.notion.MoveRow(deal, s.crm.Deals) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			watching(t, sandbox.Options{}, func(s *watch) {
				deals := s.addDeals(3, "Negotiation")
				s.start()
				time.Sleep(time.Hour)
				tc.happen(s, deals[1])
				s.reconcile()
				time.Sleep(time.Minute)
				if got := s.known(); got != 2 {
					t.Errorf("%d deals known, want 2", got)
				}
				if tc.undo == nil {
					s.stop()
					return
				}
				tc.undo(s, deals[1])
				s.notion.EditRow(deals[1], map[string]any{"Stage": "Won", "Value": 1})
				time.Sleep(10 * time.Minute)
				if got := s.known(); got != 3 {
					t.Errorf("%d deals known after it came back, want 3", got)
				}
				if into := strings.HasPrefix(tc.name, "into a watched"); !into { // what it was there is nothing to compare with
					s.heard("🎉 Deal won: *Deal 1* — $1")
				}
				s.stop()
			})
		})
	}
}

func TestADatabaseThatIsOutOfReachLosesNothing(t *testing.T) {
	watching(t, sandbox.Options{}, func(s *watch) {
		deals := s.addDeals(3, "Negotiation")
		s.start()
		time.Sleep(time.Hour)
		s.notion.UnshareDatabase(s.crm.Deals)
		s.reconcile()
		s.attached(func(db *store.DB) error { // somebody says that all of them changed
			var clues []crm.Clue
			for _, deal := range deals {
				clues = append(clues, crm.Clue{Database: s.crm.Deals.ID, Page: deal, At: time.Now(), By: crm.SeenFetch})
			}
			return db.Apply(context.Background(), crm.Commit{Clues: clues, Jobs: []crm.Job{poll.ClueJob(s.crm.Deals.ID)}})
		})
		time.Sleep(3 * time.Hour)
		if got := s.known(); got != 3 {
			t.Errorf("%d deals known, want all 3", got)
		}
		s.notion.ShareDatabase(s.crm.Deals)
		s.notion.EditRow(deals[0], map[string]any{"Stage": "Won"})
		time.Sleep(20 * time.Minute) // the longest wait of a job, and a bit
		s.heard("🎉 Deal won: *Deal 0* — $1")
		if left := s.status().Queue[0]; s.known() != 3 || left.Dead+left.Waiting+left.Ready > 0 {
			t.Errorf("%d deals known, live lane %+v", s.known(), left)
		}
		s.stop()
	})
}

// What a query does not show yet is no news and not gone.
func TestASlowIndexNeitherHidesNorLosesARow(t *testing.T) {
	watching(t, sandbox.Options{QueryLag: 50 * time.Second}, func(s *watch) {
		deals := s.addDeals(2, "Negotiation")
		time.Sleep(time.Hour)
		s.start()
		time.Sleep(time.Hour)
		s.bell.lost.Store(false)
		for i := range 6 { // at any moment of a poll and a reconcile
			s.notion.EditRow(deals[0], map[string]any{"Stage": []string{"Won", "Negotiation"}[i%2]})
			made := s.addDeals(1, "Lead")[0]
			s.deliver(10 * time.Second)
			s.reconcile()
			s.deliver(53 * time.Second)
			s.notion.EditRow(made, map[string]any{"Value": 2})
			s.deliver(3 * time.Minute)
		}
		if got := s.known(); got != 8 {
			t.Errorf("%d deals known, want 8", got)
		}
		won := "🎉 Deal won: *Deal 0* — $1"
		s.heard(won, "🤝 In negotiation: *Deal 0* — $1", won, "🤝 In negotiation: *Deal 0* — $1", won, "🤝 In negotiation: *Deal 0* — $1")
		s.stop()
	})
}
