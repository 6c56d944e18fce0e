package schedule_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/schedule"
)

// story is what happens to a service with one schedule.
type story struct {
	what, spec, zone string
	start            string // when the schedule is new
	then             func(*world)
	taken            string // by then
}

const (
	daily  = "0 9 * * *"
	often  = "*/30 * * * *"
	minute = "* * * * *"
)

var stories = []story{
	{
		"a schedule that is new has missed nothing", daily, "UTC", "2026-11-20T12:00:00Z",
		func(w *world) { w.away(time.Hour) },
		"",
	},
	{
		"a schedule that is new at its minute is in time", daily, "UTC", "2026-11-20T09:00:00Z",
		func(w *world) { w.pass(time.Hour) },
		"2026-11-20T09:00",
	},
	{
		"a slot missed within six hours is taken at the start", daily, "UTC", "2026-11-20T08:00:00Z",
		func(w *world) { w.away(7 * time.Hour); w.pass(time.Hour); w.away(time.Minute) },
		"2026-11-20T09:00",
	},
	{
		"a slot missed for longer is gone", daily, "UTC", "2026-11-20T08:00:00Z",
		func(w *world) { w.away(7*time.Hour + time.Second); w.pass(time.Hour) },
		"",
	},
	{
		"a restart within the minute takes no slot again", daily, "UTC", "2026-11-20T08:59:00Z",
		func(w *world) { w.pass(time.Minute); w.away(0); w.away(time.Second); w.pass(time.Hour) },
		"2026-11-20T09:00",
	},
	{
		"a day away ends in one slot of a daily schedule", daily, "UTC", "2026-11-20T11:00:00Z",
		func(w *world) { w.away(24 * time.Hour); w.pass(21 * time.Hour) },
		"2026-11-21T09:00",
	},
	{
		"a day away ends in one slot of a busy schedule", often, "UTC", "2026-11-20T11:20:00Z",
		func(w *world) { w.away(24 * time.Hour); w.pass(30 * time.Minute) },
		"2026-11-21T11:00 2026-11-21T11:30",
	},
	{
		"a day suspended ends in one slot", often, "UTC", "2026-11-20T11:20:00Z",
		func(w *world) { w.step(24 * time.Hour); w.pass(time.Minute) },
		"2026-11-21T11:00",
	},
	{
		"a hiccup of two ticks misses nothing", minute, "UTC", "2026-11-20T11:20:30Z",
		func(w *world) { w.step(time.Minute); w.pass(90 * time.Second) },
		"2026-11-20T11:21 2026-11-20T11:22 2026-11-20T11:23",
	},
	{
		"a clock that is set back repeats nothing", often, "UTC", "2026-11-20T11:20:00Z",
		func(w *world) { w.pass(45 * time.Minute); w.step(-time.Hour); w.pass(90 * time.Minute) },
		"2026-11-20T11:30 2026-11-20T12:00 2026-11-20T12:30",
	},
	{
		"a clock that was set back between two starts repeats nothing", daily, "UTC", "2026-11-20T08:00:00Z",
		func(w *world) {
			w.pass(2 * time.Hour)
			w.step(-90 * time.Minute)
			w.away(time.Minute)
			w.pass(2 * time.Hour)
		},
		"2026-11-20T09:00",
	},
	{
		"a clock that was a year ahead does not silence a schedule", daily, "UTC", "2026-11-20T08:00:00Z",
		func(w *world) {
			w.pass(2 * time.Hour)
			w.set("2027-11-20T08:59:00Z")
			w.pass(2 * time.Minute)
			w.set("2026-11-20T10:00:00Z")
			w.pass(24 * time.Hour)
			w.away(time.Minute)
		},
		"2026-11-20T09:00 2027-11-20T09:00 2026-11-21T09:00",
	},
	{
		"a slot that passed while the clock was wrong is made up for", daily, "UTC", "2026-11-20T08:50:00Z",
		func(w *world) {
			w.set("2027-11-20T10:00:00Z")
			w.pass(20 * time.Minute)
			w.set("2026-11-20T09:10:00Z")
			w.pass(time.Minute)
		},
		"2027-11-20T09:00 2026-11-20T09:00",
	},
	{
		"a schedule that became known by a clock ahead runs", daily, "UTC", "2027-11-20T08:00:00Z",
		func(w *world) { w.set("2026-11-20T08:00:00Z"); w.pass(2 * time.Hour); w.away(time.Minute) },
		"2026-11-20T09:00",
	},
	{
		"the same after a restart", daily, "UTC", "2027-11-20T08:00:00Z",
		func(w *world) { w.stop(); w.set("2026-11-20T08:00:00Z"); w.start(); w.pass(25 * time.Hour) },
		"2026-11-20T09:00 2026-11-21T09:00",
	},
	{
		"slots of a missing hour are all taken, in order", often, "Europe/Madrid", "2026-03-29T00:50:00Z",
		func(w *world) { w.pass(15 * time.Minute) },
		"2026-03-29T02:00 2026-03-29T02:30 2026-03-29T03:00",
	},
	{
		"a missing time that was missed is taken once", "30 2 * * *", "Europe/Madrid", "2026-03-29T00:50:00Z",
		func(w *world) { w.away(5 * time.Hour); w.pass(24 * time.Hour) },
		"2026-03-29T02:30 2026-03-30T02:30",
	},
	{
		"a restart between the two times of an hour takes one", "30 2 * * *", "Europe/Madrid", "2026-10-25T00:00:00Z",
		func(w *world) { w.pass(45 * time.Minute); w.away(30 * time.Minute); w.pass(2 * time.Hour) },
		"2026-10-25T02:30",
	},
	{
		"the first of two times that was missed is made up for once", "30 2 * * *", "Europe/Madrid", "2026-10-25T00:00:00Z",
		func(w *world) { w.away(time.Hour); w.pass(2 * time.Hour) },
		"2026-10-25T02:30",
	},
	{
		"what a full disk refuses comes later", daily, "UTC", "2026-11-20T08:59:00Z",
		func(w *world) { w.fill(true); w.pass(5 * time.Hour); w.fill(false); w.pass(time.Hour) },
		"2026-11-20T09:00",
	},
	{
		"what a full disk refuses for a moment is not missed", minute, "UTC", "2026-11-20T08:59:30Z",
		func(w *world) { w.fill(true); w.pass(time.Minute); w.fill(false); w.pass(time.Minute) },
		"2026-11-20T09:00 2026-11-20T09:01",
	},
	{
		"what a full disk refuses for a day is gone", daily, "UTC", "2026-11-20T08:59:00Z",
		func(w *world) { w.fill(true); w.pass(23 * time.Hour); w.fill(false); w.pass(time.Hour) },
		"",
	},
}

