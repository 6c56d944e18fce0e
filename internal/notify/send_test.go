package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// kind is an error of the client: a kind, and when to come again.
type kind struct {
	error
	after time.Duration
}

func (k kind) Unwrap() error { return k.error }

func (k kind) RetryAt() (time.Time, bool) {
	return time.Now().Add(k.after), k.after != 0
}

var (
	down    = kind{crm.ErrUnavailable, 0}
	slow    = kind{crm.ErrUnavailable, 30 * time.Second}
	revoked = crm.WithHint(crm.ErrForbidden, "make a new webhook")
	refusal = crm.WithHint(crm.ErrInvalid, "shorten it")
	nobody  = kind{crm.ErrAmbiguous, 0}
	stopped = kind{errors.Join(crm.ErrUnavailable, context.Canceled), 0}
)

func TestWhatBecomesOfAMessage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		rule    string
		answers []error
		posts   []float64 // seconds
		state   crm.MessageState
		reason  string
	}{
		{"an alert is taken", "won", nil, []float64{0}, crm.MessageSent, ""},
		{"a digest is taken", "digest", nil, []float64{0}, crm.MessageSent, ""},
		{"Slack is down", "won", []error{down, down, down}, []float64{0, 2, 6, 14}, crm.MessageSent, ""},
		{"for a digest", "digest", []error{down, down}, []float64{0, 2, 6}, crm.MessageSent, ""},
		{"Slack asks to wait", "won", []error{slow, slow}, []float64{0, 30, 60}, crm.MessageSent, ""},
		{"with a digest", "digest", []error{slow}, []float64{0, 30}, crm.MessageSent, ""},
		{"the webhook is revoked for a while", "won", []error{revoked, revoked, revoked}, []float64{0, 60, 180, 420}, crm.MessageSent, ""},
		{"for a digest too", "digest", []error{revoked}, []float64{0, 60}, crm.MessageSent, ""},
		{"an alert is refused", "won", []error{refusal}, []float64{0}, crm.MessageRefused, "refused"},
		{"a digest is refused", "digest", []error{refusal}, []float64{0}, crm.MessageRefused, "refused"},
		{"nobody knows of an alert", "won", []error{nobody}, []float64{0}, crm.MessageMaybe, "outcome unknown"},
		{"nobody knows of an alert after an outage", "won", []error{down, nobody}, []float64{0, 2}, crm.MessageMaybe, "outcome unknown"},
		{"nobody knows of a digest", "digest", []error{nobody}, []float64{0, 10}, crm.MessageSent, ""},
		{"nobody ever knows of a digest", "digest", slices.Repeat([]error{nobody}, 9), []float64{0, 10, 70, 370, 2170}, crm.MessageMaybe, "outcome unknown"},
		{"the process is stopped before an alert leaves", "won", []error{stopped}, []float64{0, 0}, crm.MessageSent, ""},
		{"an error of no kind may be anything", "won", []error{errors.New("boom")}, []float64{0}, crm.MessageMaybe, "boom"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.slack.answer("sales", test.answers...)
				w.put("sales", test.rule)
				pass(2 * time.Hour)
				var want []string
				for _, at := range test.posts {
					want = append(want, fmt.Sprintf("%v sales: %s 1", at, test.rule))
				}
				w.heard(want...)
				m := w.outbox()[1]
				if m.State != test.state || !strings.Contains(m.Reason, test.reason) || test.reason == "" && m.Reason != "" {
					t.Errorf("it ends %s, %q; want %s, %q", m.State, m.Reason, test.state, test.reason)
				}
				if jobs := w.dead(); len(jobs) > 0 {
					t.Errorf("dead letters: %+v", jobs)
				}
			})
		})
	}
}

func TestTheOutboxSaysWhatWasSentWhenAndWhy(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		noon := time.Now()
		w.put("sales", "won", "won", "won", "won", "won", "won")
		w.slack.answer("other", down)
		w.put("other", "digest")
		synctest.Wait()
		if m := w.outbox()[7]; m.State != crm.MessageQueued || !m.SentAt.IsZero() || m.Reason != "unavailable" {
			t.Errorf("a message that was not sent is %+v", m)
		}
		pass(time.Minute)
		all := w.outbox()
		for id := int64(1); id <= 6; id++ {
			m := all[id]
			with := int64(1)
			if id == 1 {
				with = 0
			}
			if m.Rule != "won" || m.Change != id || m.With != with || m.State != crm.MessageSent || !m.SentAt.Equal(noon.Add(settle)) || !m.CreatedAt.Equal(noon) {
				t.Errorf("message %d of the burst is %+v", id, m)
			}
		}
		if m := all[7]; m.Slot != "slot 7" || m.Rule != "digest" || !m.SentAt.Equal(noon.Add(2*time.Second)) || m.Text != "digest 7" || m.Reason != "" {
			t.Errorf("the digest is %+v", m)
		}
		w.slack.hang = map[string]bool{"sales": true}
		w.put("sales", "lost")
		pass(time.Minute)
		handed := time.Now().Add(-time.Minute)
		w.restart()
		synctest.Wait()
		if m := w.outbox()[8]; m.State != crm.MessageMaybe || !m.SentAt.Equal(handed) {
			t.Errorf("what may have been sent is %+v, want the time when it was handed over", m)
		}
	})
}

