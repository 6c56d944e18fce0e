package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/store"
)

type replayCommand struct {
	ID    []string `arg:"" optional:"" help:"Deliveries: held or rejected ones, or any that Dealbell accepted."`
	All   bool     `help:"All rejected deliveries whose signature is right by now; the others are left."`
	Held  bool     `help:"All held deliveries."`
	Force bool     `help:"Take rejected deliveries although their signature is still wrong."`
	Drop  bool     `help:"Give held deliveries up instead."`
	Show  bool     `help:"Print what held and rejected deliveries say instead: those that are named, or all."`

	Form   string `help:"Only those that came by this form, where they are not named."`
	Reason string `help:"Only those that were held or rejected for a reason that contains this text, where they are not named." placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (replayCommand) Help() string {
	return "Without arguments it lists the deliveries that are held for review, and those that were rejected in the last 7 days; --show adds what they say. " +
		"A held one goes on as it is. For a rejected one, correct the form's secret first: its signature is checked again. A delivery " +
		"that was accepted before is worked in again without keeping its message twice."
}

// Run replays deliveries.
func (c *replayCommand) Run(s *session) error {
	settings, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	r := &replay{session: s, replayCommand: c, db: db, Replay: ingest.Replay{Kept: db, Forms: settings.Intakes()}}
	if r.rejected, err = db.Quarantined(s.ctx); err != nil {
		return fmt.Errorf("list rejected deliveries: %w", err)
	}
	if r.held, err = db.Held(s.ctx); err != nil {
		return fmt.Errorf("list held deliveries: %w", err)
	}
	if c.Show || len(c.ID) == 0 && !c.All && !c.Held {
		return r.list()
	}
	return r.run()
}

// replay is one run of the command.
type replay struct {
	*session
	*replayCommand
	ingest.Replay
	db       *store.DB
	rejected []store.Rejected
	held     []crm.Delivery

	done, left int
}

func (r *replay) list() error {
	w, all := tabwriter.NewWriter(r.Stdout, 0, 4, 2, ' ', 0), len(r.ID) == 0
	fmt.Fprintln(w, "id\tstate\tform\treceived\tbytes\treason")
	row := func(id, state, form string, received time.Time, body []byte, reason string) {
		if !r.chosen(id, all && r.wanted(form, reason)) {
			return
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s ago\t%d\t%s\n", id, state, form, age(received), len(body), oneLine(reason))
		if r.Show {
			quote(w, body)
		}
	}
	for _, d := range r.held {
		row(d.ID, "held", d.Source, d.ReceivedAt, d.Body, d.Reason)
	}
	for _, q := range r.rejected {
		row(q.ID, "rejected", q.Source, q.ReceivedAt, q.Body, q.Reason)
	}
	if err := w.Flush(); err != nil || len(r.ID) == 0 {
		return err
	}
	return crm.WithHint(fmt.Errorf("delivery %s is neither held nor rejected", oneLine(r.ID[0])), "dealbell replay lists those that are; dealbell export shows what a person sent")
}

func (r *replay) run() error {
	for _, d := range r.held {
		if !r.chosen(d.ID, r.Held && r.wanted(d.Source, d.Reason)) {
			continue
		}
		if err := r.count(r.admit(d), r.Held); err != nil {
			return err
		}
	}
	for _, q := range r.rejected {
		if !r.chosen(q.ID, r.All && r.wanted(q.Source, q.Reason)) {
			continue
		}
		if err := r.count(r.release(q), r.All); err != nil {
			return err
		}
	}
	for _, id := range r.ID {
		if err := r.reopen(id); err != nil {
			return err
		}
	}
	fmt.Fprintf(r.Stdout, "%d %s", r.done, r.verb())
	if r.left > 0 {
		fmt.Fprintf(r.Stdout, ", %d left", r.left)
	}
	fmt.Fprintln(r.Stdout)
	return nil
}

// count tells what became of one delivery. Where all were asked for, one that
// cannot be replayed is left and holds up no other.
func (r *replay) count(err error, all bool) error {
	switch {
	case err == nil:
		r.done++
	case !all:
		return err
	default:
		fmt.Fprintf(r.Stderr, "left: %s\n", oneLine(err.Error()))
		r.left++
	}
	return nil
}

func (r *replay) verb() string {
	if r.Drop {
		return "dropped"
	}
	return "replayed"
}

// chosen reports whether a delivery is meant, and strikes it off the list of
// those that are named.
func (r *replay) chosen(id string, all bool) bool {
	named := slices.Contains(r.ID, id)
	r.ID = slices.DeleteFunc(r.ID, func(one string) bool { return one == id })
	return named || all
}

// wanted reports whether a delivery is among those that are asked for, when
// none is named.
func (r *replay) wanted(form, reason string) bool {
	return (r.Form == "" || crm.SameName(form, r.Form)) && strings.Contains(strings.ToLower(reason), strings.ToLower(r.Reason))
}

// admit lets a held delivery go on, or gives it up.
func (r *replay) admit(d crm.Delivery) error {
	if r.Drop {
		return r.Discard(r.ctx, d.ID)
	}
	return advised(r.Admit(r.ctx, d))
}

// advised adds what the operator can do on the command line.
func advised(err error) error {
	if gone, ok := errors.AsType[*ingest.FormError](err); ok {
		return &config.Error{Problem: gone.Error(), Advice: "put the form back into the configuration file"}
	}
	if doubt, ok := errors.AsType[*ingest.DoubtError](err); ok {
		hint := "correct the secret of form " + doubt.Form + ", or add --force if you know that it is genuine"
		if doubt.Unsigned {
			hint = "its sender signs nothing, and the secret that came with it was not kept: look at it with --show, and add --force if it is genuine"
		}
		return crm.WithHint(err, hint)
	}
	return err
}

// release believes a rejected delivery after all.
func (r *replay) release(q store.Rejected) error {
	if r.Drop {
		return &usageError{fmt.Errorf("replay %s: it was rejected, and goes by itself 7 days after it came", q.ID), "--drop is for held deliveries"}
	}
	return advised(r.Release(r.ctx, q, r.Force))
}

// reopen works an accepted delivery in again.
func (r *replay) reopen(id string) error {
	if r.Drop {
		return &usageError{fmt.Errorf("replay %s: it is not held", id), "--drop is for held deliveries: dealbell replay lists them"}
	}
	d, err := r.db.Delivery(r.ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return crm.WithHint(fmt.Errorf("there is no delivery %s", id), "dealbell replay lists those that are held or rejected; finished ones are kept 30 days")
	}
	if err != nil {
		return fmt.Errorf("read delivery %s: %w", id, err)
	}
	r.done++
	return advised(r.Reopen(r.ctx, d))
}
