package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

func (t *tx) saveChange(c crm.Change) error {
	before, err := json.Marshal(c.Old)
	if err != nil {
		return err
	}
	now, err := json.Marshal(c.New)
	if err != nil {
		return err
	}
	t.changed = t.changed || !c.Own
	return t.exec(`insert into changes (page, database, property, old, new, edited_by, edited_at, seen_at, seen_by, own) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.Page, c.Database, c.Property, string(before), string(now), c.EditedBy, milli(c.EditedAt), t.now, c.SeenBy, c.Own)
}

// ChangeFilter chooses changes; zero fields choose all.
type ChangeFilter struct {
	After    int64 // id
	Page     string
	Database string
	Property string
	Limit    int // 0: 1000
}

// Changes lists changes in the order in which they were seen.
func (db *DB) Changes(ctx context.Context, f ChangeFilter) ([]crm.Change, error) {
	var found []crm.Change
	query, args := changesQuery(f)
	rows, err := db.reader.QueryContext(ctx, query, args...)
	return found, each(rows, err, func(r *sql.Rows) error {
		c, err := scanChange(r)
		found = append(found, c)
		return err
	})
}

// changesQuery names only what is asked for, so that the indexes of a page and
// of a property are used: the ledger holds years.
func changesQuery(f ChangeFilter) (query string, args []any) {
	where := []string{`id > ?`}
	args = []any{f.After}
	for _, c := range []struct{ column, value string }{{"page", f.Page}, {"database", f.Database}, {"property", f.Property}} {
		if c.value != "" {
			where = append(where, c.column+` = ?`)
			args = append(args, c.value)
		}
	}
	return `select ` + changeColumns + ` from changes where ` + strings.Join(where, ` and `) + ` order by id limit ?`, append(args, cmp.Or(f.Limit, 1000))
}

const changeColumns = `id, page, database, property, old, new, edited_by, edited_at, seen_at, seen_by, own`

func scanChange(r *sql.Rows) (crm.Change, error) {
	var c crm.Change
	var before, now string
	var edited, seen int64
	if err := r.Scan(&c.ID, &c.Page, &c.Database, &c.Property, &before, &now, &c.EditedBy, &edited, &seen, &c.SeenBy, &c.Own); err != nil {
		return c, err
	}
	c.EditedAt, c.SeenAt = moment(edited), moment(seen)
	return c, errors.Join(json.Unmarshal([]byte(before), &c.Old), json.Unmarshal([]byte(now), &c.New))
}
