package schedule

import (
	"iter"
	"time"
)

// slotName is the layout of a slot's name. Names sort as their times do.
const slotName = "2006-01-02T15:04"

// mostFolded is longer than any zone ever set its clocks back, plus its
// distance from UTC: Alaska once repeated a day.
const mostFolded = 50 * time.Hour

// Slot is one time at which a schedule is due.
type Slot struct {
	Name string    // what the clock on the wall shows, such as 2026-11-20T09:00
	At   time.Time // when that is, in the schedule's zone
	Late bool      // taken more than two ticks after its time
}

// Next returns the first slot that is due after an instant; the zero Slot
// when there is none within five years, as a leap day near 2100.
func (s *Spec) Next(after time.Time) Slot {
	for slot := range s.after(after) {
		return slot
	}
	return Slot{}
}

// between lists the slots due after one instant, up to and with another.
func (s *Spec) between(after, until time.Time) []Slot {
	var found []Slot
	for slot := range s.after(after) {
		if slot.At.After(until) {
			break
		}
		found = append(found, slot)
	}
	return found
}

// after yields the slots due after an instant, without end.
//
// Times of the wall are kept as if they were UTC, where none is missing and
// none comes twice. A later time of the wall is never due earlier, so all
// that is due lies after what the wall shows now, except what it already
// showed before it was set back.
func (s *Spec) after(t time.Time) iter.Seq[Slot] {
	return func(yield func(Slot) bool) {
		_, offset := t.In(s.zone).Zone()
		wall := t.UTC().Add(seconds(offset))
		for wall = s.times.Next(wall); !wall.IsZero(); wall = s.times.Next(wall) {
			at := s.instant(wall)
			if at.After(t) && !yield(Slot{Name: wall.Format(slotName), At: at}) {
				return
			}
		}
	}
}

// at returns when a slot is due; "" is no slot, which is fine.
func (s *Spec) at(name string) (at time.Time, ok bool) {
	if name == "" {
		return time.Time{}, true
	}
	wall, err := time.Parse(slotName, name)
	if err != nil {
		return time.Time{}, false
	}
	return s.instant(wall), true
}

// instant returns the first instant at which the wall shows that time or a
// later one. time.Date does not: for a time that is missing or doubled it
// promises nothing.
func (s *Spec) instant(wall time.Time) time.Time {
	period := wall.Add(-mostFolded).In(s.zone)
	for {
		start, end := period.ZoneBounds()
		_, offset := period.Zone()
		at := wall.Add(-seconds(offset)).In(s.zone)
		if at.Before(start) {
			at = start
		}
		if !end.IsZero() && !end.After(period) { // on 31 December of some leap years: https://go.dev/issue/81583
			end = period.Add(time.Hour)
		}
		if end.IsZero() || at.Before(end) {
			return at
		}
		period = end
	}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
