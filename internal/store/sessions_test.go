package store_test

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/store"
)

func TestASessionNeedsThePasswordThatItWasLetInFor(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	ctx := t.Context()
	if err := db.StartSession(ctx, []byte("early"), "hash"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("before there is a password: %v", err)
	}
	must(t, db.SetPassword(ctx, "hash"))
	must(t, db.StartSession(ctx, []byte("one"), "hash"))
	must(t, db.SetPassword(ctx, "another"))
	if err := db.StartSession(ctx, []byte("late"), "hash"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("with the password from before: %v", err)
	}
	for _, cookie := range []string{"early", "one", "late"} {
		if in, err := db.Session(ctx, []byte(cookie)); err != nil || in {
			t.Errorf("session %s: %v, %v", cookie, in, err)
		}
	}
}

func TestIdleSessionsAndOldLinksAreDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		db := open(t, dir)
		ctx := t.Context()
		must(t, db.SetPassword(ctx, "hash"))
		must(t, db.StartSession(ctx, []byte("idle"), "hash"))
		must(t, db.OfferSetup(ctx, []byte("token"), time.Now().Add(time.Hour)))
		time.Sleep(20 * 24 * time.Hour)
		must(t, db.StartSession(ctx, []byte("used"), "hash"))
		time.Sleep(11 * 24 * time.Hour)
		must(t, db.Prune(ctx, time.Hour))
		must(t, db.Close())
		for table, want := range map[string]int{"sessions": 1, "setup_links": 0} {
			found := 0
			query(t, dir, "select hash from "+table, func([]any) { found++ })
			if found != want {
				t.Errorf("%d rows in %s, want %d", found, table, want)
			}
		}
	})
}

func TestARestoreLogsEverybodyOut(t *testing.T) {
	t.Parallel()
	dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "b.db")
	db := open(t, dir)
	ctx := t.Context()
	must(t, db.SetPassword(ctx, "hash"))
	must(t, db.StartSession(ctx, []byte("one"), "hash"))
	must(t, db.OfferSetup(ctx, []byte("token"), time.Now().Add(time.Hour)))
	back(t, dir, backup)
	must(t, db.Close())
	restore(t, dir, backup)
	db = open(t, dir)
	in, err := db.Session(ctx, []byte("one"))
	must(t, err)
	offered, err := db.SetupOffered(ctx, []byte("token"))
	must(t, err)
	if hash, err := db.Password(ctx); in || offered || err != nil || hash != "hash" {
		t.Errorf("after the restore: in %v, link %v, password %q, %v", in, offered, hash, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
