package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

type jobsCommand struct {
	List  jobsList  `cmd:"" default:"withargs" help:"List jobs."`
	Show  jobsShow  `cmd:"" help:"Show one job, why it is where it is, and its deliveries."`
	Retry jobsRetry `cmd:"" help:"Give dead letters another try."`
	Drop  jobsDrop  `cmd:"" help:"Give dead letters up."`
	Edit  jobsEdit  `cmd:"" help:"Correct what a dead letter's delivery says, and try again."`
}

type jobsList struct {
	State string `help:"Only jobs in this state: ready, running, waiting, blocked or dead." enum:",ready,running,waiting,blocked,dead" default:""`
	Kind  string `help:"Only jobs of this kind."`
	Limit int    `help:"At most so many." default:"100"`
	JSON  bool   `help:"Print JSON."`
}

// Run lists jobs.
func (c *jobsList) Run(s *session) error {
	db, err := s.attach()
	if err != nil {
		return err
	}
	defer db.Close()
	jobs, err := db.Jobs(s.ctx, store.JobFilter{State: crm.JobState(c.State), Kind: c.Kind, Limit: c.Limit})
	if err != nil {
		return fmt.Errorf("list jobs: %w", err)
	}
	if c.JSON {
		return printJSON(s, jobs)
	}
	w := tabwriter.NewWriter(s.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "id\tkind\tlane\tstate\ttries\tage\tlast error")
	for _, j := range jobs {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%s\t%s\n", j.ID, j.Kind, j.Lane, j.State, j.Attempts, age(j.CreatedAt), oneLine(j.LastError))
	}
	return w.Flush()
}

type jobsShow struct {
	ID   int64 `arg:"" help:"The job's number."`
	JSON bool  `help:"Print JSON."`
}

// Run shows one job.
func (c *jobsShow) Run(s *session) error {
	db, err := s.attach()
	if err != nil {
		return err
	}
	defer db.Close()
	j, err := findJob(s, db, c.ID)
	if err != nil {
		return err
	}
	deliveries, err := db.JobDeliveries(s.ctx, j)
	if err != nil {
		return fmt.Errorf("read deliveries of job %d: %w", j.ID, err)
	}
	if c.JSON {
		return printJSON(s, map[string]any{"job": j, "deliveries": deliveries})
	}
	w := tabwriter.NewWriter(s.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "job\t%d\nkind\t%s\nlane\t%s\nstate\t%s\nkey\t%s\ntries\t%d\ncreated\t%s\n",
		j.ID, j.Kind, j.Lane, j.State, oneLine(j.Key), j.Attempts, j.CreatedAt.Format(time.RFC3339))
	if !j.NotBefore.IsZero() {
		fmt.Fprintf(w, "not before\t%s\n", j.NotBefore.Format(time.RFC3339))
	}
	if j.LastError != "" {
		fmt.Fprintf(w, "last error\t%s\n", oneLine(j.LastError))
	}
	for _, d := range deliveries {
		fmt.Fprintf(w, "delivery\t%s, received %s, %s\n", d.ID, d.ReceivedAt.Format(time.RFC3339), oneLine(d.ContentType))
		quote(w, d.Body)
		if !d.CorrectedAt.IsZero() {
			fmt.Fprintf(w, "before\tit was corrected on %s\n", d.CorrectedAt.Format(time.RFC3339))
			quote(w, d.Original)
		}
	}
	if j.State == crm.JobDead {
		fmt.Fprintf(w, "next\tdealbell jobs retry %d, or dealbell jobs drop %d\n", j.ID, j.ID)
		if len(deliveries) > 0 {
			fmt.Fprintf(w, "or\tdealbell jobs edit %d --body FILE, to correct what it says\n", j.ID)
		}
	}
	return w.Flush()
}

// quote prints a body so that none of its lines passes for one of ours.
func quote(w io.Writer, body []byte) {
	for line := range strings.Lines(string(body)) {
		fmt.Fprintf(w, "\t%s\n", oneLine(strings.TrimRight(line, "\r\n")))
	}
}

type jobsRetry struct{ deadLetters }

// Run gives dead letters another life.
func (c *jobsRetry) Run(s *session) error { return c.each(s, "retried", (*store.DB).RetryJob) }

type jobsDrop struct{ deadLetters }

// Run gives dead letters up.
func (c *jobsDrop) Run(s *session) error { return c.each(s, "dropped", (*store.DB).DropJob) }

// deadLetters chooses dead letters on the command line.
type deadLetters struct {
	ID  []int64 `arg:"" optional:"" help:"The numbers of dead letters."`
	All bool    `help:"All dead letters."`
}

func (c *deadLetters) each(s *session, done string, act func(*store.DB, context.Context, crm.Job) error) error {
	if len(c.ID) == 0 && !c.All {
		return &usageError{errors.New("no job named"), "give the numbers that dealbell jobs list --state dead shows, or --all"}
	}
	db, err := s.attach()
	if err != nil {
		return err
	}
	defer db.Close()
	var jobs []crm.Job
	if c.All {
		if jobs, err = db.Jobs(s.ctx, store.JobFilter{State: crm.JobDead, Limit: 1_000_000}); err != nil {
			return fmt.Errorf("list dead letters: %w", err)
		}
	}
	for _, id := range c.ID {
		j, err := findJob(s, db, id)
		if err != nil {
			return err
		}
		jobs = append(jobs, j)
	}
	for _, j := range jobs {
		if err := act(db, s.ctx, j); err != nil {
			if errors.Is(err, store.ErrNotFound) {
				err = notDead(j)
			}
			return err
		}
	}
	fmt.Fprintf(s.Stdout, "%d %s\n", len(jobs), done)
	return nil
}

func notDead(j crm.Job) error {
	return crm.WithHint(fmt.Errorf("job %d is %s, not a dead letter", j.ID, j.State), "only dead letters can be retried or dropped")
}

func findJob(s *session, db *store.DB, id int64) (crm.Job, error) {
	found, err := db.Jobs(s.ctx, store.JobFilter{ID: id})
	if err != nil {
		return crm.Job{}, fmt.Errorf("read job %d: %w", id, err)
	}
	if len(found) == 0 {
		return crm.Job{}, crm.WithHint(fmt.Errorf("there is no job %d", id), "finished jobs are deleted; dealbell jobs list shows the others")
	}
	return found[0], nil
}

func printJSON(s *session, v any) error {
	e := json.NewEncoder(s.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func age(t time.Time) time.Duration { return time.Since(t).Round(time.Second) }
