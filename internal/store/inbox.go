package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const (
	keyWindow  = 30 * 24 * time.Hour // an Idempotency-Key is remembered so long
	bodyWindow = 24 * time.Hour      // an equal body without a key
)

// Intake is a delivery to be made durable together with its job.
type Intake struct {
	Delivery       crm.Delivery // State and ReceivedAt are given by Accept
	IdempotencyKey string       // "" for none
	Nonce          string       // may be used once; after that the delivery is held. "" for none
	NonceUntil     time.Time    // when it is worth nothing any more
	Held           []string     // why somebody has to look at it first; nil when it may go on
	Job            crm.Job      // not enqueued while it is held
}

// ReusedNonce is why a delivery is held that came with a nonce of another one.
const ReusedNonce = "token-reused"

// Verdict says what Accept did.
type Verdict int

// The verdicts.
const (
	Accepted  Verdict = iota // it is durable, its job is in the queue
	Held                     // it is durable and waits for a person
	Duplicate                // the same delivery was accepted before
	KeyReused                // the Idempotency-Key was used for another body
)

// String returns the word that answers and metrics have for it.
func (v Verdict) String() string {
	return [...]string{"accepted", "held", "duplicate", "key-reused"}[v]
}

// Receipt is Accept's answer. ID is that of the first delivery for a
// duplicate.
type Receipt struct {
	Verdict Verdict
	ID      string
	Held    []string // why, when it is held
}

// NewID returns an id for a delivery: 26 random characters.
func NewID() string { return strings.ToLower(rand.Text()) }

// Accept stores a delivery and its job in one transaction and returns when
// both are on the disk. A repeated delivery changes nothing. When too much is
// held already, one more that would be is refused with ErrHeldFull.
func (db *DB) Accept(ctx context.Context, in Intake) (Receipt, error) {
	var receipt Receipt
	err := db.write(ctx, func(tx *tx) (err error) {
		receipt, err = tx.accept(in)
		return err
	})
	return receipt, err
}

func (t *tx) accept(in Intake) (Receipt, error) {
	hash := sha256.Sum256(in.Delivery.Body)
	if id, err := t.forgottenID(in, hash[:]); err != nil || id != "" {
		return Receipt{Verdict: Duplicate, ID: id}, err
	}
	scope, token, window := "body:"+in.Delivery.Source, hex.EncodeToString(hash[:]), bodyWindow
	if in.IdempotencyKey != "" {
		scope, token, window = "key:"+in.Delivery.Source, in.IdempotencyKey, keyWindow
	}
	var first string
	var sameBody bool
	known, err := t.row(`select delivery, body_hash = ? from idempotency where scope = ? and token = ? and expires_at > ?`,
		[]any{hash[:], scope, token, t.now}, &first, &sameBody)
	switch {
	case err != nil:
		return Receipt{}, err
	case known && !sameBody:
		return Receipt{Verdict: KeyReused, ID: first}, nil
	case known:
		return Receipt{Verdict: Duplicate, ID: first}, nil
	}
	receipt := Receipt{Verdict: Accepted, ID: in.Delivery.ID}
	return receipt, firstError(
		func() error {
			return t.exec(`insert into idempotency (scope, token, body_hash, delivery, expires_at) values (?, ?, ?, ?, ?)
				on conflict (scope, token) do update set body_hash = excluded.body_hash, delivery = excluded.delivery, expires_at = excluded.expires_at`,
				scope, token, hash[:], in.Delivery.ID, t.now+window.Milliseconds())
		},
		func() error { return t.useNonce(&in) },
		func() error {
			if len(in.Held) > 0 {
				receipt.Verdict, receipt.Held = Held, in.Held
				return t.hold(in)
			}
			return t.take(in)
		},
	)
}

// take inserts a delivery and its job.
func (t *tx) take(in Intake) error {
	return firstError(
		func() error { return t.insertDelivery(in, crm.DeliveryQueued) },
		func() error { return t.consent(in.Delivery.Key) },
		func() error { return t.enqueue(in.Job) },
	)
}

func (t *tx) insertDelivery(in Intake, state crm.DeliveryState) error {
	d := in.Delivery
	return t.exec(`insert into inbox (id, source, key, content_type, body, received_at, state, reason) values (?, ?, ?, ?, ?, ?, ?, ?)`,
		d.ID, d.Source, d.Key, d.ContentType, d.Body, t.now, state, strings.Join(in.Held, " "))
}

