package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// backup does what "dealbell backup" does.
func (w *world) backup() (file string) {
	w.t.Helper()
	file = filepath.Join(w.t.TempDir(), "backup.db")
	if _, err := store.Back(context.Background(), w.dir, file); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// restore does what "dealbell restore" does. What files were written at is
// brought into the time of the test.
func (w *world) restore(file string) {
	w.t.Helper()
	now := time.Now()
	if err := filepath.WalkDir(w.dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, now, now)
	}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := store.Restore(context.Background(), store.Restoration{
		Dir: w.dir, File: file, Careful: lead.Careful, Related: w.config().Activities.ID, Log: slog.New(slog.DiscardHandler),
	}); err != nil {
		w.t.Fatal(err)
	}
}

// kept counts how often a message is kept, on pages and as activities.
func (w *world) kept(message string) (n int) {
	for _, row := range w.contacts() {
		n += strings.Count(strings.Join(row.Blocks, "\n")+"\n", message+"\n")
	}
	for _, row := range w.notion.Rows(w.crm.Activities) {
		if row.Values["Details"] == message {
			n++
		}
	}
	return n
}

// A backup from before most of it is restored at once, while Notion's queries
// do not show yet what was made last.
func TestAnOldBackupMakesNoSecondContactAndKeepsNoMessageTwice(t *testing.T) {
	t.Parallel()
	for _, activities := range []bool{false, true} {
		t.Run(fmt.Sprintf("activities database %v", activities), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{QueryLag: 20 * time.Second})
				w.activities = activities
				w.start()
				time.Sleep(time.Minute)
				lead := func(name string) map[string]string {
					return map[string]string{"email": name + "@example.com", "name": name, "message": "from " + name}
				}
				w.accepted(lead("ana"))
				w.settle(10 * time.Minute)
				w.notion.SetUnreachable(true)
				w.accepted(lead("bob"))
				w.accepted(lead("ana2")) // a message of somebody known, whose job waits as well
				time.Sleep(time.Minute)
				backup := w.backup()

				w.notion.SetUnreachable(false)
				time.Sleep(3 * time.Minute)
				w.accepted(lead("carl"))
				w.settle(10 * time.Minute)
				w.notion.AddRow(w.crm.Contacts, map[string]any{"Email": "DORA@Example.com"})
				w.accepted(lead("erin"))
				time.Sleep(5 * time.Second) // the page is made, and in no query
				w.settle(time.Minute)
				w.stop()
				before := len(w.contacts())

				w.restore(backup)
				w.start()
				for _, name := range []string{"ana", "bob", "ana2", "carl", "dora", "erin"} {
					if answer := w.submit(lead(name)); answer.Code != http.StatusAccepted {
						t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
					}
				}
				w.settle(10 * time.Minute)
				if got := len(w.contacts()); got != before {
					t.Errorf("%d contacts, want the %d that there were before the restore", got, before)
				}
				// What was in the backup is known to be the same delivery; what
				// came after it cannot be.
				for name, want := range map[string]int{"ana": 1, "bob": 1, "ana2": 1, "carl": 2, "dora": 1, "erin": 2} {
					if got := w.kept("from " + name); got != want {
						t.Errorf("the message of %s is kept %d times, want %d", name, got, want)
					}
				}
				if dead := w.jobs(crm.JobDead); len(dead) > 0 {
					t.Errorf("dead letters: %+v", dead)
				}
				w.stop()
			})
		})
	}
}

