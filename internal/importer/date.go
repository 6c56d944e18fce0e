package importer

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/upsert"
)

// arrow stands between the ends of a range, as Notion shows and Dealbell
// exports it.
const arrow = "→"

// numericDate has the day and the month in an order that has to be known,
// unless points part them.
var numericDate = regexp.MustCompile(`^(\d{1,2})([./-])(\d{1,2})[./-](\d{4})((?:,?\s+)\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp][Mm])?)?$`)

// days and moments are the other ways to write a date that leave no doubt.
// Names of months are English, as in Notion's own exports.
var (
	days    = [...]string{"2006-1-2", "2006/1/2", "2006.1.2", "20060102", "January 2, 2006", "Jan 2, 2006", "2 January 2006", "2 Jan 2006", "2-Jan-2006", "2. January 2006"}
	moments = [...]string{
		"2006-1-2 15:04:05", "2006-1-2 15:04", "2006-1-2T15:04:05", "2006-1-2T15:04", "2006/1/2 15:04:05", "2006/1/2 15:04",
		"January 2, 2006 3:04 PM", "Jan 2, 2006 3:04 PM", "January 2, 2006 15:04", "2 January 2006 15:04", "2 Jan 2006 15:04",
		"2006-1-2 15:04:05 -0700", "2006-1-2 15:04:05 -07:00", "2006-1-2 15:04:05Z07:00", "2006-1-2 15:04:05 MST",
	}
	clocks = [...]string{"15:04:05", "15:04", "3:04 PM", "3:04PM", "3:04:05 PM"}
)

// date reads a day, a moment, or a range of either.
func (h habit) date(p crm.Property, cell string, zone *time.Location) (crm.Value, error) {
	from, until, isRange := strings.Cut(cell, arrow)
	start, ok := h.day(strings.TrimSpace(from), zone)
	if !ok {
		return upsert.Fit(p, cell) // which says what it wants
	}
	v := crm.Day(start)
	if !isRange {
		return v, nil
	}
	if v.Date.End, ok = h.day(strings.TrimSpace(until), zone); !ok {
		return crm.Value{}, &upsert.MisfitError{Expected: "a range of dates such as 2026-11-20 → 2026-11-21", Got: fmt.Sprintf("%q", cell)}
	}
	return v, nil
}

// day writes a day or a moment as Notion takes it. A moment without an offset
// is one of the zone.
func (h habit) day(text string, zone *time.Location) (string, bool) {
	if _, err := time.Parse(time.RFC3339, text); err == nil {
		return text, true
	}
	for _, layout := range days {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(time.DateOnly), true
		}
	}
	for _, layout := range moments {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t.Format(time.RFC3339), true
		}
	}
	d := numericDate.FindStringSubmatch(text)
	if d == nil {
		return "", false
	}
	day, month := d[1], d[3]
	if d[2] != "." && h.dayLast && !h.dayFirst {
		day, month = month, day
	}
	t, err := time.ParseInLocation("2-1-2006", day+"-"+month+"-"+d[4], zone)
	if err != nil {
		return "", false
	}
	clock := strings.ToUpper(strings.TrimLeft(d[5], ", \t"))
	if clock == "" {
		return t.Format(time.DateOnly), true
	}
	for _, layout := range clocks {
		if c, err := time.Parse(layout, clock); err == nil {
			return time.Date(t.Year(), t.Month(), t.Day(), c.Hour(), c.Minute(), c.Second(), 0, zone).Format(time.RFC3339), true
		}
	}
	return "", false
}
