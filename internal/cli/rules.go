package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/store"
)

// lookTimeout is how long a command waits for Notion.
const lookTimeout = 10 * time.Second

type rulesCommand struct {
	Test rulesTest `cmd:"" help:"Say which rules a page would fire, and print their messages."`
}

type rulesTest struct {
	Page string `arg:"" help:"Id or link of a page."`
}

// Help implements kong.HelpProvider.
func (rulesTest) Help() string {
	return "Takes the page as it is in Notion now, supposes that each of its values has just been set, or has just changed the way " +
		"it last did, and shows what each rule of its database would say. Nothing is sent."
}

// Run tries the rules on a page.
func (c *rulesTest) Run(s *session) error {
	settings, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	compiled, err := settings.CompiledRules()
	if err != nil {
		return err
	}
	row, to, err := c.find(s, settings, db)
	if err != nil {
		return err
	}
	bound, mistakes, _ := notify.Bind(compiled, to)
	for _, m := range mistakes {
		report(s.Stderr, m.Err())
	}
	if len(bound) == 0 {
		fmt.Fprintf(s.Stdout, "no rule is about database %q\n", to.Schema.Name)
		return nil
	}
	changes, err := c.suppose(s.ctx, db, row, to.Schema.Database)
	if err != nil {
		return err
	}
	in := rules.Context{Zone: settings.Zone, Now: time.Now(), Person: func(id string) string {
		p, _, err := db.Person(s.ctx, id)
		if err != nil {
			return ""
		}
		return p.Name
	}}
	for _, b := range bound {
		if err := try(s, b, changes, row, in); err != nil {
			return err
		}
	}
	return nil
}

func try(s *session, b *rules.Bound, changes []crm.Change, row rules.Row, in rules.Context) error {
	change, fires := b.FiresAny(changes, row, in)
	if !fires {
		fmt.Fprintf(s.Stdout, "%-16s would not fire\n", b.Rule().Name())
		return nil
	}
	text, err := b.Text(change, row, in)
	if err != nil {
		return fmt.Errorf("rule %q: %w", b.Rule().Name(), err)
	}
	fmt.Fprintf(s.Stdout, "%-16s would fire, to channel %s:\n%s\n", b.Rule().Name(), b.Rule().Channel(), text)
	return nil
}

// find reads the page and its database's schema from Notion, or from the
// replica when Notion does not answer.
func (c *rulesTest) find(s *session, settings *config.Config, db *store.DB) (row rules.Row, to crm.Bindings, err error) {
	id := crm.NormalID(c.Page)
	known, seen, err := db.Snapshot(s.ctx, id)
	if err != nil {
		return row, to, err
	}
	page, schema, err := ask(s.ctx, settings, db, id)
	switch {
	case errors.Is(err, crm.ErrNotFound), err != nil && !seen:
		return row, to, err
	case err != nil:
		fmt.Fprintf(s.Stderr, "Notion does not answer (%v); the page is shown as it was %s ago\n", oneLine(err.Error()), age(known.SeenAt))
		row = rules.Row{Page: id, URL: known.URL, Values: known.Values, EditedBy: known.EditedBy, CreatedAt: known.CreatedAt}
		if schema, _, err = db.Schema(s.ctx, known.Database); err != nil {
			return row, to, err
		}
	default:
		row = rules.Row{Page: id, URL: page.URL, Values: page.Values, EditedBy: page.EditedBy, CreatedAt: page.CreatedAt}
	}
	names, err := db.Bindings(s.ctx, schema.Database)
	return row, crm.Bindings{Schema: schema, Known: names}, err
}

// ask reads a page and the schema of the watched database that it is in.
func ask(ctx context.Context, settings *config.Config, db *store.DB, id string) (page crm.Page, schema crm.Schema, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	caller, err := dial(ctx, settings, db)
	if err != nil {
		return page, schema, err
	}
	if page, err = caller.Page(ctx, id); err != nil {
		return page, schema, err
	}
	for _, watched := range settings.Watched() {
		if schema, err = caller.Schema(ctx, watched.ID); err != nil {
			return page, schema, err
		}
		if schema.DataSource == page.DataSource || crm.NormalID(page.Database) == watched.ID {
			return page, schema, nil
		}
	}
	return page, schema, crm.WithHint(fmt.Errorf("%w: page %s is in no watched database", crm.ErrNotFound, id), "dealbell check lists them")
}

// dial connects a command to Notion. Beside a daemon it keeps to the pauses
// that Notion asked for.
func dial(ctx context.Context, settings *config.Config, pauses notion.Pauses) (*notion.Caller, error) {
	client, err := notion.New(ctx, notion.Options{
		Token: settings.NotionToken, BaseURL: settings.Notion.URL, Rate: settings.Notion.Rate, Burst: settings.Notion.Burst, Pauses: pauses,
		Private: settings.PrivateHosts,
	})
	if err != nil {
		return nil, err
	}
	return client.Lane(crm.Live), nil
}

// suppose returns the changes that a test takes for granted: what each value
// last changed from, and each value as if it had just been set.
func (c *rulesTest) suppose(ctx context.Context, db *store.DB, row rules.Row, database string) ([]crm.Change, error) {
	ledger, err := db.Changes(ctx, store.ChangeFilter{Page: row.Page})
	if err != nil {
		return nil, err
	}
	last := map[string]crm.Value{}
	for _, change := range ledger {
		last[change.Property] = change.Old
	}
	var changes []crm.Change
	for id, now := range row.Values {
		before := []crm.Value{{}}
		if old, ok := last[id]; ok {
			before = append(before, old)
		}
		for _, old := range before {
			changes = append(changes, crm.Change{Page: row.Page, Database: database, Property: id, Old: old, New: now, EditedBy: row.EditedBy})
		}
	}
	return changes, nil
}
