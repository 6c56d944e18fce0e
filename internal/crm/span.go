package crm

import (
	"fmt"
	"time"
)

// Span says how long something lasts the way people do, in its largest unit:
// "12 seconds", "1 hour", "3 days".
func Span(d time.Duration) string {
	d = d.Abs()
	for _, unit := range []struct {
		name string
		long time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if n := int((d + unit.long/20) / unit.long); n > 1 {
			return fmt.Sprintf("%d %ss", n, unit.name)
		} else if n == 1 {
			return "1 " + unit.name
		}
	}
	if n := int(d.Round(time.Second) / time.Second); n != 1 {
		return fmt.Sprintf("%d seconds", n)
	}
	return "1 second"
}
