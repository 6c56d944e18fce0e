package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/queue"
	"github.com/dealbell/dealbell/internal/store"
)

// openGate lets everything through.
type openGate struct{}

func (openGate) Capacity() (int, time.Time) { return 100, time.Time{} }

// world is a queue on a real store, with a record of what ran.
type world struct {
	t      *testing.T
	dir    string
	db     *store.DB
	runner *queue.Runner
	stop   func() error

	mu  sync.Mutex
	ran []string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir()}
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	db, err := store.Open(context.Background(), w.dir, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	w.db = db
}

// start runs the queue; handle is called for every job of kind "k".
func (w *world) start(o queue.Options, handle queue.Handler) {
	if o.Gate == nil {
		o.Gate = openGate{}
	}
	o.Store, o.Log = w.db, slog.New(slog.DiscardHandler)
	o.Jitter = func(d time.Duration) time.Duration { return d }
	o.Handlers = map[string]queue.Handler{"k": func(ctx context.Context, j crm.Job) (crm.Commit, error) {
		w.mu.Lock()
		w.ran = append(w.ran, string(j.Payload))
		w.mu.Unlock()
		return handle(ctx, j)
	}}
	w.runner = queue.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.runner.Run(ctx) }()
	w.stop = func() error { cancel(); return <-ended }
}

func (w *world) close() {
	if err := w.stop(); err != nil {
		w.t.Error(err)
	}
	w.db.Close()
}

func (w *world) enqueue(jobs ...crm.Job) {
	w.t.Helper()
	for i := range jobs {
		jobs[i].Kind = "k"
	}
	if err := w.db.Apply(context.Background(), crm.Commit{Jobs: jobs}); err != nil {
		w.t.Fatal(err)
	}
	if w.runner != nil {
		w.runner.Wake()
	}
}

func (w *world) jobs(state crm.JobState) []crm.Job {
	w.t.Helper()
	found, err := w.db.Jobs(context.Background(), store.JobFilter{State: state, Limit: 10_000})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func (w *world) runs() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.ran)
}

func named(name string) crm.Job {
	return crm.Job{Payload: fmt.Appendf(nil, "%q", name)}
}

func quoted(names ...string) []string {
	for i := range names {
		names[i] = fmt.Sprintf("%q", names[i])
	}
	return names
}

func TestUrgentLanesGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, lane := range []crm.Lane{crm.Bulk, crm.Sync, crm.Live} {
			j := named(lane.String())
			j.Lane = lane
			w.enqueue(j)
		}
		one := map[crm.Lane]int{crm.Live: 1, crm.Sync: 1, crm.Bulk: 1}
		w.start(queue.Options{Slots: one, Gate: gate{1}}, func(context.Context, crm.Job) (crm.Commit, error) {
			time.Sleep(time.Second)
			return crm.Commit{}, nil
		})
		time.Sleep(10 * time.Second)
		if got, want := w.runs(), quoted("live", "sync", "bulk"); !slices.Equal(got, want) {
			t.Errorf("ran %v, want %v", got, want)
		}
		w.close()
	})
}

func TestMessagesGoOutWhileNotionIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, lane := range []crm.Lane{crm.Live, crm.Notify, crm.Sync} {
			j := named(lane.String())
			j.Lane = lane
			w.enqueue(j)
		}
		w.start(queue.Options{Gate: gate{0}}, func(context.Context, crm.Job) (crm.Commit, error) { return crm.Commit{}, nil })
		time.Sleep(time.Minute)
		if got, want := w.runs(), quoted("notify"); !slices.Equal(got, want) {
			t.Errorf("ran %v, want %v: the others need Notion", got, want)
		}
		w.close()
	})
}

type gate struct{ n int }

func (g gate) Capacity() (int, time.Time) { return g.n, time.Now().Add(time.Second) }

