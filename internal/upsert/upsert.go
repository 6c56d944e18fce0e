// Package upsert writes one row of a database exactly once.
//
// It owns what a row needs whoever wants it: how a text becomes the value of
// a property, which page carries a key, what may be written to a page that a
// person has edited, and what becomes of a create whose outcome is unknown.
// Its promises rest on three rules. A page is created only after it was known
// that there is none and an intent was stored; while the outcome of a create
// is unknown, look-ups decide, not hope. A known page gets values where it
// shows a blank. What is about to be written is stored before, so that
// Dealbell knows its own hand. It refuses to know where a row comes from.
package upsert

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
)

// Notion is what the package needs of the client. Failures wrap one of the
// sentinels of package crm.
type Notion interface {
	Schemas
	Query(ctx context.Context, dataSource string, q crm.Query) (crm.Rows, error)
	Page(ctx context.Context, id string) (crm.Page, error)
	Create(ctx context.Context, dataSource string, values map[string]crm.Value, text []crm.Paragraph) (crm.Page, error)
	Update(ctx context.Context, page string, values map[string]crm.Value) (crm.Page, error)
}

// State is what the package needs of the store. Apply is all or nothing and
// durable when it returns.
type State interface {
	Names
	Known(ctx context.Context, database, key string) ([]crm.Snapshot, error) // live ones first, oldest first
	Intent(ctx context.Context, database, key string) (crm.Intent, bool, error)
	Read(ctx context.Context, database string) (crm.Read, error)
	Apply(ctx context.Context, c crm.Commit) error
}

// Writer writes rows.
type Writer struct {
	Notion Notion
	State  State
}

// Row is what somebody wants one row of a database to hold.
type Row struct {
	Database   string       // as configured
	DataSource string       // that a new page goes to
	Property   crm.Property // that identifies a row
	Key        string       // of this row, normalised
	Typed      []string     // the same as somebody typed it

	Create  map[string]crm.Value // by property id, for a new row
	Fill    map[string]crm.Value // by property id, for blanks of a known one
	Replace map[string]crm.Value // by property id, whatever a known one shows
	Touch   map[string]crm.Value // dates by property id, which only move forward

	// Fresh says that all of the database is known as it was a short while
	// ago: then a key that nobody knows is looked up only where a create may
	// have made it, and a known page is not read before it is written.
	Fresh bool

	// Content returns the text of a new page, and what becomes durable before
	// it is made. It may be nil.
	Content func(ctx context.Context) ([]crm.Paragraph, crm.Commit, error)
	// Then goes on with a page that was there. It may be nil.
	Then func(ctx context.Context, page string) error
}

// Written is what became of a row.
type Written struct {
	Page    string
	Outcome crm.Outcome
}

// Write makes the row what somebody wants: the page that carries the key gets
// its values, or one is made. The commit goes with the end of the job also
// when there is an error, which is [crm.Later] while the outcome of a create
// is unknown.
func (w Writer) Write(ctx context.Context, row Row) (Written, crm.Commit, error) {
	r := run{w, row, observe.Database{ID: row.Database, Key: row.Property}}
	// A known page can turn out to be gone, or another row's, once or twice
	// if people tidy up.
	for range 3 {
		page, found, err := r.find(ctx)
		if err != nil {
			return Written{}, crm.Commit{}, err
		}
		if !found {
			return r.create(ctx)
		}
		written, commit, err := r.update(ctx, page)
		switch {
		case errors.Is(err, crm.ErrNotFound), errors.Is(err, crm.ErrTrashed):
			// Only while the database itself can be read is a page that
			// cannot be read gone.
			if err := r.lookUp(ctx); err != nil {
				return Written{}, crm.Commit{}, err
			}
			commit = crm.Commit{Gone: []string{page.Page}}
		case !errors.Is(err, errSomebodyElse):
			return written, commit, err
		}
		lost(ctx, page.Page, err)
		if err := w.State.Apply(ctx, commit); err != nil {
			return Written{}, crm.Commit{}, err
		}
	}
	return Written{}, crm.Commit{}, fmt.Errorf("%w: the row's page keeps disappearing", crm.ErrConflict)
}

// run is one Write.
type run struct {
	Writer
	Row
	db observe.Database
}

// update fills blanks and touches. What is blank is decided by a fresh look,
// unless there is nothing to fill.
func (r *run) update(ctx context.Context, page crm.Snapshot) (Written, crm.Commit, error) {
	values, touched := r.wanted(page.Values)
	if !r.relies(page) && (len(values) > touched || touched == 0) {
		askedAt := time.Now()
		fresh, err := r.Notion.Page(ctx, page.Page)
		if err != nil {
			return Written{}, crm.Commit{}, fmt.Errorf("read row: %w", err)
		}
		if seen, err := r.see(crm.SeenFetch, askedAt, fresh); err != nil {
			return Written{}, seen, err
		}
		values, _ = r.wanted(fresh.Values)
	}
	commit := crm.Commit{}
	if len(values) == 0 {
		sees(ctx, crm.StepLeft, page.Page)
	} else {
		var err error
		if commit, err = r.patch(ctx, page.Page, values); err != nil {
			return Written{}, commit, err
		}
		r.wrote(ctx, page.Page, values)
	}
	return r.settle(ctx, page.Page, commit, len(values) > 0)
}

