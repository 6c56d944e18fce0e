package sandbox_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestAPlanLosesDoublesDelaysAndReordersEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 200
		w := sandbox.New(sandbox.Options{Seed: 7})
		crm := w.StandardCRM()
		s, in := subscribe(w, sandbox.SubscriptionOptions{Plan: sandbox.DeliveryPlan{
			Drop: 0.1, Duplicate: 0.2, Reorder: 0.2, Delay: sandbox.Span{Min: time.Second, Max: 3 * time.Second},
		}})
		ctx, stop := context.WithCancel(t.Context())
		go s.Run(ctx)
		made := map[string]time.Time{}
		var order []string
		for range rows {
			id := w.AddRow(crm.Deals, nil)
			made[id], order = time.Now(), append(order, id)
			time.Sleep(5 * time.Second)
		}
		time.Sleep(time.Minute)
		stop()
		synctest.Wait()
		var dropped, doubled int
		var first []string
		for _, d := range s.Deliveries() {
			switch {
			case d.Dropped:
				dropped++
				if d.Attempt != 0 {
					t.Errorf("a dropped event was tried: %+v", d)
				}
			case d.Duplicate:
				doubled++
				if d.Attempt != 2 {
					t.Errorf("a duplicate has attempt %d, want 2", d.Attempt)
				}
			default:
				first = append(first, d.EntityID)
				if late := d.At.Sub(made[d.EntityID]); late < time.Second || late > 33*time.Second {
					t.Errorf("delivered after %v", late)
				}
			}
		}
		if dropped < 5 || dropped > 40 || doubled < 20 || doubled > 60 || len(first) != rows-dropped || len(in.seen()) != len(first)+doubled {
			t.Errorf("of %d: %d dropped, %d doubled, %d delivered, %d seen", rows, dropped, doubled, len(first), len(in.seen()))
		}
		lost := func(id string) bool { return !slices.Contains(first, id) }
		if slices.Equal(first, slices.DeleteFunc(order, lost)) {
			t.Error("all events came in order")
		}
	})
}

func TestTheSameSeedTreatsEventsAlike(t *testing.T) {
	t.Parallel()
	run := func() []sandbox.EventDelivery {
		w := sandbox.New(sandbox.Options{Seed: 3})
		crm := w.StandardCRM()
		s, _ := subscribe(w, sandbox.SubscriptionOptions{Plan: sandbox.DeliveryPlan{Drop: 0.3, Duplicate: 0.3}})
		for range 50 {
			w.AddRow(crm.Deals, nil)
		}
		s.Flush(t.Context())
		return s.Deliveries()
	}
	same := func(a, b sandbox.EventDelivery) bool {
		return a.EventID == b.EventID && a.EntityID == b.EntityID && a.Dropped == b.Dropped && a.Duplicate == b.Duplicate
	}
	if a, b := run(), run(); !slices.EqualFunc(a, b, same) || len(a) < 50 {
		t.Errorf("two runs differ: %d and %d deliveries", len(a), len(b))
	}
}

func TestWhatHappensToAPageWithinTheWindowIsOneEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sandbox.Options{})
		crm := c.w.StandardCRM()
		id := c.w.AddRow(crm.Deals, map[string]any{"Deal Name": "Cutter"})
		s, in := subscribe(c.w, sandbox.SubscriptionOptions{Plan: sandbox.DeliveryPlan{Aggregate: 10 * time.Second}})
		c.w.EditRow(id, map[string]any{"Stage": "Won"})
		time.Sleep(9 * time.Second)
		c.w.EditRowAs(c.w.People()[1].ID, id, map[string]any{"Value": 5})
		c.ok("PATCH", "/v1/pages/"+id, object{"properties": object{"Value": object{"number": 6}}})
		if n := s.Deliver(t.Context()); n != 0 {
			t.Errorf("within the window: got %d events", n)
		}
		time.Sleep(time.Second)
		s.Deliver(t.Context())
		wantSeen(t, in, "page.properties_updated")
		got := in.last()
		if len(list(dig(got, "data", "updated_properties"))) != 2 || len(list(got["authors"])) != 3 {
			t.Errorf("got %v by %v", dig(got, "data", "updated_properties"), got["authors"])
		}
		if got["timestamp"] != "2000-01-01T00:00:09.000Z" {
			t.Errorf("timestamp: got %v, want that of the last change", got["timestamp"])
		}
		c.w.EditRow(id, map[string]any{"Stage": "Lost"})
		time.Sleep(10 * time.Second)
		s.Deliver(t.Context())
		wantSeen(t, in, "page.properties_updated", "page.properties_updated")
	})
}

func TestPagesThatEndAsTheyBeganAreNotToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sandbox.New(sandbox.Options{})
		crm := w.StandardCRM()
		old := w.AddRow(crm.Deals, nil)
		s, in := subscribe(w, sandbox.SubscriptionOptions{Plan: sandbox.DeliveryPlan{Aggregate: 10 * time.Second}})
		for _, test := range []struct {
			name string
			do   func()
			want []string
		}{
			{"created and deleted", func() {
				id := w.AddRow(crm.Deals, nil)
				w.EditRow(id, map[string]any{"Value": 5})
				w.Trash(id)
			}, nil},
			{"created, deleted and undeleted", func() {
				id := w.AddRow(crm.Deals, nil)
				w.Trash(id)
				w.Restore(id)
			}, []string{"page.created"}},
			{"deleted and undeleted", func() { w.Trash(old); w.Restore(old) }, nil},
			{"deleted", func() { w.Trash(old) }, []string{"page.deleted"}},
			{"undeleted and deleted", func() { w.Restore(old); w.Trash(old) }, nil},
			{"undeleted", func() { w.Restore(old) }, []string{"page.undeleted"}},
			{"purged", func() { w.Purge(old) }, []string{"page.deleted"}},
		} {
			before := len(in.seen())
			test.do()
			time.Sleep(10 * time.Second)
			s.Deliver(t.Context())
			if got := in.seen()[before:]; !slices.Equal(got, test.want) {
				t.Errorf("%s: got %v, want %v", test.name, got, test.want)
			}
		}
	})
}

func TestFlushDoesNotWait(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{})
	crm := w.StandardCRM()
	s, in := subscribe(w, sandbox.SubscriptionOptions{Plan: sandbox.DeliveryPlan{
		Aggregate: time.Hour, Delay: sandbox.Span{Min: time.Hour}, Duplicate: 1,
	}})
	w.AddRow(crm.Deals, nil)
	w.AddRow(crm.Contacts, nil)
	if n := s.Deliver(t.Context()); n != 0 {
		t.Errorf("due: got %d", n)
	}
	if n := s.Flush(t.Context()); n != 4 || len(in.seen()) != 4 {
		t.Errorf("flush: got %d requests, %v", n, in.seen())
	}
	in.answer = func(int) int { return 503 }
	w.AddRow(crm.Deals, nil)
	if n := s.Flush(t.Context()); n != 1 {
		t.Errorf("a failing flush: got %d requests, want 1", n)
	}
	in.answer = nil
	if n := s.Flush(t.Context()); n != 2 { // the retry and its duplicate
		t.Errorf("the flush after it: got %d requests, want 2", n)
	}
}
