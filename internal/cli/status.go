package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/store"
)

type statusCommand struct {
	JSON bool `help:"Print JSON."`
}

// Run reads the state directory, beside a daemon or without one.
func (c *statusCommand) Run(s *session) error {
	settings, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	status, err := app.ReadStatus(s.ctx, db, !settings.WebhookToken.Empty())
	if err != nil {
		return fmt.Errorf("read status: %w", err)
	}
	if status.Running, err = store.Running(db.Dir()); err != nil {
		return err
	}
	status.Version = version()
	if c.JSON {
		e := json.NewEncoder(s.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(status)
	}
	return printStatus(s.Stdout, status)
}

func printStatus(out io.Writer, s app.Status) error {
	state := "not running"
	if s.Running {
		state = "running"
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "daemon\t%s\n", state)
	printWaiting(w, "leads not in Notion yet", s.OpenLeads, s.LeadsWait)
	fmt.Fprintf(w, "dead letters\t%d%s\n", s.DeadLetters, next(s.DeadLetters, "dealbell jobs list --state dead"))
	fmt.Fprintf(w, "held for review\t%d%s\n", s.Held, next(s.Held, "dealbell replay"))
	fmt.Fprintf(w, "rejected, kept 7 days\t%d%s\n", s.Quarantined, next(s.Quarantined, "dealbell replay"))
	fmt.Fprintf(w, "values that do not fit\t%d%s\n", s.LeftoverSum, next(s.LeftoverSum, "fix the property in Notion, they are written by themselves"))
	for _, l := range s.Leftovers {
		fmt.Fprintf(w, "\tpage %s: property %q: expected %s, got %s\n", oneLine(l.Page), l.Property, oneLine(l.Expected), oneLine(l.Got))
	}
	if s.UnsureSum > 0 {
		fmt.Fprintf(w, "creates being looked up\t%d\n", s.UnsureSum)
	}
	for _, d := range s.Databases {
		read := "first read under way"
		if !d.FirstRead.IsZero() {
			read = "read up to edits of " + d.Watermark.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "database %s\t%s\n", oneLine(cmp.Or(d.Name, d.ID)), read)
		if in := d.Import; in != nil {
			fmt.Fprintf(w, "\timport %s, %d of %d rows are left%s\n", in.State, in.Left, in.Rows, because(in.Reason))
		}
	}
	printOut(w, s)
	if !s.Notion.PausedUntil.IsZero() {
		fmt.Fprintf(w, "Notion asked for a pause until\t%s\n", s.Notion.PausedUntil.Format(time.RFC3339))
	}
	fmt.Fprintf(w, "storage\t%.1f MB\n", float64(s.StorageBytes)/1e6)
	fmt.Fprintf(w, "\nlane\tready\trunning\twaiting\tblocked\tdead\toldest\n")
	for _, l := range s.Queue {
		oldest := time.Duration(l.OldestSeconds * float64(time.Second)).Round(time.Second)
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s\n", l.Lane, l.Ready, l.Running, l.Waiting, l.Blocked, l.Dead, oldest)
	}
	return w.Flush()
}

// printWaiting counts what waits, and says why when it was tried in vain.
func printWaiting(w io.Writer, what string, n int, why string) {
	if n == 0 || why == "" {
		fmt.Fprintf(w, "%s\t%d\n", what, n)
		return
	}
	fmt.Fprintf(w, "%s\t%d%s\n\t%s\n", what, n, next(n, "dealbell doctor"), oneLine(why))
}

// printOut shows how the webhook and the messages stand.
func printOut(w io.Writer, s app.Status) {
	switch h := s.Webhook; {
	case !h.SilentSince.IsZero():
		fmt.Fprintf(w, "webhook\tsilent for %s although polls see changes  → dealbell webhook status\n", age(h.SilentSince))
	case !h.LastEvent.IsZero():
		fmt.Fprintf(w, "webhook\tlast event %s ago\n", age(h.LastEvent))
	default:
		fmt.Fprintf(w, "webhook\tno event yet; polls see changes  → dealbell webhook status\n")
	}
	printWaiting(w, "messages waiting for Slack", s.Outbox.Queued, s.Outbox.Wait)
	if n := s.Outbox.Maybe; n > 0 {
		fmt.Fprintf(w, "messages maybe sent\t%d  → look into the channel\n", n)
	}
	if n := s.Outbox.Refused; n > 0 {
		fmt.Fprintf(w, "messages that Slack refused\t%d  → dealbell doctor\n", n)
	}
	for _, m := range s.Outbox.Doubtful {
		fmt.Fprintf(w, "\t%s, of %s to %s, page %s, %s ago: %s\n", m.State, oneLine(m.Rule), oneLine(m.Channel), cmp.Or(m.Page, "none"), age(m.At), oneLine(m.Reason))
	}
}

// because gives the reason of an import that does not go on.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + oneLine(reason) + "  → the same import command goes on with it"
}

func next(n int, command string) string {
	if n == 0 {
		return ""
	}
	return "  → " + command
}
