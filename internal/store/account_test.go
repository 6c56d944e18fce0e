package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

func TestAnAccountHoldsWhatIsTheRecordsAndNothingElse(t *testing.T) {
	t.Parallel()
	s := tell(t)
	find := func(w store.Whose) store.Account {
		t.Helper()
		a, err := s.db.Account(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	anas := find(store.Whose{Key: anas})
	got := map[string]int{
		"deliveries": len(anas.Deliveries), "rejected": len(anas.Rejected), "steps": len(anas.Steps), "pages": len(anas.Pages), "changes": len(anas.Changes),
		"messages": len(anas.Messages), "jobs": len(anas.Jobs), "leftovers": len(anas.Leftovers), "intents": len(anas.Intents),
	}
	want := map[string]int{
		"deliveries": 3, "rejected": 2, "steps": 3, "pages": 1, "changes": 1, "messages": 1, "jobs": 2, "leftovers": 1, "intents": 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Ana's account (-want +got):\n%s", diff)
	}
	if bobs := find(store.Whose{Page: bobsPage}); bobs.Key != "bob@example.com" || len(bobs.Deliveries) != 1 || len(bobs.Steps) != 1 || len(bobs.Rejected) != 0 {
		t.Errorf("Bob's account %+v", bobs)
	}
	if same := find(store.Whose{Delivery: s.deliveries[plainBody]}); cmp.Diff(anas, same) != "" {
		t.Errorf("by a delivery it is another account:\n%s", cmp.Diff(anas, same))
	}
	if nobody := find(store.Whose{Key: "nobody@example.com"}); !nobody.Empty() {
		t.Errorf("a stranger's account %+v", nobody)
	}
}

// Whoever types the address into another form, or a person who types it into
// Notion, must not see somebody else's account.
func TestAPageThatBecameAnotherPersonsLeavesTheAccount(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.apply(crm.Commit{Progress: []crm.Progress{{Delivery: s.deliveries[plainBody], State: crm.DeliveryDone, Page: bobsPage}}})
	a, err := s.db.Account(t.Context(), store.Whose{Key: anas})
	if err != nil || len(a.Pages) != 1 || a.Pages[0].Page != anasPage {
		t.Errorf("pages %+v, %v; want Ana's alone", a.Pages, err)
	}
}

func TestStepsFollowADeliveryToItsContact(t *testing.T) {
	t.Parallel()
	s := tell(t)
	nobodys := s.deliveries[namelessOne]
	s.apply(crm.Commit{Steps: []crm.Step{{Kind: crm.StepTook, Record: crm.Record{Key: nobodys}}}})
	s.apply(crm.Commit{
		Steps:     []crm.Step{{Kind: crm.StepSentOn, Record: crm.Record{Key: nobodys}}},
		Addressed: []crm.Addressed{{Delivery: nobodys, Key: "carl@example.com"}},
	})
	if _, err := raw(t, s.dir).Exec(`delete from inbox`); err != nil {
		t.Fatal(err)
	}
	a, err := s.db.Account(t.Context(), store.Whose{Key: "carl@example.com"})
	if err != nil || len(a.Steps) != 2 || a.Steps[0].Kind != crm.StepTook || a.Steps[1].Kind != crm.StepSentOn {
		t.Errorf("steps %+v, %v; want both, in order", a.Steps, err)
	}
}

func TestStepsAreKeptAsLongAsChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir())
		defer db.Close()
		note := func(key string) {
			t.Helper()
			steps := []crm.Step{{Kind: crm.StepAsked, At: time.Now(), Record: crm.Record{Key: key}, Took: 1500 * time.Millisecond, Status: 200, Request: "r", Endpoint: "POST pages"}}
			if err := db.Apply(t.Context(), crm.Commit{Steps: steps}); err != nil {
				t.Fatal(err)
			}
		}
		note("old")
		time.Sleep(365 * 24 * time.Hour)
		note("new")
		time.Sleep(366 * 24 * time.Hour)
		if err := db.Prune(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]int{"old": 0, "new": 1} {
			a, err := db.Account(t.Context(), store.Whose{Key: key})
			if err != nil || len(a.Steps) != want {
				t.Errorf("%s: %+v, %v; want %d steps", key, a.Steps, err, want)
			}
		}
	})
}

