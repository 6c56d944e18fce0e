package outbound

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// RetryAfter reads the header of that name: seconds, with decimals or not, or
// a date (RFC 9110, section 10.2.3). What is longer than most is a mistake of
// the other side and becomes most; what asks for no wait at all is not ok.
func RetryAfter(h http.Header, now time.Time, most time.Duration) (wait time.Duration, ok bool) {
	value := h.Get("Retry-After")
	if wait, ok := Seconds(value, most); ok {
		return wait, true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent // both by the clock of the other side
	}
	wait = at.Sub(now)
	return min(wait, most), wait > 0
}

// Seconds reads a number of seconds, with decimals or not, in the same way.
func Seconds(s string, most time.Duration) (wait time.Duration, ok bool) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || n <= 0 {
		return 0, false
	}
	return time.Duration(math.Ceil(min(n, most.Seconds()) * float64(time.Second))), true
}
