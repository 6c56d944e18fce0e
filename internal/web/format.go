package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

// number shows a count with commas between the thousands.
func number(n int) string { return rules.Grouped(strconv.Itoa(n)) }

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
		m.Words = "in " + crm.Span(d)
	case d < 5*time.Second:
		m.Words = "just now"
	default:
		m.Words = crm.Span(d) + " ago"
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
