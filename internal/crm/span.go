package crm

import (
	"fmt"
	"time"
)

// Span says how long something lasts the way people do, in the largest unit
// that fits: "12 seconds", "89 minutes", "3 days". Nothing is shorter than a
// second.
func Span(d time.Duration) string {
	d = d.Abs()
	for _, u := range []struct {
		unit, from time.Duration
		name       string
	}{
		{24 * time.Hour, 36 * time.Hour, "day"},
		{time.Hour, 90 * time.Minute, "hour"},
		{time.Minute, 90 * time.Second, "minute"},
	} {
		if d >= u.from {
			return fmt.Sprintf("%d %ss", (d+u.unit/2)/u.unit, u.name)
		}
	}
	if n := (d + time.Second - 1) / time.Second; n > 1 {
		return fmt.Sprintf("%d seconds", n)
	}
	return "1 second"
}
