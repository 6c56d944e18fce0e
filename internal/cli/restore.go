package cli

import (
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/store"
)

type restoreCommand struct {
	File string `arg:"" help:"A backup." placeholder:"FILE"`
	JSON bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (restoreCommand) Help() string {
	return "Puts a backup in the place of the state directory's database. The daemon must be stopped. The backup is read through first, and what was " +
		"there is kept under another name. Interrupted at any point, it leaves the old state or the new one."
}

// Run restores a backup.
func (c *restoreCommand) Run(s *session) error {
	settings, err := s.config()
	if err != nil {
		return err
	}
	began := time.Now()
	done, err := store.Restore(s.ctx, store.Restoration{
		Dir: settings.Data, File: c.File, Related: settings.Activities.ID, Careful: lead.Careful, Log: s.logger(),
	})
	if err != nil {
		return err
	}
	took := time.Since(began)
	if c.JSON {
		return printJSON(s, map[string]any{"restored": done, "seconds": took.Seconds()})
	}
	fmt.Fprintf(s.Stdout, "%s: %s, checked and in place, in %s\n", done.Path, describe(done.Backup), took.Round(time.Millisecond))
	if done.Replaced != "" {
		fmt.Fprintf(s.Stdout, "what was there before is now %s; delete it when you need it no more\n", done.Replaced)
	}
	if done.Forgotten > 0 {
		fmt.Fprintf(s.Stdout, "%d people who were forgotten after the backup was made are forgotten again\n", done.Forgotten)
	}
	fmt.Fprint(s.Stdout, `next: dealbell serve
Leads that were accepted after the backup was made are not in it. Those that had reached Notion are there: Dealbell reads what
changed and looks a contact up before it creates one, so there will be no second page. Messages that the backup still had to send,
and those about edits until now, are not sent: they may have been. dealbell status lists them as maybe sent.
`)
	return nil
}
