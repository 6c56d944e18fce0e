package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

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
	if f.Limit == 0 {
		f.Limit = 1000
	}
	var found []crm.Change
	rows, err := db.reader.QueryContext(ctx, `select `+changeColumns+` from changes
		where id > ?1 and (?2 = '' or page = ?2) and (?3 = '' or database = ?3) and (?4 = '' or property = ?4) order by id limit ?5`,
		f.After, f.Page, f.Database, f.Property, f.Limit)
	return found, each(rows, err, func(r *sql.Rows) error {
		c, err := scanChange(r)
		found = append(found, c)
		return err
	})
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
