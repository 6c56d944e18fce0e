//go:build linux

package bench

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// row is one line of the table.
type row struct{ measure, result, p50, p99, target, met string }

// latencies fills in the percentiles.
func (r row) latencies(took []time.Duration) row {
	r.p50, r.p99 = short(percentile(took, 50)), short(percentile(took, 99))
	return r
}

func (r row) cells() []string { return []string{r.measure, r.result, r.p50, r.p99, r.target, r.met} }

// table prints as Markdown whose columns also line up in a terminal.
type table struct{ rows []row }

func (t *table) add(r row) { t.rows = append(t.rows, r) }

// String implements fmt.Stringer.
func (t *table) String() string {
	lines := [][]string{{"measure", "result", "p50", "p99", "target", "met"}, nil}
	for _, r := range t.rows {
		lines = append(lines, r.cells())
	}
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, width := range widths {
		lines[1] = append(lines[1], strings.Repeat("-", width))
	}
	var text strings.Builder
	for _, line := range lines {
		for i, cell := range line {
			fmt.Fprintf(&text, "| %-*s ", widths[i], cell) // widths count runes, as %-*s does
		}
		text.WriteString("|\n")
	}
	return text.String()
}

func percentile(took []time.Duration, p int) time.Duration {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

func verdict(met bool) string {
	if met {
		return "yes"
	}
	return "no"
}

func clients(n int) string {
	if n == 1 {
		return "1 client"
	}
	return fmt.Sprintf("%d clients", n)
}

func rate(n int, d time.Duration) string {
	return thousands(int(float64(n)/d.Seconds())) + "/s"
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// short prints a duration with as many digits as matter.
func short(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func mb(n int64) float64 { return float64(n) / 1e6 }