func TestJobsOfOneKeyRunOneAtATimeAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		running := map[string]int{}
		var mu sync.Mutex
		w.start(queue.Options{}, func(_ context.Context, j crm.Job) (crm.Commit, error) {
			mu.Lock()
			if running[j.Key]++; running[j.Key] > 1 {
				t.Errorf("two jobs of key %s run at once", j.Key)
			}
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			running[j.Key]--
			mu.Unlock()
			if j.Attempts < 1 && string(j.Payload) == `"2"` {
				return crm.Commit{}, errors.New("not yet")
			}
			return crm.Commit{}, nil
		})
		for i := range 5 {
			for _, key := range []string{"a", "b"} {
				j := named(fmt.Sprint(i))
				j.Key = key
				w.enqueue(j)
			}
		}
		time.Sleep(time.Minute)
		for _, p := range []string{"0", "1", "2", "3", "4"} {
			want := 2
			if p == "2" {
				want = 4 // each failed once
			}
			if n := count(w.runs(), p); n != want {
				t.Errorf("job %s ran %d times, want %d", p, n, want)
			}
		}
		if !slices.IsSortedFunc(w.runs(), func(a, b string) int { return int(a[1]) - int(b[1]) }) {
			t.Errorf("ran %v, want the retry before the jobs behind it", w.runs())
		}
		w.close()
	})
}

func count(list []string, name string) int {
	n := 0
	for _, s := range list {
		if s == fmt.Sprintf("%q", name) {
			n++
		}
	}
	return n
}

func TestJobsWithTheSameUniqueBecomeOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		unique := func(name string) crm.Job {
			j := named(name)
			j.Key, j.Unique = "a", "a"
			return j
		}
		release := make(chan struct{})
		w.start(queue.Options{}, func(context.Context, crm.Job) (crm.Commit, error) {
			<-release
			return crm.Commit{}, nil
		})
		w.enqueue(unique("first"))
		synctest.Wait()
		for _, name := range []string{"second", "third", "fourth"} {
			w.enqueue(unique(name)) // while the first runs
		}
		if n := len(w.jobs(crm.JobBlocked)); n != 1 {
			t.Errorf("%d jobs behind the running one, want one", n)
		}
		close(release)
		time.Sleep(time.Second)
		if got, want := w.runs(), quoted("first", "fourth"); !slices.Equal(got, want) {
			t.Errorf("ran %v, want %v: the newest payload, once more", got, want)
		}
		w.close()
	})
}

func TestAFailedJobIsReplacedByItsNewerTwin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		unique := func(name string) crm.Job {
			j := named(name)
			j.Key, j.Unique = "a", "a"
			return j
		}
		release := make(chan struct{})
		w.start(queue.Options{}, func(_ context.Context, j crm.Job) (crm.Commit, error) {
			<-release
			if string(j.Payload) == `"old"` {
				return crm.Commit{}, errors.New("no")
			}
			return crm.Commit{}, nil
		})
		w.enqueue(unique("old"))
		synctest.Wait()
		w.enqueue(unique("new"))
		close(release)
		synctest.Wait()
		waiting := w.jobs(crm.JobWaiting)
		if len(waiting) != 1 || string(waiting[0].Payload) != `"new"` || waiting[0].Attempts != 1 {
			t.Errorf("waiting: %+v, want the newer job with the older one's wait", waiting)
		}
		time.Sleep(5 * time.Second)
		if got, want := w.runs(), quoted("old", "new"); !slices.Equal(got, want) {
			t.Errorf("ran %v, want %v", got, want)
		}
		if left := w.jobs(""); len(left) != 0 {
			t.Errorf("left over: %+v", left)
		}
		w.close()
	})
}

