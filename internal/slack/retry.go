package slack

import (
	"net/http"
	"time"

	"github.com/dealbell/dealbell/internal/outbound"
)

const (
	shortestPause = time.Second // Slack's pace: one message per second and channel
	longestPause  = time.Hour   // what is longer is a mistake of the other side
)

// readRetryAt takes over when Slack wants to be asked again. Whoever is asked
// to slow down waits, told how long or not.
func (e *Error) readRetryAt(a answer) {
	pause, told := outbound.RetryAfter(a.header, a.at, longestPause)
	switch {
	case a.status == http.StatusTooManyRequests, e.Reason == "ratelimited", e.Reason == "rate_limited":
		e.retryAt = a.at.Add(max(pause, shortestPause))
	case told && a.status == http.StatusServiceUnavailable:
		e.retryAt = a.at.Add(pause)
	}
}
