package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

type jobsRetry struct{ deadLetters }

// Run gives dead letters another life.
func (c *jobsRetry) Run(s *session) error {
	return c.each(s, "retry", "retried", (*store.DB).RetryJob)
}

type jobsDrop struct{ deadLetters }

// Run gives dead letters up.
func (c *jobsDrop) Run(s *session) error {
	return c.each(s, "drop", "dropped", (*store.DB).DropJob)
}

// mostJobs is more than there ever are.
const mostJobs = 1_000_000

// deadLetters chooses dead letters on the command line.
type deadLetters struct {
	ID     []int64 `arg:"" optional:"" help:"The numbers of dead letters."`
	All    bool    `help:"All dead letters, or all that --kind and --reason leave."`
	DryRun bool    `help:"Only list them."`

	jobChoice
}

// Help implements kong.HelpProvider.
func (c *deadLetters) Help() string {
	return "Name dead letters by their numbers, or choose them by --kind, by --reason (a part of the last error, whatever the case), or by both. " +
		"The deliveries of a dead letter go the same way as it does."
}

func (c *deadLetters) each(s *session, verb, done string, act func(*store.DB, context.Context, crm.Job) error) error {
	chosen := c.All || c.Kind != "" || c.Reason != ""
	switch {
	case len(c.ID) == 0 && !chosen:
		return &usageError{errors.New("no job named"), "give the numbers that dealbell jobs list --state dead shows, or --kind, --reason or --all"}
	case len(c.ID) > 0 && chosen:
		return &usageError{errors.New("jobs are named and chosen"), "give either numbers, or --kind, --reason or --all"}
	}
	db, err := s.attach()
	if err != nil {
		return err
	}
	defer db.Close()
	jobs, err := c.jobs(s, db)
	if err != nil {
		return err
	}
	if c.DryRun {
		fmt.Fprintf(s.Stdout, "would %s %d\n", verb, len(jobs))
		return printJobs(s.Stdout, jobs)
	}
	settled := jobs[:0]
	for _, j := range jobs {
		err := act(db, s.ctx, j)
		switch {
		case errors.Is(err, store.ErrNotFound) && chosen:
			continue // somebody else was quicker
		case errors.Is(err, store.ErrNotFound):
			err = noLongerDead(j)
		}
		if err != nil {
			return err
		}
		settled = append(settled, j)
	}
	fmt.Fprintf(s.Stdout, "%d %s\n", len(settled), done)
	if !chosen || len(settled) == 0 {
		return nil
	}
	return printGroups(s.Stdout, settled)
}

func (c *deadLetters) jobs(s *session, db *store.DB) (jobs []crm.Job, err error) {
	if len(c.ID) == 0 {
		jobs, err = db.Jobs(s.ctx, store.JobFilter{State: crm.JobDead, Kind: c.Kind, Reason: c.Reason, Limit: mostJobs})
		if err != nil {
			return nil, fmt.Errorf("list dead letters: %w", err)
		}
		return jobs, nil
	}
	for _, id := range c.ID {
		j, err := findJob(s, db, id)
		if err != nil {
			return nil, err
		}
		if j.State != crm.JobDead {
			return nil, notDead(j)
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// printGroups prints how many jobs are alike, in the order of the first of
// each kind.
func printGroups(out io.Writer, jobs []crm.Job) error {
	type group struct {
		kind   string
		state  crm.JobState
		reason string
	}
	var order []group
	first, count := map[group]int64{}, map[group]int{}
	for _, j := range jobs {
		g := group{j.Kind, j.State, j.LastError}
		if count[g]++; count[g] == 1 {
			first[g] = j.ID
			order = append(order, g)
		}
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "jobs\tfirst\tkind\tstate\tlast error")
	for _, g := range order {
		fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\n", count[g], first[g], g.kind, g.state, oneLine(g.reason))
	}
	return w.Flush()
}
