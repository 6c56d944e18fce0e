package store

import (
	"context"
	"database/sql"
	"time"
)

// Fired is how often a rule or digest spoke, as far back as messages are kept.
type Fired struct {
	Count int
	Last  time.Time
}

// Fired counts the messages of each rule and digest; previews are none.
func (db *DB) Fired(ctx context.Context) (map[string]Fired, error) {
	found := map[string]Fired{}
	rows, err := db.reader.QueryContext(ctx, `select rule, count(*), max(created_at) from outbox where state <> 'draft' group by rule`)
	return found, each(rows, err, func(r *sql.Rows) error {
		var rule string
		var f Fired
		var last int64
		err := r.Scan(&rule, &f.Count, &last)
		f.Last = moment(last)
		found[rule] = f
		return err
	})
}
