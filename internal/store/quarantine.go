package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const (
	quarantineAge   = 7 * 24 * time.Hour
	quarantineCount = 1000
	quarantineBytes = 16 << 20
)

// Rejected is a delivery that was not believed: kept for a while, so that a
// wrong secret never costs a lead.
type Rejected struct {
	ID          string
	Source      string
	Reason      string
	ContentType string
	Headers     map[string]string // as sent, those that a signature is made of
	Signed      bool              // it carried a signature, if a wrong one
	Body        []byte
	ReceivedAt  time.Time
}

// Quarantine keeps a rejected delivery for 7 days. Beyond 1,000 of them, or
// 16 MB of bodies, those without any signature make room first, then the
// oldest.
func (db *DB) Quarantine(ctx context.Context, r Rejected) error {
	headers, err := json.Marshal(r.Headers)
	if err != nil {
		return err
	}
	return db.write(ctx, func(tx *tx) error {
		if err := tx.exec(`insert into quarantine (id, source, reason, content_type, headers, signed, body, received_at)
			values (?, ?, ?, ?, ?, ?, ?, ?)`, r.ID, r.Source, r.Reason, r.ContentType, string(headers), r.Signed, r.Body, tx.now); err != nil {
			return err
		}
		return tx.exec(`delete from quarantine where id in (
			select id from (select id, row_number() over best as place, sum(length(body)) over best as bytes
				from quarantine window best as (order by signed desc, received_at desc, id)) as kept
			where place > ? or bytes > ?)`, quarantineCount, quarantineBytes)
	})
}

const (
	rejectedColumns = `id, source, reason, content_type, headers, signed, received_at`
	allRejected     = `select ` + rejectedColumns + `, body from quarantine order by received_at, id`
)

// Quarantined lists what is kept, oldest first.
func (db *DB) Quarantined(ctx context.Context) ([]Rejected, error) {
	return db.rejected(ctx, allRejected)
}

// Rejects lists what is kept, newest first and without the bodies.
func (db *DB) Rejects(ctx context.Context, limit int) ([]Rejected, error) {
	return db.rejected(ctx, `select `+rejectedColumns+`, x'' from quarantine order by received_at desc, id limit ?`, limit)
}

// Reject finds one rejected delivery, or ErrNotFound.
func (db *DB) Reject(ctx context.Context, id string) (Rejected, error) {
	found, err := db.rejected(ctx, `select `+rejectedColumns+`, body from quarantine where id = ?`, id)
	if err == nil && len(found) == 0 {
		return Rejected{}, ErrNotFound
	}
	if err != nil {
		return Rejected{}, err
	}
	return found[0], nil
}

func (db *DB) rejected(ctx context.Context, query string, args ...any) ([]Rejected, error) {
	var found []Rejected
	err := eachRejected(ctx, db.reader, func(q Rejected) { found = append(found, q) }, query, args...)
	return found, err
}

// eachRejected visits rejected deliveries one by one: all bodies together may
// have 16 MB.
func eachRejected(ctx context.Context, from querier, visit func(Rejected), query string, args ...any) error {
	rows, err := from.QueryContext(ctx, query, args...)
	return each(rows, err, func(r *sql.Rows) error {
		var q Rejected
		var at int64
		var headers string
		if err := r.Scan(&q.ID, &q.Source, &q.Reason, &q.ContentType, &headers, &q.Signed, &at, &q.Body); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(headers), &q.Headers); err != nil {
			return err
		}
		q.ReceivedAt = moment(at)
		visit(q)
		return nil
	})
}

// DropRejected throws a rejected delivery away before its time.
func (db *DB) DropRejected(ctx context.Context, id string) error {
	return db.write(ctx, func(tx *tx) error {
		n, err := tx.affected(`delete from quarantine where id = ?`, id)
		if err == nil && n == 0 {
			return ErrNotFound
		}
		return err
	})
}

// Release accepts a quarantined delivery after all. One that was accepted
// meanwhile, because it was sent again, is only removed. One whose
// Idempotency-Key was used for another body stays.
func (db *DB) Release(ctx context.Context, id string, in Intake) (Receipt, error) {
	var receipt Receipt
	err := db.write(ctx, func(tx *tx) error {
		kept, err := tx.row(`select 1 from quarantine where id = ?`, []any{id}, new(int))
		if err != nil {
			return err
		}
		if !kept {
			return ErrNotFound
		}
		if receipt, err = tx.accept(in); err != nil || receipt.Verdict == KeyReused {
			return err
		}
		if receipt.Verdict != Duplicate {
			if err := tx.byHand(crm.StepAdmitted, in.Delivery.Key, 0, id); err != nil {
				return err
			}
		}
		return tx.exec(`delete from quarantine where id = ?`, id)
	})
	return receipt, err
}
