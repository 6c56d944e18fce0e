package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// watch is a sales world without digests, whose events get lost until they
// are let through: what it knows, it read.
type watch struct{ *sales }

func watching(t *testing.T, o sandbox.Options, story func(*watch)) {
	inSales(t, o, sandbox.DeliveryPlan{}, func(s *sales) {
		s.bell.lost.Store(true)
		s.change = func(c *config.Config) { c.Digests = map[string]digest.Spec{} }
		story(&watch{s})
	})
}

// queries counts the requests for rows of a database since the transcript was
// forgotten, and forgets it.
func (s *watch) queries(db *sandbox.Database) (n int) {
	for _, x := range s.notion.Transcript() {
		if x.Path == "/v1/data_sources/"+db.DataSourceID+"/query" {
			n++
		}
	}
	s.notion.ForgetTranscript()
	return n
}

// addDeals makes deals at the same moment.
func (s *watch) addDeals(n int, stage string) (pages []string) {
	for i := range n {
		pages = append(pages, s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": fmt.Sprintf("Deal %d", i), "Stage": stage, "Value": 1}))
	}
	return pages
}

// known counts the deals that are not gone, as Dealbell knows them.
func (s *watch) known() (n int) {
	s.t.Helper()
	s.attached(func(db *store.DB) error {
		return db.Rows(context.Background(), s.crm.Deals.ID, func(crm.Snapshot) error { n++; return nil })
	})
	return n
}

// reconcile does not wait for the day to be over.
func (s *watch) reconcile() {
	s.t.Helper()
	s.attached(func(db *store.DB) error {
		return db.Apply(context.Background(), crm.Commit{Jobs: []crm.Job{poll.ReconcileJob(s.crm.Deals.ID, time.Time{})}})
	})
}

// reach is how far the deals were read.
func (s *watch) reach() (d app.DatabaseStatus) {
	s.t.Helper()
	for _, db := range s.status().Databases {
		if db.ID == s.crm.Deals.ID {
			d = db
		}
	}
	return d
}

func TestWhatADayOfPollsCosts(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	watching(t, sandbox.Options{}, func(s *watch) {
		s.addDeals(30, "Lead")
		s.start()
		time.Sleep(10 * time.Minute)
		s.notion.ForgetTranscript()
		time.Sleep(24 * time.Hour)
		// 12 an hour for each database, and once a day its properties and all rows
		want := map[string]int{"POST data_sources/*/query": 2 * (24*12 + 1), "GET databases/*": 2, "GET data_sources/*": 2}
		got := s.requests()
		for what, n := range want {
			if got[what] != n {
				t.Errorf("%d × %s, want %d", got[what], what, n)
			}
		}
		if len(got) != len(want) {
			t.Errorf("requests %v, want no others", got)
		}
		s.stop()
	})
}

func TestWhatChangesCost(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	watching(t, sandbox.Options{}, func(s *watch) {
		deals := s.addDeals(250, "Lead")
		s.start()
		time.Sleep(22*time.Minute + 30*time.Second) // between two polls
		for _, tc := range []struct{ changes, requests int }{{0, 1}, {1, 1}, {100, 1}, {101, 2}, {250, 3}} {
			s.notion.ForgetTranscript()
			for i := range tc.changes {
				s.notion.EditRow(deals[i], map[string]any{"Value": tc.changes})
			}
			time.Sleep(5 * time.Minute)
			if got := s.queries(s.crm.Deals); got != tc.requests {
				t.Errorf("%d changes cost %d requests, want %d", tc.changes, got, tc.requests)
			}
			time.Sleep(20 * time.Minute)
			s.notion.ForgetTranscript()
			time.Sleep(time.Hour)
			if got := s.queries(s.crm.Deals); got != 12 {
				t.Errorf("%d changes are read again later: %d requests in an hour, want 12", tc.changes, got)
			}
		}
		s.stop()
	})
}

// A bulk edit is the newest edit for a long time: the watermark must leave it
// behind all the same.
func TestABulkEditIsNotReadAgainAtEveryPoll(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	watching(t, sandbox.Options{}, func(s *watch) {
		deals := s.addDeals(3000, "Lead")
		s.start()
		time.Sleep(17 * time.Minute)
		s.notion.ForgetTranscript()
		for _, deal := range deals {
			s.notion.EditRow(deal, map[string]any{"Value": 2})
		}
		time.Sleep(20 * time.Minute)
		if got := s.queries(s.crm.Deals); got > 3*30+1 { // while it is younger than the two clocks may differ
			t.Errorf("%d requests in 20 minutes, want 3 reads of 30 at most", got)
		}
		time.Sleep(30 * time.Minute)
		if got := s.queries(s.crm.Deals); got != 6 {
			t.Errorf("%d requests in the half hour after, want 6", got)
		}
		s.stop()
	})
}

func TestAReadThatFailsInTheMiddleGoesOnAtTheSamePlace(t *testing.T) {
	watching(t, sandbox.Options{}, func(s *watch) {
		deals := s.addDeals(250, "Negotiation")
		s.start()
		time.Sleep(32 * time.Minute)
		for i, deal := range deals {
			s.notion.EditRow(deal, map[string]any{"Value": i})
		}
		last := s.rowsOf(s.crm.Deals)[249] // the last that a read comes to
		s.notion.EditRow(last, map[string]any{"Stage": "Won"})
		query := sandbox.Match{Path: "/v1/data_sources/" + s.crm.Deals.DataSourceID + "/query"}
		var script []sandbox.Scripted
		for nth := 3; nth <= 5; nth++ { // the last third, as often as the client tries
			script = append(script, sandbox.Scripted{Match: query, Nth: nth, Fault: sandbox.BadGatewayHTML})
		}
		s.notion.SetFaults(sandbox.Faults{Script: script})
		before := s.reach().PolledAt
		for len(s.notion.Transcript()) == 0 || s.notion.Transcript()[len(s.notion.Transcript())-1].Fault != sandbox.BadGatewayHTML {
			time.Sleep(time.Second)
		}
		time.Sleep(time.Second)
		if s.reach().PolledAt != before || len(s.rings()) > 0 {
			t.Fatalf("polled at %v, rings %v: the read did not fail", s.reach().PolledAt, s.rings())
		}
		s.crash() // and the place is not in memory
		time.Sleep(4 * time.Minute)
		if got := s.rings(); len(got) != 1 || !strings.Contains(got[0], "Deal won") {
			t.Errorf("rings %q, want the deal that was not read at first, before the next poll is due", got)
		}
		s.stop()
	})
}

// rowsOf lists the ids of all rows of a database, oldest first.
func (s *watch) rowsOf(db *sandbox.Database) (ids []string) {
	for _, r := range s.notion.Rows(db) {
		ids = append(ids, r.ID)
	}
	return ids
}

// More rows in one minute than one run of a reconcile reads, and a process
// that is killed in the middle. That of more than one query shows is in
// package poll.
func TestALargeDatabaseIsReadAndReconciledAcrossRestarts(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	watching(t, sandbox.Options{Latency: 100 * time.Millisecond}, func(s *watch) {
		quick := s.change
		s.change = func(c *config.Config) { quick(c); c.Deals.Poll = config.Duration(20 * time.Minute) }
		for _, n := range []int{500, 500, 2100, 100} {
			s.addDeals(n, "Lead")
			time.Sleep(time.Minute)
		}
		total := len(s.rowsOf(s.crm.Deals))
		s.start()
		time.Sleep(9 * time.Second)
		s.crash()
		if s.known() == 0 || !s.reach().FirstRead.IsZero() {
			t.Fatal("the crash was not in the middle of the first read")
		}
		s.notion.ForgetTranscript()
		time.Sleep(time.Minute)
		if got := s.queries(s.crm.Deals); s.known() != total || got > 25 {
			t.Errorf("%d deals known after %d more requests, want %d", s.known(), got, total)
		}
		time.Sleep(45 * time.Minute)
		ids := s.rowsOf(s.crm.Deals)
		gone := []string{ids[0], ids[999], ids[1000], ids[2700], ids[3099], ids[total-1]}
		for _, id := range gone {
			s.notion.Trash(id)
		}
		s.reconcile()
		for at := (crm.Reconcile{}); at.ResumeAt.IsZero(); time.Sleep(2 * time.Second) {
			s.attached(func(db *store.DB) (err error) {
				at, err = db.Reconcile(context.Background(), s.crm.Deals.ID)
				return err
			})
		}
		s.crash()
		s.notion.ForgetTranscript()
		time.Sleep(time.Minute)
		if got := s.queries(s.crm.Deals); got > 23 || s.reach().Reconciled.IsZero() {
			t.Errorf("%d requests after the crash, reconciled at %v; want it to end without beginning again", got, s.reach().Reconciled)
		}
		if got := s.known(); got != total-len(gone) || len(s.rings()) > 0 {
			t.Errorf("%d deals known, rings %q; want %d without those in the trash", got, s.rings(), total-len(gone))
		}
		s.stop()
	})
}
