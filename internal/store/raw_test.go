package store_test

import (
	"database/sql"
	"path/filepath"
	"syscall"
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

// query calls visit with each row of a database that nobody else has to wait
// for afterwards.
func query(t *testing.T, dir, q string, visit func(columns []any)) {
	t.Helper()
	db := raw(t, dir)
	defer db.Close()
	rows, err := db.Query(q)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		visit(values)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func owner(t *testing.T, path string) (uid, gid uint32) {
	t.Helper()
	var info syscall.Stat_t
	if err := syscall.Stat(path, &info); err != nil {
		t.Fatal(err)
	}
	return info.Uid, info.Gid
}
