package cli

import (
	"encoding/json"
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
	Limit int    `help:"At most so many." default:"100"`
	Group bool   `help:"One line for all jobs that are alike in kind, state and last error."`
	JSON  bool   `help:"Print JSON."`

	jobChoice
}

// jobChoice narrows what jobs are meant.
type jobChoice struct {
	Kind   string `help:"Only jobs of this kind."`
	Reason string `help:"Only jobs whose last error contains this text." placeholder:"TEXT"`
}

// Run lists jobs.
func (c *jobsList) Run(s *session) error {
	db, err := s.attach()
	if err != nil {
		return err
	}
	defer db.Close()
	jobs, err := db.Jobs(s.ctx, store.JobFilter{State: crm.JobState(c.State), Kind: c.Kind, Reason: c.Reason, Limit: c.Limit})
	if err != nil {
		return fmt.Errorf("list jobs: %w", err)
	}
	switch {
	case c.JSON:
		return printJSON(s, jobs)
	case c.Group:
		return printGroups(s.Stdout, jobs)
	}
	return printJobs(s.Stdout, jobs)
}

func printJobs(out io.Writer, jobs []crm.Job) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
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
	if j.Key != "" {
		fmt.Fprintf(w, "story\tdealbell why %s\n", oneLine(j.Key))
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

func notDead(j crm.Job) error {
	return crm.WithHint(fmt.Errorf("job %d is %s, not a dead letter", j.ID, j.State), "only dead letters can be retried or dropped")
}

// noLongerDead is for one that was a dead letter a moment ago.
func noLongerDead(j crm.Job) error {
	return crm.WithHint(fmt.Errorf("job %d was retried or dropped in the meantime", j.ID), "dealbell jobs list shows what there is now")
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
