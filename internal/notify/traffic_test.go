package notify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

func pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

// arrivals draws what comes to a channel, in order: bursts and trickles of
// three rules, and digests.
func arrivals(random *rand.Rand) []crm.Message {
	var found []crm.Message
	now := noon
	gaps := pick(random, []int{0, 5, 300}, []int{1999, 2000, 2001, 2100}, []int{0, 0, 0, 300, 1100, 2000, 2100, 4000, 9999})
	for i := range 1 + random.IntN(60) {
		gap := pick(random, gaps...)
		now = now.Add(time.Duration(gap) * time.Millisecond)
		m := crm.Message{ID: int64(i + 1), Change: int64(i + 1), CreatedAt: now}
		m.Rule = pick(random, "won", "won", "won", "lost", "digest")
		if m.Rule == "digest" {
			m.Change = 0
		}
		m.Text = fmt.Sprint(m.Rule, i, strings.Repeat("&amp;", pick(random, 0, 0, 100, 2000)))
		found = append(found, m)
	}
	return found
}

// posted is one post, and how long it was under way.
type posted struct {
	step
	at, heard time.Time
}

// simulate runs the loop of a channel until everything is sent.
func simulate(t *testing.T, random *rand.Rand, all []crm.Message) (posts []posted) {
	var sent, waiting []crm.Message
	now := noon
	for len(sent) < len(all) {
		for _, m := range all[len(sent)+len(waiting):] {
			if !m.CreatedAt.After(now) {
				waiting = append(waiting, m)
			}
		}
		recent := slices.DeleteFunc(slices.Clone(sent), func(m crm.Message) bool { return m.SentAt.Before(now.Add(-window)) })
		do := step{}
		if len(waiting) > 0 {
			do = next(now, waiting, recent)
		}
		if len(do.send) == 0 {
			wake := do.wait
			if n := len(sent) + len(waiting); n < len(all) && (wake.IsZero() || all[n].CreatedAt.Before(wake)) {
				wake = all[n].CreatedAt
			}
			if !wake.After(now) {
				t.Fatalf("at %v it waits for %v: for ever", now.Sub(noon), wake.Sub(noon))
			}
			now = wake
			continue
		}
		p := posted{step: do, at: now}
		now = now.Add(time.Duration(pick(random, 0, 150, 1500)) * time.Millisecond)
		p.heard = now
		posts = append(posts, p)
		for i, m := range do.send {
			if m.SentAt = now; i > 0 {
				m.With = do.send[0].ID
			}
			sent = append(sent, m)
			waiting = slices.DeleteFunc(waiting, func(w crm.Message) bool { return w.ID == m.ID })
		}
	}
	return posts
}

func TestAnyTrafficKeepsThePace(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		all := arrivals(random)
		posts := simulate(t, random, all)
		checkPace(t, posts)
		checkOrder(t, posts, len(all))
		checkWaits(t, posts)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func checkPace(t *testing.T, posts []posted) {
	t.Helper()
	singles := map[string][]time.Time{}
	for i, p := range posts {
		if i > 0 && p.at.Sub(posts[i-1].at) < pace {
			t.Errorf("%v between two posts", p.at.Sub(posts[i-1].at))
		}
		if units(p.text) > longestList || len(p.send) == 1 && units(p.text) > longest {
			t.Errorf("a text of %d characters for %d messages", units(p.text), len(p.send))
		}
		if m := p.send[0]; len(p.send) == 1 && m.Change != 0 {
			singles[m.Rule] = append(singles[m.Rule], p.at)
		}
	}
	for rule, times := range singles {
		for i := most; i < len(times); i++ {
			if within := times[i].Sub(times[i-most]); within < window {
				t.Errorf("six posts of %s within %v", rule, within)
			}
		}
	}
}

// checkOrder checks that each message is delivered once, those of a rule in
// their order.
func checkOrder(t *testing.T, posts []posted, arrived int) {
	t.Helper()
	latest, delivered := map[string]int64{}, 0
	for _, p := range posts {
		for _, m := range p.send {
			if rule := p.send[0].Rule; m.Rule != rule || m.ID <= latest[rule] {
				t.Errorf("message %d of %s comes after %d, in a post of %s", m.ID, m.Rule, latest[rule], rule)
			}
			latest[m.Rule] = m.ID
			delivered++
		}
	}
	if delivered != arrived {
		t.Errorf("%d of %d messages are delivered", delivered, arrived)
	}
}

// checkWaits checks that a message waits for little more than the posts that
// go before it.
func checkWaits(t *testing.T, posts []posted) {
	t.Helper()
	for i, p := range posts {
		for _, m := range p.send {
			limit := window + settle
			for _, before := range posts[:i] {
				if before.heard.After(m.CreatedAt) {
					limit += before.heard.Sub(before.at) + pace
				}
			}
			if waits := p.at.Sub(m.CreatedAt); waits > limit {
				t.Errorf("message %d waits %v, want %v at most", m.ID, waits, limit)
			}
		}
	}
}
