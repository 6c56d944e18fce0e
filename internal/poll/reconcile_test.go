package poll_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/poll"
)

// many makes rows in one minute and returns their ids.
func (h *house) many(n int, at time.Time) (ids []string) {
	for range n {
		id := fmt.Sprintf("row-%05d", len(h.pages))
		h.made(at, dealRows, id, "deal")
		ids = append(ids, id)
	}
	return ids
}

// reconcile runs until the database is compared, as if the process ended
// after each run, and returns the number of runs and of requests for rows.
func (h *house) reconcile() (runs, requests int) {
	h.t.Helper()
	h.asked()
	for {
		runs++
		commit, err := h.do(poll.ReconcileJob(deals, time.Time{}))
		if err != nil {
			h.t.Fatal(err)
		}
		for _, call := range h.asked() {
			if call == "query "+dealRows {
				requests++
			}
		}
		if commit.Jobs[0].NotBefore.After(time.Now()) {
			return runs, requests
		}
		h.restart()
	}
}

func TestAReconcileFindsWhatIsGoneAmongMoreRowsThanOneQueryShows(t *testing.T) {
	if testing.Short() {
		t.Skip("more than 10,000 rows")
	}
	inHouse(t, func(h *house) {
		start := time.Now().AddDate(-1, 0, 0)
		ids := h.many(2600, start) // more than one run asks for
		for minute := range 16 {
			ids = append(ids, h.many(500, start.Add(time.Duration(minute+1)*time.Minute))...)
		}
		h.readAll()
		gone := []string{ids[0], ids[1999], ids[2599], ids[2600], ids[10_000], ids[10_599]}
		for _, id := range gone {
			delete(h.pages, id)
		}
		h.order = nil
		runs, requests := h.reconcile()
		if got := h.open(); !slices.Equal(got, gone) {
			t.Errorf("%v have to be looked for, want %v", got, gone)
		}
		// Each run begins with the minute in which the last one ended.
		if runs < 4 || requests > 106+6*runs {
			t.Errorf("%d requests in %d runs for 10,600 rows", requests, runs)
		}
		if at, err := h.db.Reconcile(h.t.Context(), deals); err != nil || !at.ResumeAt.IsZero() || !at.CompletedAt.Equal(time.Now().UTC()) {
			t.Errorf("reconciled %+v, %v", at, err)
		}
	})
}

func TestAMinuteInWhichMoreRowsWereMadeThanOneQueryShows(t *testing.T) {
	if testing.Short() {
		t.Skip("more than 10,000 rows")
	}
	inHouse(t, func(h *house) {
		start := time.Now().AddDate(-1, 0, 0)
		h.many(10_200, start)
		after := h.many(50, start.Add(time.Minute))
		h.readAll()
		pages, err := h.db.Made(h.t.Context(), deals, time.Time{}, time.Now())
		if err != nil || len(pages) != 10_250 {
			t.Errorf("%d rows known, %v; want all 10,250", len(pages), err)
		}
		delete(h.pages, after[7])
		h.order = nil
		h.reconcile()
		if got := h.open(); !slices.Equal(got, after[7:8]) {
			t.Errorf("%d rows have to be looked for, want the one that is gone: %v", len(got), got[:min(9, len(got))])
		}
	})
}

func TestARowThatIsNotListedYetIsNotGone(t *testing.T) {
	inHouse(t, func(h *house) {
		h.row(dealRows, "old", "Acme")
		h.readAll()
		time.Sleep(24 * time.Hour)
		h.slow = 3 * time.Minute
		h.made(time.Now(), dealRows, "new", "Bolt")
		h.told(deals, "new")
		h.did(poll.ClueJob(deals))
		for range 3 {
			if h.reconcile(); len(h.open()) > 0 || h.known("new") != "deal Bolt" {
				t.Fatalf("%v have to be looked for, the new row is known as %s", h.open(), h.known("new"))
			}
			time.Sleep(2 * time.Minute)
		}
	})
}

func TestAReconcileWaitsForTheFirstRead(t *testing.T) {
	inHouse(t, func(h *house) {
		commit, err := h.do(poll.ReconcileJob(deals, time.Time{}))
		if err != nil || len(commit.Jobs) > 0 || len(h.asked()) > 0 {
			t.Errorf("%+v, %v; want nothing", commit, err)
		}
		due, err := h.reader.ReconcileDue(h.t.Context(), deals)
		if err != nil || !due.IsZero() {
			t.Errorf("due at %v, %v", due, err)
		}
		h.readAll()
		if due, err = h.reader.ReconcileDue(h.t.Context(), deals); err != nil || !due.Equal(time.Now().Add(24*time.Hour)) {
			t.Errorf("due at %v, %v; want a day later", due, err)
		}
		time.Sleep(30 * time.Hour)
		h.reconcile()
		if due, err = h.reader.ReconcileDue(h.t.Context(), deals); err != nil || !due.Equal(time.Now().Add(24*time.Hour)) {
			t.Errorf("due at %v, %v; want a day after the latest", due, err)
		}
	})
}
