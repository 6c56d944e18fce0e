package notify

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones do not depend on the machine

	"github.com/dealbell/dealbell/internal/crm"
)

func TestQuietTimesEnd(t *testing.T) {
	t.Parallel()
	const (
		berlin  = "Europe/Berlin"
		newYork = "America/New_York"
		havana  = "America/Havana" // puts its clocks forward at midnight
	)
	for _, test := range []struct {
		name       string
		hours      string
		weekends   bool
		zone       string
		ready, may string // by the clock of the zone
	}{
		{"never quiet", "", false, berlin, "Mon 2026-11-02 03:00", "Mon 2026-11-02 03:00"},
		{"before a quiet night", "20:00-08:00", false, berlin, "Mon 2026-11-02 19:59", "Mon 2026-11-02 19:59"},
		{"as the night begins", "20:00-08:00", false, berlin, "Mon 2026-11-02 20:00", "Tue 2026-11-03 08:00"},
		{"after midnight", "20:00-08:00", false, berlin, "Tue 2026-11-03 00:00", "Tue 2026-11-03 08:00"},
		{"as the night ends", "20:00-08:00", false, berlin, "Tue 2026-11-03 08:00", "Tue 2026-11-03 08:00"},
		{"a quiet noon", "12:00-13:30", false, berlin, "Mon 2026-11-02 13:29", "Mon 2026-11-02 13:30"},
		{"before it", "12:00-13:30", false, berlin, "Mon 2026-11-02 11:59", "Mon 2026-11-02 11:59"},
		{"after it", " 12:00 - 13:30 ", false, berlin, "Mon 2026-11-02 13:30", "Mon 2026-11-02 13:30"},
		{"until midnight", "22:00-00:00", false, berlin, "Mon 2026-11-02 23:00", "Tue 2026-11-03 00:00"},
		{"a weekend", "", true, berlin, "Sat 2026-11-07 00:00", "Mon 2026-11-09 00:00"},
		{"its end", "", true, berlin, "Sun 2026-11-08 23:59", "Mon 2026-11-09 00:00"},
		{"the evening before it", "", true, berlin, "Fri 2026-11-06 23:59", "Fri 2026-11-06 23:59"},
		{"Friday night, a weekend and Sunday night", "20:00-08:00", true, berlin, "Fri 2026-11-06 21:00", "Mon 2026-11-09 08:00"},
		{"a weekend at noon with quiet nights", "20:00-08:00", true, berlin, "Sat 2026-11-07 12:00", "Mon 2026-11-09 08:00"},
		{"a weekend does not quiet a weekday's noon", "20:00-08:00", true, berlin, "Mon 2026-11-09 12:00", "Mon 2026-11-09 12:00"},
		{"the night of an hour less", "20:00-08:00", false, berlin, "Sat 2026-03-28 21:00", "Sun 2026-03-29 08:00"},
		{"the night of an hour more", "20:00-08:00", false, berlin, "Sat 2026-10-24 21:00", "Sun 2026-10-25 08:00"},
		{"an end that clocks skip", "20:00-02:30", false, berlin, "Sat 2026-03-28 21:00", "Sun 2026-03-29 03:30"},
		{"and to the west", "20:00-02:30", false, newYork, "Sun 2026-03-08 01:45", "Sun 2026-03-08 03:30"},
		{"a weekend that ends at a midnight that clocks skip", "", true, havana, "Sat 2026-03-07 12:00", "Mon 2026-03-09 00:00"},
		{"a night that ends there", "20:00-00:00", false, havana, "Sat 2026-03-07 21:00", "Sun 2026-03-08 01:00"},
	} {
		q, err := ParseQuiet(test.hours, test.weekends)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		const layout = "Mon 2006-01-02 15:04"
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		ready, err := time.ParseInLocation(layout, test.ready, zone)
		if err != nil {
			t.Fatal(err)
		}
		if may := q.Until(ready).Format(layout); may != test.may {
			t.Errorf("%s: what is ready on %s may go on %s, want %s", test.name, test.ready, may, test.may)
		}
	}
}

func TestQuietTimesEndAlways(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, hours := range []string{"20:00-08:00", "02:00-03:00", "02:30-02:15", "00:00-23:59"} {
		q, err := ParseQuiet(hours, true)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(2026, 1, 1, 0, 0, 0, 0, zone); at.Year() == 2026; at = at.Add(37 * time.Minute) {
			until := q.Until(at)
			if until.Before(at) || until.After(at.AddDate(0, 0, 5)) || q.Until(until) != until {
				t.Fatalf("%s: what is ready at %v may go at %v, and then at %v", hours, at, until, q.Until(until))
			}
		}
	}
}

func TestHoursThatAreNone(t *testing.T) {
	t.Parallel()
	for _, hours := range []string{"20:00", "20-08", "20:00-25:00", "evening", "08:00-08:00", "-", "20:00-08:00-09:00"} {
		_, err := ParseQuiet(hours, false)
		if hint, _ := crm.Hint(err); err == nil || hint == "" {
			t.Errorf("%q: %v, want an error with a hint", hours, err)
		}
	}
}
