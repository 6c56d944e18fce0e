package sandbox

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// Limit is a rate limit of the connection.
type Limit int

const (
	// None lets every request through.
	None Limit = iota
	// Average allows three requests per second with a burst of five; the
	// others get 429 with Retry-After 1.
	Average
	// Window allows 180 requests in each window of 60 seconds, at any pace;
	// the others get 429 with the seconds until the window ends.
	Window
)

const (
	averagePerSecond = 3
	averageBurst     = 5
	windowRequests   = 180
	windowLength     = time.Minute
)

// meter counts requests against a limit.
type meter struct {
	limit  Limit
	tokens float64
	last   time.Time // of the last refill, or the start of the window
	used   int
}

// take spends one request and returns 0, or returns how long to wait.
func (m *meter) take(now time.Time) time.Duration {
	switch m.limit {
	case Average:
		return m.takeToken(now)
	case Window:
		return m.takeFromWindow(now)
	default:
		return 0
	}
}

func (m *meter) takeToken(now time.Time) time.Duration {
	if m.last.IsZero() {
		m.tokens = averageBurst
	} else {
		m.tokens = min(averageBurst, m.tokens+now.Sub(m.last).Seconds()*averagePerSecond)
	}
	m.last = now
	if m.tokens < 1 {
		return time.Second
	}
	m.tokens--
	return 0
}

func (m *meter) takeFromWindow(now time.Time) time.Duration {
	if m.last.IsZero() || now.Sub(m.last) >= windowLength {
		m.last, m.used = now, 0
	}
	if m.used >= windowRequests {
		return m.last.Add(windowLength).Sub(now)
	}
	m.used++
	return 0
}

// seconds rounds up, so that whoever obeys a Retry-After is never too early.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

func (w *Workspace) admit(now time.Time) *reply {
	wait := w.meter.take(now)
	if wait == 0 {
		return nil
	}
	out := w.rateLimited(wait)
	return &out
}

func (w *Workspace) rateLimited(wait time.Duration) reply {
	id := w.newRequestID()
	e := &apiError{
		status: http.StatusTooManyRequests, code: "rate_limited",
		message: "You have been rate limited. Please try again later.",
		extra:   map[string]any{"rate_limit_reason": "public_api_request_rate_limit", "retry_after": seconds(wait)},
	}
	out := jsonReply(e.status, e.body(id), id)
	out.header.Set("Retry-After", seconds(wait))
	return out
}
