package poll_test

import (
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/poll"
)

// Notion's clock may be behind ours: an edit is then older than the poll
// before it.
func TestAnEditByASlowerClockIsSeen(t *testing.T) {
	inHouse(t, func(h *house) {
		h.row(dealRows, "p", "before")
		h.readAll()
		for range 12 {
			time.Sleep(5 * time.Minute)
			h.did(poll.Job(deals, time.Time{}))
		}
		time.Sleep(time.Minute)
		h.row(dealRows, "p", "after")
		p := h.pages["p"]
		p.EditedAt = p.EditedAt.Add(-8 * time.Minute)
		h.pages["p"] = p
		time.Sleep(4 * time.Minute)
		h.did(poll.Job(deals, time.Time{}))
		if got := h.known("p"); got != "deal after" {
			t.Errorf("known as %s", got)
		}
	})
}

func TestAReadCountsOnceItIsComplete(t *testing.T) {
	inHouse(t, func(h *house) {
		h.many(150, time.Now().AddDate(-1, 0, 0))
		h.members("the last", 30)
		h.fail["whole the last"] = errDown
		read := func() (resumed, completed, polled bool) {
			at, err := h.db.Read(h.t.Context(), deals)
			if err != nil {
				t.Fatal(err)
			}
			return !at.ResumeAt.IsZero(), !at.CompletedAt.IsZero(), at.PolledAt.Equal(time.Now())
		}
		if _, err := h.do(poll.Job(deals, time.Time{})); err == nil {
			t.Error("the read did not fail")
		}
		if resumed, completed, polled := read(); !resumed || completed || polled {
			t.Errorf("after a failure: a place to go on %v, complete %v, polled %v", resumed, completed, polled)
		}
		delete(h.fail, "whole the last")
		time.Sleep(time.Hour)
		h.did(poll.Job(deals, time.Time{}))
		if resumed, completed, polled := read(); resumed || !completed || !polled {
			t.Errorf("at the end: a place to go on %v, complete %v, polled %v", resumed, completed, polled)
		}
	})
}

func TestAWatermarkOfAClockThatWasAheadIsMended(t *testing.T) {
	inHouse(t, func(h *house) {
		h.row(dealRows, "p", "before")
		h.readAll()
		at, err := h.db.Read(h.t.Context(), deals)
		if err != nil {
			t.Fatal(err)
		}
		at.Watermark, at.PolledAt = time.Now().Add(24*time.Hour), time.Now().Add(24*time.Hour)
		if err := h.db.Apply(h.t.Context(), crm.Commit{Reads: []crm.Read{at}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		h.row(dealRows, "p", "after")
		h.did(poll.Job(deals, time.Time{}))
		if got := h.known("p"); got != "deal after" {
			t.Errorf("known as %s", got)
		}
		if at, err := h.db.Read(h.t.Context(), deals); err != nil || at.Watermark.After(time.Now()) {
			t.Errorf("watermark %v, %v; want one that is not in the future", at.Watermark, err)
		}
	})
}
