package poll_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/poll"
)

// members gives a deal a team of which Notion shows 25.
func (h *house) members(page string, n int) {
	h.row(dealRows, page, "deal")
	ids := numbered(n)
	h.whole[page] = ids
	h.pages[page].Values["team"] = crm.Value{Kind: crm.KindRelation, IDs: ids[:25], More: true}
}

func TestALongListIsReadOncePerEdit(t *testing.T) {
	inHouse(t, func(h *house) {
		for _, step := range []struct {
			name   string
			do     func()
			wholes int
			team   int
		}{
			{"the first read", func() { h.members("p", 30); h.readAll(); h.calls = []string{"whole p"} }, 1, 30},
			{"polls that see the same edit", func() { h.did(poll.Job(deals, time.Time{}), poll.Job(deals, time.Time{})) }, 0, 30},
			{"an edit that an event tells of", func() { time.Sleep(time.Hour); h.members("p", 31); h.told(deals, "p"); h.did(poll.ClueJob(deals)) }, 1, 31},
			{"the poll after it", func() { h.did(poll.Job(deals, time.Time{})) }, 0, 31},
			{"a second edit of the minute, where Notion cuts", func() {
				time.Sleep(20 * time.Second)
				h.members("p", 32)
				h.told(deals, "p")
				h.did(poll.ClueJob(deals))
			}, 1, 32},
			{"the poll after the minute", func() { time.Sleep(time.Minute); h.did(poll.Job(deals, time.Time{})) }, 0, 32},
			{"a reconcile", func() { h.did(poll.ReconcileJob(deals, time.Time{})) }, 0, 32},
			{"an event that comes late", func() { h.told(deals, "p"); h.did(poll.ClueJob(deals)) }, 1, 32},
		} {
			step.do()
			wholes := strings.Count(strings.Join(h.asked(), "\n"), "whole")
			s, _, err := h.db.Snapshot(context.Background(), "p")
			if v := s.Values["team"]; err != nil || wholes != step.wholes || len(v.IDs) != step.team || v.More {
				t.Errorf("%s: %d reads of the list, want %d; %d known, want %d; %v", step.name, wholes, step.wholes, len(v.IDs), step.team, err)
			}
		}
	})
}

func TestALongListThatNoRuleWatchesIsNotRead(t *testing.T) {
	inHouse(t, func(h *house) {
		h.members("p", 30)
		p := h.pages["p"]
		p.DataSource = contactRows // where no list matters
		h.pages["p"] = p
		h.did(poll.Job(contacts, time.Time{}))
		if got := h.asked(); slices.ContainsFunc(got, func(c string) bool { return strings.HasPrefix(c, "whole") }) {
			t.Errorf("asked %q", got)
		}
	})
}
