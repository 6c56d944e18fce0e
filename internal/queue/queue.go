// Package queue runs durable jobs.
//
// It owns when a job runs: most urgent lane first, oldest first within a
// lane, at most one running job per key, retries with growing waits, dead
// letters, and a drain on stop. It promises that a job runs at least once,
// also across a crash at any point, and that the end of a run and everything
// it changed are one transaction. It refuses to know what a job does: kinds
// are handled by functions given to New, and storage is behind Store.
//
// The states of a job:
//
//	             key is free
//	enqueue ──┬───────────────> ready ──claim──> running ──ok──> (deleted)
//	          │                  ^ ^                │
//	          │ key is taken     │ │ time has come  ├─try again──> waiting
//	          └────────> blocked ┘ └────────────────┼───────────────┘
//	                      the older job             │
//	                      of the key ended          └─needs a person─> dead
//
// A job that waits keeps its key taken, so later jobs of the key stay behind
// it. A job that is enqueued with the Unique of one that is ready, waiting or
// blocked becomes one with it; beside a running one it is queued once more,
// and if that one has to be tried again the newer stands for both. After a
// crash, running jobs are ready again at once. A dead letter frees its key.
package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// Store keeps jobs. Every method is durable when it returns.
type Store interface {
	// Turn writes the ends, makes due jobs ready and claims as many as there
	// is room for; next is when the earliest waiting job is due.
	Turn(ctx context.Context, ends []crm.End, room crm.Room) (claimed []crm.Job, next time.Time, err error)
	// Idle reports, without writing, that Turn would claim nothing.
	Idle(ctx context.Context, now time.Time, room crm.Room) (idle bool, next time.Time, err error)
}

// Gate says how many jobs that need Notion may usefully run at once now. With
// n = 0 none can succeed before until.
type Gate interface {
	Capacity() (n int, until time.Time)
}

// Handler does one kind of job. What it returns as a commit is applied
// together with the end of the run, whether err is nil or not, and with the
// steps that were noted under its context (see crm.About). The error
// decides what happens next: crm.RetryAt(err) names a time, crm.ErrInvalid
// makes a dead letter, crm.ErrForbidden holds the lane, anything else is
// tried again.
type Handler func(ctx context.Context, job crm.Job) (crm.Commit, error)

// Options are what a Runner needs.
type Options struct {
	Store    Store
	Gate     Gate
	Handlers map[string]Handler // by kind of job
	Log      *slog.Logger
	Slots    map[crm.Lane]int                  // jobs that run at once, by lane; default DefaultSlots
	Grace    time.Duration                     // how long a drain waits for running jobs; default 12 s
	Lost     <-chan struct{}                   // closed when nothing can be written any more: a drain waits for no job then; may be nil
	Recheck  time.Duration                     // longest sleep: another process may have changed the queue, or the clock jumped; default 2 s
	Ended    func(crm.End)                     // told of every run; may be nil
	Jitter   func(time.Duration) time.Duration // spreads waits; default ±20 %
}

// DefaultSlots leave room for live work whatever else is going on.
func DefaultSlots() map[crm.Lane]int {
	return map[crm.Lane]int{crm.Live: 6, crm.Notify: 4, crm.Sync: 2, crm.Bulk: 2}
}

// Runner runs jobs until it is told to stop.
type Runner struct {
	o       Options
	wake    chan struct{}
	results chan result
	running map[crm.Lane]int
	holds   map[crm.Lane]time.Time // lanes that refusals stopped, until when
	refused map[crm.Lane]int64     // the job that was refused last
	storeOK bool
}

type result struct {
	job     crm.Job
	commit  crm.Commit
	journal *crm.Journal
	err     error
}

// New returns a runner; Run starts it.
func New(o Options) *Runner {
	if o.Slots == nil {
		o.Slots = DefaultSlots()
	}
	if o.Grace == 0 {
		o.Grace = 12 * time.Second
	}
	if o.Recheck == 0 {
		o.Recheck = 2 * time.Second
	}
	if o.Jitter == nil {
		o.Jitter = jitter
	}
	total := 0
	for _, n := range o.Slots {
		total += n
	}
	return &Runner{
		o: o, wake: make(chan struct{}, 1), results: make(chan result, total),
		running: map[crm.Lane]int{}, holds: map[crm.Lane]time.Time{}, refused: map[crm.Lane]int64{}, storeOK: true,
	}
}

// Wake makes the runner look at the queue now. Call it after a commit that
// enqueued something.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run runs jobs until ctx ends, then waits for those that run, at most the
// grace time, and writes how they ended. When the store is lost it does not
// wait: what they do cannot be remembered.
func (r *Runner) Run(ctx context.Context) error {
	work, cancelWork := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelWork()
	var ends []crm.End
	for ctx.Err() == nil {
		wait := r.step(work, &ends)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-timer.C:
		case res := <-r.results:
			ends = r.collect(ends, res)
		}
		timer.Stop()
	}
	return r.drain(cancelWork, ends)
}

