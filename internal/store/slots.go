package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// Schedule returns since when a schedule is known, and the newest slot that
// was taken, "" for none. One that is new is registered at now.
func (db *DB) Schedule(ctx context.Context, name string, now time.Time) (knownSince time.Time, last string, err error) {
	var since int64
	err = db.reader.QueryRowContext(ctx, `select known_since, coalesce((select max(slot) from slots where schedule = name), '') from schedules where name = ?`, name).
		Scan(&since, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return now, "", db.write(ctx, func(tx *tx) error {
			return tx.exec(`insert into schedules (name, known_since) values (?, ?) on conflict do nothing`, name, milli(now))
		})
	}
	return moment(since), last, err
}

// Take records a slot of a schedule and enqueues its job; taken is false, and
// nothing happens, when the slot was recorded before.
func (db *DB) Take(ctx context.Context, schedule, slot string, job crm.Job) (taken bool, err error) {
	err = db.write(ctx, func(tx *tx) error {
		n, err := tx.affected(`insert into slots (schedule, slot, taken_at) values (?, ?, ?) on conflict do nothing`, schedule, slot, tx.now)
		taken = n > 0
		if err != nil || !taken {
			return err
		}
		return tx.enqueue(job)
	})
	return taken, err
}
