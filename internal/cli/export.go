package cli

import (
	"errors"
	"fmt"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

type exportCommand struct {
	Email string `arg:"" help:"The person's address, in any spelling."`
	JSON  bool   `help:"Print JSON, which it always does."`
}

// Help implements kong.HelpProvider.
func (exportCommand) Help() string {
	return "Prints everything that this Dealbell keeps about a person, as JSON: what they sent, word for word, what waits, what was rejected, what was " +
		"seen of their pages in Notion, and every other row that names the address. What only Notion or Slack holds is not in it."
}

// Run prints what is kept about a person.
func (c *exportCommand) Run(s *session) error {
	email, err := address(c.Email)
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
