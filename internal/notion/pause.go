package notion

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/dealbell/dealbell/internal/outbound"
)

const (
	longestPause   = 24 * time.Hour   // what is longer is a mistake of the other side
	longestBackoff = 30 * time.Second // when Notion does not say how long
	blockedPause   = 5 * time.Minute  // after "blocked": asking again makes it worse
	saveLimit      = 5 * time.Second
)

// loadPause takes over the pause from before a restart.
func (g *gate) loadPause(ctx context.Context, now time.Time) error {
	if g.pauses == nil {
		return nil
	}
	until, err := g.pauses.LoadPause(ctx)
	if err != nil {
		return fmt.Errorf("load pause: %w", err)
	}
	g.stored = until
	if limit := now.Add(longestPause); until.After(limit) {
		until = limit
	}
	g.until = until
	return nil
}

// keepPause stores the pause when it is not stored yet, also when the caller
// has gone meanwhile.
func (g *gate) keepPause(ctx context.Context) {
	if g.pauses == nil {
		return
	}
	g.saving.Lock()
	defer g.saving.Unlock()
	g.mu.Lock()
	until := g.until
	known := !until.After(g.stored)
	g.mu.Unlock()
	if known {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveLimit)
	defer cancel()
	if err := g.pauses.SavePause(ctx, until.Round(0)); err != nil {
		g.log.Warn("the pause is not stored, a restart would forget it", slog.Any("error", err))
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stored = until
}

// throttle starts the pause that a 429 or 529 asks for, counted from now.
func (g *gate) throttle(received time.Time, header http.Header) {
	g.mu.Lock()
	if !received.Before(g.until) {
		g.throttles++ // requests that were under way together count once
	}
	d, ok := outbound.RetryAfter(header, received, longestPause)
	if !ok {
		d = backoff(g.throttles)
	}
	g.mu.Unlock()
	g.pause(received, d)
}

// lengthen applies what the body of a 429 adds to its head.
func (g *gate) lengthen(resp *http.Response, e *Error) {
	if e.Reason == reasonBlocked {
		g.pause(time.Now(), blockedPause)
	}
	if _, told := outbound.RetryAfter(resp.Header, time.Now(), longestPause); told {
		return
	}
	body, err := bodyOf(resp)
	if err != nil {
		return
	}
	w, _ := decode[wireError](body)
	if d, ok := outbound.Seconds(w.additional("retry_after"), longestPause); ok {
		g.pause(time.Now(), d)
	}
}

func (g *gate) pause(from time.Time, d time.Duration) {
	d = min(d, longestPause)
	until := from.Add(d)
	g.mu.Lock()
	longer := until.After(g.until)
	begins := d > patience && !from.Before(g.until)
	if longer {
		g.until = until
		g.dispatch(time.Now())
	}
	g.mu.Unlock()
	if !longer {
		return
	}
	g.observer.Paused(d)
	if begins {
		g.log.Warn("notion asked for a pause", slog.Duration("for", d.Round(time.Second)))
	}
}

// backoff is the n-th pause in a row of unknown length: 1, 2, 4, … 30 s.
func backoff(n int) time.Duration {
	return min(jitter(time.Second<<min(max(n-1, 0), 5)), longestBackoff)
}
