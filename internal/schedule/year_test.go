package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/schedule"
)

// lived are the zones and years that the service lives through.
var lived = []struct {
	zone string
	year int
}{
	{"Europe/Madrid", 2000},
	{"America/New_York", 2000},
	{"Australia/Lord_Howe", 2026},
	{"Asia/Kolkata", 2026},
	{"America/Sao_Paulo", 2018},
	{"Asia/Beirut", 2022},
	{"Pacific/Apia", 2011},
	{"Africa/Casablanca", 2026},
	{"Europe/Dublin", 2026},
	{"Asia/Pyongyang", 2018},
	{"America/Nuuk", 2024},
	{"Antarctica/Troll", 2026},
}

// seedOf is DEALBELL_TEST_SEED, to repeat a run.
func seedOf() uint64 {
	if seed, err := strconv.ParseUint(os.Getenv("DEALBELL_TEST_SEED"), 10, 64); err == nil {
		return seed
	}
	return 1
}

// year runs a service for 366 days, with one schedule per spec.
func year(t *testing.T, name string, first int, live func(w *world, until time.Time)) {
	var entries []schedule.Entry
	for text := range specs {
		entries = append(entries, entry(t, text, name))
	}
	from := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(0, 0, 366)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, entries...)
		w.options.Tick = 20 * time.Minute // enough, and quicker than a minute
		w.step(from.Sub(w.now()) + time.Second)
		w.start()
		live(w, until)
		w.stop()
		for text, want := range whenDue(zone(t, name), from, until) {
			w.check(text, want)
		}
	})
}

// check compares a schedule's slots with those of the year: none twice, none
// out of order, and none missing but those that a later one may stand for.
func (w *world) check(text string, want []due) {
	w.t.Helper()
	got := w.takenOf(text)
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		w.t.Errorf("%s: slots came twice or out of order: %v", text, got)
	}
	came := map[string]bool{}
	for _, name := range got {
		came[name] = true
	}
	for i, d := range want {
		standsIn := i+1 < len(want) && want[i+1].at.Sub(d.at) <= 6*time.Hour
		if !came[d.name] && !standsIn {
			w.t.Errorf("%s: %s never came", text, d)
		}
		delete(came, d.name)
	}
	if len(came) > 0 {
		w.t.Errorf("%s: no slots of the year: %v", text, came)
	}
}

func (w *world) takenOf(text string) (names []string) {
	for _, t := range w.taken {
		if t.schedule == text {
			names = append(names, t.slot)
		}
	}
	return names
}

func TestAYearTakesEverySlotOnceInItsMinute(t *testing.T) {
	t.Parallel()
	var taken atomic.Int64
	t.Cleanup(func() {
		t.Logf("figure: R11 digests | 366 days in %d zones, %d schedules: %d slots, each taken once and in its minute | seed 0", len(lived), len(specs), taken.Load())
	})
	for _, y := range lived {
		t.Run(fmt.Sprintf("%s %d", y.zone, y.year), func(t *testing.T) {
			t.Parallel()
			year(t, y.zone, y.year, func(w *world, until time.Time) {
				w.pass(until.Sub(w.now()))
				want := whenDue(zone(t, y.zone), until.AddDate(0, 0, -366), until)[often]
				if got := w.takenOf(often); len(got) != len(want) {
					t.Errorf("%d slots of %s were taken, want %d", len(got), often, len(want))
				}
				w.checkTimes()
				taken.Add(int64(len(w.taken)))
			})
		})
	}
}

// checkTimes asks that every slot was taken at the instant it was due.
func (w *world) checkTimes() {
	for _, e := range w.entries {
		at := map[string]time.Time{}
		for slot := range e.Spec.After(time.Date(w.now().Year()-2, 1, 1, 0, 0, 0, 0, time.UTC)) {
			if slot.At.After(w.now()) {
				break
			}
			at[slot.Name] = slot.At
		}
		for _, taken := range w.taken {
			if taken.schedule == e.Name && !taken.at.Equal(at[taken.slot]) {
				w.t.Errorf("%s %s was taken at %v, want %v", e.Name, taken.slot, taken.at, at[taken.slot])
			}
		}
	}
}

// Restarts, power cuts of hours and a clock that jumps either way: what a
// digest may meet in a year.
func TestAYearOfTroubleTakesEveryDigestOnce(t *testing.T) {
	t.Parallel()
	seed := seedOf()
	var taken, troubles atomic.Int64
	t.Cleanup(func() {
		t.Logf("figure: R11 digests in trouble | 366 days in %d zones, %d schedules, %d restarts, steps of the clock and full disks: %d slots, none taken twice, none missed that no later one stands for | seed %d",
			len(lived), len(specs), troubles.Load(), taken.Load(), seed)
	})
	for i, y := range lived {
		t.Run(fmt.Sprintf("%s %d", y.zone, y.year), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			some := func(most time.Duration) time.Duration { return time.Duration(random.Int64N(int64(most))) }
			year(t, y.zone, y.year, func(w *world, until time.Time) {
				w.pass(24 * time.Hour) // a clock that goes back before the first start makes more slots
				for until.Sub(w.now()) > 24*time.Hour {
					switch random.IntN(6) {
					case 0:
						w.away(some(5 * time.Hour))
					case 1:
						w.away(some(time.Minute))
					case 2:
						w.step(some(5 * time.Hour))
					case 3:
						w.step(-some(3 * time.Hour))
					case 4:
						w.stop()
						w.step(some(8*time.Hour) - 3*time.Hour)
						w.start()
					case 5:
						w.fill(true)
						w.pass(some(5 * time.Hour))
						w.fill(false)
					}
					w.pass(time.Hour + some(24*time.Hour))
					troubles.Add(1)
				}
				w.pass(until.Sub(w.now()))
				taken.Add(int64(len(w.taken)))
			})
		})
	}
}
