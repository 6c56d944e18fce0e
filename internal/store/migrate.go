package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/migrations"
)

// migrate brings the schema up to date, after a backup when there is data.
func (db *DB) migrate(ctx context.Context) error {
	provider, err := db.provider()
	if err != nil {
		return err
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if current > target {
		return newerSchema(current, target)
	}
	if current == target {
		return nil
	}
	if current > 0 {
		if err := db.backupBefore(ctx, current); err != nil {
			return err
		}
	}
	return up(ctx, provider)
}

func up(ctx context.Context, provider *goose.Provider) error {
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
}

// checkVersion refuses a schema that this binary was not built for.
func (db *DB) checkVersion(ctx context.Context) error {
	provider, err := db.provider()
	if err != nil {
		return err
	}
	current, target, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read schema version: %w", err)
	case current > target:
		return newerSchema(current, target)
	case current < target:
		return crm.WithHint(fmt.Errorf("open database: its schema is version %d, this dealbell needs %d", current, target), "start the daemon once, it migrates: dealbell serve")
	}
	return nil
}

func newerSchema(current, target int64) error {
	return crm.WithHint(fmt.Errorf("open database: its schema is version %d, this dealbell knows up to %d", current, target),
		"run the newer dealbell that wrote it, or restore the backup made before the upgrade")
}

func (db *DB) provider() (*goose.Provider, error) {
	p, err := goose.NewProvider(goose.DialectSQLite3, db.writer, migrations.Files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

func (db *DB) backupBefore(ctx context.Context, version int64) error {
	name := fmt.Sprintf("%s.before-v%d-%s", FileName, version+1, time.Now().UTC().Format("20060102T150405"))
	path := filepath.Join(db.dir, name)
	if _, err := db.writer.ExecContext(ctx, `vacuum into ?`, path); err != nil {
		return crm.WithHint(fmt.Errorf("back up before migrating: %w", err), "free some space in "+db.dir+" and start again")
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("back up before migrating: %w", err)
	}
	return nil
}

const lockName = "dealbell.lock"

// lockDir makes sure that one daemon at a time works on a state directory.
// The lock ends with the process, however it ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, crm.WithHint(fmt.Errorf("lock state directory: %w", err), "the state directory must belong to the user that runs dealbell")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, crm.WithHint(fmt.Errorf("lock state directory: another dealbell works on %s", dir), "stop the other one, or give this one its own DEALBELL_DATA")
	}
	return f, nil
}

// Running reports whether a daemon works on dir at this moment.
func Running(dir string) (bool, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read lock: %w", err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		return errors.Is(err, syscall.EWOULDBLOCK), nil
	}
	return false, nil
}
