package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/dealbell/dealbell/internal/crm"
)

// Restored is what Restore put in place.
type Restored struct {
	Backup          // as it was in the file
	Replaced string `json:"replaced"` // what was there before goes by this name now; "" for nothing
	// Forgotten counts the people who were forgotten after the backup was
	// made: they are forgotten again.
	Forgotten int `json:"forgotten"`
}

// Restoration says what to restore.
type Restoration struct {
	Dir     string // the state directory
	File    string // a backup
	Related string // a database whose rows belong to the contact that they name
	// Careful changes a job that may have been done after the backup was
	// made, so that it looks before it writes.
	Careful func(crm.Job) crm.Job
	Log     *slog.Logger
}

// scratchName is where a restored database is prepared, inside the state
// directory so that it can be moved into place in one step.
const scratchName = "restoring"

// Restore puts a backup in the place of a state directory's database while no
// daemon runs. The present state is set aside. Whenever it is interrupted,
// the database is either the one that was there or the restored one, whole.
func Restore(ctx context.Context, o Restoration) (r Restored, err error) {
	defer func() {
		if err != nil {
			err = outOfRoom(fmt.Errorf("restore: %w", err), o.Dir)
		}
	}()
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return r, err
	}
	if running, err := Running(o.Dir); err == nil && running {
		return r, crm.WithHint(fmt.Errorf("a daemon works on %s", o.Dir), "stop it first, as with: systemctl stop dealbell")
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return r, err
	}
	defer lock.Close()
	scratch := filepath.Join(o.Dir, scratchName)
	if err := errors.Join(os.RemoveAll(scratch), os.Mkdir(scratch, 0o700)); err != nil {
		return r, err
	}
	defer os.RemoveAll(scratch)
	if r.Backup, err = fetch(ctx, o, filepath.Join(scratch, FileName)); err != nil {
		return r, err
	}
	present := filepath.Join(o.Dir, FileName)
	seen, err := lastWritten(present)
	if err != nil {
		return r, err
	}
	if err := fold(ctx, present); err != nil {
		return r, err
	}
	if r.Forgotten, err = prepare(ctx, o, scratch, seen); err != nil {
		return r, err
	}
	if err := ownedLike(o.Dir, filepath.Join(scratch, FileName), filepath.Join(o.Dir, lockName)); err != nil {
		return r, err
	}
	if r.Replaced, err = setAside(ctx, present); err != nil {
		return r, err
	}
	return r, errors.Join(os.Rename(filepath.Join(scratch, FileName), present), syncFile(o.Dir))
}

// fetch copies the backup and reads the copy through.
func fetch(ctx context.Context, o Restoration, to string) (Backup, error) {
	if log, err := os.Stat(o.File + "-wal"); err == nil && log.Size() > 0 {
		return Backup{}, crm.WithHint(fmt.Errorf("%s is a database in use or after a crash, not a backup: part of it is in %s-wal", o.File, o.File),
			"make a backup of it: DEALBELL_DATA=<its directory> dealbell backup FILE")
	}
	if err := copyFile(ctx, o.File, to); err != nil {
		return Backup{}, err
	}
	b, err := examine(ctx, to)
	if err != nil {
		return Backup{}, crm.WithHint(fmt.Errorf("%s: %w", o.File, err), "choose another backup; nothing was changed")
	}
	b.Path = o.File
	return b, nil
}

// lastWritten returns when a database was last written to; zero when it is
// not there.
func lastWritten(path string) (newest time.Time, err error) {
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(path + suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return newest, err
		}
		if err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest, nil
}

// fold works the log of a database into its file and leaves the file alone,
// so that it can be given another name. A database that is too damaged for
// that keeps its log beside it.
func fold(ctx context.Context, path string) error {
	if !startsLikeOne(path) {
		return nil
	}
	db, err := sql.Open("sqlite", fileURI(path, "mode=rw&_busy_timeout=1000"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var mode string
	err = db.QueryRowContext(ctx, `pragma journal_mode = delete`).Scan(&mode)
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&0xff == sqlite3.SQLITE_BUSY || err == nil && mode != "delete" {
		return crm.WithHint(errors.New("another dealbell command works on the database"), "wait until it is done")
	}
	return ctx.Err() // another error is what a restore may be for
}

// startsLikeOne reports whether a file begins as databases do. SQLite would
// throw away the log of one that does not.
func startsLikeOne(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == magic
}

// setAside gives the present database another name, and leaves it under its
// own until the new one takes that.
func setAside(ctx context.Context, present string) (name string, err error) {
	name = present + ".replaced-" + time.Now().UTC().Format("20060102T150405.000Z")
	for _, suffix := range []string{"", "-wal"} {
		err := os.Link(present+suffix, name+suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil { // some file systems have no links
			err = copyFile(ctx, present+suffix, name+suffix)
		}
		if err != nil {
			return "", err
		}
	}
	// Only a database that could not be folded still has a log here. The new
	// one must not find it.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(present + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return name, syncFile(filepath.Dir(present))
}