// At two in the morning nobody waits for a table to be read through.
func TestAnAccountIsFoundAtOnceInALargeStore(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("fills a large database")
	}
	dir := t.TempDir()
	db := open(t, dir)
	const n = 100_000
	if _, err := raw(t, dir).Exec(fmt.Sprintf(`
		pragma synchronous = off;
		begin;
		create temp table n as with recursive c(i) as (select 1 union all select i + 1 from c where i < %d) select i, 'p' || (i %% 20000) || '@example.com' as key from c;
		insert into inbox (id, source, key, content_type, body, received_at, state, page, done_at) select 'd' || i, 'lead', key, '', x'7b7d', i, 'done', 'page' || (i %% 20000), i from n;
		insert into steps (at, job, key, page, list) select i, i + 0, key, 'page' || (i %% 20000), '[{"step":"took","at":"2026-11-20T09:00:00Z"}]' from n where i < 40000;
		insert into snapshots (page, database, key, created_at, edited_at, trashed, hash, property_values, seen_at)
			select 'page' || i, 'contacts', key, i, i + 0, 0, '', '{}', i from n where i < 20000;
		insert into reads (database) values ('contacts');
		insert into changes (page, database, property, old, new, edited_by, edited_at, seen_at, seen_by, own) select 'page' || i, 'contacts', 'x', '{}', '{}', '', i, i + 0, 'poll', 0 from n where i < 20000;
		insert into outbox (channel, rule, change, page, text, state, created_at) select 'c', 'r', i, 'page' || i, '', 'sent', i from n where i < 20000;
		insert into jobs (kind, lane, key, uniq, payload, state, created_at) select 'k', 0, key, '', 'null', 'dead', i from n where i < 20000;
		commit`, n)); err != nil {
		t.Fatal(err)
	}
	for _, w := range []store.Whose{{Key: "p77@example.com"}, {Page: "page77"}, {Delivery: "d77"}} {
		began := time.Now()
		a, err := db.Account(t.Context(), w)
		took := time.Since(began)
		if err != nil || len(a.Deliveries) != 5 || len(a.Steps) != 2 || len(a.Pages) != 1 || len(a.Changes) != 1 || len(a.Messages) != 1 || len(a.Jobs) != 1 {
			t.Fatalf("%+v: %d deliveries, %d steps, %d pages, %d changes, %d messages, %d jobs, %v", w,
				len(a.Deliveries), len(a.Steps), len(a.Pages), len(a.Changes), len(a.Messages), len(a.Jobs), err)
		}
		t.Logf("%+v took %v", w, took)
		if took > 500*time.Millisecond {
			t.Errorf("%+v took %v", w, took)
		}
	}
}

// Of somebody who writes without end the newest is told, in order.
func TestAnAccountEndsSomewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir)
	if _, err := raw(t, dir).Exec(`with recursive c(i) as (select 1 union all select i + 1 from c where i < 1500)
		insert into inbox (id, source, key, content_type, body, received_at, state) select 'd' || i, 'lead', 'a@example.com', '', x'7b7d', i, 'done' from c`); err != nil {
		t.Fatal(err)
	}
	a, err := db.Account(t.Context(), store.Whose{Key: "a@example.com"})
	if err != nil || !a.Cut || len(a.Deliveries) != 1000 || a.Deliveries[0].ID != "d501" || a.Deliveries[999].ID != "d1500" {
		t.Errorf("%d deliveries, cut %v, %v; want the newest 1,000 in order", len(a.Deliveries), a.Cut, err)
	}
}

// What a person asks for is part of the story.
func TestWhatAPersonDoesIsNoted(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	in := func(id string, held ...string) store.Intake {
		return store.Intake{
			Delivery: crm.Delivery{ID: id, Source: "lead", Key: "a@example.com", Body: []byte(id)}, Held: held,
			Job: crm.Job{Kind: "k", Key: "a@example.com", Unique: "a@example.com"},
		}
	}
	dead := func() crm.Job {
		t.Helper()
		claimed, _, err := db.Turn(t.Context(), nil, crm.Room{Notion: 1, Lanes: map[crm.Lane]int{crm.Live: 1}})
		must(err)
		_, _, err = db.Turn(t.Context(), []crm.End{{Job: claimed[0], State: crm.JobDead}}, crm.Room{})
		must(err)
		return claimed[0]
	}
	for _, i := range []store.Intake{in("one", "origin"), in("two", "origin")} {
		_, err := db.Accept(t.Context(), i)
		must(err)
	}
	must(db.Quarantine(t.Context(), store.Rejected{ID: "three", Body: []byte("three")}))
	must(db.Admit(t.Context(), "one", in("one").Job))
	must(db.Discard(t.Context(), "two"))
	must(db.RetryJob(t.Context(), dead()))
	must(db.Correct(t.Context(), dead(), crm.Correction{Delivery: "one", Body: []byte("better"), Key: "a@example.com", Job: in("one").Job}))
	must(db.DropJob(t.Context(), dead()))
	must(db.Reopen(t.Context(), "one", in("one").Job))
	_, err := db.Release(t.Context(), "three", in("three"))
	must(err)
	a, err := db.Account(t.Context(), store.Whose{Key: "a@example.com"})
	must(err)
	var got []crm.StepKind
	for _, s := range a.Steps {
		got = append(got, s.Kind)
	}
	want := []crm.StepKind{crm.StepAdmitted, crm.StepDropped, crm.StepRetried, crm.StepCorrected, crm.StepDropped, crm.StepReopened, crm.StepAdmitted}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// More are read at once than there are connections: none may hold one and wait
// for another.
func TestManyAccountsAreReadAtOnce(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 10 {
				if _, err := db.Account(ctx, store.Whose{Key: "ana@example.com"}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}