// wanted returns what is to be written to a page, and how much of that only
// touches it.
func (r *run) wanted(present map[string]crm.Value) (values map[string]crm.Value, touched int) {
	values = Missing(r.Fill, r.Replace, present)
	touch := later(r.Touch, present)
	maps.Copy(values, touch)
	return values, len(touch)
}

// Missing returns what has to be written to a page that shows some values:
// what fills its blanks, and what replaces something else.
func Missing(fill, replace, present map[string]crm.Value) map[string]crm.Value {
	values := blanks(fill, present)
	for id, v := range replace {
		if have := present[id]; !have.Same(v) && (v.Text == "" || plainText(have.Text) != plainText(v.Text)) {
			values[id] = v
		}
	}
	return values
}

// plainText leaves out what a text may lose on its way.
func plainText(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r", "")) }

// relies reports whether what is known of a page will do. It does not where a
// value is not known at all, as after somebody was forgotten.
func (r *run) relies(page crm.Snapshot) bool {
	for _, values := range []map[string]crm.Value{r.Fill, r.Replace, r.Touch} {
		for id := range values {
			if _, known := page.Values[id]; !known {
				return false
			}
		}
	}
	return r.Fresh
}

// patch writes values to a page.
func (r *run) patch(ctx context.Context, page string, values map[string]crm.Value) (crm.Commit, error) {
	if err := r.State.Apply(ctx, crm.Commit{Steps: crm.Noted(ctx), Writes: []crm.Write{{Page: page, Values: values}}}); err != nil {
		return crm.Commit{}, err
	}
	askedAt := time.Now()
	after, err := r.Notion.Update(ctx, page, values)
	if errors.Is(err, crm.ErrInvalid) { // perhaps the page was moved to another database
		if fresh, readErr := r.Notion.Page(ctx, page); readErr == nil {
			if seen, changed := r.see(crm.SeenFetch, askedAt, fresh); changed != nil {
				return seen, changed
			}
		}
	}
	if err != nil {
		return unwritten(page, err), fmt.Errorf("update row: %w", err)
	}
	return r.see(crm.SeenWrite, askedAt, after)
}

// settle ends an update. Where a create was begun, what was found is what it
// made.
func (r *run) settle(ctx context.Context, page string, commit crm.Commit, wrote bool) (Written, crm.Commit, error) {
	outcome := crm.Updated
	if r.Fresh && !wrote {
		outcome = crm.Unchanged
	}
	intent, begun, err := r.State.Intent(ctx, r.Database, r.Key)
	if err != nil {
		return Written{}, commit, err
	}
	if begun {
		sees(ctx, crm.StepSettled, page)
		outcome = crm.Created
		commit.Settled = append(commit.Settled, intent)
	}
	if r.Then != nil {
		if err := r.Then(ctx, page); err != nil {
			return Written{}, commit, err // what was done so far is remembered
		}
	}
	return Written{page, outcome}, commit, nil
}

// errSomebodyElse says that a page's key was changed in Notion: it is another
// row now.
var errSomebodyElse = errors.New("the page carries another key now")

// see remembers a page and checks that it is still the row's.
func (r *run) see(by crm.SeenBy, askedAt time.Time, page crm.Page) (crm.Commit, error) {
	seen := crm.Commit{Sights: r.db.Look(by, askedAt, page)}
	sight := &seen.Sights[0]
	key, shown := page.Values[r.Property.ID]
	if !shown {
		sight.Key = r.Key
	}
	moved := page.DataSource != "" && page.DataSource != r.DataSource
	switch {
	case page.Trashed, moved: // in another database it is none of ours
		return seen, crm.ErrTrashed
	case shown && observe.Key(key) != r.Key:
		return seen, errSomebodyElse
	}
	return seen, nil
}

// create makes the page, unless somebody's create may still turn up.
func (r *run) create(ctx context.Context) (Written, crm.Commit, error) {
	c := Creation{Database: r.Database, DataSource: r.DataSource, Key: r.Key, Values: r.Create}
	if r.Content != nil {
		var err error
		if c.Text, c.Begin, err = r.Content(ctx); err != nil {
			return Written{}, crm.Commit{}, err
		}
	}
	askedAt := time.Now()
	page, commit, err := r.Once(ctx, c)
	if err != nil {
		return Written{}, commit, err
	}
	// The key is what was written, whatever the answer shows of it.
	if _, ok := page.Values[r.Property.ID]; !ok {
		page.Values = r.Create
	}
	commit.Sights = r.db.Look(crm.SeenWrite, askedAt, page)
	commit.Sights[0].Made = true
	sees(ctx, crm.StepMade, page.ID)
	return Written{page.ID, crm.Created}, commit, nil
}
