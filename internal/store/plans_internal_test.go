package store

import (
	"context"
	"database/sql"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// SQLite uses a partial index only where the statement repeats the index's
// condition. One that forgets it reads the whole table, which is not seen
// until the queue is long.
func TestNoStatementOfTheQueueReadsTheWholeTable(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	work(t, db)
	statements := slices.Sorted(maps.Keys(db.writes.statements))
	if err := db.write(t.Context(), func(tx *tx) error {
		for _, s := range statements {
			for _, step := range plan(t, tx, s) {
				if strings.HasPrefix(step, "SCAN jobs") && !strings.Contains(step, "INDEX") || strings.HasPrefix(step, "SCAN inbox") {
					t.Errorf("%s\n\t%s", s, step)
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// explained runs each statement, and remembers how.
type explained struct {
	*sql.Tx
	steps []string
}

func (e *explained) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := e.Tx.QueryContext(ctx, "explain query plan "+query, args...)
	if err := each(rows, err, func(r *sql.Rows) error {
		var id, parent, unused int
		var detail string
		err := r.Scan(&id, &parent, &unused, &detail)
		e.steps = append(e.steps, detail)
		return err
	}); err != nil {
		return nil, err
	}
	return e.Tx.QueryContext(ctx, query, args...)
}

// The small tables of what is under way may be read through.
func TestAnAccountReadsNoTableThrough(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	work(t, db)
	for _, w := range []Whose{{Key: "a"}, {Page: "p"}, {Delivery: "one"}} {
		tx, err := db.reader.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		e := &explained{Tx: tx}
		if err := newAccount(e, w).collect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(e.steps) < 20 {
			t.Errorf("only %d steps are known", len(e.steps))
		}
		for _, step := range e.steps {
			table, found := strings.CutPrefix(step, "SCAN ")
			if table, _, _ = strings.Cut(table, " "); found && slices.Contains([]string{"inbox", "steps", "snapshots", "changes", "outbox", "jobs"}, table) {
				t.Errorf("%+v: %s", w, step)
			}
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

func TestChangesOfAPageOrPropertyAreFoundByIndex(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.write(t.Context(), func(tx *tx) error {
		for index, f := range map[string]ChangeFilter{
			"changes_page": {After: 7, Page: "p"}, "changes_property": {After: 7, Database: "d", Property: "s"}, "PRIMARY KEY": {After: 7},
		} {
			query, _ := changesQuery(f)
			if steps := plan(t, tx, query); !strings.Contains(strings.Join(steps, "\n"), index) {
				t.Errorf("%+v is read by %q, want %s", f, steps, index)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// work makes the queue run each of its statements.
func work(t *testing.T, db *DB) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	room := crm.Room{Notion: 1, Lanes: map[crm.Lane]int{crm.Live: 1}}
	job := crm.Job{Kind: "k", Key: "a", Unique: "a"}
	for _, body := range []string{"one", "two"} {
		_, err := db.Accept(t.Context(), Intake{Delivery: crm.Delivery{ID: body, Source: "lead", Key: "a", Body: []byte(body)}, Job: job})
		must(err)
	}
	for _, state := range []crm.JobState{crm.JobWaiting, crm.JobDead} {
		claimed, _, err := db.Turn(t.Context(), nil, room)
		must(err)
		dead := crm.Commit{Progress: []crm.Progress{{Delivery: "one", State: crm.DeliveryDead}}}
		_, _, err = db.Turn(t.Context(), []crm.End{{Job: claimed[0], State: state, At: time.Now().Add(-time.Second), Commit: dead}}, crm.Room{})
		must(err)
	}
	found, err := db.Jobs(t.Context(), JobFilter{State: crm.JobDead, Limit: 1})
	must(err)
	must(db.RetryJob(t.Context(), found[0]))
}

func plan(t *testing.T, tx *tx, statement string) []string {
	t.Helper()
	var steps []string
	args := make([]any, strings.Count(statement, "?"))
	rows, err := tx.conn.QueryContext(t.Context(), "explain query plan "+statement, args...)
	if err := each(rows, err, func(r *sql.Rows) error {
		var id, parent, unused int
		var detail string
		err := r.Scan(&id, &parent, &unused, &detail)
		steps = append(steps, detail)
		return err
	}); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return steps
}
