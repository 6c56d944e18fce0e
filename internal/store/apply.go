package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/dealbell/dealbell/internal/crm"
)

// Apply makes a commit durable: all of it or nothing.
func (db *DB) Apply(ctx context.Context, c crm.Commit) error {
	if err := db.write(ctx, func(tx *tx) error { return tx.apply(c) }); err != nil {
		return err
	}
	db.watches.tell(c.Progress)
	return nil
}

func (t *tx) apply(c crm.Commit) error {
	return firstError(
		all(c.Progress, t.progress),
		all(c.Snapshots, t.saveSnapshot),
		all(c.Gone, t.markGone),
		all(c.Intents, t.saveIntent),
		all(c.Settled, t.settle),
		all(c.Leftovers, t.saveLeftover),
		all(c.Completed, t.completeLeftover),
		all(c.Reads, t.saveRead),
		all(c.Jobs, t.enqueue),
		all(c.Hurry, t.hurry),
	)
}

func all[T any](items []T, write func(T) error) func() error {
	return func() error {
		for _, item := range items {
			if err := write(item); err != nil {
				return err
			}
		}
		return nil
	}
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) saveSnapshot(s crm.Snapshot) error {
	values, err := json.Marshal(s.Values) // keys are sorted, so equal values give equal bytes
	if err != nil {
		return err
	}
	sum := sha256.Sum256(values)
	return t.exec(`insert into snapshots (page, database, key, created_at, edited_at, trashed, hash, property_values, seen_at)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (page) do update set database = excluded.database, key = excluded.key, created_at = excluded.created_at,
			edited_at = excluded.edited_at, trashed = excluded.trashed, hash = excluded.hash,
			property_values = excluded.property_values, seen_at = excluded.seen_at`,
		s.Page, s.Database, s.Key, milli(s.CreatedAt), milli(s.EditedAt), s.Trashed, hex.EncodeToString(sum[:16]), string(values), t.now)
}

func (t *tx) markGone(page string) error {
	return t.exec(`update snapshots set trashed = 1, seen_at = ? where page = ?`, t.now, page)
}

func (t *tx) saveIntent(i crm.Intent) error {
	return t.exec(`insert into intents (database, key, begun_at, unsure_at, looks) values (?, ?, ?, ?, ?)
		on conflict (database, key) do update set begun_at = excluded.begun_at, unsure_at = excluded.unsure_at, looks = excluded.looks`,
		i.Database, i.Key, milli(i.BegunAt), milli(i.UnsureAt), i.Looks)
}

func (t *tx) settle(i crm.Intent) error {
	return t.exec(`delete from intents where database = ? and key = ?`, i.Database, i.Key)
}

func (t *tx) saveLeftover(l crm.Leftover) error {
	value, err := json.Marshal(l.Value)
	if err != nil {
		return err
	}
	return t.exec(`insert into leftovers (database, page, property, value, expected, got, noted_at) values (?, ?, ?, ?, ?, ?, ?)
		on conflict (page, property) do update set expected = excluded.expected, got = excluded.got`,
		l.Database, l.Page, l.Property, string(value), l.Expected, l.Got, t.now)
}

func (t *tx) completeLeftover(l crm.Leftover) error {
	return t.exec(`delete from leftovers where page = ? and property = ?`, l.Page, l.Property)
}

func (t *tx) saveRead(r crm.Read) error {
	return t.exec(`insert into reads (database, resume_at, completed_at, watermark) values (?, ?, ?, ?)
		on conflict (database) do update set resume_at = excluded.resume_at, completed_at = excluded.completed_at, watermark = excluded.watermark`,
		r.Database, milli(r.ResumeAt), milli(r.CompletedAt), milli(r.Watermark))
}
