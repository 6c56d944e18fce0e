package notion

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const (
	patience    = 5 * time.Second // the longest pause that a call waits out
	usefulCalls = 8               // more at once than the budget of requests ever feeds
)

// gate decides when a request may start. It joins the token bucket, the pause
// that Notion asked for, and the breaker, under one lock.
//
// Callers stand in one queue per lane. Whenever something changes, dispatch
// hands out what can be handed out, and sets a timer for the next change.
type gate struct {
	log      *slog.Logger
	observer Observer
	pauses   Pauses

	mu        sync.Mutex
	bucket    bucket
	breaker   breaker
	queues    [len(crm.Lanes)][]*waiter
	timer     *time.Timer
	until     time.Time // end of the pause
	stored    time.Time // what Pauses holds
	throttles int       // pauses in a row without a good answer between them
	full      full
	skew      time.Duration // Notion's clock minus ours

	saving sync.Mutex // one SavePause at a time, so that the latest wins
}

// waiter is a caller in a queue. Its verdict comes exactly once.
type waiter struct{ verdict chan verdict }

type verdict struct {
	ticket ticket
	closed *closedError // nil: go
}

// ticket is the permission to send one request.
type ticket struct{ probe bool }

// closedError is a wait that is too long for a caller.
type closedError struct {
	until   time.Time
	refused bool
	why     string
}

// Error implements error.
func (e *closedError) Error() string { return e.why }

func newGate(ctx context.Context, o Options) (*gate, error) {
	now := time.Now()
	g := &gate{
		log: o.Log, observer: o.Observer, pauses: o.Pauses,
		bucket:  newBucket(o.Rate, o.Burst, now),
		breaker: breaker{log: o.Log},
		full:    full{log: o.Log},
	}
	return g, g.loadPause(ctx, now)
}

// admit waits for the permission to send one request. The error is a
// *closedError, or that of the context.
func (g *gate) admit(ctx context.Context, lane crm.Lane) (ticket, error) {
	if err := ctx.Err(); err != nil {
		return ticket{}, err
	}
	lane = min(max(lane, 0), crm.Lane(len(g.queues)-1))
	w := &waiter{verdict: make(chan verdict, 1)}
	g.mu.Lock()
	g.queues[lane] = append(g.queues[lane], w)
	g.dispatch(time.Now())
	g.mu.Unlock()
	for {
		select {
		case v := <-w.verdict:
			if v.closed != nil {
				return ticket{}, v.closed
			}
			if g.confirm(lane, w, v.ticket) {
				return v.ticket, nil
			}
		case <-ctx.Done():
			g.leave(lane, w)
			return ticket{}, ctx.Err()
		}
	}
}

// confirm checks that the gate did not close between the verdict and now. If
// it did, the caller stands first in its queue again.
func (g *gate) confirm(lane crm.Lane, w *waiter, t ticket) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if !now.Before(g.until) && (t.probe || !g.breaker.open) {
		return true
	}
	g.takeBack(t)
	g.queues[lane] = slices.Insert(g.queues[lane], 0, w)
	g.dispatch(now)
	return false
}

// leave removes a caller that gave up. A token that was on its way to it goes
// to the next.
func (g *gate) leave(lane crm.Lane, w *waiter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.queues[lane], w); i >= 0 {
		g.queues[lane] = slices.Delete(g.queues[lane], i, i+1)
		return
	}
	if v := <-w.verdict; v.closed == nil {
		g.takeBack(v.ticket)
		g.dispatch(time.Now())
	}
}

func (g *gate) takeBack(t ticket) {
	g.bucket.giveBack()
	if t.probe {
		g.breaker.release()
	}
}

// dispatch lets through or sends away whom it can. The lock is held.
func (g *gate) dispatch(now time.Time) {
	for g.waiting() {
		if until, closed := g.closed(now); closed {
			if until.Sub(now) > patience {
				g.dismiss(until)
			} else {
				g.wake(until.Sub(now))
			}
			return
		}
		if at := g.bucket.next(); at.After(now) {
			g.wake(at.Sub(now))
			return
		}
		g.bucket.take(now)
		g.first().verdict <- verdict{ticket: ticket{probe: g.breaker.enter(now)}}
	}
}

// closed returns until when no request may start. The lock is held.
func (g *gate) closed(now time.Time) (until time.Time, closed bool) {
	until, closed = g.breaker.blocked(now)
	if now.Before(g.until) {
		return latest(g.until, until), true
	}
	return until, closed
}

func (g *gate) closedUntil() (time.Time, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed(time.Now())
}

func (g *gate) waiting() bool {
	return slices.ContainsFunc(g.queues[:], func(q []*waiter) bool { return len(q) > 0 })
}

// first takes the caller that has waited longest in the most urgent lane.
func (g *gate) first() *waiter {
	lane := slices.IndexFunc(g.queues[:], func(q []*waiter) bool { return len(q) > 0 })
	w := g.queues[lane][0]
	g.queues[lane] = g.queues[lane][1:]
	return w
}

// dismiss sends everybody away until a later time.
func (g *gate) dismiss(until time.Time) {
	e := &closedError{until: until, why: "notion asked for a pause"}
	if g.breaker.open {
		e.why = "notion does not answer"
		if e.refused = g.breaker.refused; e.refused {
			e.why = "notion refuses the token"
		}
	}
	for g.waiting() {
		g.first().verdict <- verdict{closed: e}
	}
}

func (g *gate) wake(after time.Duration) {
	if g.timer != nil {
		g.timer.Stop()
	}
	g.timer = time.AfterFunc(after, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.dispatch(time.Now())
	})
}

// done tells the gate what became of an admitted request.
func (g *gate) done(t ticket, o outcome, why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	switch o {
	case answered:
		g.throttles = 0
		g.breaker.succeed(now)
	case throttled: // whoever asks for a pause is there
		g.breaker.succeed(now)
		g.breaker.lastError = why
	case failed:
		g.breaker.fail(now, t.probe, why)
	case refused:
		g.breaker.refuse(now, t.probe, why)
	case abandoned, notSent:
		if t.probe {
			g.breaker.release()
		}
	}
	g.dispatch(now)
}

func (g *gate) capacity(now time.Time) (n int, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch long := now.Add(patience); {
	case g.until.After(long):
		return 0, latest(g.until, g.breaker.next)
	case !g.breaker.open:
		return usefulCalls, time.Time{}
	case now.Before(g.breaker.next) && g.breaker.probing.IsZero():
		return 0, latest(g.until, g.breaker.next)
	}
	return 1, time.Time{}
}

func (g *gate) state(now time.Time) State {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := State{
		Open: g.breaker.open, Refused: g.breaker.refused,
		LastError: g.breaker.lastError, LastOK: g.breaker.lastOK,
		FullSince: g.full.since, Skew: g.skew,
	}
	if g.until.After(now) {
		s.PausedUntil = g.until
	}
	if s.Open {
		s.Since = g.breaker.since
	}
	return s
}
