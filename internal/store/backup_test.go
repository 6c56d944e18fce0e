package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

func back(t *testing.T, dir, target string) store.Backup {
	t.Helper()
	b, err := store.Back(t.Context(), dir, target)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// names lists a directory.
func names(t *testing.T, dir string) (found []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		found = append(found, f.Name())
	}
	return found
}

func TestABackupIsWholeAndPrivate(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "odd name?#%41 ü.db")
	db := open(t, dir)
	accept(t, db, "one", "")
	accept(t, db, "two", "")
	b := back(t, dir, to)
	info, err := os.Stat(to)
	if err != nil {
		t.Fatal(err)
	}
	if b.Path != to || b.Bytes != info.Size() || b.Rows["inbox"] != 2 || b.Rows["jobs"] != 1 || b.Schema < 3 {
		t.Errorf("got %+v, want 2 deliveries and 1 job in %d bytes", b, info.Size())
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %o, want 600", info.Mode().Perm())
	}
	if got := names(t, filepath.Dir(to)); len(got) != 1 {
		t.Errorf("the directory holds %q, want the backup alone", got)
	}
	accept(t, db, "three", "")
	restored := t.TempDir()
	if err := os.Rename(to, filepath.Join(restored, store.FileName)); err != nil {
		t.Fatal(err)
	}
	if got := pending(t, open(t, restored)); got != 2 {
		t.Errorf("%d deliveries in the backup, want 2", got)
	}
}

func TestABackupNeedsNoDaemon(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "b.db")
	db := open(t, dir)
	accept(t, db, "one", "")
	crashed := t.TempDir() // with a log that nobody has folded in
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, store.FileName+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(crashed, store.FileName+suffix), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if b := back(t, crashed, to); b.Rows["inbox"] != 1 {
		t.Errorf("got %+v, want the delivery", b)
	}
}

func TestABackupNeverReplacesAFile(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "b.db")
	open(t, dir)
	if err := os.WriteFile(to, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := store.Back(t.Context(), dir, to)
	if hint, ok := crm.Hint(err); err == nil || !ok || !strings.Contains(hint, "another name") {
		t.Errorf("Back = %v, %q; want it refused with a hint", err, hint)
	}
	if content, err := os.ReadFile(to); err != nil || string(content) != "precious" {
		t.Errorf("the file now holds %q, %v", content, err)
	}
}

func TestABackupThatIsStoppedLeavesNothing(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), t.TempDir()
	open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Back(ctx, dir, filepath.Join(to, "b.db")); err == nil {
		t.Error("a backup that was stopped succeeds")
	}
	if got := names(t, to); len(got) != 0 {
		t.Errorf("it leaves %q", got)
	}
}

func TestABackupOfADamagedDatabaseFails(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), t.TempDir()
	db := open(t, dir)
	fill(t, db, 20)
	db.Close()
	path := filepath.Join(dir, store.FileName)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, 8192), size(t, dir)/2); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Back(t.Context(), dir, filepath.Join(to, "b.db")); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("Back = %v, want it to say that the copy is damaged", err)
	}
	if got := names(t, to); len(got) != 0 {
		t.Errorf("it leaves %q", got)
	}
}

func TestWhatAnInterruptedBackupLeftIsReplaced(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), t.TempDir()
	open(t, dir)
	if err := os.WriteFile(filepath.Join(to, ".dealbell-backup.partial"), make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	b := back(t, dir, filepath.Join(to, "b.db"))
	if got := names(t, to); !slices.Equal(got, []string{"b.db"}) || b.Bytes == 1<<20 {
		t.Errorf("the directory holds %q, the backup %d bytes", got, b.Bytes)
	}
	if info, err := os.Stat(b.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 600", info.Mode(), err)
	}
}

func TestBackupsBesideEachOtherAreWholeOrRefused(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), t.TempDir()
	db := open(t, dir)
	fill(t, db, 20)
	var wg sync.WaitGroup
	done := make([]bool, 8)
	for i := range done {
		wg.Go(func() {
			_, err := store.Back(t.Context(), dir, filepath.Join(to, fmt.Sprint(i)))
			if done[i] = err == nil; !done[i] && !strings.Contains(err.Error(), "under way") {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	whole := 0
	for i := range done {
		if !done[i] {
			continue
		}
		whole++
		restored := t.TempDir()
		if err := os.Rename(filepath.Join(to, fmt.Sprint(i)), filepath.Join(restored, store.FileName)); err != nil {
			t.Fatal(err)
		}
		open(t, restored)
	}
	if whole == 0 {
		t.Error("all were refused")
	}
}

func TestOnlyTheNewestBackupsAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	others := []string{"dealbell-1.db", "dealbell-20261120T090000Z.db.gz", "dealbell.db", "notes.txt"}
	var backups []string
	for i := range 5 {
		backups = append(backups, store.BackupName(at.Add(time.Duration(i)*time.Hour)))
	}
	for _, name := range slices.Concat(others, backups) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := store.KeepBackups(dir, 2)
	if err != nil || !slices.Equal(gone, backups[:3]) {
		t.Errorf("KeepBackups = %q, %v; want %q", gone, err, backups[:3])
	}
	want := slices.Sorted(slices.Values(slices.Concat(others, backups[3:])))
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("left: %q, want %q", got, want)
	}
	if gone, err := store.KeepBackups(dir, 10); err != nil || len(gone) != 0 {
		t.Errorf("KeepBackups = %q, %v; want nothing gone", gone, err)
	}
}
