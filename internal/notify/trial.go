package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/store"
)

// trialPatience is how long a trial waits for Notion.
const trialPatience = 10 * time.Second

// Pages reads a page for a trial, and the shape of its database.
type Pages interface {
	Page(ctx context.Context, id string) (crm.Page, error)
	Schema(ctx context.Context, database string) (crm.Schema, error)
}

// Tester tries rules on a page. Nothing is sent, and nothing is kept.
type Tester struct {
	State     State
	Pages     Pages
	Rules     []Rule
	Databases []string // that are watched, by id
	Zone      *time.Location
}

// Trial is what the rules would make of a page.
type Trial struct {
	Database string // name
	// SeenAt is when the page was seen as it was tried, where Notion does not
	// answer, and Missed says why; zero for now.
	SeenAt   time.Time
	Missed   error
	Verdicts []Verdict
	Mistakes []rules.Mistake // in the rules of the database
}

// Verdict is what one rule would say.
type Verdict struct {
	Rule    string
	Fires   bool
	Channel string
	Text    string // Slack's mrkdwn; "" when it does not fire
}

// Try takes the page as it is in Notion now and supposes that each of its
// values has just been set, or has just changed the way it last did.
func (t Tester) Try(ctx context.Context, page string) (Trial, error) {
	var trial Trial
	row, to, err := t.find(ctx, crm.NormalID(page), &trial)
	if err != nil {
		return trial, err
	}
	trial.Database = to.Schema.Name
	bound, mistakes, _ := Bind(t.Rules, to)
	trial.Mistakes = mistakes
	if len(bound) == 0 {
		return trial, nil
	}
	changes, err := t.suppose(ctx, row, to.Schema.Database)
	if err != nil {
		return trial, err
	}
	in := rules.Context{Zone: t.Zone, Now: time.Now(), Person: func(id string) string {
		p, _, err := t.State.Person(ctx, id)
		if err != nil {
			return ""
		}
		return p.Name
	}}
	for _, b := range bound {
		v := Verdict{Rule: b.Rule().Name(), Channel: b.Rule().Channel()}
		var change crm.Change
		if change, v.Fires = b.FiresAny(changes, row, in); v.Fires {
			if v.Text, err = b.Text(change, row, in); err != nil {
				return trial, fmt.Errorf("rule %q: %w", v.Rule, err)
			}
		}
		trial.Verdicts = append(trial.Verdicts, v)
	}
	return trial, nil
}

// find reads the page and its database's shape from Notion, or from the
// replica when Notion does not answer.
func (t Tester) find(ctx context.Context, id string, trial *Trial) (row rules.Row, to crm.Bindings, err error) {
	known, seen, err := t.State.Snapshot(ctx, id)
	if err != nil {
		return row, to, err
	}
	page, schema, err := t.ask(ctx, id)
	switch {
	case errors.Is(err, crm.ErrNotFound), err != nil && !seen:
		return row, to, err
	case err != nil:
		trial.SeenAt, trial.Missed = known.SeenAt, err
		row = rules.Row{Page: id, URL: known.URL, Values: known.Values, EditedBy: known.EditedBy, CreatedAt: known.CreatedAt}
		if schema, _, err = t.State.Schema(ctx, known.Database); err != nil {
			return row, to, err
		}
	default:
		row = rules.Row{Page: id, URL: page.URL, Values: page.Values, EditedBy: page.EditedBy, CreatedAt: page.CreatedAt}
	}
	names, err := t.State.Bindings(ctx, schema.Database)
	return row, crm.Bindings{Schema: schema, Known: names}, err
}

// ask reads a page and the shape of the watched database that it is in.
func (t Tester) ask(ctx context.Context, id string) (page crm.Page, schema crm.Schema, err error) {
	ctx, cancel := context.WithTimeout(ctx, trialPatience)
	defer cancel()
	if page, err = t.Pages.Page(ctx, id); err != nil {
		return page, schema, err
	}
	for _, watched := range t.Databases {
		if schema, err = t.Pages.Schema(ctx, watched); err != nil {
			return page, schema, err
		}
		if schema.DataSource == page.DataSource || crm.NormalID(page.Database) == watched {
			return page, schema, nil
		}
	}
	return page, schema, crm.WithHint(fmt.Errorf("%w: page %s is in no watched database", crm.ErrNotFound, id), "dealbell check lists them")
}

// suppose returns the changes that a trial takes for granted: what each value
// last changed from, and each value as if it had just been set.
func (t Tester) suppose(ctx context.Context, row rules.Row, database string) ([]crm.Change, error) {
	ledger, err := t.State.Changes(ctx, store.ChangeFilter{Page: row.Page})
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
