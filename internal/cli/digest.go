package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	digestPatience = 2 * time.Minute
	digestLook     = 100 * time.Millisecond
)

type digestCommand struct {
	Name   string `arg:"" help:"The digest, such as stale-leads."`
	DryRun bool   `help:"Print it instead of sending it."`
}

// Help implements kong.HelpProvider.
func (digestCommand) Help() string {
	return "Makes a digest now, besides those of its schedule, and sends it. A running daemon does it; without one, this command does."
}

// Run makes a digest and shows what it says.
func (c *digestCommand) Run(s *session) error {
	settings, err := s.config()
	if err != nil {
		return err
	}
	if err := knownDigest(settings, c.Name); err != nil {
		return err
	}
	db, done, err := s.worker(settings)
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(s.ctx, digestPatience)
	defer cancel()
	order := digest.Order{Name: c.Name, Slot: notify.SlotByHand(time.Now()), Dry: c.DryRun}
	if err := db.Apply(ctx, crm.Commit{Jobs: []crm.Job{order.Job()}}); err != nil {
		return fmt.Errorf("ask for digest: %w", err)
	}
	return c.follow(ctx, s, db, order)
}

// knownDigest refuses a digest that is not there, or that cannot be made.
func knownDigest(c *config.Config, name string) error {
	spec, ok := c.Digests[name]
	names := slices.Sorted(maps.Keys(c.Digests))
	if !ok {
		return &usageError{fmt.Errorf("there is no digest %q", name), "digests: " + strings.Join(names, ", ")}
	}
	if spec.Off != nil && *spec.Off {
		return &config.Error{Problem: fmt.Sprintf("digest %q is off", name), Advice: fmt.Sprintf("set digests: %s: off: false in the configuration file", name)}
	}
	if id, _ := c.DatabaseID(spec.Database); id == "" {
		return &config.Error{Problem: fmt.Sprintf("digest %q: database %q has no id", name, spec.Database), Advice: "set it in the environment or in the configuration file"}
	}
	return nil
}

// follow waits until the digest is made and, unless it is a dry run, sent.
func (c *digestCommand) follow(ctx context.Context, s *session, db *store.DB, order digest.Order) error {
	why := ""
	for {
		p, err := order.Progress(ctx, db)
		if err != nil {
			return err
		}
		if !p.Waits {
			return c.report(s, p.Messages)
		}
		if p.Reason != "" && p.Reason != why {
			why = p.Reason
			fmt.Fprintf(s.Stderr, "waiting: %s (Ctrl-C leaves it in the queue; dealbell doctor looks what is wrong)\n", oneLine(why))
		}
		select {
		case <-ctx.Done():
			return crm.WithHint(fmt.Errorf("digest %q is not done yet: %s", c.Name, why), "it stays in the queue; dealbell doctor looks what is wrong")
		case <-time.After(digestLook):
		}
	}
}

func (c *digestCommand) report(s *session, messages []crm.Message) error {
	if len(messages) == 0 {
		fmt.Fprintln(s.Stderr, "nothing to say, nothing was sent")
		return nil
	}
	for _, m := range messages {
		switch m.State {
		case crm.MessageRefused:
			return crm.WithHint(fmt.Errorf("send digest to %s: %s", m.Channel, m.Reason), "dealbell doctor")
		case crm.MessageMaybe:
			return crm.WithHint(fmt.Errorf("nobody knows whether Slack took the digest for %s: %s", m.Channel, m.Reason), "look into the channel")
		}
		if strings.HasPrefix(m.Channel, notify.PersonChannel("")) {
			fmt.Fprintf(s.Stdout, "to %s:\n", m.Channel)
		}
		fmt.Fprintln(s.Stdout, m.Text)
	}
	return nil
}