// step writes what has ended, starts what may run, and returns how long to
// sleep at most.
func (r *Runner) step(work context.Context, ends *[]crm.End) time.Duration {
	now := time.Now()
	room, again := r.free(now)
	idle, next, err := r.o.Store.Idle(work, now, room)
	if err == nil && (!idle || len(*ends) > 0) {
		var claimed []crm.Job
		if claimed, next, err = r.o.Store.Turn(work, *ends, room); err == nil {
			*ends = nil
			for _, job := range claimed {
				r.start(work, job)
			}
		}
	}
	r.noteStore(err)
	if err != nil {
		return 250 * time.Millisecond // a full disk, most likely: the ends wait in memory
	}
	sleep := r.o.Recheck
	for _, t := range []time.Time{next, again} {
		if !t.IsZero() {
			sleep = min(sleep, max(0, time.Until(t)))
		}
	}
	return sleep
}

// free returns how many jobs may start now, and when that changes by itself.
func (r *Runner) free(now time.Time) (room crm.Room, again time.Time) {
	capacity, until := r.o.Gate.Capacity()
	if capacity <= 0 {
		again = until
	}
	room = crm.Room{Notion: capacity, Lanes: map[crm.Lane]int{}}
	for _, lane := range crm.Lanes {
		room.Lanes[lane] = r.o.Slots[lane] - r.running[lane]
		if lane.NeedsNotion() {
			room.Notion -= r.running[lane]
		}
		held, isHeld := r.holds[lane]
		switch {
		case isHeld && held.After(now):
			room.Lanes[lane] = 0
			if again.IsZero() || held.Before(again) {
				again = held
			}
		case isHeld:
			room.Lanes[lane] = 1 - r.running[lane] // probe with one
		}
	}
	return room, again
}

func (r *Runner) start(work context.Context, job crm.Job) {
	r.running[job.Lane]++
	go func() {
		ctx, journal := crm.Keep(work, job.ID)
		commit, err := r.run(ctx, job)
		r.results <- result{job, commit, journal, err}
	}()
}

// run calls the handler; a panic becomes an error of that job alone.
func (r *Runner) run(ctx context.Context, job crm.Job) (commit crm.Commit, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.o.Log.Error("job panicked", "job", job.ID, "kind", job.Kind, "stack", string(debug.Stack()))
			commit, err = crm.Commit{}, fmt.Errorf("panic: %v", p)
		}
	}()
	handle, ok := r.o.Handlers[job.Kind]
	if !ok {
		return crm.Commit{}, fmt.Errorf("%w: this dealbell knows no job kind %q", crm.ErrInvalid, job.Kind)
	}
	return handle(ctx, job)
}

// collect turns a result into its end, and those that are there already.
func (r *Runner) collect(ends []crm.End, res result) []crm.End {
	for {
		ends = append(ends, r.end(res))
		select {
		case res = <-r.results:
		default:
			return ends
		}
	}
}

func (r *Runner) end(res result) crm.End {
	r.running[res.job.Lane]--
	now := time.Now()
	end := r.decide(res, now)
	end.Commit.Steps = append(end.Commit.Steps, tell(res.journal, end, now)...)
	r.noteLane(res)
	if r.o.Ended != nil {
		r.o.Ended(end)
	}
	return end
}

func (r *Runner) drain(cancelWork func(), ends []crm.End) error {
	deadline, lost := time.NewTimer(r.o.Grace), r.o.Lost
	defer deadline.Stop()
	for r.active() > 0 {
		select {
		case res := <-r.results:
			ends = r.collect(ends, res)
		case <-deadline.C:
			cancelWork()
		case <-lost:
			cancelWork()
			lost = nil
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if _, _, err := r.o.Store.Turn(ctx, ends, crm.Room{}); err != nil {
		return fmt.Errorf("write how the last jobs ended: %w", err)
	}
	return nil
}

func (r *Runner) active() int {
	n := 0
	for _, running := range r.running {
		n += running
	}
	return n
}

// noteStore logs when the store stops taking writes and when it is back.
func (r *Runner) noteStore(err error) {
	switch {
	case err != nil && r.storeOK:
		r.o.Log.Error("queue cannot write its state; it waits and tries again", "error", err)
	case err == nil && !r.storeOK:
		r.o.Log.Info("queue can write its state again")
	}
	r.storeOK = err == nil
}

// noteLane holds a lane when the other side refuses Dealbell itself, which it
// does when two different jobs are refused in a row, and lets it go after the
// next success.
func (r *Runner) noteLane(res result) {
	lane := res.job.Lane
	if !lane.NeedsNotion() {
		return // each Slack channel is refused by itself
	}
	_, held := r.holds[lane]
	_, timed := crm.RetryAt(res.err) // about all of Notion: the gate knows
	switch {
	case errors.Is(res.err, crm.ErrForbidden) && !timed:
		before := r.refused[lane]
		r.refused[lane] = res.job.ID
		if before == 0 || before == res.job.ID {
			return
		}
		r.holds[lane] = time.Now().Add(forbiddenWait)
		if !held {
			r.o.Log.Error("lane stopped: Notion does not allow this; one job a minute probes",
				"lane", lane, "job", res.job.ID, "hint", fmt.Sprintf("dealbell jobs show %d", res.job.ID))
		}
	case res.err == nil:
		delete(r.refused, lane)
		if held {
			delete(r.holds, lane)
			r.o.Log.Info("lane goes on", "lane", lane)
		}
	}
}
