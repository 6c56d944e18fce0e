package cli

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"text/tabwriter"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
	"github.com/dealbell/dealbell/internal/store"
)

type replayCommand struct {
	ID    []string `arg:"" optional:"" help:"Deliveries: rejected ones, or any that Dealbell accepted."`
	All   bool     `help:"All rejected deliveries whose signature is right by now; the others are left."`
	Force bool     `help:"Take rejected deliveries although their signature is still wrong."`
}

// Help implements kong.HelpProvider.
func (replayCommand) Help() string {
	return "Without arguments it lists the deliveries that were rejected in the last 7 days. After FORM_SECRET is corrected, " +
		"replay them: their signature is checked again. A delivery that was accepted before is worked in again without " +
		"keeping its message twice."
}

// Run replays deliveries.
func (c *replayCommand) Run(s *session) error {
	config, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	rejected, err := db.Quarantined(s.ctx)
	if err != nil {
		return fmt.Errorf("list rejected deliveries: %w", err)
	}
	if len(c.ID) == 0 && !c.All {
		return listRejected(s, rejected)
	}
	replayed, left := 0, 0
	for _, r := range rejected {
		if !c.All && !slices.Contains(c.ID, r.ID) {
			continue
		}
		c.ID = slices.DeleteFunc(c.ID, func(id string) bool { return id == r.ID })
		err := c.release(s, db, r, config.FormSecrets)
		if err != nil && !c.All {
			return err
		}
		if err != nil {
			fmt.Fprintf(s.Stderr, "left: %v\n", err)
			left++
			continue
		}
		replayed++
	}
	for _, id := range c.ID {
		if err := reopen(s, db, id); err != nil {
			return err
		}
		replayed++
	}
	fmt.Fprintf(s.Stdout, "%d replayed", replayed)
	if left > 0 {
		fmt.Fprintf(s.Stdout, ", %d left", left)
	}
	fmt.Fprintln(s.Stdout)
	return nil
}

func listRejected(s *session, rejected []store.Rejected) error {
	w := tabwriter.NewWriter(s.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "id\treceived\tbytes\treason")
	for _, r := range rejected {
		fmt.Fprintf(w, "%s\t%s ago\t%d\t%s\n", r.ID, age(r.ReceivedAt), len(r.Body), r.Reason)
	}
	return w.Flush()
}

// release believes a rejected delivery after all. Its timestamp is compared
// with the time at which it came, so that what was a replay then is one now.
func (c *replayCommand) release(s *session, db *store.DB, r store.Rejected, secrets []secret.String) error {
	sent := http.Header{}
	for name, value := range r.Headers {
		if value != "" {
			sent.Set(name, value)
		}
	}
	if err := signature.Form.Verify(sent, r.Body, secrets, r.ReceivedAt); err != nil && !c.Force {
		return crm.WithHint(fmt.Errorf("replay %s: %w", r.ID, err), "correct FORM_SECRET, or add --force if you know that it is genuine")
	}
	submission, err := lead.Decode(r.ContentType, r.Body)
	if err != nil {
		return fmt.Errorf("replay %s: %w", r.ID, err)
	}
	key := submission.Email.Key
	_, err = db.Release(s.ctx, r.ID, store.Intake{
		Delivery:       crm.Delivery{ID: r.ID, Source: r.Source, Key: key, ContentType: r.ContentType, Body: r.Body},
		IdempotencyKey: sent.Get("Idempotency-Key"),
		Job:            lead.UpsertJob(key),
	})
	return err
}

// reopen works an accepted delivery in again.
func reopen(s *session, db *store.DB, id string) error {
	d, err := db.Delivery(s.ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return crm.WithHint(fmt.Errorf("there is no delivery %s", id), "dealbell replay lists the rejected ones; finished ones are kept 30 days")
	}
	if err != nil {
		return fmt.Errorf("read delivery %s: %w", id, err)
	}
	err = db.Reopen(s.ctx, id, lead.UpsertJob(d.Key))
	if errors.Is(err, store.ErrNotFound) {
		return crm.WithHint(fmt.Errorf("delivery %s is in the queue already", id), "dealbell jobs list")
	}
	return err
}
