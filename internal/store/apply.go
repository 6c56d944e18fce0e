package store

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/dealbell/dealbell/internal/crm"
)

// Apply makes a commit durable: all of it or nothing. One without news is not
// written at all.
func (db *DB) Apply(ctx context.Context, c crm.Commit) (err error) {
	if c.Sights, err = db.news(ctx, c.Sights); err != nil || reflect.ValueOf(c).IsZero() {
		return err
	}
	if err := db.write(ctx, func(tx *tx) error { return tx.apply(c) }); err != nil {
		return err
	}
	db.watches.tell(c.Progress)
	db.wake(c)
	return nil
}

func (t *tx) apply(c crm.Commit) error {
	return firstError(
		func() error { return t.saveSteps(c.Steps) }, // before deliveries change hands
		all(c.Progress, t.progress),
		all(c.Addressed, t.address),
		all(c.Writes, t.saveWrite),
		all(c.Unwritten, t.unwrite),
		all(c.Sights, t.see),
		all(c.Gone, t.markGone),
		all(c.Intents, t.saveIntent),
		all(c.Settled, t.settle),
		all(c.Leftovers, t.saveLeftover),
		all(c.Completed, t.completeLeftover),
		all(c.Reads, t.saveRead),
		all(c.Reconciles, t.saveReconcile),
		all(c.Schemas, t.saveSchema),
		all(c.People, t.savePerson),
		all(c.Clues, t.saveClue),
		all(c.Heeded, t.heed),
		all(c.Handled, t.handled),
		all(c.Messages, t.saveMessage),
		all(c.Delivered, t.delivered),
		all(c.Imported, t.imported),
		all(c.Stops, t.stopImport),
		func() error { return t.matched(c.Matched) },
		all(c.Jobs, t.enqueue),
		t.followUp,
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
	return t.exec(`insert into reads (database, resume_at, completed_at, watermark, polled_at) values (?, ?, ?, ?, ?)
		on conflict (database) do update set resume_at = excluded.resume_at, completed_at = excluded.completed_at,
			watermark = excluded.watermark, polled_at = excluded.polled_at`,
		r.Database, milli(r.ResumeAt), milli(r.CompletedAt), milli(r.Watermark), milli(r.PolledAt))
}

func (t *tx) saveReconcile(r crm.Reconcile) error {
	return t.exec(`insert into reads (database, reconcile_at, reconciled_at) values (?, ?, ?)
		on conflict (database) do update set reconcile_at = excluded.reconcile_at, reconciled_at = excluded.reconciled_at`,
		r.Database, milli(r.ResumeAt), milli(r.CompletedAt))
}

func (t *tx) saveSchema(s crm.Schema) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return t.saveFact(schemaFact(s.Database), string(text))
}