// Pending returns the deliveries of one contact that still have to be worked
// into Notion, in order of arrival, at most limit.
func (db *DB) Pending(ctx context.Context, key string, limit int) ([]crm.Delivery, error) {
	return db.deliveries(ctx, `where key = ? and state in ('queued', 'noting') order by seq limit ?`, key, limit)
}

// Delivery finds one delivery, or ErrNotFound.
func (db *DB) Delivery(ctx context.Context, id string) (crm.Delivery, error) {
	found, err := db.deliveries(ctx, `where id = ?`, id)
	if err != nil {
		return crm.Delivery{}, err
	}
	if len(found) == 0 {
		return crm.Delivery{}, ErrNotFound
	}
	return found[0], nil
}

func (db *DB) deliveries(ctx context.Context, where string, args ...any) ([]crm.Delivery, error) {
	var found []crm.Delivery
	rows, err := db.reader.QueryContext(ctx, `select `+deliveryColumns+` from inbox `+where, args...)
	err = each(rows, err, func(r *sql.Rows) error {
		found = append(found, crm.Delivery{})
		return scanDelivery(r, &found[len(found)-1])
	})
	return found, err
}

const deliveryColumns = `id, source, key, content_type, body, received_at, state, reason, case when corrected_at <> 0 then original end, corrected_at`

// scanDelivery reads a delivery, and the columns behind it.
func scanDelivery(r *sql.Rows, d *crm.Delivery, more ...any) error {
	var at, corrected int64
	into := []any{&d.ID, &d.Source, &d.Key, &d.ContentType, &d.Body, &at, &d.State, &d.Reason, &d.Original, &corrected}
	err := r.Scan(append(into, more...)...)
	d.ReceivedAt, d.CorrectedAt = moment(at), moment(corrected)
	return err
}

// onward is the state of a delivery that goes on: noting, when it may have been
// worked in already.
const onward = `case when again or state = 'done' then 'noting' else 'queued' end`

// Reopen puts a delivery that is done, dead or dropped back into the queue,
// with the job that works on it. Its message is not noted twice.
func (db *DB) Reopen(ctx context.Context, id string, j crm.Job) error {
	return db.write(ctx, func(tx *tx) error {
		n, err := tx.affected(`update inbox set state = `+onward+`, job = 0 where id = ? and state in ('done', 'dead', 'dropped')`, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		return firstError(func() error { return tx.byHand(crm.StepReopened, j.Key, 0, id) }, func() error { return tx.enqueue(j) })
	})
}

// progress moves deliveries on, as part of a commit.
func (t *tx) progress(p crm.Progress) error {
	var doneAt int64
	if p.State == crm.DeliveryDone {
		doneAt = t.now
	}
	return t.exec(`update inbox set state = ?, outcome = ?, page = ?, job = 0, done_at = ? where id = ?`,
		p.State, p.Outcome, p.Page, doneAt, p.Delivery)
}

// address gives a delivery to a contact, as part of a commit.
func (t *tx) address(a crm.Addressed) error {
	return firstError(
		func() error {
			return t.exec(`update inbox set key = ? where id = ? and state in ('queued', 'noting')`, a.Key, a.Delivery)
		},
		func() error { return t.exec(`update steps set key = ? where key = ? and key <> ''`, a.Key, a.Delivery) },
		func() error { return t.consent(a.Key) },
	)
}

// bury makes the open deliveries of a key part of a dead letter.
func (t *tx) bury(j crm.Job) error {
	return t.exec(`update inbox set state = 'dead', again = (state = 'noting'), job = ? where key = ? and state in ('queued', 'noting')`, j.ID, j.Key)
}

// Orphans lists deliveries that are open although no job works on them, one
// of each key. There should be none; whoever finds one enqueues its job.
func (db *DB) Orphans(ctx context.Context) ([]crm.Delivery, error) {
	return db.deliveries(ctx, `where seq in (select min(seq) from inbox where state in ('queued', 'noting')
		and not exists (select 1 from jobs where jobs.key = inbox.key and jobs.state <> 'dead') group by key) order by seq`)
}

// Result returns what became of a delivery; ok is false while it is open.
func (db *DB) Result(ctx context.Context, id string) (p crm.Progress, ok bool, err error) {
	p.Delivery = id
	err = db.reader.QueryRowContext(ctx, `select state, outcome, page from inbox where id = ?`, id).Scan(&p.State, &p.Outcome, &p.Page)
	if err != nil {
		return p, false, err
	}
	open := p.State == crm.DeliveryQueued || p.State == crm.DeliveryNoting || p.State == crm.DeliveryHeld
	return p, !open, nil
}
