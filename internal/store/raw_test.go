package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/dealbell/dealbell/internal/store"
)

// raw opens the database with nothing of ours in between.
func raw(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, store.FileName)+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}
