package notion

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const (
	mostThrottled = 4 // attempts of any request that Notion put off by a short pause
	mostReads     = 3 // attempts of a read that got no good answer
)

// retry tries again what is safe to try again at once
// (https://developers.notion.com/reference/request-limits): everything after
// a short pause, since Notion did nothing; reads after an outage. A write that
// may have been done is never repeated here. Longer waits are the queue's.
type retry struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s retry) RoundTrip(r *http.Request) (*http.Response, error) {
	var last *Error
	for throttles, failures := 0, 0; ; {
		resp, err := s.attempt(r)
		if err == nil {
			return resp, nil
		}
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return nil, err
		}
		if e.outcome == notSent && last != nil {
			// What went wrong says more than that it cannot be repeated now.
			last.retryAt = e.retryAt
			return nil, last
		}
		switch {
		case e.outcome == throttled && throttles < mostThrottled-1 && errors.Is(e, crm.ErrUnavailable):
			throttles++
		case e.outcome == failed && failures < mostReads-1 && !exchangeOf(r.Context()).write:
			failures++
			if wait(r.Context(), jitter(200*time.Millisecond<<failures)) != nil {
				return nil, e
			}
		default:
			return nil, e
		}
		last = e
	}
}

func (s retry) attempt(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		out.Body = body
	}
	return s.next.RoundTrip(out)
}

// jitter returns d, up to a quarter longer, so that callers that failed
// together do not come back together.
func jitter(d time.Duration) time.Duration { return d + rand.N(d/4+1) }

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