// notBegun makes a backup one of a moment earlier, before any create was
// begun.
func notBegun(t *testing.T, backup string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+backup)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`pragma journal_mode = delete; delete from intents`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// The job that keeps a message as an activity was in the backup, and done
// since.
func TestAnActivityThatWasMadeAfterTheBackupIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.activities = true
		w.start()
		time.Sleep(time.Minute)
		mend := w.twist(func(r *http.Request) (int, string) {
			if r.Method == http.MethodPost && r.URL.Path == "/v1/pages" && len(w.contacts()) > 0 {
				return http.StatusServiceUnavailable, `{"object":"error","status":503,"code":"service_unavailable","message":"Later."}`
			}
			return 0, ""
		})
		w.accepted(person(1))
		time.Sleep(time.Second)
		if len(w.contacts()) != 1 || w.kept("message of 1") != 0 {
			t.Fatal("the contact should be made and its message not be kept yet")
		}
		backup := w.backup()
		notBegun(t, backup)
		mend()
		w.settle(time.Hour)
		if got := w.kept("message of 1"); got != 1 {
			t.Fatalf("the message is kept %d times before the restore", got)
		}
		w.stop()
		w.restore(backup)
		w.start()
		w.settle(time.Hour)
		if got := w.kept("message of 1"); got != 1 {
			t.Errorf("the message is kept %d times, want once", got)
		}
		w.stop()
	})
}

func TestAfterARestoreNothingRingsTwice(t *testing.T) {
	inSales(t, sandbox.Options{}, sandbox.DeliveryPlan{}, func(s *sales) {
		deals := s.negotiating("One", "Two", "Three")
		s.start()
		time.Sleep(time.Minute)
		s.slack.SetDown(true)
		s.win(deals["One"]) // waits to be sent
		time.Sleep(time.Minute)
		backup := s.backup()
		s.slack.SetDown(false)
		time.Sleep(10 * time.Minute)
		s.win(deals["Two"])
		time.Sleep(10 * time.Minute)
		s.heard(won("One"), won("Two"))
		s.stop()
		s.restore(backup)
		s.start()
		time.Sleep(30 * time.Minute) // polls see Two again
		s.heard(won("One"), won("Two"))
		if maybe := s.status().Outbox.Maybe; maybe != 2 {
			t := s.t
			t.Errorf("%d messages are listed as maybe sent, want both", maybe)
		}
		s.win(deals["Three"])
		time.Sleep(10 * time.Minute)
		s.heard(won("One"), won("Two"), won("Three"))
		s.stop()
	})
}

// Rows that were open in the backup, waiting or given up, and made since.
func TestARowThatWasMadeAfterTheBackupIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		db := w.feedback()
		w.yaml = fmt.Sprintf(feedbackForm, db.ID)
		w.start()
		time.Sleep(time.Minute)
		mend := w.twist(func(r *http.Request) (int, string) {
			if r.Method == http.MethodPost && r.URL.Path == "/v1/pages" {
				return http.StatusBadRequest, refusal
			}
			return 0, ""
		})
		w.taken("/hooks/bugs", `{"summary":"given up"}`)
		w.settle(time.Hour)
		mend()
		w.notion.SetUnreachable(true)
		w.taken("/hooks/bugs", `{"summary":"waiting"}`)
		time.Sleep(time.Minute)
		backup := w.backup()

		again := func() {
			for _, j := range w.jobs(crm.JobDead) {
				w.retry(j)
			}
			w.settle(time.Hour)
			if rows := w.notion.Rows(db); len(rows) != 2 {
				t.Errorf("%d rows, want 2", len(rows))
			}
		}
		w.notion.SetUnreachable(false)
		again()
		w.stop()
		w.restore(backup)
		w.start()
		defer w.stop()
		again()
	})
}

func TestASubmissionThatWasReleasedAfterTheBackupKeepsItsMessageOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.yaml = "forms: {contact: {browser: true, origins: [https://www.example.com]}}\n"
		w.start()
		time.Sleep(time.Minute)
		w.taken("/forms/contact", `{"email":"ana@example.com","message":"held"}`)
		backup := w.backup()
		release := func() {
			w.attached(func(db *store.DB) error {
				held, err := db.Held(t.Context())
				for _, d := range held {
					if err == nil {
						err = db.Admit(t.Context(), d.ID, w.config().LeadForms()["contact"].Job(d.ID, d.Key))
					}
				}
				return err
			})
			w.settle(time.Hour)
			if got := w.kept("held"); got != 1 {
				t.Errorf("the message is kept %d times, want once", got)
			}
		}
		release()
		w.stop()
		w.restore(backup)
		w.start()
		defer w.stop()
		release()
	})
}
