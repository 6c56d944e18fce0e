package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// While the file is written anew nobody else can write. A larger one has to
// wait until no daemon runs.
const compactBeside = 64 << 20 // bytes

// wipePatience is how long wipe waits for readers that hold the log.
const wipePatience = time.Minute

// wipe makes sure that nothing of what was deleted is left in the files of
// the database: that pages are moved about leaves copies of rows behind, and
// so does the log. whole is false when writing the file anew is left to the
// next start.
func (db *DB) wipe(ctx context.Context) (whole bool, err error) {
	whole, err = db.mayCompact(ctx)
	if err != nil {
		return false, err
	}
	pool, err := sql.Open("sqlite", fileURI(filepath.Join(db.dir, FileName), writerOptions))
	if err != nil {
		return false, err
	}
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	if whole {
		if _, err := conn.ExecContext(ctx, `vacuum`); err != nil {
			return false, outOfRoom(fmt.Errorf("write the database anew: %w", classify(err)), db.dir)
		}
	}
	return whole, emptyLog(ctx, conn)
}

// mayCompact reports whether the file can be written anew at once; else it
// sees to it that the next start does.
func (db *DB) mayCompact(ctx context.Context) (bool, error) {
	info, err := os.Stat(filepath.Join(db.dir, FileName))
	if err != nil {
		return false, err
	}
	alive, err := Running(db.dir)
	if err != nil || !alive || info.Size() <= compactBeside {
		return err == nil, err
	}
	return false, db.saveFact(ctx, compactFact, "")
}

// emptyLog folds the write-ahead log in and cuts it to nothing. It never makes
// writers wait for readers.
func emptyLog(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, `pragma busy_timeout = 50`); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wipePatience)
	defer cancel()
	for {
		var busy, pages, folded int
		if err := conn.QueryRowContext(ctx, `pragma wal_checkpoint(truncate)`).Scan(&busy, &pages, &folded); err != nil {
			return fmt.Errorf("empty the log: %w", classify(err))
		}
		if busy == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return crm.WithHint(errors.New("empty the log: somebody reads the database all the time"), "wait until backups are done and run the same again")
		case <-time.After(forgetLook):
		}
	}
}

// backupsIn lists the files of a state directory that hold an older state.
func backupsIn(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	found := []string{}
	for _, f := range files {
		name := f.Name()
		current := slices.Contains([]string{FileName, FileName + "-wal", FileName + "-shm"}, name)
		if !current && (strings.HasPrefix(name, FileName+".") || strings.HasSuffix(name, ".db")) {
			found = append(found, name)
		}
	}
	return found, nil
}
