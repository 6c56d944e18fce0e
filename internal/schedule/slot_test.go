package schedule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/schedule"
)

// due is one slot and when it is due.
type due struct {
	name string
	at   time.Time
}

// quarter divides all specs of these tests, and all changes of the clocks.
const quarter = 15 * time.Minute

// whenDue is the plain way to say when slots are due, and shares nothing with
// the package: a clock on the wall is looked at from one instant to another,
// and every time that fits is due when the wall first shows it or has jumped
// over it.
func whenDue(in *time.Location, from, until time.Time) map[string][]due {
	all := map[string][]due{}
	wallAt := func(at time.Time) time.Time {
		year, month, day := at.In(in).Date()
		hour, minute, _ := at.In(in).Clock()
		return time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
	}
	shown := wallAt(from)
	for at := from.Add(quarter); !at.After(until); at = at.Add(quarter) {
		for wall := wallAt(at); shown.Before(wall); {
			shown = shown.Add(quarter)
			for text, fits := range specs {
				if fits(shown) {
					all[text] = append(all[text], due{shown.Format("2006-01-02T15:04"), at})
				}
			}
		}
	}
	return all
}

// specs are what the tests of whole years run, with what they mean.
var specs = map[string]func(time.Time) bool{
	"0 9 * * *":    func(w time.Time) bool { return w.Hour() == 9 && w.Minute() == 0 },
	"30 2 * * *":   func(w time.Time) bool { return w.Hour() == 2 && w.Minute() == 30 },
	"0 2 * * *":    func(w time.Time) bool { return w.Hour() == 2 && w.Minute() == 0 },
	"0 0 * * *":    func(w time.Time) bool { return w.Hour() == 0 && w.Minute() == 0 },
	"*/30 * * * *": func(w time.Time) bool { return w.Minute()%30 == 0 },
	"weekdays 01:15": func(w time.Time) bool {
		return w.Hour() == 1 && w.Minute() == 15 && w.Weekday() != time.Saturday && w.Weekday() != time.Sunday
	},
}

// years are zones with the years in which their clocks did something odd.
var years = []struct {
	zone string
	year int
	odd  string
}{
	{"UTC", 2026, "nothing"},
	{"Europe/Madrid", 2026, "one hour at 02:00"},
	{"Europe/Madrid", 2040, "the same by a rule, beyond all tables, in a leap year"},
	{"America/New_York", 2027, "one hour at 02:00"},
	{"Australia/Lord_Howe", 2026, "half an hour at 02:00"},
	{"Australia/Lord_Howe", 2040, "the same by a rule, in a summer over the new year"},
	{"Asia/Kolkata", 2026, "half an hour off, no changes"},
	{"America/Sao_Paulo", 2018, "midnight is missing, and comes twice"},
	{"Asia/Beirut", 2022, "midnight is missing, and comes twice"},
	{"Africa/Casablanca", 2026, "back for Ramadan"},
	{"Europe/Dublin", 2026, "the winter is the odd one"},
	{"Pacific/Apia", 2011, "30 December is missing"},
	{"Pacific/Kwajalein", 1993, "21 August is missing"},
	{"Asia/Pyongyang", 2018, "half an hour at 23:30"},
	{"America/Nuuk", 2024, "an hour on the evening before"},
	{"Antarctica/Troll", 2026, "two hours"},
}

func TestEverySlotOfAYearComesOnceAndInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	t.Parallel()
	for _, y := range years {
		t.Run(fmt.Sprintf("%s %d: %s", y.zone, y.year, y.odd), func(t *testing.T) {
			t.Parallel()
			checkYear(t, y.zone, y.year)
		})
	}
}

func checkYear(t *testing.T, name string, year int) {
	from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(0, 0, 366)
	for text, want := range whenDue(zone(t, name), from, until) {
		got := make([]due, 0, len(want))
		for slot := range spec(t, text, name).After(from) {
			if slot.At.After(until) {
				break
			}
			got = append(got, due{slot.Name, slot.At.UTC()})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s", text, difference(got, want))
		}
		checkNext(t, spec(t, text, name), want)
	}
}

// checkNext asks for the next slot just before each and at each.
func checkNext(t *testing.T, s *schedule.Spec, all []due) {
	t.Helper()
	for i, d := range all {
		first := i // of those that are due at the same instant
		for first > 0 && all[first-1].at.Equal(d.at) {
			first--
		}
		if got := s.Next(d.at.Add(-time.Nanosecond)); got.Name != all[first].name {
			t.Errorf("%s: just before %s comes %s", s, all[first].name, got.Name)
		}
		if i+1 < len(all) && all[i+1].at.After(d.at) {
			if got := s.Next(d.at); got.Name != all[i+1].name {
				t.Errorf("%s: after %s comes %s, want %s", s, d.name, got.Name, all[i+1].name)
			}
		}
	}
}

func difference(got, want []due) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return "got " + got[i].String() + ", want " + want[i].String()
		}
	}
	return fmt.Sprintf("got %d slots, want %d", len(got), len(want))
}

func (d due) String() string { return d.name + " at " + d.at.Format(time.RFC3339) }

func TestTheWallClockIsFollowedOverItsOddities(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ what, spec, zone, after, want string }{
		{
			"a missing time is due after the gap", "30 2 * * *", "Europe/Madrid", "2027-03-27T12:00:00Z",
			"2027-03-28T02:30 at 03:00+02:00, 2027-03-29T02:30 at 02:30+02:00",
		},
		{
			"a doubled time is due the first time", "30 2 * * *", "Europe/Madrid", "2027-10-30T12:00:00Z",
			"2027-10-31T02:30 at 02:30+02:00, 2027-11-01T02:30 at 02:30+01:00",
		},
		{
			"the doubled hour is silent the second time", "*/30 * * * *", "America/New_York", "2026-11-01T05:00:00Z",
			"2026-11-01T01:30 at 01:30-04:00, 2026-11-01T02:00 at 02:00-05:00",
		},
		{
			"slots of the gap are due together, in order", "*/30 * * * *", "Europe/Madrid", "2026-03-29T00:30:00Z",
			"2026-03-29T02:00 at 03:00+02:00, 2026-03-29T02:30 at 03:00+02:00, 2026-03-29T03:00 at 03:00+02:00, 2026-03-29T03:30 at 03:30+02:00",
		},
		{
			"midnight may be missing", "0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z",
			"2018-11-04T00:00 at 01:00-02:00, 2018-11-05T00:00 at 00:00-02:00",
		},
		{
			"half an hour may be missing", "0 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z",
			"2026-10-04T02:00 at 02:30+11:00, 2026-10-05T02:00 at 02:00+11:00",
		},
		{
			"a whole day may be missing", "0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z",
			"2011-12-29T09:00 at 09:00-10:00, 2011-12-30T09:00 at 00:00+14:00, 2011-12-31T09:00 at 09:00+14:00",
		},
		{
			"a missing midnight meets the next", "0 0 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z",
			"2011-12-30T00:00 at 00:00+14:00, 2011-12-31T00:00 at 00:00+14:00, 2012-01-01T00:00 at 00:00+14:00",
		},
	} {
		after, _ := time.Parse(time.RFC3339, c.after)
		var got []string
		for slot := range spec(t, c.spec, c.zone).After(after) {
			got = append(got, slot.Name+" at "+slot.At.Format("15:04Z07:00"))
			if len(got) > strings.Count(c.want, ",") {
				break
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: got %s, want %s", c.what, strings.Join(got, ", "), c.want)
		}
	}
}
