package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Space is what the state directory takes and has left, in bytes.
type Space struct {
	Free uint64 // for Dealbell's user
	File int64  // the database
	Log  int64  // its write-ahead log
}

// Space looks at the disk.
func (db *DB) Space() (Space, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(db.dir, &disk); err != nil {
		return Space{}, fmt.Errorf("read free space: %w", err)
	}
	s := Space{Free: disk.Bavail * uint64(disk.Bsize)}
	for suffix, n := range map[string]*int64{"": &s.File, "-wal": &s.Log} {
		if info, err := os.Stat(filepath.Join(db.dir, FileName+suffix)); err == nil {
			*n = info.Size()
		}
	}
	return s, nil
}

// Count returns how many rows of a database are known and not in the trash.
func (db *DB) Count(ctx context.Context, database string) (n int, err error) {
	err = db.reader.QueryRowContext(ctx, `select count(*) from snapshots where database = ? and trashed = 0`, database).Scan(&n)
	return n, err
}

const backupFact = "last backup at"

// LastBackup returns when the latest backup was made; zero for never.
func (db *DB) LastBackup(ctx context.Context) (time.Time, error) {
	text, err := db.fact(ctx, backupFact)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, text)
}

// NoteBackup remembers that a backup was made.
func (db *DB) NoteBackup(ctx context.Context, at time.Time) error {
	return db.saveFact(ctx, backupFact, at.UTC().Format(time.RFC3339))
}
