// Package store keeps Dealbell's state in one SQLite file. It is the only
// package that imports database/sql.
//
// It promises that whatever a method reports as done is on the disk: WAL with
// synchronous=FULL, one writer, and every write through one committer that
// lets concurrent callers share an fsync. A crm.Commit is applied whole or
// not at all. It refuses to run on settings it did not ask for, on a file of
// a newer Dealbell, and beside a second daemon on the same directory.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite" // also registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/dealbell/dealbell/internal/crm"
)

// FileName is the database's name inside the state directory.
const FileName = "dealbell.db"

var (
	// ErrFull means that the disk is full, or took nothing for another reason.
	// Nothing was written; the same call may succeed once there is room.
	ErrFull = errors.New("disk full")
	// ErrBusy means that too many writes wait already. Nothing was written.
	ErrBusy = errors.New("too many writes wait")
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("store closed")
	// ErrNotFound means that there is no such row.
	ErrNotFound = errors.New("no such entry")
)

// DB is an open state directory. Its methods may be called from any goroutine.
type DB struct {
	dir     string
	log     *slog.Logger
	writer  *sql.DB
	reader  *sql.DB
	lock    *os.File
	writes  *committer
	watches watches
	look    *sql.Stmt // lookForWork, on reader

	failOnce sync.Once
	failed   chan struct{}
	failure  error
}

// Open opens the state directory for the daemon: it creates it (0700) where
// it is missing, takes the lock, migrates the schema after a backup, and puts
// back what a crash left half done. Errors carry a hint.
func Open(ctx context.Context, dir string, log *slog.Logger) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, crm.WithHint(fmt.Errorf("create state directory: %w", err), "set DEALBELL_DATA to a directory that Dealbell may write to")
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	// A restore that was killed may have left somebody's data there.
	if err := os.RemoveAll(filepath.Join(dir, scratchName)); err != nil {
		lock.Close()
		return nil, fmt.Errorf("open state directory: %w", err)
	}
	db, err := open(ctx, dir, log)
	if err != nil {
		lock.Close()
		return nil, err
	}
	db.lock = lock
	for _, step := range []func(context.Context) error{db.migrate, db.arrange, db.startWriting, db.recover} {
		if err := step(ctx); err != nil {
			db.Close()
			return nil, err
		}
	}
	return db, nil
}

// Attach opens the state directory for a command, beside a running daemon or
// without one. It migrates nothing and recovers nothing.
func Attach(ctx context.Context, dir string, log *slog.Logger) (*DB, error) {
	if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
		return nil, noState(err)
	}
	db, err := open(ctx, dir, log)
	if err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{db.checkVersion, db.startWriting} {
		if err := step(ctx); err != nil {
			db.Close()
			return nil, err
		}
	}
	return db, nil
}

// What is deleted is overwritten, so that it is in no backup; the log shrinks
// again after it grew.
const writerOptions = "_busy_timeout=5000&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_txlock=immediate" +
	"&_auto_vacuum=2&_pragma=secure_delete(1)&_pragma=journal_size_limit(16777216)"

func open(ctx context.Context, dir string, log *slog.Logger) (*DB, error) {
	path := filepath.Join(dir, FileName)
	// SQLite gives the -wal and -shm files the mode of the database file.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, crm.WithHint(fmt.Errorf("open database: %w", err), "the state directory must belong to the user that runs dealbell")
	}
	if err := errors.Join(f.Chmod(0o600), f.Close(), os.Chmod(dir, 0o700)); err != nil { //nolint:gosec // a directory needs x
		return nil, fmt.Errorf("open database: %w", err)
	}
	db := &DB{dir: dir, log: log, failed: make(chan struct{})}
	db.watches.byDelivery = map[string][]chan struct{}{}
	if db.writer, err = sql.Open("sqlite", fileURI(path, writerOptions)); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db.writer.SetMaxOpenConns(1)
	if err := db.checkSettings(ctx); err != nil {
		db.writer.Close()
		return nil, err
	}
	if db.reader, err = sql.Open("sqlite", fileURI(path, "_busy_timeout=5000&_query_only=1")); err != nil {
		db.writer.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	db.reader.SetMaxOpenConns(4)
	return db, nil
}

