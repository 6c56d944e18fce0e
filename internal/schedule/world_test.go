package schedule_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/schedule"
)

// world is a service on a ledger in memory, with a clock that can be set. It
// lives in a synctest bubble.
type world struct {
	t       *testing.T
	ahead   time.Duration // of the bubble's clock
	entries []schedule.Entry
	options schedule.Options
	logged  bytes.Buffer
	stop    func()

	mu       sync.Mutex
	known    map[string]time.Time
	last     map[string]string
	recorded map[string]bool
	taken    []taking
	woken    int
	full     bool // the disk
}

// taking is a slot that was taken.
type taking struct {
	schedule, slot string
	at             time.Time
}

func newWorld(t *testing.T, entries ...schedule.Entry) *world {
	w := &world{t: t, entries: entries, known: map[string]time.Time{}, last: map[string]string{}, recorded: map[string]bool{}}
	for i := range w.entries {
		if w.entries[i].Job == nil {
			w.entries[i].Job = job
		}
	}
	return w
}

// entry is a schedule with the name of its spec.
func entry(t *testing.T, text, zone string) schedule.Entry {
	return schedule.Entry{Name: text, Spec: spec(t, text, zone), Job: job}
}

func job(slot schedule.Slot) crm.Job {
	kind := "in time"
	if slot.Late {
		kind = "late"
	}
	return crm.Job{Kind: kind}
}

func (w *world) Schedule(_ context.Context, name string, now time.Time) (time.Time, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known[name].IsZero() {
		if w.full {
			return time.Time{}, "", errors.New("disk full")
		}
		w.known[name] = now
	}
	return w.known[name], w.last[name], nil
}

func (w *world) Take(_ context.Context, name, slot string, _ crm.Job) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full {
		return false, errors.New("disk full")
	}
	if w.recorded[name+slot] {
		return false, nil
	}
	w.recorded[name+slot] = true
	w.taken = append(w.taken, taking{name, slot, w.now()})
	w.last[name] = max(w.last[name], slot)
	return true, nil
}

func (w *world) now() time.Time { return time.Now().Add(w.ahead) }

// set puts the clock to a time.
func (w *world) set(at string) {
	w.t.Helper()
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		w.t.Fatal(err)
	}
	w.step(t.Sub(w.now()))
}

// step moves the clock; the service sees it when it wakes next.
func (w *world) step(by time.Duration) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += by
}

func (w *world) start() {
	o := w.options
	o.Ledger, o.Entries, o.Log = w, w.entries, slog.New(slog.NewTextHandler(&w.logged, nil))
	o.Wake = func() { w.woken++ }
	o.Now = func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now()
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error)
	go func() { ended <- schedule.New(o).Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	}
	synctest.Wait()
}

// pass lets time pass, to the end of what is due then.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// away stops the service for a while.
func (w *world) away(d time.Duration) {
	w.stop()
	time.Sleep(d)
	w.start()
}

// fill makes the disk full, or not.
func (w *world) fill(full bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.full = full
}

// slots returns what was taken so far, in order.
func (w *world) slots() string {
	var names []string
	for _, t := range w.taken {
		names = append(names, t.slot)
	}
	return strings.Join(names, " ")
}

func (w *world) want(slots string) {
	w.t.Helper()
	if got := w.slots(); got != slots {
		w.t.Errorf("taken: %s\nwant:  %s", got, slots)
	}
}
