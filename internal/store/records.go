package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/secret"
)

// Known returns the pages of the database that carry the key: those that are
// not in the trash first, oldest first.
func (db *DB) Known(ctx context.Context, database, key string) ([]crm.Snapshot, error) {
	var found []crm.Snapshot
	rows, err := db.reader.QueryContext(ctx, `select `+snapshotColumns+` from snapshots
		where database = ? and key = ? and key <> '' order by trashed, created_at, page limit 20`, database, key)
	return found, each(rows, err, func(r *sql.Rows) error {
		s, err := scanSnapshot(r.Scan)
		found = append(found, s)
		return err
	})
}

// Intent returns a create that was begun and has not ended.
func (db *DB) Intent(ctx context.Context, database, key string) (i crm.Intent, ok bool, err error) {
	var begun, unsure int64
	err = db.reader.QueryRowContext(ctx, `select begun_at, unsure_at, looks from intents where database = ? and key = ?`, database, key).
		Scan(&begun, &unsure, &i.Looks)
	if errors.Is(err, sql.ErrNoRows) {
		return i, false, nil
	}
	i.Database, i.Key, i.BegunAt, i.UnsureAt = database, key, moment(begun), moment(unsure)
	return i, err == nil, err
}

// Leftovers returns the values of a database that wait for its schema to be
// fixed, oldest first, at most limit.
func (db *DB) Leftovers(ctx context.Context, database string, limit int) ([]crm.Leftover, error) {
	var found []crm.Leftover
	rows, err := db.reader.QueryContext(ctx, `select `+leftoverColumns+` from leftovers
		where database = ? order by noted_at, page, property limit ?`, database, limit)
	err = each(rows, err, func(r *sql.Rows) error {
		l, err := scanLeftover(r)
		found = append(found, l)
		return err
	})
	return found, err
}

const leftoverColumns = `database, page, property, value, expected, got, noted_at`

func scanLeftover(r *sql.Rows) (crm.Leftover, error) {
	var l crm.Leftover
	var value string
	var at int64
	if err := r.Scan(&l.Database, &l.Page, &l.Property, &value, &l.Expected, &l.Got, &at); err != nil {
		return l, err
	}
	l.NotedAt = moment(at)
	return l, json.Unmarshal([]byte(value), &l.Value)
}

const readColumns = `database, resume_at, completed_at, watermark, polled_at`

func scanRead(scan func(...any) error) (crm.Read, error) {
	var r crm.Read
	var resume, completed, watermark, polled int64
	err := scan(&r.Database, &resume, &completed, &watermark, &polled)
	r.ResumeAt, r.CompletedAt, r.Watermark, r.PolledAt = moment(resume), moment(completed), moment(watermark), moment(polled)
	return r, err
}

// Read returns how far a database was read; the zero Read when never.
func (db *DB) Read(ctx context.Context, database string) (crm.Read, error) {
	r, err := scanRead(db.reader.QueryRowContext(ctx, `select `+readColumns+` from reads where database = ?`, database).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return crm.Read{Database: database}, nil
	}
	return r, err
}

// Reconcile returns how far a database was reconciled; zero when never.
func (db *DB) Reconcile(ctx context.Context, database string) (crm.Reconcile, error) {
	var resume, completed int64
	err := db.reader.QueryRowContext(ctx, `select reconcile_at, reconciled_at from reads where database = ?`, database).Scan(&resume, &completed)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return crm.Reconcile{Database: database, ResumeAt: moment(resume), CompletedAt: moment(completed)}, err
}

// Schema returns the shape of a database as it was last read; ok is false
// when it never was.
func (db *DB) Schema(ctx context.Context, database string) (s crm.Schema, ok bool, err error) {
	text, err := db.fact(ctx, schemaFact(database))
	if err != nil || text == "" {
		return s, false, err
	}
	err = json.Unmarshal([]byte(text), &s)
	return s, err == nil, err
}

func schemaFact(database string) string { return "schema " + database }

// Bindings returns the property ids that names of a database were bound to.
func (db *DB) Bindings(ctx context.Context, database string) (map[string]string, error) {
	text, err := db.fact(ctx, bindingsFact(database))
	if err != nil || text == "" {
		return nil, err
	}
	names := map[string]string{}
	return names, json.Unmarshal([]byte(text), &names)
}

// SaveBindings adds to the bindings of a database.
func (db *DB) SaveBindings(ctx context.Context, database string, names map[string]string) error {
	added, err := json.Marshal(names)
	if err != nil {
		return err
	}
	return db.write(ctx, func(tx *tx) error {
		return tx.exec(`insert into facts (name, value) values (?, ?)
			on conflict (name) do update set value = json_patch(value, excluded.value)`, bindingsFact(database), string(added))
	})
}

func bindingsFact(database string) string { return "bindings " + database }

const pauseFact = "notion pause until"

// LoadPause returns the time until which Notion asked everybody to wait.
func (db *DB) LoadPause(ctx context.Context) (time.Time, error) {
	text, err := db.fact(ctx, pauseFact)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, text)
}

// SavePause keeps that time across restarts.
func (db *DB) SavePause(ctx context.Context, until time.Time) error {
	return db.saveFact(ctx, pauseFact, until.UTC().Format(time.RFC3339Nano))
}

func (db *DB) fact(ctx context.Context, name string) (string, error) {
	var value string
	err := db.reader.QueryRowContext(ctx, `select value from facts where name = ?`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

func (db *DB) saveFact(ctx context.Context, name, value string) error {
	return db.write(ctx, func(tx *tx) error { return tx.saveFact(name, value) })
}

// Secret returns the secret that is kept under a name; the fresh one is kept
// when there is none yet.
func (db *DB) Secret(ctx context.Context, name string, fresh secret.String) (secret.String, error) {
	err := db.write(ctx, func(tx *tx) error {
		return tx.exec(`insert into facts (name, value) values (?, ?) on conflict (name) do nothing`, name, fresh.Reveal())
	})
	if err != nil {
		return secret.String{}, err
	}
	kept, err := db.fact(ctx, name)
	return secret.New(kept), err
}

func (t *tx) saveFact(name, value string) error {
	return t.exec(`insert into facts (name, value) values (?, ?) on conflict (name) do update set value = excluded.value`, name, value)
}
