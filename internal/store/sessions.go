package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	sessionAge  = 30 * 24 * time.Hour // idle for longer, a session is over
	sessionStep = time.Hour           // how exactly it is known when one was used
)

const passwordFact = "dashboard password"

// Password returns the hash of the dashboard's password; "" when none is set.
func (db *DB) Password(ctx context.Context) (hash string, err error) {
	return db.fact(ctx, passwordFact)
}

// SetPassword keeps the hash of a new password. All sessions end, and no link
// sets another one.
func (db *DB) SetPassword(ctx context.Context, hash string) error {
	return db.write(ctx, func(tx *tx) error { return tx.setPassword(hash) })
}

func (t *tx) setPassword(hash string) error {
	return firstError(
		func() error { return t.saveFact(passwordFact, hash) },
		t.logOut,
	)
}

// logOut ends all sessions, and what could begin one without the password.
func (t *tx) logOut() error {
	return firstError(
		func() error { return t.exec(`delete from sessions`) },
		func() error { return t.exec(`delete from setup_links`) },
	)
}

// OfferSetup lets the holder of a token set a password until a time. Tokens
// from before hold no longer. Only the hash of the token is kept.
func (db *DB) OfferSetup(ctx context.Context, token []byte, until time.Time) error {
	return db.write(ctx, func(tx *tx) error {
		return firstError(
			func() error { return tx.exec(`delete from setup_links`) },
			func() error {
				return tx.exec(`insert into setup_links (hash, expires_at) values (?, ?)`, token, milli(until))
			},
		)
	})
}

// SetupOffered reports whether the token with this hash may set a password.
func (db *DB) SetupOffered(ctx context.Context, token []byte) (bool, error) {
	var offered bool
	err := db.reader.QueryRowContext(ctx, `select exists (select 1 from setup_links where hash = ? and expires_at > ?)`, token, time.Now().UnixMilli()).Scan(&offered)
	return offered, err
}

// Setup is SetPassword for the holder of a token, once. ErrNotFound means that
// the token holds no longer.
func (db *DB) Setup(ctx context.Context, token []byte, hash string) error {
	return db.write(ctx, func(tx *tx) error {
		n, err := tx.affected(`delete from setup_links where hash = ? and expires_at > ?`, token, tx.now)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		return tx.setPassword(hash)
	})
}

// StartSession lets the browser that holds a cookie with this hash in, as long
// as the password is still the one that it was let in for. ErrNotFound means
// that it is not.
func (db *DB) StartSession(ctx context.Context, cookie []byte, password string) error {
	return db.write(ctx, func(tx *tx) error {
		n, err := tx.affected(`insert into sessions (hash, started_at, seen_at)
			select ?1, ?2, ?2 where exists (select 1 from facts where name = ?3 and value = ?4)`, cookie, tx.now, passwordFact, password)
		if err == nil && n == 0 {
			return ErrNotFound
		}
		return err
	})
}

// Session reports whether a session is there, and keeps it for another 30
// days.
func (db *DB) Session(ctx context.Context, cookie []byte) (bool, error) {
	var at int64
	err := db.reader.QueryRowContext(ctx, `select seen_at from sessions where hash = ?`, cookie).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	idle := time.Since(moment(at))
	if err != nil || idle > sessionAge {
		return false, err
	}
	if idle > sessionStep {
		err = db.write(ctx, func(tx *tx) error {
			return tx.exec(`update sessions set seen_at = ? where hash = ?`, tx.now, cookie)
		})
	}
	return err == nil, err
}

// EndSession logs a browser out.
func (db *DB) EndSession(ctx context.Context, cookie []byte) error {
	return db.write(ctx, func(tx *tx) error { return tx.exec(`delete from sessions where hash = ?`, cookie) })
}