func TestWhatBecomesOfAJob(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		err      error
		state    crm.JobState
		attempts int
		wait     time.Duration
	}{
		{"refused values make a dead letter", fmt.Errorf("%w: no", crm.ErrInvalid), crm.JobDead, 1, 0},
		{"a known time is kept without counting", crm.Later(time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC), "wait"), crm.JobWaiting, 0, time.Hour},
		{"an outage is tried again soon", crm.ErrUnavailable, crm.JobWaiting, 1, 2 * time.Second},
		{"a refusal of Dealbell itself waits for a person", crm.ErrForbidden, crm.JobWaiting, 1, time.Minute},
		{"anything else is tried again", errors.New("odd"), crm.JobWaiting, 1, 2 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // starts at 2000-01-01 00:00 UTC
				w := newWorld(t)
				w.start(queue.Options{}, func(context.Context, crm.Job) (crm.Commit, error) { return crm.Commit{}, tc.err })
				began := time.Now()
				w.enqueue(named("x"))
				synctest.Wait()
				found := w.jobs("")
				if len(found) != 1 {
					t.Fatalf("%d jobs, want 1", len(found))
				}
				j := found[0]
				if j.State != tc.state || j.Attempts != tc.attempts || j.LastError != tc.err.Error() {
					t.Errorf("job is %s after %d attempts because %q; want %s after %d because %q", j.State, j.Attempts, j.LastError, tc.state, tc.attempts, tc.err)
				}
				if tc.wait > 0 && j.NotBefore.Sub(began) != tc.wait {
					t.Errorf("waits %v, want %v", j.NotBefore.Sub(began), tc.wait)
				}
				w.close()
			})
		})
	}
}

func TestALeadIsGivenUpAfterSevenDaysAtTheEarliest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(queue.Options{Recheck: time.Hour}, func(context.Context, crm.Job) (crm.Commit, error) { return crm.Commit{}, errors.New("odd") })
		w.enqueue(named("x"))
		time.Sleep(7*24*time.Hour - time.Minute)
		if n := len(w.jobs(crm.JobDead)); n != 0 {
			t.Fatal("given up within 7 days")
		}
		time.Sleep(time.Hour)
		if n := len(w.jobs(crm.JobDead)); n != 1 {
			t.Error("not a dead letter after 7 days")
		}
		if n := len(w.runs()); n < 600 || n > 800 {
			t.Errorf("tried %d times in 7 days, want about every 15 minutes", n)
		}
		w.close()
	})
}

func TestAPanicIsAnErrorOfOneJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(queue.Options{}, func(_ context.Context, j crm.Job) (crm.Commit, error) {
			if string(j.Payload) == `"bad"` {
				panic("boom")
			}
			return crm.Commit{}, nil
		})
		w.enqueue(named("bad"), named("good"))
		synctest.Wait()
		left := w.jobs("")
		if len(left) != 1 || left[0].State != crm.JobWaiting || left[0].LastError != "panic: boom" {
			t.Errorf("left over: %+v, want the one that panicked, waiting", left)
		}
		w.close()
	})
}

func TestARefusedLaneStopsProbesAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var allowed atomic.Bool
		w.start(queue.Options{}, func(context.Context, crm.Job) (crm.Commit, error) {
			if !allowed.Load() {
				return crm.Commit{}, crm.ErrForbidden
			}
			return crm.Commit{}, nil
		})
		for i := range 100 {
			w.enqueue(named(fmt.Sprint(i)))
		}
		time.Sleep(30*time.Minute + time.Second)
		before := len(w.runs())
		if before > 45 {
			t.Errorf("%d tries in 30 minutes, want about one a minute after the first few", before)
		}
		allowed.Store(true)
		time.Sleep(6 * time.Minute)
		if left := w.jobs(""); len(left) != 0 {
			t.Errorf("%d jobs left after the lane went on", len(left))
		}
		w.close()
	})
}

func TestOneRefusedJobDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(queue.Options{}, func(_ context.Context, j crm.Job) (crm.Commit, error) {
			if string(j.Payload) == `"refused"` {
				return crm.Commit{}, crm.ErrForbidden
			}
			return crm.Commit{}, nil
		})
		w.enqueue(named("refused"))
		for i := range 50 {
			w.enqueue(named(fmt.Sprint(i)))
		}
		time.Sleep(time.Minute - time.Second)
		if left := w.jobs(""); len(left) != 1 {
			t.Errorf("%d jobs left after a minute, want only the refused one", len(left))
		}
		time.Sleep(24 * time.Hour)
		if n := count(w.runs(), "refused"); n < 280 || n > 295 {
			t.Errorf("the refused job ran %d times in a day, want about every 5 minutes", n)
		}
		w.close()
	})
}

func TestAReadIsNeverGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(queue.Options{Recheck: time.Hour}, func(context.Context, crm.Job) (crm.Commit, error) {
			return crm.Commit{}, fmt.Errorf("%w: odd", crm.ErrInvalid)
		})
		read := named("read")
		read.Lane = crm.Sync
		w.enqueue(read)
		time.Sleep(8 * 24 * time.Hour)
		if waiting := w.jobs(crm.JobWaiting); len(waiting) != 1 {
			t.Errorf("jobs after eight days: %+v, want the read still to come", w.jobs(""))
		}
		w.close()
	})
}

func TestAClosedGateCostsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g := &switchGate{until: time.Now().Add(24 * time.Hour)}
		w.start(queue.Options{Gate: g, Recheck: time.Hour}, func(context.Context, crm.Job) (crm.Commit, error) { return crm.Commit{}, nil })
		for i := range 200 {
			w.enqueue(named(fmt.Sprint(i)))
		}
		time.Sleep(24*time.Hour - time.Second)
		if n := len(w.runs()); n != 0 {
			t.Errorf("%d jobs ran through a closed gate", n)
		}
		time.Sleep(3 * time.Second)
		if n := len(w.runs()); n != 200 {
			t.Errorf("%d jobs ran after the gate opened, want all 200", n)
		}
		w.close()
	})
}

type switchGate struct{ until time.Time }

func (g *switchGate) Capacity() (int, time.Time) {
	if time.Now().Before(g.until) {
		return 0, g.until
	}
	return 10, time.Time{}
}

func TestStoppingWaitsForRunningJobsThenCancels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(queue.Options{Grace: 10 * time.Second}, func(ctx context.Context, j crm.Job) (crm.Commit, error) {
			work := 5 * time.Second
			if string(j.Payload) == `"endless"` {
				work = time.Hour
			}
			select {
			case <-time.After(work):
				return crm.Commit{}, nil
			case <-ctx.Done():
				return crm.Commit{}, ctx.Err()
			}
		})
		w.enqueue(named("short"), named("endless"))
		synctest.Wait()
		w.enqueue(named("never started"))
		began := time.Now()
		if err := w.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("stopped after %v, want the grace time", took)
		}
		w.db.Close()
		w.open()
		left := w.jobs("")
		if len(left) != 2 || string(left[0].Payload) != `"endless"` || left[0].Attempts != 0 {
			t.Errorf("left over: %+v, want the cancelled one, not counted, and the one that did not start", left)
		}
		w.db.Close()
	})
}

func TestStoppingWaitsForNoJobWhenNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		lost := make(chan struct{})
		w.start(queue.Options{Lost: lost}, func(ctx context.Context, _ crm.Job) (crm.Commit, error) {
			<-ctx.Done()
			return crm.Commit{}, ctx.Err()
		})
		w.enqueue(named("endless"))
		synctest.Wait()
		close(lost)
		began := time.Now()
		if err := w.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("stopped after %v, want at once", took)
		}
		w.db.Close()
	})
}

func TestTheEndOfAJobAndItsEffectsAreOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(queue.Options{}, func(_ context.Context, j crm.Job) (crm.Commit, error) {
			if string(j.Payload) != `"parent"` {
				return crm.Commit{}, nil
			}
			child := named("child")
			child.Kind = "k"
			return crm.Commit{Jobs: []crm.Job{child}, Reads: []crm.Read{{Database: "db", CompletedAt: time.Now()}}}, nil
		})
		w.enqueue(named("parent"))
		synctest.Wait()
		if got, want := w.runs(), quoted("parent", "child"); !slices.Equal(got, want) {
			t.Errorf("ran %v, want %v", got, want)
		}
		if r, err := w.db.Read(context.Background(), "db"); err != nil || r.CompletedAt.IsZero() {
			t.Errorf("Read = %+v, %v; want what the job committed", r, err)
		}
		w.close()
	})
}
