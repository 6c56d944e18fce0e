package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"text/tabwriter"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/doctor"
	"github.com/dealbell/dealbell/internal/store"
)

type doctorCommand struct {
	JSON bool `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (doctorCommand) Help() string {
	return "Looks at everything that Dealbell needs, beside the daemon or without it, and says what to do about what is wrong. It changes and posts " +
		"nothing. What it prints holds no secret, no e-mail address and no name of a host: it can be shown to strangers. Exits 1 when something is failing."
}

// Run examines this Dealbell.
func (c *doctorCommand) Run(s *session) error {
	settings, err := s.config()
	if err != nil {
		return err
	}
	if err := settings.CheckServe(); err != nil {
		return err
	}
	running, err := store.Running(settings.Data)
	if err != nil {
		return err
	}
	db, err := store.Attach(s.ctx, settings.Data, s.logger())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		db = nil
	case err != nil:
		return err
	default:
		defer db.Close()
	}
	report, err := app.Examine(s.ctx, app.Options{Config: settings, Log: s.logger()}, db, running)
	if err != nil {
		return err
	}
	if err := c.print(s, report); err != nil {
		return err
	}
	if report.Worst() == doctor.Failing {
		return crm.WithHint(errors.New("something is failing"), "begin with the first line that says failing; run dealbell doctor again after each step")
	}
	return nil
}

func (c *doctorCommand) print(s *session, report doctor.Report) error {
	if c.JSON {
		return printJSON(s, map[string]any{"version": version(), "at": report.At, "worst": report.Worst(), "findings": report.Findings})
	}
	fmt.Fprintf(s.Stdout, "dealbell %s\n\n", version())
	return printFindings(s.Stdout, report.Findings)
}

// printFindings shows each finding, and below it what to do.
func printFindings(out io.Writer, findings []doctor.Finding) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, f := range findings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.State, oneLine(f.Check), oneLine(f.Text))
		if f.Next != "" && f.State != doctor.Fine {
			fmt.Fprintf(w, "\t\t→ %s\n", oneLine(f.Next))
		}
	}
	return w.Flush()
}