// checkSettings reads back what the connection string asked for: a driver
// that ignores a setting would otherwise lose leads in silence.
func (db *DB) checkSettings(ctx context.Context) error {
	for _, s := range []struct{ pragma, want string }{
		{"journal_mode", "wal"}, {"synchronous", "2"}, {"foreign_keys", "1"}, {"busy_timeout", "5000"}, {"secure_delete", "1"},
	} {
		var got string
		if err := db.writer.QueryRowContext(ctx, "pragma "+s.pragma).Scan(&got); err != nil {
			return crm.WithHint(fmt.Errorf("open database: %w", err), "is "+filepath.Join(db.dir, FileName)+" an intact Dealbell database?")
		}
		if got != s.want {
			return fmt.Errorf("open database: %s is %s, want %s", s.pragma, got, s.want)
		}
	}
	return nil
}

func (db *DB) startWriting(ctx context.Context) error {
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	db.writes = newCommitter(conn, db.fail)
	if db.look, err = db.reader.PrepareContext(ctx, lookForWork); err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	return nil
}

// recover puts back what was under way when the last process ended: running
// jobs are ready again at once, and creates without an answer are unsure from
// now on. The lock guarantees that nobody else is at work.
func (db *DB) recover(ctx context.Context) error {
	return db.write(ctx, func(tx *tx) error {
		return firstError(
			tx.rerunInterrupted,
			func() error { return tx.exec(`update intents set unsure_at = ? where unsure_at = 0`, tx.now) },
		)
	})
}

// Dir returns the state directory.
func (db *DB) Dir() string { return db.dir }

// Failed is closed when the disk broke a promise (an I/O error, a failed
// fsync): nothing in memory can be trusted any more, and the process has to
// start again from what the disk holds. Err then says why.
func (db *DB) Failed() <-chan struct{} { return db.failed }

// Err returns the failure after Failed is closed.
func (db *DB) Err() error {
	select {
	case <-db.failed:
		return db.failure
	default:
		return nil
	}
}

func (db *DB) fail(err error) {
	db.failOnce.Do(func() {
		db.failure = err
		close(db.failed)
	})
}

// Close waits for writes that were begun and closes the files.
func (db *DB) Close() error {
	if db.writes != nil {
		db.writes.close()
	}
	var errs []error
	if db.look != nil {
		errs = append(errs, db.look.Close())
	}
	for _, pool := range []*sql.DB{db.reader, db.writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Close())
	}
	return errors.Join(errs...)
}

// write runs fn in a transaction and returns once it is on the disk. fn may
// run twice, so it must not change anything outside the transaction before it
// is sure to be the last thing it does.
func (db *DB) write(ctx context.Context, fn func(*tx) error) error {
	return classify(db.writes.do(ctx, fn))
}

// classify turns SQLite's codes into the errors of this package.
func classify(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	switch {
	case !ok:
		return err
	case refused(e):
		return fmt.Errorf("%w (%v)", ErrFull, err) //nolint:errorlint // the cause is for people
	case e.Code()&0xff == sqlite3.SQLITE_BUSY:
		return fmt.Errorf("%w (%v)", ErrBusy, err) //nolint:errorlint // the cause is for people
	}
	return err
}

// refused reports whether the disk did not take what was written. A quota and
// a limit on the size of files are reported as failed writes.
func refused(e *sqlite.Error) bool {
	switch e.Code() {
	case sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE:
		return true
	}
	return e.Code()&0xff == sqlite3.SQLITE_FULL
}

// broken reports whether err means that the disk itself failed, so that what
// counts as durable may not be on it.
func broken(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok || refused(e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true
	}
	return false
}

// milli converts to what the columns hold; the zero time is 0.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// milliAfter is milli for a time before which nothing must happen.
func milliAfter(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Add(time.Millisecond - time.Nanosecond).UnixMilli()
}

// moment is the inverse of milli.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
