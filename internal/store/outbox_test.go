package store_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// put adds messages to the outbox.
func put(t *testing.T, db *store.DB, messages ...crm.Message) {
	t.Helper()
	if err := db.Apply(t.Context(), crm.Commit{Messages: messages}); err != nil {
		t.Fatal(err)
	}
}

func move(t *testing.T, db *store.DB, moved ...crm.Delivered) {
	t.Helper()
	if err := db.Apply(t.Context(), crm.Commit{Delivered: moved}); err != nil {
		t.Fatal(err)
	}
}

func waiting(t *testing.T, db *store.DB, channel string) (texts []string) {
	t.Helper()
	found, err := db.Waiting(t.Context(), channel)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range found {
		texts = append(texts, m.Text)
	}
	return texts
}

func TestAMessageIsMadeOncePerReason(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	for _, step := range []struct {
		what string
		m    crm.Message
		want string
	}{
		{"a rule answers a change", crm.Message{Rule: "won", Change: 1, Text: "1"}, "[1]"},
		{"and again", crm.Message{Rule: "won", Change: 1, Text: "2"}, "[1]"},
		{"and in another channel, after its configuration", crm.Message{Channel: "other", Rule: "won", Change: 1, Text: "3"}, "[1]"},
		{"another rule answers it", crm.Message{Rule: "party", Change: 1, Text: "4"}, "[1 4]"},
		{"it answers another change", crm.Message{Rule: "won", Change: 2, Text: "5"}, "[1 4 5]"},
		{"a digest is made for a slot", crm.Message{Rule: "stale", Slot: "9", Text: "6"}, "[1 4 5 6]"},
		{"and again", crm.Message{Rule: "stale", Slot: "9", Text: "7"}, "[1 4 5 6]"},
		{"for another person", crm.Message{Channel: "person p", Rule: "stale", Slot: "9", Text: "8"}, "[1 4 5 6]"},
		{"for another slot", crm.Message{Rule: "stale", Slot: "10", Text: "9"}, "[1 4 5 6 9]"},
		{"a draft is not sent", crm.Message{Rule: "stale", Slot: "11", Text: "10", State: crm.MessageDraft}, "[1 4 5 6 9]"},
	} {
		put(t, db, step.m)
		if got := fmt.Sprint(waiting(t, db, "")); got != step.want {
			t.Errorf("%s: %s wait, want %s", step.what, got, step.want)
		}
	}
	if channels, err := db.Channels(t.Context()); err != nil || fmt.Sprint(channels) != "[ person p]" {
		t.Errorf("Channels = %q, %v", channels, err)
	}
	if made, err := db.Digest(t.Context(), "stale", "9"); err != nil || len(made) != 2 {
		t.Errorf("Digest = %+v, %v; want both messages of the slot", made, err)
	}
}

func TestWhenAMessageWasSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir())
		defer db.Close()
		put(t, db, crm.Message{Channel: "sales", Rule: "won", Change: 1, Text: "a"})
		for _, step := range []struct {
			state crm.MessageState
			sent  int // minutes after now; -1 for never
			waits bool
			seen  bool // by the pace
		}{
			{crm.MessageSending, 0, true, true},
			{crm.MessageQueued, -1, true, false},
			{crm.MessageSending, 0, true, true},
			{crm.MessageMaybe, -5, false, true}, // when it was handed over
			{crm.MessageSending, 0, true, true},
			{crm.MessageSent, 0, false, true},
			{crm.MessageRefused, -1, false, false},
		} {
			begin := time.Now()
			move(t, db, crm.Delivered{Message: 1, State: step.state, Reason: "because", With: 7})
			all, err := db.Outbox(t.Context(), 10)
			if err != nil || len(all) != 1 {
				t.Fatalf("Outbox = %+v, %v", all, err)
			}
			want := begin.Add(time.Duration(step.sent) * time.Minute)
			if step.sent == -1 {
				want = time.Time{}
			}
			if m := all[0]; m.State != step.state || !m.SentAt.Equal(want) || m.Reason != "because" || m.With != 7 {
				t.Errorf("%s: it is %+v, want it sent at %v", step.state, m, want)
			}
			if waits := len(waiting(t, db, "sales")) == 1; waits != step.waits {
				t.Errorf("%s: it waits: %v", step.state, waits)
			}
			recent, err := db.SentSince(t.Context(), "sales", begin.Add(-10*time.Minute))
			if seen := len(recent) == 1; err != nil || seen != step.seen {
				t.Errorf("%s: it counts: %v, %v", step.state, seen, err)
			}
			if recent, _ := db.SentSince(t.Context(), "sales", begin.Add(time.Minute)); len(recent) != 0 {
				t.Errorf("%s: it counts for ever", step.state)
			}
			time.Sleep(5 * time.Minute)
		}
	})
}

func TestRecentMessagesComeInTheOrderTheyWereSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir())
		defer db.Close()
		begin := time.Now()
		for i := range int64(4) {
			put(t, db, crm.Message{Channel: "sales", Rule: "won", Change: i + 1, Text: fmt.Sprint(i + 1)})
		}
		for _, id := range []int64{3, 1, 4, 2} {
			move(t, db, crm.Delivered{Message: id, State: crm.MessageSent})
			time.Sleep(time.Second)
		}
		for since, want := range map[time.Duration]string{0: "3142", time.Second: "142", time.Second + 1: "142", 1100 * time.Millisecond: "42"} {
			recent, err := db.SentSince(t.Context(), "sales", begin.Add(since))
			got := ""
			for _, m := range recent {
				got += m.Text
			}
			if err != nil || got != want {
				t.Errorf("since %v: %s, %v; want %s", since, got, err, want)
			}
		}
	})
}

func TestWhatIsKnownOfAPersonAddsUp(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	now := time.Now().Truncate(time.Millisecond)
	if p, found, err := db.Person(t.Context(), "p"); err != nil || found || p.ID != "p" {
		t.Errorf("nobody is %+v, %v, %v", p, found, err)
	}
	for _, step := range []struct {
		learnt crm.Person
		want   crm.Person
	}{
		{crm.Person{ID: "p", Name: "Ana"}, crm.Person{ID: "p", Name: "Ana"}},
		{crm.Person{ID: "p", Email: "a@x"}, crm.Person{ID: "p", Name: "Ana", Email: "a@x"}},
		{crm.Person{ID: "p", Slack: "U1", LookedUpAt: now}, crm.Person{ID: "p", Name: "Ana", Email: "a@x", Slack: "U1", LookedUpAt: now}},
		{crm.Person{ID: "p", Name: "Anna"}, crm.Person{ID: "p", Name: "Anna", Email: "a@x", Slack: "U1", LookedUpAt: now}},
		{crm.Person{ID: "p", LookedUpAt: now.Add(1e9)}, crm.Person{ID: "p", Name: "Anna", Email: "a@x", LookedUpAt: now.Add(1e9)}},
	} {
		if err := db.Apply(t.Context(), crm.Commit{People: []crm.Person{step.learnt}}); err != nil {
			t.Fatal(err)
		}
		p, found, err := db.Person(t.Context(), "p")
		if p.LookedUpAt.Equal(step.want.LookedUpAt) {
			p.LookedUpAt = step.want.LookedUpAt
		}
		if err != nil || !found || p != step.want {
			t.Errorf("after %+v: %+v, %v, %v; want %+v", step.learnt, p, found, err, step.want)
		}
	}
}