func TestTheStoriesOfASchedule(t *testing.T) {
	t.Parallel()
	for _, s := range stories {
		t.Run(s.what, func(t *testing.T) {
			t.Parallel()
			e := entry(t, s.spec, s.zone)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, e)
				w.set(s.start)
				w.start()
				s.then(w)
				w.stop()
				w.want(s.taken)
			})
		})
	}
}

func TestASlotSaysWhetherItIsLateAndWakesTheQueue(t *testing.T) {
	t.Parallel()
	e := entry(t, daily, "Europe/Madrid")
	var got []string
	e.Job = func(s schedule.Slot) crm.Job {
		got = append(got, s.Name+s.At.Format(" 15:04Z07:00 ")+job(s).Kind)
		return job(s)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, e)
		w.set("2026-11-20T07:59:59Z")
		w.start()
		w.pass(time.Second)
		w.away(24*time.Hour + 2*time.Minute)
		w.away(24*time.Hour + time.Second)
		w.stop()
		if w.woken != 3 {
			t.Errorf("the queue was woken %d times, want 3", w.woken)
		}
	})
	want := "2026-11-20T09:00 09:00+01:00 in time, 2026-11-21T09:00 09:00+01:00 in time, 2026-11-22T09:00 09:00+01:00 late"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

func TestAPanicHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	bad, good := entry(t, minute, "UTC"), entry(t, often, "UTC")
	bad.Job = func(s schedule.Slot) crm.Job {
		if s.Name == "2026-11-20T09:00" {
			panic("no digest today")
		}
		return job(s)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, bad, good)
		w.set("2026-11-20T08:59:30Z")
		w.start()
		w.pass(5 * time.Minute)
		w.stop()
		w.want("2026-11-20T09:00 2026-11-20T09:01 2026-11-20T09:02 2026-11-20T09:03 2026-11-20T09:04")
		for text, times := range map[string]int{"no digest today": 1, "schedule panicked": 1, "takes its slots again": 1} {
			if n := strings.Count(w.logged.String(), text); n != times {
				t.Errorf("%q was logged %d times, want %d:\n%s", text, n, times, w.logged.String())
			}
		}
	})
}

func TestAFullDiskIsLoggedOnce(t *testing.T) {
	t.Parallel()
	e := entry(t, daily, "UTC")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, e)
		w.fill(true)
		w.start()
		w.pass(time.Hour)
		w.fill(false)
		w.pass(time.Hour)
		w.stop()
		if n := strings.Count(w.logged.String(), "disk full"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, w.logged.String())
		}
	})
}

func TestNextIsAskedByName(t *testing.T) {
	t.Parallel()
	s := schedule.New(schedule.Options{Entries: []schedule.Entry{entry(t, daily, "Asia/Kolkata")}})
	after := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	if got := s.Next(daily, after); got.Format(time.RFC3339) != "2026-11-21T09:00:00+05:30" {
		t.Errorf("got %v", got)
	}
	if got := s.Next("another", after); !got.IsZero() {
		t.Errorf("a schedule that does not exist comes at %v", got)
	}
}
