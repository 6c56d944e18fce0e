package store_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// someRows are rows of an import, from line 2 on.
func someRows(n int) []crm.ImportRow {
	var rows []crm.ImportRow
	for i := range n {
		rows = append(rows, crm.ImportRow{Line: i + 2, Key: "k", Wanted: map[string]crm.Value{"t": crm.Text(crm.KindTitle, "x")}, Sum: []byte{byte(i)}})
	}
	return rows
}

func beginImport(t *testing.T, db *store.DB, rows int) int64 {
	t.Helper()
	i := crm.Import{Database: contacts, File: []byte("file"), Property: "e", Rows: rows + 3, Unchanged: 2, Rejected: 1}
	id, err := db.BeginImport(t.Context(), i, slices.Values(someRows(rows)))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func runImport(t *testing.T, db *store.DB, id int64) {
	t.Helper()
	if err := db.RunImport(t.Context(), id, crm.Job{Kind: "import.feed", Lane: crm.Bulk}); err != nil {
		t.Fatal(err)
	}
}

func theImport(t *testing.T, db *store.DB, id int64) crm.Import {
	t.Helper()
	i, _, err := db.Import(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestAnImportEndsWithItsLastRow(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	id := beginImport(t, db, 3)
	if i := theImport(t, db, id); i.ID != 0 {
		t.Errorf("%+v is there before it may run", i)
	}
	runImport(t, db, id)
	ends := []crm.Imported{
		{Import: id, Line: 2, Outcome: crm.Created, Page: "p2"},
		{Import: id, Line: 3, Outcome: crm.Rejected, Reason: "no"},
		{Import: id, Line: 2, Outcome: crm.Created, Page: "p2"}, // once more, after a crash
	}
	if err := db.Apply(t.Context(), crm.Commit{Imported: ends}); err != nil {
		t.Fatal(err)
	}
	if i := theImport(t, db, id); i.State != crm.ImportRunning || i.Created != 1 || i.Rejected != 2 || i.Unchanged != 2 || i.Open() != 1 {
		t.Errorf("%+v", i)
	}
	rows, err := db.ImportRows(t.Context(), id, 10)
	if err != nil || len(rows) != 1 || rows[0].Line != 4 || rows[0].Wanted["t"].Text != "x" {
		t.Errorf("rows %+v, %v; want line 4", rows, err)
	}
	if _, found, err := db.ImportRow(t.Context(), id, 3); found || err != nil {
		t.Errorf("the rejected row is found %v, %v", found, err)
	}
	if err := db.Apply(t.Context(), crm.Commit{Imported: []crm.Imported{{Import: id, Line: 4, Outcome: crm.Updated, Page: "p4"}}}); err != nil {
		t.Fatal(err)
	}
	if i := theImport(t, db, id); i.State != crm.ImportDone || i.Updated != 1 || i.Open() != 0 {
		t.Errorf("%+v, want it done", i)
	}
	rejects, err := db.ImportRejects(t.Context(), id)
	if err != nil || len(rejects) != 1 || rejects[3] != "no" {
		t.Errorf("rejects %v, %v", rejects, err)
	}
	if err := db.EndImport(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if i, found, err := db.ImportInto(t.Context(), contacts); found || err != nil {
		t.Errorf("%+v is left, %v", i, err)
	}
}

func TestARowIsKnownByItsSumAsLongAsItsPageIsThere(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	id := beginImport(t, db, 1)
	runImport(t, db, id)
	seen := crm.Sight{Database: contacts, Key: "k", Page: crm.Page{ID: "p", EditedAt: time.Now()}, By: crm.SeenWrite, AskedAt: time.Now()}
	for _, c := range []struct {
		commit crm.Commit
		want   string
	}{
		{crm.Commit{}, ""},
		{crm.Commit{Imported: []crm.Imported{{Import: id, Line: 2, Outcome: crm.Created, Page: "p"}}}, ""},
		{crm.Commit{Sights: []crm.Sight{seen}}, "p"},
		{crm.Commit{Gone: []string{"p"}}, ""},
	} {
		if err := db.Apply(t.Context(), c.commit); err != nil {
			t.Fatal(err)
		}
		if page, err := db.ImportedPage(t.Context(), []byte{0}); err != nil || page != c.want {
			t.Errorf("after %+v: page %q, %v, want %q", c.commit, page, err, c.want)
		}
	}
}

func TestOneImportOfADatabaseAtATime(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	first := beginImport(t, db, 300) // in several transactions
	runImport(t, db, first)
	if rows, err := db.ImportRows(t.Context(), first, 1000); err != nil || len(rows) != 300 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	if _, err := db.BeginImport(t.Context(), crm.Import{Database: contacts, File: []byte("other")}, slices.Values(someRows(1))); !errors.Is(err, store.ErrImporting) {
		t.Errorf("beside one that runs: %v, want ErrImporting", err)
	}
	if err := db.PauseImport(t.Context(), first, "interrupted"); err != nil {
		t.Fatal(err)
	}
	if i := theImport(t, db, first); i.State != crm.ImportPaused || i.Reason != "interrupted" {
		t.Errorf("%+v", i)
	}
	second := beginImport(t, db, 2)
	runImport(t, db, second)
	rows, err := db.ImportRows(t.Context(), first, 10)
	if i := theImport(t, db, first); i.ID != 0 || len(rows) != 0 || err != nil {
		t.Errorf("%+v and %d of its rows are left, %v", i, len(rows), err)
	}
	if err := db.Apply(t.Context(), crm.Commit{Stops: []crm.ImportStop{{Import: second, Reason: "no"}}}); err != nil {
		t.Fatal(err)
	}
	if i := theImport(t, db, second); i.State != crm.ImportStopped || i.Reason != "no" {
		t.Errorf("%+v", i)
	}
}

func TestOfTwoImportsThatBeginAtOnceTheLaterRuns(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	var second int64
	first, err := db.BeginImport(t.Context(), crm.Import{Database: contacts, File: []byte("file"), Rows: 300}, func(yield func(crm.ImportRow) bool) {
		for i, row := range someRows(300) {
			if i == 250 {
				second = beginImport(t, db, 2)
			}
			if !yield(row) {
				return
			}
		}
	})
	if !errors.Is(err, store.ErrImporting) {
		t.Errorf("the earlier one: %d, %v, want ErrImporting", first, err)
	}
	runImport(t, db, second)
	if rows, err := db.ImportRows(t.Context(), second-1, 1000); len(rows) != 0 || err != nil {
		t.Errorf("%d rows of the earlier one are left, %v", len(rows), err)
	}
	if i := theImport(t, db, second); i.State != crm.ImportRunning {
		t.Errorf("the later one: %+v", i)
	}
	if err := db.RunImport(t.Context(), second-1, crm.Job{Kind: "import.feed"}); !errors.Is(err, store.ErrImporting) {
		t.Errorf("one that is gone runs: %v, want ErrImporting", err)
	}
}

func TestAnImportOfWhichOnlyAForgottenRowWasLeftIsDone(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	email, err := crm.ParseEmail("ana@example.com")
	if err != nil {
		t.Fatal(err)
	}
	row := crm.ImportRow{Line: 2, Key: email.Key, Sum: []byte("sum")}
	id, err := db.BeginImport(t.Context(), crm.Import{Database: contacts, File: []byte("file"), Rows: 1}, slices.Values([]crm.ImportRow{row}))
	if err != nil {
		t.Fatal(err)
	}
	runImport(t, db, id)
	if _, err := db.Forget(t.Context(), store.Oblivion{Email: email}); err != nil {
		t.Fatal(err)
	}
	if i := theImport(t, db, id); i.State != crm.ImportDone || i.Open() != 0 {
		t.Errorf("%+v, want it done, with nothing left", i)
	}
}

func TestAnImportThatNobodyGoesOnWithIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir())
		id := beginImport(t, db, 300)
		runImport(t, db, id)
		time.Sleep(31 * 24 * time.Hour)
		if err := errors.Join(db.Prune(t.Context(), time.Hour), db.PauseImport(t.Context(), id, "interrupted")); err != nil {
			t.Fatal(err)
		}
		if rows, err := db.ImportRows(t.Context(), id, 1000); len(rows) != 300 || err != nil {
			t.Errorf("%d rows of one that runs, %v", len(rows), err)
		}
		if err := db.Prune(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		if rows, err := db.ImportRows(t.Context(), id, 1000); len(rows) != 0 || err != nil || theImport(t, db, id).ID != 0 {
			t.Errorf("%d rows are left, %v", len(rows), err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What was written after the backup is not known, so nobody may rely on it.
func TestARestoredImportWaitsToBeAskedFor(t *testing.T) {
	t.Parallel()
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "backup.db")
	db := open(t, dir)
	id := beginImport(t, db, 1)
	runImport(t, db, id)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Back(t.Context(), dir, file); err != nil {
		t.Fatal(err)
	}
	restored := t.TempDir()
	restore(t, restored, file)
	if i := theImport(t, open(t, restored), id); i.State != crm.ImportPaused || i.Open() != 1 {
		t.Errorf("%+v, want it paused", i)
	}
}
