package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/importer"
	"github.com/dealbell/dealbell/internal/store"
	"github.com/dealbell/dealbell/internal/table"
)

type exportCommand struct {
	What     string `arg:"" help:"FILE.csv for the rows of a database, - for the same on standard output; or a person's address, in any spelling." name:"file-or-email"`
	Database string `help:"Which database goes into the file, by the name in the configuration." default:"contacts"`
	Force    bool   `help:"Let the file take the place of another."`
	JSON     bool   `help:"Print JSON, which it always does about a person."`
}

// Help implements kong.HelpProvider.
func (exportCommand) Help() string {
	return "FILE.csv gets the rows of a database as they were last seen: UTF-8 that Excel knows, and nothing in it runs as a formula. Import takes it back. " +
		"About a person it prints everything that this Dealbell keeps, as JSON: what they sent, word for word, what waits, what was rejected, what was " +
		"seen of their pages in Notion, and every other row that names the address. What only Notion or Slack holds is not in it."
}

// Run writes a database, or prints what is kept about a person.
func (c *exportCommand) Run(s *session) error {
	if c.What == "-" || strings.HasSuffix(strings.ToLower(c.What), ".csv") && !strings.Contains(c.What, "@") {
		return c.rows(s)
	}
	email, err := address(c.What)
	if err != nil {
		return err
	}
	settings, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	kept, err := db.Export(s.ctx, email, settings.Activities.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nothingKept(email)
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return printJSON(s, kept)
}

// rows writes the rows of a database.
func (c *exportCommand) rows(s *session) error {
	settings, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	id, err := readDatabase(settings, c.Database)
	if err != nil {
		return err
	}
	schema, known, err := db.Schema(s.ctx, id)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	read, err := db.Read(s.ctx, id)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if !known || read.CompletedAt.IsZero() {
		return crm.WithHint(fmt.Errorf("database %q was not read yet", c.Database), "dealbell serve reads it; dealbell status shows how far")
	}
	count := 0
	write := func(to io.Writer) (err error) {
		count, err = importer.Export(s.ctx, db, schema, table.NewWriter(to))
		return err
	}
	switch {
	case c.What == "-" && interactive(s.out):
		return write(s.Stdout)
	case c.What == "-":
		return write(s.out)
	}
	err = writeFile(c.What, c.Force, func(to io.Writer) error {
		if _, err := io.WriteString(to, table.Mark); err != nil {
			return err
		}
		return write(to)
	})
	if errors.Is(err, errExists) {
		return crm.WithHint(fmt.Errorf("%s is there already", c.What), "give another name, or --force to replace it")
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	fmt.Fprintf(s.Stdout, "%s: %d rows of %s, as of %s\n", oneLine(c.What), count, oneLine(schema.Name), read.PolledAt.In(settings.Zone).Format("2006-01-02 15:04:05"))
	return nil
}

func address(typed string) (crm.Email, error) {
	email, err := crm.ParseEmail(typed)
	if err != nil {
		return email, &usageError{fmt.Errorf("%s %w", typed, err), "give an address such as ana@example.com"}
	}
	return email, nil
}

func nothingKept(email crm.Email) error {
	return crm.WithHint(fmt.Errorf("nothing is kept about %s", email.Typed), "is it spelled as the person did? Case does not matter, dots and +tags do")
}
