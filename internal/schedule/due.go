package schedule

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// farAhead is how far in the future the newest slot of a ledger may lie. One
// beyond was taken while the clock was wrong; waiting for it would silence
// the schedule until then.
const farAhead = 24 * time.Hour

// entry is a schedule and what this process knows about it.
type entry struct {
	Entry
	known   time.Time // since when it is known; zero until the ledger was asked
	looked  time.Time // up to when everything that was due is settled
	failing bool
}

// look takes what is due of every schedule.
func (s *Service) look(ctx context.Context, now time.Time) {
	taken := 0
	for _, e := range s.entries {
		n, err := s.settle(ctx, e, now)
		taken += n
		if ctx.Err() != nil {
			break // an error now says that we stop, nothing else
		}
		s.note(e, err)
	}
	if taken > 0 {
		s.o.Wake()
	}
}

// settle takes what is due of one schedule and returns how many slots it
// took. After an error the same slots are due again at the next look.
func (s *Service) settle(ctx context.Context, e *entry, now time.Time) (taken int, err error) {
	if now.Before(e.known) { // it became known while the clock was ahead
		e.known = now
	}
	steady := s.steady(e, now)
	due := s.due(e, now, steady)
	if len(due) > 0 || e.known.IsZero() {
		if due, err = s.untaken(ctx, e, now, due); err != nil {
			return 0, err
		}
	}
	if missed := len(due) - 1; !steady && missed > 0 {
		due = due[missed:]
		if !e.failing {
			s.o.Log.Info("missed slots are skipped, the latest stands for them",
				"schedule", e.Name, "skipped", missed, "latest", due[0].Name)
		}
	}
	if taken, err = s.take(ctx, e, due); err == nil {
		e.looked = now
	}
	return taken, err
}

// steady reports that the service looked a moment ago, so that what came due
// since then was not missed.
func (s *Service) steady(e *entry, now time.Time) bool {
	return !e.looked.IsZero() && !now.Before(e.looked) && now.Sub(e.looked) <= 2*s.o.Tick
}

// due lists the slots that came due since the last look, or within the
// lookback after a pause.
func (s *Service) due(e *entry, now time.Time, steady bool) []Slot {
	since := e.looked
	if !steady {
		since = now.Add(-s.o.Lookback - 1)
	}
	due := e.Spec.between(since, now)
	for i := range due {
		due[i].Late = now.Sub(due[i].At) > 2*s.o.Tick
	}
	return due
}

// untaken asks the ledger which of the slots are still to be taken: newer
// than the newest that was, and not from before the schedule was known.
func (s *Service) untaken(ctx context.Context, e *entry, now time.Time, due []Slot) ([]Slot, error) {
	known, last, err := s.o.Ledger.Schedule(ctx, e.Name, now)
	if err != nil {
		return nil, fmt.Errorf("read the schedule's ledger: %w", err)
	}
	if e.known.IsZero() {
		e.known = known
	}
	if at, ok := e.Spec.at(last); !ok || at.After(now.Add(farAhead)) {
		last = "" // Take still refuses what is recorded
	}
	return slices.DeleteFunc(due, func(slot Slot) bool {
		return slot.Name <= last || slot.At.Before(e.known)
	}), nil
}

// take records slots in order. The ledger's errors stop it, as a newer slot
// would bar the older one; a job that cannot be made does not hold up later
// slots.
func (s *Service) take(ctx context.Context, e *entry, due []Slot) (taken int, err error) {
	for _, slot := range due {
		job, broken := s.job(e, slot)
		if broken != nil {
			err = broken
			continue
		}
		ok, err := s.o.Ledger.Take(ctx, e.Name, slot.Name, job)
		if err != nil {
			return taken, fmt.Errorf("take slot %s: %w", slot.Name, err)
		}
		if ok {
			taken++
			s.o.Log.Debug("slot taken", "schedule", e.Name, "slot", slot.Name, "late", slot.Late)
		}
	}
	return taken, err
}

// job makes the job of a slot; a panic becomes an error of that slot alone.
func (s *Service) job(e *entry, slot Slot) (job crm.Job, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("make the job of slot %s: panic: %v", slot.Name, p)
			if !e.failing {
				s.o.Log.Error("schedule panicked", "schedule", e.Name, "slot", slot.Name, "stack", string(debug.Stack()))
			}
		}
	}()
	return e.Job(slot), nil
}

// note logs when a schedule starts to fail and when it works again.
func (s *Service) note(e *entry, err error) {
	switch {
	case err != nil && !e.failing:
		s.o.Log.Error("schedule cannot take its slots; it waits and tries again", "schedule", e.Name, "error", err)
	case err == nil && e.failing:
		s.o.Log.Info("schedule takes its slots again", "schedule", e.Name)
	}
	e.failing = err != nil
}
