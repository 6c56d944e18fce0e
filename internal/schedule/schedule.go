// Package schedule puts jobs in the queue at set times of the wall clock.
//
// It owns what is due when, and which slots were taken. A slot is a time that
// a clock on the wall would show, such as 2026-11-20T09:00, and promises to
// be taken once, also across restarts, changes of daylight saving time and
// steps of the clock: a time that the wall skips is due at the first minute
// after the gap, one that it shows twice is due the first time.
//
// While the service runs it takes every slot. After a pause (a start, a
// machine that was suspended, a clock that was set, a ledger that refused)
// slots are missed: the latest of them is taken if it was due within the
// lookback and after the schedule became known, and stands for the others. So
// a pause of any length ends in at most one job per schedule. The package
// refuses to know what the jobs do, and where slots are recorded.
//
// robfig/cron parses expressions and computes times, on a timeline without
// daylight saving time, where it neither skips nor doubles. Its runner is not
// used: it sleeps until the next time by the monotonic clock, so that it sees
// neither a clock that is set nor a machine that was suspended, and it knows
// nothing of the past.
package schedule

import (
	"context"
	"log/slog"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// Ledger records the slots that were taken. It keeps them for a month at
// least, and every method is durable when it returns.
type Ledger interface {
	// Schedule returns since when a schedule is known, and its newest slot by
	// name that was taken, "" for none. One that is new becomes known now.
	Schedule(ctx context.Context, name string, now time.Time) (knownSince time.Time, last string, err error)
	// Take records a slot and enqueues its job, both or neither. It does
	// nothing when that slot of that schedule is recorded already.
	Take(ctx context.Context, schedule, slot string, job crm.Job) (taken bool, err error)
}

// Entry is one schedule.
type Entry struct {
	Name string // in the ledger; two entries never share one
	Spec *Spec
	Job  func(Slot) crm.Job // what to enqueue for a slot
}

// Options are what a Service needs.
type Options struct {
	Ledger   Ledger
	Log      *slog.Logger
	Entries  []Entry
	Wake     func()           // called after slots were taken; may be nil
	Lookback time.Duration    // how long a missed slot may be made up for; default 6 h
	Tick     time.Duration    // longest sleep: the clock may be set meanwhile; default 1 min
	Now      func() time.Time // default time.Now
}

// Service takes slots as they come due.
type Service struct {
	o       Options
	entries []*entry
}

// New returns a service; Run starts it.
func New(o Options) *Service {
	if o.Wake == nil {
		o.Wake = func() {}
	}
	if o.Lookback == 0 {
		o.Lookback = 6 * time.Hour
	}
	if o.Tick == 0 {
		o.Tick = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{o: o}
	for _, e := range o.Entries {
		s.entries = append(s.entries, &entry{Entry: e})
	}
	return s
}

// Run takes slots until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		now := s.now()
		s.look(ctx, now)
		timer := time.NewTimer(s.sleep(now))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// Next returns when a schedule is due next after an instant; the zero time
// when there is no such schedule.
func (s *Service) Next(name string, after time.Time) time.Time {
	for _, e := range s.o.Entries {
		if e.Name == name {
			return e.Spec.Next(after).At
		}
	}
	return time.Time{}
}

// now drops the monotonic reading: it stands still while a machine is
// suspended, and two times that have it are compared by it alone.
func (s *Service) now() time.Time { return s.o.Now().Round(0) }

// sleep returns how long nothing is due after a look, one tick at most.
func (s *Service) sleep(looked time.Time) time.Duration {
	wait := s.o.Tick
	for _, e := range s.entries {
		if next := e.Spec.Next(looked); !next.At.IsZero() {
			wait = min(wait, max(0, next.At.Sub(s.now())))
		}
	}
	return wait
}
