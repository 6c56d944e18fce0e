package store

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

func opened(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Open(context.Background(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var lookIn = crm.Job{Kind: "events", Key: "events", Unique: "events"}

func event(id string) crm.Event {
	return crm.Event{ID: id, Type: "page.created", At: time.Now(), Body: []byte("body of " + id)}
}

func (db *DB) hear(t *testing.T, e crm.Event) (fresh bool) {
	t.Helper()
	fresh, err := db.Receive(context.Background(), e, lookIn)
	must(t, err)
	return fresh
}

func TestAnEventIsRememberedForThirtyDays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		db := opened(t, dir)
		if !db.hear(t, event("a")) || db.hear(t, event("a")) {
			t.Error("the first is not fresh, or the second is")
		}
		jobs, err := db.Jobs(context.Background(), JobFilter{Kind: lookIn.Kind})
		if err != nil || len(jobs) != 1 {
			t.Errorf("%d jobs, %v; want 1 with the event", len(jobs), err)
		}
		time.Sleep(time.Minute)
		db.hear(t, event("the newest, which says when Notion was heard last"))
		must(t, db.Apply(context.Background(), crm.Commit{Handled: []string{"a"}}))
		for _, day := range []struct {
			after time.Duration
			fresh bool
		}{{29 * 24 * time.Hour, false}, {25 * time.Hour, true}} {
			time.Sleep(day.after)
			must(t, db.Close())
			db = opened(t, dir)
			must(t, db.Prune(context.Background(), time.Hour))
			if fresh := db.hear(t, event("a")); fresh != day.fresh {
				t.Errorf("%v later: fresh is %v, want %v", day.after, fresh, day.fresh)
			}
		}
		must(t, db.Close())
	})
}

func TestEventsAreLookedIntoInTheOrderInWhichTheyCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := opened(t, t.TempDir())
		for _, id := range []string{"c", "a", "b"} {
			db.hear(t, crm.Event{ID: id, Body: []byte(id)})
			time.Sleep(time.Millisecond)
		}
		ids := func(limit int) (found []string) {
			events, err := db.Events(context.Background(), limit)
			must(t, err)
			for _, e := range events {
				found = append(found, e.ID)
			}
			return found
		}
		if got := ids(2); !slices.Equal(got, []string{"c", "a"}) {
			t.Errorf("the first two are %v, want c and a", got)
		}
		must(t, db.Apply(context.Background(), crm.Commit{Handled: []string{"c", "a"}}))
		if got := ids(9); !slices.Equal(got, []string{"b"}) {
			t.Errorf("%v is left, want b", got)
		}
		must(t, db.Close())
	})
}

func TestAnEventThatFitsOnNoDiskIsNotTaken(t *testing.T) {
	t.Parallel()
	db := opened(t, t.TempDir())
	defer db.Close()
	limitPages(t, db, 60)
	large := crm.Event{ID: "large", Body: []byte(strings.Repeat("x", 1<<20))}
	if _, err := db.Receive(t.Context(), large, lookIn); !errors.Is(err, ErrFull) {
		t.Errorf("Receive: %v, want ErrFull", err)
	}
	limitPages(t, db, 1_000_000)
	if !db.hear(t, large) {
		t.Error("once there is room, the same event counts as seen")
	}
}
