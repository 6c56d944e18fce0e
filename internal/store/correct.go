package store

import (
	"context"

	"github.com/dealbell/dealbell/internal/crm"
)

// Correct replaces the body of a delivery of a dead letter and gives the dead
// letter another life, with all of its deliveries. What the delivery said
// first is kept beside it. ErrNotFound means that the job is no dead letter,
// or not about that delivery; nothing is changed then.
func (db *DB) Correct(ctx context.Context, dead crm.Job, c crm.Correction) error {
	return db.removeDead(ctx, dead, func(tx *tx) error {
		n, err := tx.affected(`update inbox set original = case when corrected_at = 0 then body else original end, corrected_at = ?,
			body = ?, key = ? where id = ? and (job = ? or id = ?)`, tx.now, c.Body, c.Key, c.Delivery, dead.ID, dead.Key)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		steps := []func() error{
			func() error { return tx.consent(c.Key) },
			func() error { return tx.byHand(crm.StepCorrected, c.Key, dead.ID, c.Delivery) },
			func() error { return tx.revive(dead) },
			func() error { return tx.enqueue(c.Job) },
		}
		if c.Job.Kind != dead.Kind || c.Job.Key != dead.Key {
			steps = append(steps, func() error { return tx.enqueueRest(dead) })
		}
		return firstError(steps...)
	})
}

// enqueueRest gives the other deliveries of a dead letter their job back, when
// the corrected one has gone elsewhere.
func (t *tx) enqueueRest(dead crm.Job) error {
	rest, err := t.row(`select 1 from inbox where key = ? and state in ('queued', 'noting') limit 1`, []any{dead.Key}, new(int))
	if err != nil || !rest {
		return err
	}
	return t.enqueue(dead)
}
