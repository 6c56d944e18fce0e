package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/dealbell/dealbell/internal/crm"
)

// Backup is a copy of a database that was checked.
type Backup struct {
	Path   string           `json:"path"`
	Bytes  int64            `json:"bytes"`
	Schema int64            `json:"schema"` // version
	Rows   map[string]int64 `json:"rows"`   // by table
}

// partialName is what a backup is called until it is known to be whole.
const partialName = ".dealbell-backup.partial"

// copyStep is how many pages are copied before it is looked whether somebody
// wants to stop: some milliseconds of work.
const copyStep = 1000

// Back copies the database of a state directory to a new file, beside a
// running daemon or without one. The copy is that of one moment; it gets its
// name after it was read through, holds every row that there was at that
// moment, and is on the disk.
//
// It is copied page by page within one read transaction. VACUUM INTO would
// take twice the time and could not be compared with its source, because it
// cannot run inside a transaction. Writers go on meanwhile; the log that they
// write to grows until the copy is done.
func Back(ctx context.Context, dir, target string) (Backup, error) {
	if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
		return Backup{}, noState(err)
	}
	if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		return Backup{}, crm.WithHint(fmt.Errorf("back up: %s exists", target), "choose another name, or a directory, where each backup gets a name of its own")
	}
	path, err := filepath.Abs(filepath.Join(filepath.Dir(target), partialName))
	if err != nil {
		return Backup{}, fmt.Errorf("back up: %w", err)
	}
	partial, err := reserve(path)
	if err != nil {
		return Backup{}, err
	}
	defer partial.Close()
	b, err := copyTo(ctx, dir, path)
	if err == nil {
		err = errors.Join(partial.Sync(), os.Rename(path, target), syncFile(filepath.Dir(target)))
	}
	if err != nil {
		_ = os.Remove(path) // else the next backup does
		return Backup{}, outOfRoom(fmt.Errorf("back up %s: %w", FileName, err), filepath.Dir(target))
	}
	b.Path = target
	return b, nil
}

// reserve opens an empty file that no other backup writes to, perhaps one
// that an interrupted backup has left.
func reserve(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, crm.WithHint(fmt.Errorf("back up: %w", err), "choose a directory that exists and that you may write to")
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil { // the other one may just have given it its name
		opened, err1 := f.Stat()
		named, err2 := os.Stat(path)
		if err = errors.Join(err1, err2); err == nil && !os.SameFile(opened, named) {
			err = fs.ErrExist
		}
	}
	if err != nil {
		f.Close()
		return nil, crm.WithHint(fmt.Errorf("back up: another backup to %s is under way", filepath.Dir(path)), "wait until it is done")
	}
	if err := errors.Join(f.Chmod(0o600), f.Truncate(0)); err != nil {
		f.Close()
		return nil, fmt.Errorf("back up: %w", err)
	}
	return f, nil
}

func outOfRoom(err error, dir string) error {
	if errors.Is(err, ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return crm.WithHint(err, "free some space in "+dir)
	}
	return err
}

// copyTo writes what the database holds at this moment to a file and compares
// the two.
func copyTo(ctx context.Context, dir, path string) (Backup, error) {
	source, err := sql.Open("sqlite", fileURI(filepath.Join(dir, FileName), "mode=rw&_busy_timeout=5000&_query_only=1"))
	if err != nil {
		return Backup{}, err
	}
	defer source.Close()
	tx, err := source.Conn(ctx)
	if err != nil {
		return Backup{}, noState(err)
	}
	defer tx.Close()
	if _, err := tx.ExecContext(ctx, `begin`); err != nil {
		return Backup{}, err
	}
	want, err := survey(ctx, tx)
	if err != nil {
		return Backup{}, err
	}
	if err := copyPages(ctx, tx, path); err != nil {
		return Backup{}, classify(err)
	}
	if _, err := tx.ExecContext(ctx, `commit`); err != nil {
		return Backup{}, err
	}
	got, err := examine(ctx, path)
	if err == nil && (got.Schema != want.Schema || !maps.Equal(got.Rows, want.Rows)) {
		err = fmt.Errorf("the copy has other rows than the database: %v, want %v", got.Rows, want.Rows)
	}
	return got, err
}

