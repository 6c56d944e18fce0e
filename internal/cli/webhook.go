package cli

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/store"
)

// armTime is how long a handshake is awaited.
const armTime = 15 * time.Minute

type webhookCommand struct {
	Status webhookStatus `cmd:"" default:"withargs" help:"Show the token to paste into Notion and the age of the last event."`
	Arm    webhookArm    `cmd:"" help:"Let a new webhook subscription in, for 15 minutes."`
}

// hookView is what a script reads of Notion's webhook subscription.
type hookView struct {
	State      string    `json:"state"`                        // active, armed or none
	Token      string    `json:"verification_token,omitempty"` // the newest that Notion sent
	Configured bool      `json:"configured"`                   // NOTION_WEBHOOK_SECRET is set
	ArmedUntil time.Time `json:"armed_until,omitzero"`
	LastEvent  time.Time `json:"last_event_at,omitzero"`
	SilentFrom time.Time `json:"silent_since,omitzero"` // polls see changes of which no event told
}

type webhookStatus struct {
	JSON bool `help:"Print JSON."`
}

// Run shows how the subscription stands.
func (c *webhookStatus) Run(s *session) error {
	settings, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	hooks, err := db.Hooks(s.ctx)
	if err != nil {
		return fmt.Errorf("read webhook state: %w", err)
	}
	view := viewHooks(settings, hooks)
	if c.JSON {
		return printJSON(s, view)
	}
	return printHooks(s, view)
}

func viewHooks(c *config.Config, h store.Hooks) hookView {
	view := hookView{State: "none", Configured: !c.WebhookToken.Empty(), LastEvent: h.LastEvent, SilentFrom: h.SilentSince(time.Now(), !c.WebhookToken.Empty())}
	if len(h.Tokens) > 0 {
		view.Token = h.Tokens[len(h.Tokens)-1]
	}
	if view.Configured || view.Token != "" {
		view.State = "active"
	}
	if h.ArmedUntil.After(time.Now()) {
		view.State, view.ArmedUntil = "armed", h.ArmedUntil
	}
	return view
}

func printHooks(s *session, v hookView) error {
	w := tabwriter.NewWriter(s.Stdout, 0, 4, 2, ' ', 0)
	switch v.State {
	case "active":
		fmt.Fprintln(w, "state\tactive")
	case "armed":
		fmt.Fprintf(w, "state\twaiting for Notion's handshake until %s\n", v.ArmedUntil.Local().Format("15:04:05"))
		fmt.Fprintln(w, "next\tin Notion: connection settings, Webhooks, Create a subscription, with the URL https://<your host>/notion-webhook")
	default:
		fmt.Fprintln(w, "state\tnot set up; polls alone see what changes  → dealbell webhook arm")
	}
	switch {
	case v.Token != "":
		fmt.Fprintf(w, "token\t%s  → paste it into Notion: ⚠️ Verify\n", v.Token)
	case v.Configured:
		fmt.Fprintln(w, "token\tfrom NOTION_WEBHOOK_SECRET")
	}
	switch {
	case v.LastEvent.IsZero():
		fmt.Fprintln(w, "last event\tnever")
	default:
		fmt.Fprintf(w, "last event\t%s ago\n", age(v.LastEvent))
	}
	if !v.SilentFrom.IsZero() {
		fmt.Fprintf(w, "silent\tpolls have seen changes for %s of which no event told  → is the subscription paused in Notion?\n", age(v.SilentFrom))
	}
	return w.Flush()
}

type webhookArm struct {
	JSON bool `help:"Print JSON."`
}

// Run lets one handshake in.
func (c *webhookArm) Run(s *session) error {
	db, err := s.attach()
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Arm(s.ctx, time.Now().Add(armTime)); err != nil {
		return fmt.Errorf("arm: %w", err)
	}
	return (&webhookStatus{JSON: c.JSON}).Run(s)
}
