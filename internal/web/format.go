package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dealbell/dealbell/internal/rules"
)

// number shows a count with commas between the thousands.
func number(n int) string { return rules.Grouped(strconv.Itoa(n)) }

// count shows a count with its noun: 1 lead, 1,200 leads.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// span says how long something lasts, in the largest unit that fits.
func span(d time.Duration) string {
	d = d.Abs()
	for _, u := range []struct {
		unit time.Duration
		from time.Duration
		name string
	}{
		{24 * time.Hour, 36 * time.Hour, "day"},
		{time.Hour, 90 * time.Minute, "hour"},
		{time.Minute, 90 * time.Second, "minute"},
	} {
		if d >= u.from {
			n := int((d + u.unit/2) / u.unit)
			return count(n, u.name, u.name+"s")
		}
	}
	return count(max(1, int((d+time.Second-1)/time.Second)), "second", "seconds")
}

// moment is a time as pages show it.
type moment struct {
	ISO   string // for machines
	Exact string
	Words string // 3 minutes ago
	Clock string // on the wall, that day
}

// when shows a time by the clock of the zone.
func when(t, now time.Time, zone *time.Location) moment {
	m := moment{ISO: t.UTC().Format(time.RFC3339), Exact: t.In(zone).Format("Mon 2 Jan 2006, 15:04:05 MST"), Clock: t.In(zone).Format("15:04:05")}
	switch d := now.Sub(t); {
	case d < -time.Second:
		m.Words = "in " + span(d)
	case d < 5*time.Second:
		m.Words = "just now"
	default:
		m.Words = span(d) + " ago"
	}
	return m
}

// sentence makes a text begin with a capital and end with a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	s = string(unicode.ToUpper(first)) + s[size:]
	if strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

// size shows how much room something takes.
func size(bytes int64) string {
	switch {
	case bytes >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	case bytes >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
}
