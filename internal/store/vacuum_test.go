package store_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// size is what the database takes of the disk.
func size(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, store.FileName))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// fill puts finished deliveries with large bodies into the inbox.
func fill(t *testing.T, db *store.DB, deliveries int) {
	t.Helper()
	body := bytes.Repeat([]byte("secret-of-ana "), 2000)
	var ended []crm.Progress
	for i := range deliveries {
		r := accept(t, db, fmt.Sprint(i)+string(body), "")
		ended = append(ended, crm.Progress{Delivery: r.ID, State: crm.DeliveryDone, Outcome: crm.Created, Page: "p"})
	}
	if err := db.Apply(t.Context(), crm.Commit{Progress: ended}); err != nil {
		t.Fatal(err)
	}
}

func TestTheFileShrinksWhileLeadsAreAccepted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir)
	fill(t, db, 1000)
	before := size(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	waits := make(chan []time.Duration, 1)
	go func() {
		var took []time.Duration
		for i := 0; ctx.Err() == nil; i++ {
			asked := time.Now()
			if _, err := db.Accept(context.Background(), intake(fmt.Sprint("small ", i), "")); err != nil {
				t.Error(err)
			}
			took = append(took, time.Since(asked))
		}
		waits <- took
	}()
	began := time.Now()
	if err := db.Prune(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := db.Shrink(t.Context()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	stop()
	accepted := <-waits
	slices.Sort(accepted)
	db.Close()
	after := size(t, dir)
	t.Logf("%.1f MB became %.1f MB in %v, beside %d leads: p50 %v, p99 %v, worst %v", float64(before)/1e6, float64(after)/1e6, took.Round(time.Millisecond),
		len(accepted), accepted[len(accepted)/2], accepted[len(accepted)*99/100], accepted[len(accepted)-1])
	if after > before/3 {
		t.Errorf("the file has %d bytes after %d, want it to shrink", after, before)
	}
	if len(accepted) < 20 {
		t.Errorf("only %d leads were accepted meanwhile", len(accepted))
	}
	if worst := accepted[len(accepted)-1]; worst > time.Second {
		t.Errorf("a lead waited for %v", worst)
	}
}

func TestWhatWasPrunedIsNotInTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir)
	fill(t, db, 50)
	if err := db.Prune(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	db.Close()
	content, err := os.ReadFile(filepath.Join(dir, store.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(content, []byte("secret-of-ana")); n > 0 {
		t.Errorf("bodies that were deleted are in the file, %d times", n)
	}
}

// A database of an older Dealbell could not give pages back one by one.
func TestAnOldDatabaseLearnsToShrink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir)
	fill(t, db, 100)
	db.Close()
	old := raw(t, dir)
	if _, err := old.Exec(`pragma auto_vacuum = 0; vacuum`); err != nil {
		t.Fatal(err)
	}
	old.Close()
	var logged bytes.Buffer
	db, err := store.Open(t.Context(), dir, slog.New(slog.NewJSONHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	before := size(t, dir)
	if err := db.Prune(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := db.Shrink(t.Context()); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if after := size(t, dir); after > before/2 {
		t.Errorf("the file has %d bytes after %d, want it to shrink", after, before)
	}
	if !bytes.Contains(logged.Bytes(), []byte("written anew, once")) {
		t.Errorf("the log does not say that the database was written anew: %s", logged.Bytes())
	}
	logged.Reset()
	again, err := store.Open(t.Context(), dir, slog.New(slog.NewJSONHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if logged.Len() > 0 {
		t.Errorf("the second start writes it anew as well: %s", logged.Bytes())
	}
}
