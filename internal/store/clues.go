package store

import (
	"context"
	"database/sql"

	"github.com/dealbell/dealbell/internal/crm"
)

func (t *tx) saveClue(c crm.Clue) error {
	t.clued = append(t.clued, c.Database)
	return t.exec(`insert into clues (page, database, at, seen_by, noted_at) values (?, ?, ?, ?, ?)
		on conflict (page) do update set at = max(at, excluded.at), seen_by = excluded.seen_by, noted_at = excluded.noted_at,
			database = case when excluded.database = '' then database else excluded.database end`,
		c.Page, c.Database, milli(c.At), c.By, t.now)
}

// heed deletes a clue that was looked into, unless there was another word of
// it since.
func (t *tx) heed(c crm.Clue) error {
	return t.exec(`delete from clues where page = ? and noted_at <= ?`, c.Page, milli(c.NotedAt))
}

// Clues returns what a database has to be looked at for, oldest first.
func (db *DB) Clues(ctx context.Context, database string, limit int) ([]crm.Clue, error) {
	var found []crm.Clue
	rows, err := db.reader.QueryContext(ctx, `select page, at, seen_by, noted_at from clues where database = ? order by at, page limit ?`, database, limit)
	return found, each(rows, err, func(r *sql.Rows) error {
		c := crm.Clue{Database: database}
		var at, noted int64
		err := r.Scan(&c.Page, &at, &c.By, &noted)
		c.At, c.NotedAt = moment(at), moment(noted)
		found = append(found, c)
		return err
	})
}
