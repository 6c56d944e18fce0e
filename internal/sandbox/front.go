package sandbox

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"
)

// hangLimit is how long a request hangs before the sandbox drops it.
const hangLimit = 70 * time.Second

// dripPause is how long each byte of a slow answer takes.
const dripPause = time.Second

// backend is an API behind a front. Its methods are called with the lock held.
type backend interface {
	// admit refuses a request that comes too soon; nil lets it in.
	admit(now time.Time) *reply
	// process runs a request without faults.
	process(r *http.Request, body []byte, now time.Time) (reply, *call)
	// faultReply is the answer to a request that is not processed.
	faultReply(f Fault, wait time.Duration, r *http.Request) reply
	// spoil turns the answer of a processed request into what the client sees.
	spoil(h hit, r *http.Request, out reply, c *call) reply
}

// front is what every request to the sandbox meets first: outages, latency,
// faults and the transcript.
type front struct {
	mu          sync.Mutex // guards the front and all that is behind it
	backend     backend
	latency     time.Duration
	steadfast   bool
	seed        uint64
	faults      faultPlan
	down        bool
	unreachable bool
	exchanges   []*Exchange
	see         func(Exchange)
}

// SetDown makes every request fail with 503 until it is called with false.
func (f *front) SetDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

// SetUnreachable makes every connection fail without an answer until it is
// called with false.
func (f *front) SetUnreachable(unreachable bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unreachable = unreachable
}

// SetFaults replaces the fault plan; the counters of scripted faults and the
// random draws start anew.
func (f *front) SetFaults(plan Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = newFaultPlan(plan, f.seed)
}

// AddFault adds a fault to the plan; its counter starts now.
func (f *front) AddFault(s Scripted) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.Script = append(slices.Clip(f.faults.Script), s)
	f.faults.seen = append(f.faults.seen, 0)
}

// answer takes one request through latency, outages and the fault plan to the
// backend. An error means that the client is gone or that nobody answered.
func (f *front) answer(ctx context.Context, r *http.Request, body []byte) (reply, error) {
	x := f.record(r, body)
	out, err := f.decide(ctx, x, r, body)
	f.finish(x, out, err)
	return out, err
}

func (f *front) decide(ctx context.Context, x *Exchange, r *http.Request, body []byte) (reply, error) {
	if f.isUnreachable() {
		return reply{}, errRefused
	}
	patient := ctx
	if f.steadfast {
		patient = context.WithoutCancel(ctx)
	}
	if err := sleep(patient, f.latency); err != nil {
		return reply{}, err
	}
	out, hang := f.serve(x, r, body)
	if hang {
		if err := sleep(ctx, hangLimit); err != nil {
			return reply{}, err
		}
		return reply{broken: errReset}, nil
	}
	if f.steadfast { // it is done, even if nobody hears of it
		return out, ctx.Err()
	}
	return out, nil
}

func (f *front) isUnreachable() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unreachable
}

// serve is the part of a request that happens at one instant.
func (f *front) serve(x *Exchange, r *http.Request, body []byte) (out reply, hang bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.down {
		return f.backend.faultReply(Unavailable, 0, r), false
	}
	if refused := f.backend.admit(now); refused != nil {
		return *refused, false
	}
	hit := f.faults.draw(r.Method, r.URL.Path)
	x.Fault = hit.fault
	if hit.fault.unprocessed() {
		return f.backend.faultReply(hit.fault, hit.retryAfter, r), hit.fault == HangBefore
	}
	out, c := f.backend.process(r, body, now)
	x.Wrote = c.wrote
	switch hit.fault {
	case "":
		return out, false
	case ResetAfter, HangAfter:
		return reply{broken: errReset}, hit.fault == HangAfter
	case SlowDrip:
		out.drip = dripPause
		return out, false
	case Truncated:
		out.body = out.body[:len(out.body)/2]
		return out, false
	default:
		return f.backend.spoil(hit, r, out, c), false
	}
}

// sleep waits for d, or less when the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// abandoned says that the request ended because the client gave up.
func abandoned(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
