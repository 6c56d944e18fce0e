package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// Quiet is when messages wait: from one time of the day until another, and
// on weekends. The zero Quiet is never.
type Quiet struct {
	From, To time.Duration // since midnight; equal for never
	Weekends bool
}

// ParseQuiet reads hours such as "20:00-08:00"; "" is never.
func ParseQuiet(hours string, weekends bool) (Quiet, error) {
	q := Quiet{Weekends: weekends}
	if strings.TrimSpace(hours) == "" {
		return q, nil
	}
	from, to, ok := strings.Cut(hours, "-")
	start, err := time.Parse("15:04", strings.TrimSpace(from))
	end, err2 := time.Parse("15:04", strings.TrimSpace(to))
	if !ok || err != nil || err2 != nil || start.Equal(end) {
		return Quiet{}, crm.WithHint(fmt.Errorf("%q are no hours", hours), "write for example 20:00-08:00")
	}
	q.From, q.To = sinceMidnight(start), sinceMidnight(end)
	return q, nil
}

func sinceMidnight(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

// Until returns when a message that is ready now may be sent: now itself
// outside of quiet times.
func (q Quiet) Until(now time.Time) time.Time {
	at := now
	for range 8 { // a night and a weekend may follow each other
		next := q.end(at)
		if !next.After(at) {
			return at
		}
		at = next
	}
	return at
}

// end returns when the quiet time that holds at ends; at itself when none does.
func (q Quiet) end(at time.Time) time.Time {
	day := func(days int, since time.Duration) time.Time {
		return wall(at.Year(), at.Month(), at.Day()+days, since, at.Location())
	}
	switch weekday := at.Weekday(); {
	case q.Weekends && weekday == time.Saturday:
		return day(2, 0)
	case q.Weekends && weekday == time.Sunday:
		return day(1, 0)
	}
	clock := sinceMidnight(at)
	switch {
	case q.From < q.To && clock >= q.From && clock < q.To:
		return day(0, q.To)
	case q.From > q.To && clock >= q.From:
		return day(1, q.To)
	case q.From > q.To && clock < q.To:
		return day(0, q.To)
	}
	return at
}

// wall returns when clocks show a time of a day. Where they are put
// forward over it, that is as much later.
func wall(year int, month time.Month, day int, since time.Duration, in *time.Location) time.Time {
	read := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
	}
	want := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Add(since)
	t := time.Date(year, month, day, want.Hour(), want.Minute(), 0, 0, in)
	return t.Add(max(0, want.Sub(read(t))))
}
