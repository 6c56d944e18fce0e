package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/importer"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	importLook = 200 * time.Millisecond
	// A read of all rows may be a while ago, because polls keep fresh what was
	// read then. A read of what changed may be as old as queries lag behind.
	wholeRead  = 10 * time.Minute
	latestRead = 30 * time.Second
	// readPatience is how long a read may fail before the command gives up.
	readPatience = time.Minute
	linesEvery   = 10 * time.Second // progress, where nobody watches
	stallAfter   = 10 * time.Second // without progress it is said what is waited for
)

// freshen makes sure that all rows of the database are known: by a whole read
// of late, and by what changed since.
func (i *importing) freshen() error {
	asked, told, failing := time.Now(), false, time.Time{}
	for under := ""; ; {
		missing, err := i.missing(asked)
		if err != nil || missing.Kind == "" {
			return err
		}
		if missing.Kind != under {
			under = missing.Kind
			if err := i.db.Apply(i.ctx, crm.Commit{Jobs: []crm.Job{missing}}); err != nil {
				return fmt.Errorf("ask for a read: %w", err)
			}
		}
		if time.Since(asked) > time.Second && !told {
			told = true
			fmt.Fprintf(i.Stderr, "reading %s first\n", i.Database)
		}
		why, err := i.lastError(func(j crm.Job) bool { return j.Unique == missing.Unique }, under)
		switch {
		case err != nil:
			return err
		case why == "":
			failing = time.Time{}
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) > readPatience:
			return crm.WithHint(fmt.Errorf("read %s: %s", i.Database, why), "dealbell doctor looks what is wrong")
		}
		if err := i.pause(); err != nil {
			return err
		}
	}
}

// missing returns the read that has to end before the rows are known, no job
// when there is none. One that is whole tells what changed as well.
func (i *importing) missing(asked time.Time) (crm.Job, error) {
	read, err := i.db.Read(i.ctx, i.database)
	if err != nil {
		return crm.Job{}, fmt.Errorf("read state: %w", err)
	}
	reconcile, err := i.db.Reconcile(i.ctx, i.database)
	if err != nil {
		return crm.Job{}, fmt.Errorf("read state: %w", err)
	}
	whole, latest := asked.Add(-wholeRead), asked.Add(-latestRead)
	switch {
	case read.CompletedAt.IsZero(), read.PolledAt.IsZero():
		return poll.Job(i.database, time.Time{}), nil
	case read.CompletedAt.Before(whole) && reconcile.CompletedAt.Before(whole):
		return poll.ReconcileJob(i.database, time.Time{}), nil
	case read.PolledAt.Before(latest) && reconcile.CompletedAt.Before(latest):
		return poll.Job(i.database, time.Time{}), nil
	}
	return crm.Job{}, nil
}

func (i *importing) pause() error {
	select {
	case <-i.ctx.Done():
		return crm.WithHint(errors.New("interrupted before anything was written"), "run the same command again")
	case <-time.After(importLook):
		return nil
	}
}

// lastError returns why a job waits, of those that it is about.
func (i *importing) lastError(about func(crm.Job) bool, kinds ...string) (string, error) {
	for _, kind := range kinds {
		jobs, err := i.db.Jobs(i.ctx, store.JobFilter{Kind: kind, State: crm.JobWaiting, Limit: 20})
		if err != nil {
			return "", fmt.Errorf("read jobs: %w", err)
		}
		for _, j := range jobs {
			if j.LastError != "" && about(j) {
				return j.LastError, nil
			}
		}
	}
	return "", nil
}

// watch shows the progress of an import until it ends.
func (i *importing) watch(id int64) (crm.Import, error) {
	var p *gauge
	moved, looked, said := time.Now(), time.Time{}, ""
	for last := -1; ; {
		in, found, err := i.db.Import(i.ctx, id)
		switch {
		case err != nil:
			return in, fmt.Errorf("read import %d: %w", id, err)
		case !found:
			return in, crm.WithHint(errors.New("another command has told how this import ended, or has begun another one"),
				"run the same command again: rows that are in are left alone")
		}
		if p == nil {
			p = i.newGauge(in)
		}
		if in.Open() != last {
			last, moved = in.Open(), time.Now()
			p.show(in)
		}
		switch in.State {
		case crm.ImportDone:
			p.end(in)
			return in, nil
		case crm.ImportStopped, crm.ImportPaused:
			p.end(in)
			return in, crm.WithHint(fmt.Errorf("the import has stopped, %d of %d rows are left: %s", in.Open(), in.Rows, in.Reason),
				"once that is mended, the same command goes on where it stopped")
		}
		if time.Since(moved) > stallAfter && time.Since(looked) > stallAfter {
			looked = time.Now()
			if why := i.stalled(); why != "" && why != said {
				said = why
				fmt.Fprintf(i.Stderr, "waiting: %s\n", oneLine(why))
			}
		}
		select {
		case <-i.ctx.Done():
			p.end(in)
			return in, i.ctx.Err()
		case <-time.After(importLook):
		}
	}
}

// stalled tells why an import does not go on; "" when nobody knows.
func (i *importing) stalled() string {
	if running, err := store.Running(i.db.Dir()); err == nil && !running {
		return "the daemon has stopped; start it, or press Ctrl-C and give the same command again, which then writes by itself"
	}
	why, _ := i.lastError(func(crm.Job) bool { return true }, importer.KindRow, importer.KindFeed) // none is as good
	return why
}

// gauge is a bar on a terminal and a line now and then elsewhere.
type gauge struct {
	i       *importing
	bar     *progressbar.ProgressBar
	begun   time.Time
	open    int // rows at the beginning
	written time.Time
}

func (i *importing) newGauge(in crm.Import) *gauge {
	p := &gauge{i: i, begun: time.Now(), open: in.Open(), written: time.Now()}
	if interactive(i.log) {
		p.bar = progressbar.NewOptions(max(1, in.Open()), progressbar.OptionSetWriter(i.log), progressbar.OptionSetDescription("importing"),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"), progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetElapsedTime(true), progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetRenderBlankState(true))
	}
	return p
}

func (p *gauge) show(in crm.Import) {
	done := p.open - in.Open()
	if p.bar != nil {
		_ = p.bar.Set(done) // a terminal that is gone stops nothing
		return
	}
	if time.Since(p.written) < linesEvery || done == 0 {
		return
	}
	p.written = time.Now()
	rate := float64(done) / time.Since(p.begun).Seconds()
	left := time.Duration(float64(in.Open()) / rate * float64(time.Second))
	fmt.Fprintf(p.i.Stderr, "%d of %d rows, %.1f a second, %s left\n", in.Rows-in.Open(), in.Rows, rate, left.Round(time.Second))
}

func (p *gauge) end(in crm.Import) {
	p.show(in)
	if p.bar != nil {
		fmt.Fprintln(p.i.log)
	}
}
