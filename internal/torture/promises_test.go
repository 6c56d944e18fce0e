package torture

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// inspect opens the state directory of a daemon that is not running.
func inspect(tb testing.TB, dir string, look func(*store.DB)) {
	tb.Helper()
	if running, err := store.Running(dir); running || err != nil {
		tb.Fatalf("Running: %v, %v, want false", running, err)
	}
	db, err := store.Attach(tb.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	look(db)
	if err := db.Close(); err != nil {
		tb.Errorf("Close: %v", err)
	}
}

// inbox reads all bodies by the id of their delivery.
func inbox(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	db := openFile(tb, dir)
	defer db.Close()
	rows, err := db.QueryContext(tb.Context(), `select id, body from inbox`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	bodies := map[string]string{}
	for rows.Next() {
		var id, body string
		if err := rows.Scan(&id, &body); err != nil {
			tb.Fatal(err)
		}
		bodies[id] = body
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return bodies
}

// checkInbox fails unless every acknowledged lead is in the inbox with its
// body, and every one that is open has a job that will work on it.
func (f *flood) checkInbox(tb testing.TB, dir string) (open int) {
	tb.Helper()
	stored := inbox(tb, dir)
	for id, want := range f.promised() {
		if got := stored[id]; got != want {
			tb.Errorf("acknowledged lead %s is in the inbox as %q, want %q", id, got, want)
		}
	}
	inspect(tb, dir, func(db *store.DB) {
		jobs, err := db.Jobs(tb.Context(), store.JobFilter{Limit: 1_000_000})
		if err != nil {
			tb.Fatal(err)
		}
		alive := map[string]bool{}
		for _, j := range jobs {
			if j.State == crm.JobDead {
				tb.Errorf("job %d is dead: %s", j.ID, j.LastError)
			}
			alive[j.Key] = true
		}
		for who := range f.people {
			key := person(who).key()
			pending, err := db.Pending(tb.Context(), key, 1_000_000)
			if err != nil {
				tb.Fatal(err)
			}
			if open += len(pending); len(pending) > 0 && !alive[key] {
				tb.Errorf("%d leads of %s are open and have no job", len(pending), key)
			}
		}
		sum, err := db.Summarise(tb.Context())
		if err != nil || sum.Open != open {
			tb.Errorf("Summarise: %d open leads, %v, want %d", sum.Open, err, open)
		}
	})
	return open
}

// openFile opens the database with nothing of ours in between.
func openFile(tb testing.TB, dir string) *sql.DB {
	tb.Helper()
	db, err := openSQL(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

func openSQL(dir string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+filepath.Join(dir, store.FileName)+"?_query_only=1")
}

// sound is what a database looks like that is not damaged and does not
// contradict itself.
var sound = map[string]string{
	`pragma integrity_check`:                            "ok",
	`select count(*) - count(distinct body) from inbox`: "0",
	`select count(*) - count(distinct key) from jobs where key <> '' and state in ('ready', 'running', 'waiting')`: "0",
	`select count(*) - count(distinct key) from snapshots where key <> '' and trashed = 0`:                         "0",
	`select count(*) from idempotency where delivery not in (select id from inbox)`:                                "0",
	`select count(*) from inbox where state in ('queued', 'noting') and key not in (select key from jobs)`:         "0",
}

// damage says what is wrong with a database.
func damage(ctx context.Context, db *sql.DB) (errs error) {
	for query, want := range sound {
		var got string
		if err := db.QueryRowContext(ctx, query).Scan(&got); err != nil || got != want {
			errs = errors.Join(errs, fmt.Errorf("%s: got %q, %w, want %q", query, got, err, want))
		}
	}
	return errs
}

func checkFile(tb testing.TB, dir string) {
	tb.Helper()
	db := openFile(tb, dir)
	defer db.Close()
	if err := damage(tb.Context(), db); err != nil {
		tb.Error(err)
	}
}

// checkOnePagePerPerson fails when two rows are the same person.
func checkOnePagePerPerson(tb testing.TB, notion *workspace) {
	tb.Helper()
	pages := map[string]string{}
	for _, row := range notion.live() {
		email, err := crm.ParseEmail(row.Values["Email"])
		if err != nil {
			tb.Errorf("page %s: %q: %v", row.ID, row.Values["Email"], err)
		}
		if first, taken := pages[email.Key]; taken {
			tb.Errorf("%s has two pages: %s and %s", email.Key, first, row.ID)
		}
		pages[email.Key] = row.ID
	}
}

var noted = regexp.MustCompile(`message-(\d{5})\.`)

// finished reads which deliveries are in Notion, as far as the daemon knows.
func finished(tb testing.TB, dir string) map[string]bool {
	tb.Helper()
	db := openFile(tb, dir)
	defer db.Close()
	rows, err := db.QueryContext(tb.Context(), `select id from inbox where state = 'done'`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	ids := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			tb.Fatal(err)
		}
		ids[id] = true
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return ids
}

// checkMessages fails unless every acknowledged message that is done is on its
// sender's page exactly once. Others may be there, but not twice either. Call
// it after the flood has ended.
func (f *flood) checkMessages(tb testing.TB, notion *workspace, done map[string]bool) {
	tb.Helper()
	times := map[int]int{}
	for _, row := range notion.live() {
		email, _ := crm.ParseEmail(row.Values["Email"]) // checkOnePagePerPerson reports
		for _, block := range row.Blocks {
			for _, found := range noted.FindAllStringSubmatch(block, -1) {
				n, _ := strconv.Atoi(found[1])
				if times[n]++; f.owner[n].key() != email.Key {
					tb.Errorf("message %d of %s is on the page of %s", n, f.owner[n].key(), email.Key)
				}
			}
		}
	}
	for n := range f.bodies {
		id, promised := f.acks[n]
		if times[n] > 1 || promised && done[id] && times[n] == 0 {
			tb.Errorf("message %d (acknowledged: %v, done: %v) is on a page %d times", n, promised, done[id], times[n])
		}
	}
}
