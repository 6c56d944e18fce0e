package rules

import (
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// Row is a row of a database as of the moment of a change.
type Row struct {
	Page      string
	URL       string
	Values    map[string]crm.Value // by property id
	EditedBy  string               // user id
	CreatedAt time.Time            // zero when not known
}

// Context is what a condition and a text know beside the row.
type Context struct {
	Zone   *time.Location // nil is UTC
	Now    time.Time
	Person func(id string) string // a name; "" for nobody known
}

func (in Context) zone() *time.Location {
	if in.Zone == nil {
		return time.UTC
	}
	return in.Zone
}

func (in Context) person(id string) string {
	if in.Person == nil {
		return ""
	}
	return in.Person(id)
}

// today is the day it is now.
func (in Context) today() time.Time { return in.dayOf(in.Now) }

// dayOf returns the calendar day of a moment as midnight UTC, so that days
// can be compared and counted whatever the zone does to its clocks.
func (in Context) dayOf(t time.Time) time.Time {
	y, m, d := t.In(in.zone()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// day reads a day or a moment as Notion writes it.
func (in Context) day(s string) (time.Time, bool) {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day, true
	}
	moment, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, false
	}
	return in.dayOf(moment), true
}

// daysBetween counts calendar days.
func daysBetween(from, to time.Time) int { return int(to.Sub(from).Hours() / 24) }
