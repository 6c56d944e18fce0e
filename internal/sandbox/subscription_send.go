package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// maxAttempts is how often an event is tried.
const maxAttempts = 8

// retryGap is the wait after a failed attempt. The seven waits add up to
// about a day.
func retryGap(attempt int) time.Duration { return 16 * time.Second << (2 * (attempt - 1)) }

// Run delivers until ctx ends.
func (s *Subscription) Run(ctx context.Context) {
	for ctx.Err() == nil {
		s.Deliver(ctx)
		s.wait(ctx)
	}
}

// wait returns when an event is due or may be.
func (s *Subscription) wait(ctx context.Context) {
	var due <-chan time.Time
	if at, ok := s.nextDue(); ok {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-s.wake:
	case <-ctx.Done():
	}
}

func (s *Subscription) nextDue() (time.Time, bool) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if len(s.pending) == 0 {
		return time.Time{}, false
	}
	return slices.MinFunc(s.pending, byDue).due, true
}

// Deliver sends everything that is due by now, one after the other, and
// returns how many requests it made.
func (s *Subscription) Deliver(ctx context.Context) (requests int) {
	for ctx.Err() == nil {
		now := time.Now()
		e := s.take(func(e *event) bool { return !e.due.After(now) })
		if e == nil {
			break
		}
		requests += s.send(ctx, e)
	}
	return requests
}

// Flush sends everything that waits, due or not, in the order of its times,
// each event once, and then delivers what has become due meanwhile, such as
// duplicates. It returns how many requests it made.
func (s *Subscription) Flush(ctx context.Context) (requests int) {
	for _, e := range s.waiting() {
		mine := func(other *event) bool { return other == e }
		if ctx.Err() == nil && s.take(mine) != nil {
			requests += s.send(ctx, e)
		}
	}
	return requests + s.Deliver(ctx)
}

// waiting lists what waits, the first due first.
func (s *Subscription) waiting() []*event {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return slices.SortedFunc(slices.Values(s.pending), byDue)
}

func byDue(a, b *event) int { return cmp.Or(a.due.Compare(b.due), a.number-b.number) }

// take removes the first event that fits from those that wait, or returns nil.
// What is not to be sent after all vanishes here.
func (s *Subscription) take(fits func(*event) bool) *event {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for {
		var first *event
		for _, e := range s.pending {
			if fits(e) && (first == nil || byDue(e, first) < 0) {
				first = e
			}
		}
		if first == nil {
			return nil
		}
		s.pending = slices.DeleteFunc(s.pending, func(e *event) bool { return e == first })
		if s.wanted(first) {
			return first
		}
	}
}

// wanted is false of pages that are as they were before, and of types that are
// not ticked.
func (s *Subscription) wanted(e *event) bool {
	if e.kind == "" {
		e.kind = lifeEvent(e.was, e.is)
	}
	if e.kind == "" {
		return false
	}
	return s.opts.EventTypes == nil || slices.Contains(s.opts.EventTypes, e.kind)
}

// lifeEvent is the result of what happened to a page, "" for none.
func lifeEvent(was, is life) string {
	switch {
	case is == was || was == absentPage && is == trashedPage:
		return ""
	case was == absentPage:
		return pageCreated
	case is == trashedPage:
		return pageDeleted
	default:
		return pageUndeleted
	}
}

// send makes one attempt and decides what follows from it.
func (s *Subscription) send(ctx context.Context, e *event) int {
	d := EventDelivery{EventID: e.id, Type: e.kind, EntityID: e.entity.ID, Duplicate: e.duplicate, Dropped: e.dropped}
	if e.dropped {
		s.log(d)
		return 0
	}
	d.Attempt = e.attempt + 1
	d.Body = s.payload(e, d.Attempt)
	req, err := s.Request(ctx, d.Body)
	if err == nil {
		d.Status, err = s.post(req)
	}
	d.Err = err
	if ctx.Err() != nil && d.Status == 0 { // the sender stopped, nobody failed
		s.putBack(e, e.due)
		return 1
	}
	s.log(d)
	e.attempt++
	switch {
	case d.Status/100 != 2 && e.attempt < maxAttempts:
		s.putBack(e, time.Now().Add(retryGap(e.attempt)))
	case d.Status/100 == 2 && e.again && e.attempt < maxAttempts:
		e.again, e.duplicate = false, true
		s.putBack(e, time.Now())
	}
	return 1
}

func (s *Subscription) log(d EventDelivery) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	d.At = time.Now()
	s.deliveries = append(s.deliveries, d)
}

func (s *Subscription) putBack(e *event, due time.Time) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if !s.active {
		return
	}
	e.due = due
	s.pending = append(s.pending, e)
	s.nudge()
}

// post sends a request and returns the status of the answer.
func (s *Subscription) post(req *http.Request) (int, error) {
	ctx, cancel := context.WithTimeout(req.Context(), s.opts.Timeout)
	defer cancel()
	res, err := s.opts.Transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return 0, fmt.Errorf("post to %s: %w", s.opts.URL, err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxBody)); err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	return res.StatusCode, nil
}