func noState(err error) error {
	return crm.WithHint(fmt.Errorf("open state directory: %w", err), "set DEALBELL_DATA to the directory the daemon uses, or start it once: dealbell serve")
}

// copyPages copies what the open transaction of a connection sees.
func copyPages(ctx context.Context, from *sql.Conn, path string) error {
	return from.Raw(func(driver any) error {
		// The copy is synced once it is whole, and thrown away until then.
		b, err := driver.(interface {
			NewBackup(string) (*sqlite.Backup, error)
		}).NewBackup(fileURI(path, "_journal_mode=OFF&_synchronous=OFF"))
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if err = ctx.Err(); err == nil {
				more, err = b.Step(copyStep)
			}
		}
		return errors.Join(err, b.Finish())
	})
}

// examine reads a database file through, from the first page to the last, and
// counts its rows. Nobody may write to it meanwhile.
func examine(ctx context.Context, path string) (Backup, error) {
	db, err := sql.Open("sqlite", fileURI(path, "mode=ro&immutable=1"))
	if err != nil {
		return Backup{}, err
	}
	defer db.Close()
	tx, err := db.Conn(ctx)
	if err != nil {
		return Backup{}, err
	}
	defer tx.Close()
	b, err := survey(ctx, tx)
	var verdict string
	if err == nil {
		err = tx.QueryRowContext(ctx, `pragma integrity_check(1)`).Scan(&verdict)
	}
	switch e, ok := errors.AsType[*sqlite.Error](err); {
	case ok && e.Code()&0xff == sqlite3.SQLITE_NOTADB:
		return Backup{}, errForeign
	case broken(err):
		return Backup{}, fmt.Errorf("it is damaged: %w", err)
	case err != nil:
		return Backup{}, classify(err)
	case verdict != "ok":
		return Backup{}, fmt.Errorf("it is damaged: %s", verdict)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Backup{}, err
	}
	b.Path, b.Bytes = path, info.Size()
	return b, nil
}

// errForeign says that a file is not what it should be.
var errForeign = errors.New("it is not a Dealbell database")

// survey reads the schema's version and counts the rows of every table.
func survey(ctx context.Context, tx *sql.Conn) (Backup, error) {
	b := Backup{Rows: map[string]int64{}}
	tables, err := tablesOf(ctx, tx)
	if err != nil {
		return b, err
	}
	for _, needed := range []string{versionTable, "inbox", "jobs", "facts"} {
		if !slices.Contains(tables, needed) {
			return b, errForeign
		}
	}
	for _, table := range tables {
		var n int64
		if err := tx.QueryRowContext(ctx, `select count(*) from "`+table+`"`).Scan(&n); err != nil {
			return b, err
		}
		b.Rows[table] = n
	}
	err = tx.QueryRowContext(ctx, `select max(version_id) from `+versionTable+` where is_applied`).Scan(&b.Schema)
	return b, err
}

const versionTable = "goose_db_version" // the migrations keep it

func tablesOf(ctx context.Context, tx *sql.Conn) ([]string, error) {
	var tables []string
	rows, err := tx.QueryContext(ctx, `select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name`)
	return tables, each(rows, err, func(r *sql.Rows) error {
		tables = append(tables, "")
		return r.Scan(&tables[len(tables)-1])
	})
}

// BackupName is what a backup of a moment is called in a directory of
// backups. Names sort by time.
func BackupName(at time.Time) string {
	return backupPrefix + at.UTC().Format("20060102T150405Z") + backupSuffix
}

const backupPrefix, backupSuffix = "dealbell-", ".db"

// KeepBackups deletes all but the newest backups of a directory and returns
// the names of those that are gone.
func KeepBackups(dir string, keep int) (gone []string, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var names []string
	for _, f := range files {
		if at, err := time.Parse(backupPrefix+"20060102T150405Z"+backupSuffix, f.Name()); err == nil && f.Name() == BackupName(at) {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names)
	for _, name := range names[:max(0, len(names)-keep)] {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return gone, fmt.Errorf("delete old backup: %w", err)
		}
		gone = append(gone, name)
	}
	return gone, nil
}
