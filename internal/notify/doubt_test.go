package notify

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

func TestAListThatNobodyKnowsOfStaysAList(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.slack.answer("sales", nobody)
		w.put("sales", slices.Repeat([]string{"won"}, 6)...)
		pass(time.Minute)
		w.heard("2 sales: 6 at once:\n• won 1\n• won 2\n• won 3\n• won 4\n• won 5\n• won 6")
		if m := w.outbox()[6]; m.State != crm.MessageMaybe || m.With != 1 {
			t.Errorf("the last message is %+v", m)
		}
	})
}

func TestACrashWhileSending(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.o.Quiet = Quiet{From: 0, To: 23 * time.Hour} // so that nothing leaves yet
		w.restart()
		w.put("sales", "won", "won", "digest", "won")
		synctest.Wait()
		sending := crm.MessageSending
		w.apply(crm.Commit{Delivered: []crm.Delivered{{Message: 1, State: sending}, {Message: 2, State: sending, With: 1}, {Message: 3, State: sending}}})
		w.o.Quiet = Quiet{}
		w.restart()
		pass(time.Minute)
		w.heard("2 sales: won 4", "10 sales: digest 3")
		for id, want := range map[int64]crm.MessageState{1: crm.MessageMaybe, 2: crm.MessageMaybe, 3: crm.MessageSent, 4: crm.MessageSent} {
			if m := w.outbox()[id]; m.State != want || id == 2 && m.With != 1 {
				t.Errorf("message %d is %+v, want it %s", id, m, want)
			}
		}
	})
}

func TestAStopWhileSending(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]crm.MessageState{"won": crm.MessageMaybe, "digest": crm.MessageQueued} {
		inWorld(t, func(w *world) {
			w.slack.hang = map[string]bool{"sales": true}
			w.put("sales", rule)
			synctest.Wait()
			w.end()
			if m := w.outbox()[1]; m.State != want {
				t.Errorf("%s is %s, want %s", rule, m.State, want)
			}
			w.slack.hang = nil
			w.restart()
			pass(time.Minute)
			if sent := len(w.slack.heard) == 2; sent != (rule == "digest") {
				t.Errorf("%s: Slack heard %q", rule, w.slack.heard)
			}
		})
	}
}

// late is a store that says no to a write and does it.
type late struct {
	State
	times int
}

func (l *late) Apply(ctx context.Context, c crm.Commit) error {
	if err := l.State.Apply(ctx, c); err != nil || len(c.Delivered) == 0 || l.times == 0 {
		return err
	}
	l.times--
	return context.DeadlineExceeded
}

func TestAnAlertThatWasNeverHandedOverIsSent(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.o.State = &late{State: w.db, times: 1}
		w.restart()
		w.put("sales", "won")
		pass(time.Minute)
		w.heard("2 sales: won 1")
	})
}

func TestADigestInDoubtLetsOthersPass(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.slack.answer("sales", nobody, nil, nobody)
		w.put("sales", "digest", "won")
		pass(9 * time.Second)
		w.put("sales", "lost", "lost")
		pass(time.Hour)
		w.heard("0 sales: digest 1", "1 sales: won 2", "10 sales: digest 1", "11 sales: lost 3", "12 sales: lost 4", "70 sales: digest 1")
	})
}
