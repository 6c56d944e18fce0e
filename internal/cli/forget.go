package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/store"
)

// eraseTimeout is how long a command waits for Notion to find and trash pages.
const eraseTimeout = 2 * time.Minute

type forgetCommand struct {
	Email  string `arg:"" help:"The person's address, in any spelling."`
	Notion bool   `help:"Move the person's pages in Contacts and Activities to Notion's trash as well."`
	DryRun bool   `help:"Only say what would be removed."`
	JSON   bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (forgetCommand) Help() string {
	return "Removes a person from this Dealbell, so that not a byte of the address is left in its database: what they sent, what waits, what was " +
		"rejected, what was seen of their pages, and the address wherever another row names it. Deliveries that are sent again have no effect " +
		"for 90 days; if the person writes anew, that counts as usual. Notion is left alone without --notion; Slack always is. It cannot be undone."
}

// receipt is what was done, here and in Notion.
type receipt struct {
	store.Removal
	Trashed *lead.Traces `json:"trashed,omitempty"` // in Notion; in a dry run what would be
	Left    *lead.Traces `json:"left,omitempty"`    // could not be trashed
}

// Run forgets a person.
func (c *forgetCommand) Run(s *session) error {
	email, err := address(c.Email)
	if err != nil {
		return err
	}
	settings, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	done, err := c.forget(s.ctx, settings, db, email)
	if errors.Is(err, store.ErrNotFound) {
		return nothingKept(email)
	}
	if len(done.Removed)+len(done.Changed) == 0 && done.Trashed == nil {
		return err
	}
	if c.JSON {
		return errors.Join(err, printJSON(s, done))
	}
	done.print(s.Stdout)
	return err
}

// forget looks in Notion first, for what is known here tells where; it removes
// what is known here before it trashes pages, so that no job makes them anew.
func (c *forgetCommand) forget(ctx context.Context, settings *config.Config, db *store.DB, email crm.Email) (done receipt, err error) {
	what := store.Oblivion{Email: email, Related: settings.Activities.ID, DryRun: true}
	done.Removal, err = db.Forget(ctx, what)
	if err != nil && (!c.Notion || !errors.Is(err, store.ErrNotFound)) {
		return done, err
	}
	var eraser lead.Eraser
	if c.Notion {
		if eraser, err = c.eraser(ctx, settings, db); err != nil {
			return receipt{}, err
		}
		find, cancel := context.WithTimeout(ctx, eraseTimeout)
		defer cancel()
		found, err := eraser.Find(find, knownOf(email, done.Removal, settings.Contacts.ID))
		if err != nil {
			return receipt{}, crm.WithHint(fmt.Errorf("nothing was removed: %w", err), "try again, or without --notion")
		}
		done.Trashed, what.Pages = &found, slices.Concat(found.Contacts, found.Activities)
	}
	if what.DryRun = c.DryRun; !c.DryRun {
		if done.Removal, err = db.Forget(ctx, what); err != nil {
			return done, err
		}
	}
	if len(done.Removed)+len(done.Changed)+len(what.Pages) == 0 {
		return done, store.ErrNotFound
	}
	if !c.Notion || c.DryRun {
		return done, nil
	}
	return done, done.erase(ctx, eraser)
}

func (c *forgetCommand) eraser(ctx context.Context, settings *config.Config, db *store.DB) (lead.Eraser, error) {
	caller, err := dial(ctx, settings, db)
	return lead.Eraser{
		Notion: caller, Names: db, Contacts: settings.Contacts.ID, Activities: settings.Activities.ID, Mapping: settings.Lead.Mapping(),
	}, err
}

func knownOf(email crm.Email, r store.Removal, contacts string) lead.Known {
	known := lead.Known{Email: email, Spellings: r.Spellings, Deliveries: r.Deliveries}
	if len(known.Spellings) == 0 {
		known.Spellings = slices.Compact([]string{email.Key, email.Typed})
	}
	for _, p := range r.Pages {
		if p.Database == contacts {
			known.Pages = append(known.Pages, p.ID)
		}
	}
	return known
}

// erase trashes the pages and notes what is left.
func (r *receipt) erase(ctx context.Context, eraser lead.Eraser) error {
	ctx, cancel := context.WithTimeout(ctx, eraseTimeout)
	defer cancel()
	left, err := eraser.Erase(ctx, *r.Trashed)
	gone := func(all, left []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(left, id) })
	}
	r.Trashed = &lead.Traces{Contacts: gone(r.Trashed.Contacts, left.Contacts), Activities: gone(r.Trashed.Activities, left.Activities)}
	if n := len(left.Contacts) + len(left.Activities); n > 0 {
		r.Left = &left
		return crm.WithHint(fmt.Errorf("%d pages are not in Notion's trash: %w", n, err), "run the same again, or put them there by hand")
	}
	return nil
}

func (r receipt) print(w io.Writer) {
	verb := "removed"
	if r.DryRun {
		verb = "would remove"
	}
	for _, table := range slices.Sorted(maps.Keys(r.Removed)) {
		fmt.Fprintf(w, "%s %d rows of %s\n", verb, r.Removed[table], table)
	}
	for _, table := range slices.Sorted(maps.Keys(r.Changed)) {
		fmt.Fprintf(w, "%s the address from %d rows of %s that are about others\n", verb, r.Changed[table], table)
	}
	r.printNotion(w, verb)
	if r.Returned {
		fmt.Fprintln(w, "left here: a new submission of the person, which came meanwhile")
	}
	for _, m := range r.Sent {
		fmt.Fprintf(w, "left in Slack: a message to %s of %s\n", m.Channel, m.At.Format(time.RFC3339))
	}
	if len(r.Backups) > 0 {
		fmt.Fprintf(w, "left in backups, until they are deleted: %s, and those elsewhere\n", strings.Join(r.Backups, ", "))
	}
	switch {
	case r.DryRun:
	case r.Compacted:
		fmt.Fprintln(w, "nothing of it is left in the database's files; the logs hold no addresses")
	default:
		fmt.Fprintln(w, "left: traces in the free space of the database's file, which is too large to be written anew beside the daemon; its next start does it")
	}
}

func (r receipt) printNotion(w io.Writer, verb string) {
	trashed := lead.Traces{}
	if r.Trashed != nil {
		trashed = *r.Trashed
		if verb == "removed" {
			verb = "moved to Notion's trash, which keeps it for 30 days"
		} else {
			verb = "would move to Notion's trash"
		}
	}
	for _, id := range trashed.Contacts {
		fmt.Fprintf(w, "%s: contact %s\n", verb, id)
	}
	for _, id := range trashed.Activities {
		fmt.Fprintf(w, "%s: activity %s\n", verb, id)
	}
	for _, p := range r.Pages {
		if !slices.Contains(trashed.Contacts, p.ID) && !slices.Contains(trashed.Activities, p.ID) {
			fmt.Fprintf(w, "left in Notion: page %s %s\n", p.ID, p.URL)
		}
	}
	for _, p := range r.Naming {
		fmt.Fprintf(w, "left in Notion: page %s %s names the address; remove it there and run this again\n", p.ID, p.URL)
	}
}
