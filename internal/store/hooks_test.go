package store

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

func TestATokenIsTakenForEachArming(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		db := opened(t, dir)
		ctx := context.Background()
		for _, step := range []struct {
			armed  time.Duration // 0: not again
			after  time.Duration
			token  string
			taken  bool
			tokens string
		}{
			{0, 0, "one", false, ""},
			{time.Minute, 0, "one", true, "one"},
			{0, 0, "one", true, "one"},
			{0, 0, "two", false, "one"},
			{time.Minute, 2 * time.Minute, "two", false, "one"},
			{time.Minute, 0, "one", true, "one"}, // known: the arming is still there
			{0, 0, "two", true, "one two"},
			{time.Minute, 0, "three", true, "one two three"},
			{time.Minute, 0, "four", true, "one two three four"},
		} {
			if step.armed > 0 {
				must(t, db.Arm(ctx, time.Now().Add(step.armed)))
			}
			time.Sleep(step.after)
			taken, err := db.Handshake(ctx, step.token)
			must(t, err)
			must(t, db.Close())
			db = opened(t, dir)
			tokens, err := db.HookTokens(ctx)
			must(t, err)
			if taken != step.taken || strings.Join(tokens, " ") != step.tokens {
				t.Errorf("%+v: taken %v, tokens %v", step, taken, tokens)
			}
		}
		must(t, db.Arm(ctx, time.Now().Add(time.Minute)))
		must(t, db.Arm(ctx, time.Time{}))
		if taken, _ := db.Handshake(ctx, "five"); taken {
			t.Error("a handshake was taken after the arming was taken back")
		}
		must(t, db.Close())
	})
}

func TestAHandshakeThatIsTakenIsStoredWhoeverSharesItsCommit(t *testing.T) {
	t.Parallel()
	db := opened(t, t.TempDir())
	defer db.Close()
	ctx := t.Context()
	must(t, db.Arm(ctx, time.Now().Add(time.Minute)))
	begun, goOn, done := make(chan bool, 9), make(chan bool), make(chan error, 3)
	go func() {
		done <- db.write(ctx, func(*tx) error { begun <- true; <-goOn; return nil })
	}()
	<-begun
	queued := func(n int) {
		for len(db.writes.queue) < n {
			time.Sleep(time.Millisecond)
		}
	}
	go func() {
		taken, err := db.Handshake(ctx, "token")
		if !taken {
			err = errors.Join(err, errors.New("the handshake was not taken"))
		}
		done <- err
	}()
	queued(1)
	broken := errors.New("this one fails")
	go func() {
		if err := db.write(ctx, func(*tx) error { return broken }); !errors.Is(err, broken) {
			done <- fmt.Errorf("the failing write: %w", err)
			return
		}
		done <- nil
	}()
	queued(2)
	close(goOn)
	for range 3 {
		must(t, <-done)
	}
	if tokens, err := db.HookTokens(ctx); err != nil || !slices.Equal(tokens, []string{"token"}) {
		t.Errorf("tokens %v, %v; want the one that was taken", tokens, err)
	}
}

// moved lets a change be seen.
func (db *DB) moved(t *testing.T, by crm.SeenBy, stage string, writes ...crm.Write) {
	t.Helper()
	must(t, db.Apply(context.Background(), crm.Commit{Writes: writes, Sights: []crm.Sight{sight(by, stage)}}))
}

func TestSilenceIsWhenPollsKnowMoreThanEvents(t *testing.T) {
	t.Parallel()
	const subscribed = true
	for _, tc := range []struct {
		name   string
		happen func(t *testing.T, db *DB)
		silent time.Duration // for so long, an hour after; 0 for not
	}{
		{"nothing", func(*testing.T, *DB) {}, 0},
		{"an event and nothing else", func(t *testing.T, db *DB) { t.Helper(); db.hear(t, event("a")) }, 0},
		{"a change that an event told of", func(t *testing.T, db *DB) {
			t.Helper()
			db.moved(t, crm.SeenWebhook, "Won")
		}, 0},
		{"a change that a poll saw", func(t *testing.T, db *DB) {
			t.Helper()
			db.hear(t, event("a"))
			time.Sleep(time.Minute)
			db.moved(t, crm.SeenPoll, "Won")
			time.Sleep(time.Minute)
			db.moved(t, crm.SeenPoll, "Lost")
		}, time.Hour + time.Minute},
		{"a change that a poll saw, and then an event", func(t *testing.T, db *DB) {
			t.Helper()
			db.moved(t, crm.SeenPoll, "Won")
			time.Sleep(time.Minute)
			db.hear(t, event("a"))
		}, 0},
		{"a change of our own", func(t *testing.T, db *DB) {
			t.Helper()
			db.moved(t, crm.SeenPoll, "Won", crm.Write{Page: "p", Values: map[string]crm.Value{"stage": crm.Choice(crm.KindStatus, "Won")}})
		}, 0},
		{"a change from before there was a subscription", func(t *testing.T, db *DB) {
			t.Helper()
			db.moved(t, crm.SeenPoll, "Won")
			time.Sleep(30 * 24 * time.Hour)
			must(t, db.Arm(context.Background(), time.Now().Add(time.Minute)))
			_, err := db.Handshake(context.Background(), "token")
			must(t, err)
		}, 0},
		{"a change since, without any event", func(t *testing.T, db *DB) {
			t.Helper()
			must(t, db.Arm(context.Background(), time.Now().Add(time.Minute)))
			_, err := db.Handshake(context.Background(), "token")
			must(t, err)
			time.Sleep(time.Minute)
			db.moved(t, crm.SeenPoll, "Won")
		}, time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				db := opened(t, t.TempDir())
				db.moved(t, crm.SeenPoll, "Lead")
				time.Sleep(time.Hour)
				tc.happen(t, db)
				check := func(after, want time.Duration, subscribed bool) {
					time.Sleep(after)
					h, err := db.Hooks(context.Background())
					must(t, err)
					got := time.Duration(0)
					if since := h.SilentSince(time.Now(), subscribed); !since.IsZero() {
						got = time.Since(since)
					}
					if got != want {
						t.Errorf("silent for %v, want %v", got, want)
					}
				}
				check(13*time.Minute, 0, subscribed) // Notion is not late yet
				check(47*time.Minute, tc.silent, subscribed)
				h, err := db.Hooks(context.Background())
				must(t, err)
				if len(h.Tokens) == 0 {
					check(0, 0, !subscribed)
				}
				must(t, db.Close())
			})
		})
	}
}
