// Package observe turns what Notion shows into what Dealbell remembers.
//
// Every sight of a page, whether a poll listed it, a look-up found it or our
// own write returned it, goes through See, so that no two parts of the program
// can disagree about a page. It does no input or output: the commit it
// returns becomes durable together with whatever caused the sight.
package observe

import (
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// Database is a watched database.
type Database struct {
	ID  string       // as configured
	Key crm.Property // the property that identifies a row
}

// See returns what has to be remembered of pages.
func See(db Database, pages ...crm.Page) crm.Commit {
	var c crm.Commit
	for _, p := range pages {
		c.Snapshots = append(c.Snapshots, crm.Snapshot{
			Page: p.ID, Database: db.ID, Key: Key(p.Values[db.Key.ID]),
			CreatedAt: p.CreatedAt, EditedAt: p.EditedAt, Trashed: p.Trashed, Values: p.Values,
		})
	}
	return c
}

// Key returns the form of a key property by which rows are compared: the
// normalised address where it is an email, the folded text otherwise.
func Key(v crm.Value) string {
	text := v.String()
	if email, err := crm.ParseEmail(text); err == nil {
		return email.Key
	}
	return strings.ToLower(strings.TrimSpace(text))
}
