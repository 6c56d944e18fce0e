package store

import (
	"context"
	"database/sql"
	"slices"
	"time"
)

// Arrivals counts the deliveries that came between each two neighbouring
// times, without those that are held or were given up. The times ascend.
func (db *DB) Arrivals(ctx context.Context, bounds []time.Time) ([]int, error) {
	if len(bounds) < 2 {
		return nil, nil
	}
	counts := make([]int, len(bounds)-1)
	for i := range counts {
		err := db.reader.QueryRowContext(ctx, countArrivals, milli(bounds[i]), milli(bounds[i+1])).Scan(&counts[i])
		if err != nil {
			return nil, err
		}
	}
	rows, err := db.reader.QueryContext(ctx, leftOut, milli(bounds[0]), milli(bounds[len(bounds)-1]))
	return counts, each(rows, err, func(r *sql.Rows) error {
		var ms int64
		if err := r.Scan(&ms); err != nil {
			return err
		}
		at := moment(ms)
		i, exact := slices.BinarySearchFunc(bounds, at, time.Time.Compare)
		if !exact {
			i--
		}
		counts[i]--
		return nil
	})
}

// Those that do not count are few, and have indexes of their own.
const (
	countArrivals = `select count(*) from inbox where received_at >= ? and received_at < ?`
	leftOut       = `select received_at from inbox where state = 'held' and received_at >= ?1 and received_at < ?2
		union all select received_at from inbox where state = 'dropped' and received_at >= ?1 and received_at < ?2`
)
