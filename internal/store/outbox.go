package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// saveMessage puts a message into the outbox, unless its rule has answered
// that change, or its digest that slot, before.
func (t *tx) saveMessage(m crm.Message) error {
	if m.State == "" {
		m.State = crm.MessageQueued
	}
	if rung, err := t.mayHaveRung(m); err != nil {
		return err
	} else if rung {
		m.State, m.Reason = crm.MessageMaybe, "edited before the state was restored from a backup: it may have rung then"
	}
	return t.exec(`insert into outbox (channel, rule, change, slot, page, text, repeat, state, created_at, reason) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict do nothing`, m.Channel, m.Rule, m.Change, m.Slot, m.Page, m.Text, m.Repeat, m.State, t.now, m.Reason)
}

// delivered moves a message. One that may have been sent keeps the time at
// which it was handed over, one that was not sent has none.
func (t *tx) delivered(d crm.Delivered) error {
	return t.exec(`update outbox set state = ?1, sent_with = ?2, reason = ?3,
		sent_at = case ?1 when 'maybe' then sent_at when 'sending' then ?4 when 'sent' then ?4 else 0 end where id = ?5`,
		d.State, d.With, d.Reason, t.now, d.Message)
}

const matchedFact = "changes matched"

// matched remembers how far the rules have looked at changes.
func (t *tx) matched(change int64) error {
	if change == 0 {
		return nil
	}
	return t.saveFact(matchedFact, strconv.FormatInt(change, 10))
}

// Matched returns the last change that the rules have looked at.
func (db *DB) Matched(ctx context.Context) (int64, error) {
	text, err := db.fact(ctx, matchedFact)
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

const messageColumns = `id, channel, rule, change, slot, page, text, repeat, state, created_at, sent_at, sent_with, reason`

func scanMessage(r *sql.Rows) (crm.Message, error) {
	var m crm.Message
	var created, sent int64
	err := r.Scan(&m.ID, &m.Channel, &m.Rule, &m.Change, &m.Slot, &m.Page, &m.Text, &m.Repeat, &m.State, &created, &sent, &m.With, &m.Reason)
	m.CreatedAt, m.SentAt = moment(created), moment(sent)
	return m, err
}

func (db *DB) messages(ctx context.Context, where string, args ...any) ([]crm.Message, error) {
	var found []crm.Message
	rows, err := db.reader.QueryContext(ctx, `select `+messageColumns+` from outbox `+where, args...)
	return found, each(rows, err, func(r *sql.Rows) error {
		m, err := scanMessage(r)
		found = append(found, m)
		return err
	})
}

// Waiting returns the messages of a channel that are not sent, oldest first.
func (db *DB) Waiting(ctx context.Context, channel string) ([]crm.Message, error) {
	return db.messages(ctx, `where channel = ? and state in ('queued', 'sending') order by id limit 1000`, channel)
}

// SentSince returns the messages that went to a channel, or may have, at or
// after a time, oldest first.
func (db *DB) SentSince(ctx context.Context, channel string, since time.Time) ([]crm.Message, error) {
	return db.messages(ctx, `where channel = ? and sent_at >= ? and state in ('sending', 'sent', 'maybe') order by sent_at, id`, channel, milli(since))
}

// Outbox lists the newest messages, newest first: those in one of the states,
// or all when none is given.
func (db *DB) Outbox(ctx context.Context, limit int, states ...crm.MessageState) ([]crm.Message, error) {
	chosen, err := json.Marshal(states)
	if err != nil {
		return nil, err
	}
	return db.messages(ctx, `where ?1 = 'null' or state in (select value from json_each(?1)) order by id desc limit ?2`, string(chosen), limit)
}

// Digest returns the messages that a digest made for a slot.
func (db *DB) Digest(ctx context.Context, name, slot string) ([]crm.Message, error) {
	return db.messages(ctx, `where rule = ? and slot = ? order by id`, name, slot)
}

// Channels lists the channels with messages that are not sent.
func (db *DB) Channels(ctx context.Context) ([]string, error) {
	var found []string
	rows, err := db.reader.QueryContext(ctx, `select distinct channel from outbox where state in ('queued', 'sending') order by channel`)
	return found, each(rows, err, func(r *sql.Rows) error {
		found = append(found, "")
		return r.Scan(&found[len(found)-1])
	})
}

// savePerson adds to what is known of a member of the workspace.
func (t *tx) savePerson(p crm.Person) error {
	secret, err := t.pepper()
	if err != nil {
		return err
	}
	if away, err := t.banished(secret, ofMember, p.ID); err != nil || away != nil {
		return err
	}
	return t.exec(`insert into people (id, name, email, slack, looked_up_at) values (?, ?, ?, ?, ?)
		on conflict (id) do update set
			name = case when excluded.name = '' then name else excluded.name end,
			email = case when excluded.email = '' then email else excluded.email end,
			slack = case when excluded.looked_up_at = 0 then slack else excluded.slack end,
			looked_up_at = max(looked_up_at, excluded.looked_up_at)`,
		p.ID, p.Name, p.Email, p.Slack, milli(p.LookedUpAt))
}

// Person returns what is known of a member of the workspace.
func (db *DB) Person(ctx context.Context, id string) (p crm.Person, found bool, err error) {
	var looked int64
	p.ID = id
	err = db.reader.QueryRowContext(ctx, `select name, email, slack, looked_up_at from people where id = ?`, id).Scan(&p.Name, &p.Email, &p.Slack, &looked)
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	p.LookedUpAt = moment(looked)
	return p, err == nil, err
}
