package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dealbell/dealbell/internal/store"
)

type backupCommand struct {
	File string `arg:"" help:"The new file, or a directory." placeholder:"FILE"`
	Keep int    `help:"In a directory, delete all but the newest N backups afterwards; 0 deletes none." placeholder:"N" default:"0"`
	JSON bool   `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (backupCommand) Help() string {
	return "Copies the state directory's database as it is at one moment, beside a running daemon or without one. The copy gets its name " +
		"after it was read through and compared with the original. In a directory it is called " + store.BackupName(time.Unix(0, 0)) +
		" by the time. It holds personal data: keep it as safe as the original, and no longer than you say you do."
}

// Run makes a backup.
func (c *backupCommand) Run(s *session) error {
	target, directory, err := c.target(time.Now())
	if err != nil {
		return err
	}
	settings, err := s.config()
	if err != nil {
		return err
	}
	began := time.Now()
	made, err := store.Back(s.ctx, settings.Data, target)
	if err != nil {
		return err
	}
	took := time.Since(began)
	if err := noteBackup(s, settings.Data, began); err != nil {
		fmt.Fprintf(s.Stderr, "doctor will not know of this backup: %s\n", oneLine(err.Error()))
	}
	gone := []string{}
	if directory && c.Keep > 0 {
		if gone, err = store.KeepBackups(c.File, c.Keep); err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(s, map[string]any{"backup": made, "seconds": took.Seconds(), "deleted": gone})
	}
	fmt.Fprintf(s.Stdout, "%s: %s, checked, in %s\n", made.Path, describe(made), took.Round(time.Millisecond))
	for _, name := range gone {
		fmt.Fprintf(s.Stdout, "deleted %s\n", name)
	}
	return nil
}

func noteBackup(s *session, dir string, at time.Time) error {
	db, err := store.Attach(s.ctx, dir, s.logger())
	if err != nil {
		return err
	}
	defer db.Close()
	return db.NoteBackup(s.ctx, at)
}

// describe says what is in a backup.
func describe(b store.Backup) string {
	all := int64(0)
	for _, n := range b.Rows {
		all += n
	}
	return fmt.Sprintf("%.1f MB, %d rows, %d of them deliveries, schema version %d", float64(b.Bytes)/1e6, all, b.Rows["inbox"], b.Schema)
}

// target returns the file to write.
func (c *backupCommand) target(now time.Time) (file string, directory bool, err error) {
	if c.File == "-" {
		return "", false, &usageError{errors.New("a backup is checked before it gets its name, so it cannot go to standard output"), "give a file or a directory"}
	}
	if c.Keep < 0 {
		return "", false, &usageError{errors.New("--keep must not be negative"), "dealbell backup --help"}
	}
	info, err := os.Stat(c.File)
	if err == nil && info.IsDir() {
		return filepath.Join(c.File, store.BackupName(now)), true, nil
	}
	if c.Keep > 0 {
		return "", false, &usageError{fmt.Errorf("--keep needs a directory, and %s is none", c.File), "make the directory first"}
	}
	return c.File, false, nil
}
