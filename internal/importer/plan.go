package importer

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
	"github.com/dealbell/dealbell/internal/upsert"
)

// Replica is what is known of the database that a table goes to.
type Replica interface {
	Rows(ctx context.Context, database string, visit func(crm.Snapshot) error) error
	ImportedPage(ctx context.Context, sum []byte) (page string, err error)
}

// Plan is what an import would do, and how long it would take.
type Plan struct {
	Database  string        `json:"database"`
	Format    string        `json:"format"`
	Columns   []Column      `json:"columns"`
	Rows      int           `json:"rows"` // that hold something
	Creates   int           `json:"creates"`
	Updates   int           `json:"updates"`
	Unchanged int           `json:"unchanged"`
	Merged    int           `json:"merged"` // went into an earlier row of the same key
	Rejected  int           `json:"rejected"`
	Replaces  int           `json:"replaces"` // values that are something else now
	Options   []string      `json:"new_options"`
	Rejects   []Reject      `json:"rejects"`
	Reads     int           `json:"reads"` // calls to know all rows
	Calls     int           `json:"calls"` // these, and one for each row that is written
	Took      time.Duration `json:"-"`
	Seconds   float64       `json:"seconds"` // that all calls take

	Import crm.Import              `json:"-"`
	Write  iter.Seq[crm.ImportRow] `json:"-"` // in the order of the file
}

// Writes counts the rows that have to be written.
func (p Plan) Writes() int { return p.Creates + p.Updates }

// batch is how many rows Notion shows in one answer.
const batch = 100

// Compare finds the rows of a draft in the database, and what would become of
// them at so many calls a second.
func (d *Draft) Compare(ctx context.Context, replica Replica, rate float64) (Plan, error) {
	asExported, err := d.placeExported(ctx, replica)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{
		Database: d.wish.Schema.Name, Format: d.Format.String(), Columns: d.Columns, Rows: d.Rows, Merged: d.Merged,
		Unchanged: asExported, Rejects: slices.Clone(d.Rejects), Options: []string{},
	}
	known := 0
	if err := replica.Rows(ctx, d.wish.Schema.Database, func(page crm.Snapshot) error {
		known++
		if row, wanted := d.byKey[observe.Key(page.Values[d.wish.Key.ID])]; wanted {
			d.meet(row, page)
		}
		return nil
	}); err != nil {
		return p, fmt.Errorf("look through the rows of %s: %w", p.Database, err)
	}
	for _, row := range d.rows {
		if err := d.judge(ctx, replica, row, &p); err != nil {
			return p, err
		}
	}
	p.Write = d.writes
	slices.Sort(p.Options)
	slices.SortFunc(p.Rejects, func(a, b Reject) int { return a.Line - b.Line })
	p.Rejected = len(p.Rejects)
	p.Reads = known/batch + 1
	p.Calls = p.Reads + p.Writes()
	p.Took = time.Duration(float64(p.Calls) / rate * float64(time.Second))
	p.Seconds = p.Took.Seconds()
	p.Import = crm.Import{
		Database: d.wish.Schema.Database, File: d.File, Property: d.wish.Key.ID, Overwrite: d.wish.Overwrite,
		Rows: p.Rows - p.Merged, Unchanged: p.Unchanged, Rejected: p.Rejected,
	}
	return p, nil
}

// placeExported counts the rows that name their page and say what that shows,
// also where it carries no key, or that of another page. The others go by
// their keys.
func (d *Draft) placeExported(ctx context.Context, replica Replica) (same int, err error) {
	if len(d.byPage) == 0 {
		return 0, nil
	}
	if err := replica.Rows(ctx, d.wish.Schema.Database, func(page crm.Snapshot) error {
		row, named := d.byPage[page.Page]
		if !named || row.key != observe.Key(page.Values[d.wish.Key.ID]) {
			return nil
		}
		if wanted := row.values(); len(upsert.Missing(wanted, d.replacing(wanted), page.Values)) == 0 {
			delete(d.byPage, page.Page)
			same++
		}
		return nil
	}); err != nil {
		return 0, fmt.Errorf("look through the rows of %s: %w", d.wish.Schema.Name, err)
	}
	for _, row := range slices.SortedFunc(maps.Values(d.byPage), func(a, b *draftRow) int { return a.line - b.line }) {
		if err := d.place(row, row.values()); err != nil {
			return 0, err
		}
	}
	clear(d.byPage)
	return same, nil
}

// replacing returns the values that take the place of others.
func (d *Draft) replacing(wanted map[string]crm.Value) map[string]crm.Value {
	if !d.wish.Overwrite {
		return nil
	}
	return without(wanted, d.wish.Key.ID)
}

// meet compares a row with a page that carries its key: the oldest counts.
func (d *Draft) meet(row *draftRow, page crm.Snapshot) {
	if row.page != "" {
		row.others++
		return
	}
	row.page, row.outcome = page.Page, crm.Unchanged
	wanted := row.values()
	missing := upsert.Missing(wanted, d.replacing(wanted), page.Values)
	if len(missing) > 0 {
		row.outcome = crm.Updated
	}
	for id := range missing {
		if have := page.Values[id]; !have.Blank() {
			row.replaces++
		}
	}
}

// judge says what becomes of a row. One that was written as it is before is
// left alone, whatever people did to its page since.
func (d *Draft) judge(ctx context.Context, replica Replica, row *draftRow, p *Plan) error {
	if row.others > 0 && !d.wish.Contacts {
		row.outcome = crm.Rejected
		p.Rejects = append(p.Rejects, Reject{row.line, fmt.Sprintf("%d rows of %s carry this %q", row.others+1, p.Database, d.wish.Key.Name)})
		return nil
	}
	if row.outcome == crm.Unchanged {
		p.Unchanged++
		return nil
	}
	sum, err := d.sum(row)
	if err != nil {
		return err
	}
	page, err := replica.ImportedPage(ctx, sum)
	if err != nil {
		return fmt.Errorf("look for row: %w", err)
	}
	switch {
	case page != "":
		row.outcome = crm.Unchanged
		p.Unchanged++
		return nil
	case row.outcome == crm.Updated:
		p.Updates++
		p.Replaces += row.replaces
	default:
		row.outcome = crm.Created
		p.Creates++
	}
	d.newOptions(row, p)
	return nil
}

func (d *Draft) sum(row *draftRow) ([]byte, error) {
	return d.hash("row", d.wish.Schema.Database, d.wish.Key.ID, row.key, row.wanted, d.wish.Overwrite)
}

// writes yields the rows that have to be written.
func (d *Draft) writes(yield func(crm.ImportRow) bool) {
	for _, row := range d.rows {
		if row.outcome != crm.Created && row.outcome != crm.Updated {
			continue
		}
		sum, err := d.sum(row)
		if err != nil || !yield(crm.ImportRow{Line: row.line, Key: row.key, Wanted: row.values(), Sum: sum}) {
			return // it was hashed before
		}
	}
}

// newOptions lists the options that Notion makes when the row is written.
func (d *Draft) newOptions(row *draftRow, p *Plan) {
	for id, v := range row.values() {
		if v.Kind != crm.KindSelect && v.Kind != crm.KindMultiSelect {
			continue
		}
		property, _ := d.wish.Schema.PropertyByID(id)
		for _, name := range v.Names {
			option := property.Name + ": " + name
			if _, there := property.Option(name); !there && !slices.ContainsFunc(p.Options, func(o string) bool { return strings.EqualFold(o, option) }) {
				p.Options = append(p.Options, option)
			}
		}
	}
}
