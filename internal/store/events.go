package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// eventAge is how long an event's id is remembered. Notion tries for a day.
const eventAge = 30 * 24 * time.Hour

// Receive makes a webhook event durable, with the job that looks into it.
// fresh is false, and nothing happens, when it was received before.
func (db *DB) Receive(ctx context.Context, e crm.Event, job crm.Job) (fresh bool, err error) {
	err = db.write(ctx, func(tx *tx) error {
		n, err := tx.affected(`insert into events (id, type, at, received_at, body) values (?, ?, ?, ?, ?) on conflict (id) do nothing`,
			e.ID, e.Type, milli(e.At), tx.now, e.Body)
		fresh = n > 0
		if err != nil || !fresh {
			return err
		}
		return tx.enqueue(job)
	})
	return fresh, err
}

// Events returns the events that nobody has looked into, oldest first.
func (db *DB) Events(ctx context.Context, limit int) ([]crm.Event, error) {
	var found []crm.Event
	rows, err := db.reader.QueryContext(ctx, `select id, type, at, body from events where handled = 0 order by received_at limit ?`, limit)
	return found, each(rows, err, func(r *sql.Rows) error {
		var e crm.Event
		var at int64
		err := r.Scan(&e.ID, &e.Type, &at, &e.Body)
		e.At = moment(at)
		found = append(found, e)
		return err
	})
}

func (t *tx) handled(event string) error {
	return t.exec(`update events set handled = 1 where id = ?`, event)
}

// Hooks is what is known of Notion's webhook subscription.
type Hooks struct {
	Tokens     []string  // that events may be signed with, the newest last
	ArmedUntil time.Time // a handshake is taken until then
	LastEvent  time.Time // when the latest event came; zero for never
	// Missed is when a poll saw the first change after the latest event, and
	// after there was a token to sign one; zero when there is none.
	Missed time.Time
}

// silence is how long polls may know more than events before that is odd:
// Notion delivers most events within a minute and tries again for longer.
const silence = 15 * time.Minute

// fresh is how old an edit may be when a poll sees it and still tell of a
// silence: what happened while Dealbell was down is no sign of one.
const fresh = time.Hour

// SilentSince returns since when polls have seen changes that no event told
// of, although there is a subscription: one whose token was stored, or that
// is configured. It is the zero time while all is well.
func (h Hooks) SilentSince(now time.Time, configured bool) time.Time {
	if len(h.Tokens) == 0 && !configured || h.Missed.IsZero() || now.Sub(h.Missed) < silence {
		return time.Time{}
	}
	return h.Missed
}

const hooksFact = "webhook"

type hooksRecord struct {
	Tokens     []string `json:"tokens,omitempty"`
	ArmedUntil int64    `json:"armed_until,omitempty"`
	TakenAt    int64    `json:"taken_at,omitempty"` // when the newest token came
}

// Hooks returns what is known of Notion's webhook subscription.
func (db *DB) Hooks(ctx context.Context) (Hooks, error) {
	kept, err := db.hooks(ctx)
	if err != nil {
		return Hooks{}, err
	}
	h := Hooks{Tokens: kept.Tokens, ArmedUntil: moment(kept.ArmedUntil)}
	var last, missed sql.NullInt64
	err = db.reader.QueryRowContext(ctx, `select max(received_at) from events`).Scan(&last)
	if err != nil {
		return h, err
	}
	err = db.reader.QueryRowContext(ctx, `select min(seen_at) from changes where seen_at > ? and seen_by = 'poll' and own = 0
		and seen_at < edited_at + ?`, max(last.Int64, kept.TakenAt), fresh.Milliseconds()).Scan(&missed)
	h.LastEvent, h.Missed = moment(last.Int64), moment(missed.Int64)
	return h, err
}

// HookTokens returns the tokens that events may be signed with.
func (db *DB) HookTokens(ctx context.Context) ([]string, error) {
	h, err := db.hooks(ctx)
	return h.Tokens, err
}

func (db *DB) hooks(ctx context.Context) (h hooksRecord, err error) {
	text, err := db.fact(ctx, hooksFact)
	if err != nil || text == "" {
		return h, err
	}
	err = json.Unmarshal([]byte(text), &h)
	return h, err
}

// Arm lets a handshake in until a time; the zero time ends that.
func (db *DB) Arm(ctx context.Context, until time.Time) error {
	return db.changeHooks(ctx, func(h *hooksRecord) bool {
		h.ArmedUntil = milli(until)
		return true
	})
}

// keptTokens is how many tokens may sign events. None is ever replaced: one
// of them is the subscription's that works.
const keptTokens = 8

// Handshake stores the token of a new subscription, if one is awaited now.
// The tokens that are there stay. A token that is known is taken as well.
func (db *DB) Handshake(ctx context.Context, token string) (taken bool, err error) {
	err = db.changeHooks(ctx, func(h *hooksRecord) bool {
		taken = slices.Contains(h.Tokens, token)
		if taken || h.ArmedUntil < time.Now().UnixMilli() || len(h.Tokens) == keptTokens {
			return false
		}
		taken, h.ArmedUntil, h.TakenAt = true, 0, time.Now().UnixMilli() // one arming, one token
		h.Tokens = append(h.Tokens, token)
		return true
	})
	return taken, err
}

func (db *DB) changeHooks(ctx context.Context, change func(*hooksRecord) bool) error {
	return db.write(ctx, func(tx *tx) error {
		var h hooksRecord
		var text string
		found, err := tx.row(`select value from facts where name = ?`, []any{hooksFact}, &text)
		if err != nil {
			return err
		}
		if found {
			if err := json.Unmarshal([]byte(text), &h); err != nil {
				return err
			}
		}
		if !change(&h) {
			return nil
		}
		changed, err := json.Marshal(h)
		if err != nil {
			return err
		}
		return tx.saveFact(hooksFact, string(changed))
	})
}
