package demo

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// trial is one way to cause trouble, and what became of it.
type trial struct {
	name, title, promise string
	button               string
	back                 string // the button that ends it; "" when it ends by itself
	run                  func(context.Context, *trial)
	begin                func() // set once the company runs

	mu      sync.Mutex // guards what follows
	running bool
	enough  chan struct{} // closed when it is to end; nil when it is
	outcome string
	mark    sandbox.Mark
}

// trouble is the button on the page.
func (t *trial) trouble() sandbox.Trouble {
	return sandbox.Trouble{Name: t.name, Title: t.title, Promise: t.promise, Press: t.press, State: t.state}
}

func (t *trial) state() sandbox.TroubleState {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := sandbox.TroubleState{Button: t.button, Busy: t.running, Outcome: t.outcome, Mark: t.mark}
	if t.running && t.enough != nil {
		s.Button, s.Busy = t.back, false
	}
	return s
}

// press begins the trouble, or ends it.
func (t *trial) press() {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.running:
		t.running, t.outcome, t.mark = true, "", sandbox.Plain
		if t.back != "" {
			t.enough = make(chan struct{})
		}
		t.begin()
	case t.enough != nil:
		close(t.enough)
		t.enough = nil
	}
}

// work runs from a press to the outcome.
func (t *trial) work(ctx context.Context) {
	t.run(ctx, t)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running, t.enough = false, nil
}

// hold waits until somebody has enough, or the time is over.
func (t *trial) hold(ctx context.Context, limit time.Duration) {
	t.mu.Lock()
	enough := t.enough
	t.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-enough:
	case <-timer.C:
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.enough = nil
}

func (t *trial) report(mark sandbox.Mark, format string, values ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcome, t.mark = fmt.Sprintf(format, values...), mark
}

// conclude reports the outcome, and writes it down.
func (c *company) conclude(t *trial, kept bool, format string, values ...any) {
	mark := sandbox.Good
	if !kept {
		mark = sandbox.Bad
	}
	t.report(mark, format, values...)
	c.journal.say(mark, "%s: %s", t.title, fmt.Sprintf(format, values...))
}

// prepareTrials makes the buttons work until ctx ends.
func (c *company) prepareTrials(ctx context.Context, running *sync.WaitGroup) {
	c.trials = c.troubles()
	for _, t := range c.trials {
		t.begin = func() { running.Go(func() { t.work(ctx) }) }
	}
}

// patience is how long an outcome is waited for.
const patience = 3 * time.Minute

// landing is how leads have come through a trouble.
type landing struct {
	in   int // Notion
	once bool
	at   time.Time // when the last was in
}

// settle waits until the leads are in Notion and Dealbell has done with them,
// and reports on the way.
func (c *company) settle(ctx context.Context, t *trial, leads []sandbox.Lead, limit time.Duration, so string) landing {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var l landing
	_ = until(ctx, func() bool { // how far it came is what counts
		l.in, l.at = c.roll().arrived(leads), time.Now()
		t.report(sandbox.Troubled, "%s %d of %d in Notion.", so, l.in, len(leads))
		return l.in == len(leads)
	})
	c.idle(ctx)
	contacts := c.roll()
	l.once = !slices.ContainsFunc(leads, func(lead sandbox.Lead) bool { return len(contacts[address(lead.Email)]) > 1 })
	return l
}

// complete says that all leads are in Notion, each once.
func (l landing) complete(leads []sandbox.Lead) bool { return l.in == len(leads) && l.once }

// idle waits until Dealbell has no lead left, which others may delay for long.
func (c *company) idle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_ = until(ctx, func() bool {
		status, err := c.daemon.status(ctx)
		return err == nil && status.OpenLeads == 0
	})
}
