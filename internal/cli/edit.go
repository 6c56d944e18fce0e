package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/store"
)

// largestBody is what no form sends.
const largestBody = 16 << 20

type jobsEdit struct {
	ID       int64  `arg:"" help:"The number of a dead letter."`
	Body     string `help:"File with what the delivery is to say, whole; - reads it from the standard input." placeholder:"FILE|-" required:""`
	Delivery string `help:"Which delivery, where the dead letter has several." placeholder:"ID"`
}

// Help implements kong.HelpProvider.
func (jobsEdit) Help() string {
	return "Replaces the body of a delivery, in the content type that it came in, after its form has read it, and gives the dead letter another try. " +
		"What came is kept beside it: dealbell why, export and forget know both. dealbell jobs show prints what is there now."
}

// Run corrects a delivery.
func (c *jobsEdit) Run(s *session) error {
	settings, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	j, d, err := c.find(s, db)
	if err != nil {
		return err
	}
	body, err := c.read(s)
	if err != nil {
		return err
	}
	corrected, err := lead.Correct(settings.LeadForms(), j, d, body)
	if err != nil {
		return err
	}
	err = db.Correct(s.ctx, j, corrected)
	if errors.Is(err, store.ErrNotFound) {
		return noLongerDead(j)
	}
	if err != nil {
		return fmt.Errorf("correct delivery %s: %w", d.ID, err)
	}
	fmt.Fprintf(s.Stdout, "1 retried, delivery %s corrected\n", d.ID)
	return nil
}

// find returns the dead letter and the delivery that is meant.
func (c *jobsEdit) find(s *session, db *store.DB) (crm.Job, crm.Delivery, error) {
	j, err := findJob(s, db, c.ID)
	if err != nil {
		return j, crm.Delivery{}, err
	}
	if j.State != crm.JobDead {
		return j, crm.Delivery{}, notDead(j)
	}
	deliveries, err := db.JobDeliveries(s.ctx, j)
	if err != nil {
		return j, crm.Delivery{}, fmt.Errorf("read deliveries of job %d: %w", j.ID, err)
	}
	var ids []string
	for _, d := range deliveries {
		if d.ID == c.Delivery || c.Delivery == "" && len(deliveries) == 1 {
			return j, d, nil
		}
		ids = append(ids, d.ID)
	}
	switch {
	case len(ids) == 0:
		return j, crm.Delivery{}, fmt.Errorf("job %d is about no delivery", j.ID)
	case c.Delivery == "":
		return j, crm.Delivery{}, &usageError{fmt.Errorf("job %d has %d deliveries", j.ID, len(ids)), "say which one: --delivery " + strings.Join(slices.Sorted(slices.Values(ids)), " or ")}
	}
	return j, crm.Delivery{}, crm.WithHint(fmt.Errorf("delivery %s is not part of job %d", oneLine(c.Delivery), j.ID), "its deliveries are "+strings.Join(ids, ", "))
}

func (c *jobsEdit) read(s *session) ([]byte, error) {
	in := s.Stdin
	if c.Body != "-" {
		f, err := os.Open(c.Body)
		if err != nil {
			return nil, &usageError{fmt.Errorf("read body: %w", err), "give a file, or - for the standard input"}
		}
		defer f.Close()
		in = f
	}
	body, err := io.ReadAll(io.LimitReader(in, largestBody))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return body, nil
}