func TestAChannelThatIsDownDoesNotStopAnother(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.slack.answer("dead", slices.Repeat([]error{down}, 1000)...)
		w.slack.answer("gone", slices.Repeat([]error{revoked}, 1000)...)
		w.put("dead", "won", "lost")
		w.put("gone", "won", "lost")
		pass(time.Hour)
		w.slack.heard = nil
		noon := sinceNoon()
		w.put("sales", "won")
		pass(100 * time.Millisecond)
		if got := strings.Join(w.slack.heard, "\n"); !strings.Contains(got, fmt.Sprintf("%v sales: won 5", noon)) {
			t.Errorf("Slack heard %s", got)
		}
		for _, channel := range []string{"dead", "gone"} {
			if n := w.logged(`"channel":"` + channel + `"`); n != 1 {
				t.Errorf("the log tells %d times that %s is out of order, want once", n, channel)
			}
			w.slack.answer(channel)
		}
		pass(10 * time.Minute)
		if n := w.logged("a channel of Slack takes messages again"); n != 2 || w.logged("make a new webhook") != 1 {
			t.Errorf("the log tells %d times that a channel is back:\n%s", n, w.log.String())
		}
		for id, m := range w.outbox() {
			if m.State != crm.MessageSent {
				t.Errorf("message %d is %s", id, m.State)
			}
		}
	})
}

func TestNewMessagesDoNotBreakThePauseThatSlackAsksFor(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.slack.answer("sales", slow)
		w.put("sales", "won")
		pass(10 * time.Second)
		w.put("sales", "lost", "by hand")
		w.put("other", "won")
		pass(time.Minute)
		w.heard("0 sales: won 1", "10 other: won 4", "30 sales: won 1", "31 sales: lost 2", "32 sales: by hand 3")
	})
}

func TestMessagesOutliveAnOutageOfAWeek(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.end()
		w.put("sales", "won")
		job := SendJob("sales", time.Time{})
		for _, test := range []struct {
			age   time.Duration
			err   error
			timed bool // the queue never gives up what asks for a time
		}{
			{23 * time.Hour, down, false},
			{25 * time.Hour, down, true},
			{8 * 24 * time.Hour, down, true},
			{8 * 24 * time.Hour, revoked, false}, // nor what is not allowed
		} {
			job.CreatedAt = time.Now().Add(-test.age)
			w.slack.answer("sales", test.err)
			commit, err := New(w.o).Send(context.Background(), job)
			w.apply(commit)
			if _, timed := crm.RetryAt(err); err == nil || timed != test.timed {
				t.Errorf("%v after %v: %v, asks for a time: %v", test.err, test.age, err, timed)
			}
		}
	})
}

func TestALostWakeUp(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.put("sales", "won", "won") // held for two seconds
		pass(500 * time.Millisecond)
		w.put("sales", "by hand")
		pass(time.Minute)
		w.heard("0.5 sales: by hand 3", "2 sales: won 1", "3 sales: won 2")
	})
}

func TestQuietHoursHoldAllButWhatAPersonAsksFor(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.o.Quiet = Quiet{From: 12 * time.Hour, To: 13 * time.Hour}
		w.restart()
		w.put("sales", "won", "digest")
		pass(time.Minute)
		w.heard()
		w.put("sales", "by hand")
		synctest.Wait()
		w.heard("60 sales: by hand 3")
		pass(2 * time.Hour)
		w.heard("60 sales: by hand 3", "3600 sales: won 1", "3601 sales: digest 2")
	})
}

func TestAPayloadThatIsNone(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.apply(crm.Commit{Jobs: []crm.Job{{Kind: KindSend, Lane: crm.Notify, Payload: []byte("{}")}}})
		synctest.Wait()
		if dead := w.dead(); len(dead) != 1 {
			t.Errorf("dead letters: %+v; want one", dead)
		}
	})
}
