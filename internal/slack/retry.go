package slack

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

const (
	shortestPause = time.Second // Slack's pace: one message per second and channel
	longestPause  = time.Hour   // what is longer is a mistake of the other side
)

// readRetryAt takes over when Slack wants to be asked again. Whoever is asked
// to slow down waits, told how long or not.
func (e *Error) readRetryAt(a answer) {
	pause, told := retryAfter(a.header, a.at)
	switch {
	case a.status == http.StatusTooManyRequests, e.Reason == "ratelimited", e.Reason == "rate_limited":
		e.retryAt = a.at.Add(max(pause, shortestPause))
	case told && a.status == http.StatusServiceUnavailable:
		e.retryAt = a.at.Add(pause)
	}
}

// retryAfter reads the header: seconds, with decimals or not, or a date
// (RFC 9110, section 10.2.3). What asks for no wait at all is not ok.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := h.Get("Retry-After")
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		if math.IsNaN(n) || n <= 0 {
			return 0, false
		}
		return time.Duration(math.Ceil(min(n, longestPause.Seconds()) * float64(time.Second))), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent // both by the clock of the other side
	}
	d := at.Sub(now)
	return min(d, longestPause), d > 0
}
