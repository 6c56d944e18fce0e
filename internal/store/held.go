package store

import (
	"context"
	"errors"
	"slices"

	"github.com/dealbell/dealbell/internal/crm"
)

// What may be held at most. Beyond it doubtful deliveries are refused, so that
// strangers cannot fill the disk.
const (
	heldCount = 10_000
	heldBytes = 64 << 20
)

// ErrHeldFull means that so much waits for a person already that nothing
// doubtful is taken any more.
var ErrHeldFull = errors.New("too many deliveries are held")

// hold inserts a delivery that waits for a person.
func (t *tx) hold(in Intake) error {
	var count, size int64
	if _, err := t.row(`select count(*), coalesce(sum(length(body)), 0) from inbox where state = 'held'`, nil, &count, &size); err != nil {
		return err
	}
	if count >= heldCount || size+int64(len(in.Delivery.Body)) > heldBytes {
		return ErrHeldFull
	}
	return t.insertDelivery(in, crm.DeliveryHeld)
}

// useNonce takes the nonce of a delivery. One that was taken before makes it
// doubtful.
func (t *tx) useNonce(in *Intake) error {
	if in.Nonce == "" {
		return nil
	}
	fresh, err := t.affected(`insert into idempotency (scope, token, body_hash, delivery, expires_at) values (?, ?, x'', ?, ?)
		on conflict (scope, token) do nothing`, "nonce:"+in.Delivery.Source, in.Nonce, in.Delivery.ID, milli(in.NonceUntil))
	if err == nil && fresh == 0 {
		in.Held = append(slices.Clip(in.Held), ReusedNonce)
	}
	return err
}

// Held lists the deliveries that wait for a person, oldest first.
func (db *DB) Held(ctx context.Context) ([]crm.Delivery, error) {
	return db.deliveries(ctx, `where state = 'held' order by seq`)
}

// Admit lets a held delivery go on with its job.
func (db *DB) Admit(ctx context.Context, id string, j crm.Job) error {
	return db.write(ctx, func(tx *tx) error {
		var key string
		held, err := tx.row(`select key from inbox where id = ? and state = 'held'`, []any{id}, &key)
		if err != nil {
			return err
		}
		if !held {
			return ErrNotFound
		}
		return firstError(
			func() error { return tx.exec(`update inbox set state = `+onward+` where id = ?`, id) },
			func() error { return tx.consent(key) },
			func() error { return tx.byHand(crm.StepAdmitted, key, 0, id) },
			func() error { return tx.enqueue(j) },
		)
	})
}

// Discard gives a held delivery up.
func (db *DB) Discard(ctx context.Context, id string) error {
	return db.write(ctx, func(tx *tx) error {
		n, err := tx.affected(`update inbox set state = 'dropped', done_at = ? where id = ? and state = 'held'`, tx.now, id)
		if err == nil && n == 0 {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		return tx.byHand(crm.StepDropped, id, 0, id)
	})
}
