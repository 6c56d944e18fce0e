package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
)

// limitPages makes SQLite answer as on a full disk beyond n pages.
func limitPages(t *testing.T, db *DB, n int) {
	t.Helper()
	if err := db.write(t.Context(), func(tx *tx) error {
		_, err := tx.row(fmt.Sprintf(`pragma max_page_count = %d`, n), nil, &n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func delivery(n int, size int) Intake {
	body := fmt.Appendf(nil, "%d %0*d", n, size, 0)
	return Intake{Delivery: crm.Delivery{ID: NewID(), Source: "lead", Key: "k", Body: body}, Job: crm.Job{Kind: "x", Unique: "k"}}
}

func TestAFullDiskLosesNothingAndHealsByItself(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	limitPages(t, db, 200)
	var mu sync.Mutex
	var accepted []string
	refused := 0
	for round := range 8 {
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				in := delivery(round*50+i, 4000)
				_, err := db.Accept(context.Background(), in)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					accepted = append(accepted, in.Delivery.ID)
				case errors.Is(err, ErrFull):
					refused++
				default:
					t.Errorf("Accept: %v, want ErrFull", err)
				}
			})
		}
		wg.Wait()
	}
	if len(accepted) == 0 || refused == 0 {
		t.Fatalf("%d accepted, %d refused: the test did not reach the edge", len(accepted), refused)
	}
	if err := db.Err(); err != nil {
		t.Errorf("a full disk counts as broken: %v", err)
	}
	limitPages(t, db, 1_000_000)
	if _, err := db.Accept(t.Context(), delivery(-1, 10)); err != nil {
		t.Errorf("after there is room again: %v", err)
	}
	stored, err := db.Pending(t.Context(), "k", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	if len(stored) != len(accepted)+1 {
		t.Errorf("%d stored, %d acknowledged: a refused one is stored or an acknowledged one lost", len(stored), len(accepted)+1)
	}
	for _, id := range accepted {
		if _, err := db.Delivery(t.Context(), id); err != nil {
			t.Errorf("acknowledged delivery %s: %v", id, err)
		}
	}
}

func TestConcurrentWritesShareACommit(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// The first write holds the committer until the others wait behind it.
	inside, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := db.write(context.Background(), func(*tx) error { close(inside); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-inside
	var transactions sync.Map
	var count atomic.Int32
	for i := range 100 {
		wg.Go(func() {
			if err := db.write(context.Background(), func(tx *tx) error {
				transactions.LoadOrStore(tx, true)
				count.Add(1)
				return tx.exec(`insert into facts (name, value) values (?, '')`, fmt.Sprint(i))
			}); err != nil {
				t.Error(err)
			}
		})
	}
	for len(db.writes.queue) < 100 { // until all of them wait
		runtime.Gosched()
	}
	close(release)
	wg.Wait()
	n := 0
	transactions.Range(func(any, any) bool { n++; return true })
	if n > 2 || count.Load() != 100 {
		t.Errorf("100 waiting writes took %d transactions (%d runs), want them to share", n, count.Load())
	}
}

func TestAFailingWriteDoesNotHurtItsNeighbours(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	refusal := errors.New("no")
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			err := db.write(context.Background(), func(tx *tx) error {
				if err := tx.exec(`insert into facts (name, value) values (?, '')`, fmt.Sprint(i)); err != nil {
					return err
				}
				if i%10 == 0 {
					return refusal
				}
				return nil
			})
			if wantErr := i%10 == 0; errors.Is(err, refusal) != wantErr {
				t.Errorf("write %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	var n int
	if err := db.reader.QueryRow(`select count(*) from facts`).Scan(&n); err != nil || n != 180 {
		t.Errorf("%d rows, %v; want the 180 good ones", n, err)
	}
}

func TestTooManyWaitingWritesAreToldSo(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	inside, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = db.write(context.Background(), func(*tx) error { close(inside); <-release; return nil })
	})
	<-inside
	var busy atomic.Int32
	for range maxWaiting + 50 {
		wg.Go(func() {
			if err := db.write(context.Background(), func(*tx) error { return nil }); errors.Is(err, ErrBusy) {
				busy.Add(1)
			}
		})
	}
	for len(db.writes.queue) < maxWaiting || busy.Load() < 50 {
		runtime.Gosched()
	}
	close(release)
	wg.Wait()
	if busy.Load() != 50 {
		t.Errorf("%d writes were told to come back, want the 50 beyond the limit", busy.Load())
	}
}

func TestAfterTheDiskFailedNothingIsAcknowledged(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	failure := errors.New("input/output error")
	if err := db.write(t.Context(), func(tx *tx) error { tx.broken = failure; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Accept(t.Context(), delivery(1, 10)); !errors.Is(err, failure) {
		t.Errorf("Accept = %v, want the failure of the disk", err)
	}
	if found, err := db.Pending(t.Context(), "k", 10); err != nil || len(found) != 0 {
		t.Errorf("stored %v, %v; want nothing", found, err)
	}
}
