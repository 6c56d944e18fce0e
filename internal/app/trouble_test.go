package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// Notion says that a create was saved although it failed: the page it names
// is the contact, however long queries take to show it.
func TestACreateThatWasSavedAllTheSameIsNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{QueryLag: time.Hour})
		w.notion.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{
			Match: sandbox.Match{Method: "POST", Path: "/v1/pages"}, Fault: sandbox.SavedButUnavailable,
		}}})
		w.start()
		for i := range 5 {
			w.accepted(person(i))
		}
		w.settle(10 * time.Minute)
		w.checkContacts(5)
		w.stop()
	})
}

func TestATrashedOrDeletedContactIsLeftAloneAndMadeAnew(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*sandbox.Workspace, string){
		"trashed": (*sandbox.Workspace).Trash, "deleted": (*sandbox.Workspace).Purge,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				w.start()
				w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana"})
				w.settle(time.Minute)
				old := w.onlyContact()
				remove(w.notion, old.ID)
				w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana", "message": "still here"})
				w.settle(time.Minute)
				if got := w.onlyContact(); got.ID == old.ID || !strings.Contains(strings.Join(got.Blocks, " "), "still here") {
					t.Errorf("contact %+v, want a new page with the message", got)
				}
				for _, row := range w.notion.Rows(w.crm.Contacts) {
					if row.ID == old.ID && (!row.InTrash || len(row.Blocks) != len(old.Blocks)) {
						t.Errorf("the trashed page was written to or taken out of the trash: %+v", row)
					}
				}
				w.stop()
			})
		})
	}
}

func TestWhatNotionRefusesIsADeadLetterThatCanBeRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(map[string]string{"email": "before@example.com"})
		w.settle(time.Minute)
		w.notion.DropProperty(w.crm.Contacts, "Email")
		w.accepted(map[string]string{"email": "ana@example.com", "message": "do not lose me"})
		time.Sleep(time.Minute)
		dead := w.jobs(crm.JobDead)
		if len(dead) != 1 || !strings.Contains(dead[0].LastError, `has no property "Email"`) {
			t.Fatalf("dead letters %+v, want one that names the property", dead)
		}
		w.notion.AddProperty(w.crm.Contacts, sandbox.Property{Name: "Email", Type: "email"})
		w.retry(dead[0])
		w.settle(2 * time.Minute)
		if n := len(w.jobs(crm.JobDead)); n != 0 {
			t.Errorf("%d dead letters after the retry", n)
		}
		ana := w.contacts()[1]
		if ana.Values["Email"] != "ana@example.com" || !strings.Contains(strings.Join(ana.Blocks, " "), "do not lose me") {
			t.Errorf("contact %+v, want the lead of the dead letter", ana)
		}
		w.stop()
	})
}

func TestAPageWhoseEmailWasChangedIsAnotherPersons(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana"})
		w.settle(time.Minute)
		w.notion.EditRow(w.onlyContact().ID, map[string]any{"Email": "bob@example.com"})
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana", "message": "from ana"})
		w.accepted(map[string]string{"email": "bob@example.com", "message": "from bob"})
		w.settle(time.Minute)
		rows := w.contacts()
		if len(rows) != 2 {
			t.Fatalf("%d contacts, want 2", len(rows))
		}
		for i, want := range []string{"from bob", "from ana"} {
			if text := strings.Join(rows[i].Blocks, " "); len(rows[i].Blocks) != 1 || !strings.Contains(text, want) {
				t.Errorf("%s: page says %q, want only %q", rows[i].Values["Email"], text, want)
			}
		}
		w.stop()
	})
}

// twist lets the network answer instead of Notion until the returned func is
// called.
func (w *world) twist(answer func(*http.Request) (int, string)) (mend func()) {
	w.wire.twist.Store(&answer)
	return func() { w.wire.twist.Store(nil) }
}

const refusal = `{"object":"error","status":400,"code":"validation_error","message":"This is refused.","request_id":"r"}`

func TestADeadLetterTakesAllOpenLeadsOfItsContactAlong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.settle(time.Minute)
		w.notion.SetUnreachable(true)
		for i := range 90 { // more than one run takes
			w.accepted(map[string]string{"email": "ana@example.com", "message": fmt.Sprintf("message <%d>", i)})
		}
		mend := w.twist(func(r *http.Request) (int, string) {
			if r.Method == http.MethodPost && r.URL.Path == "/v1/pages" {
				return http.StatusBadRequest, refusal
			}
			return 0, ""
		})
		w.notion.SetUnreachable(false)
		time.Sleep(10 * time.Minute)
		dead := w.jobs(crm.JobDead)
		if len(dead) != 1 || w.status().OpenLeads != 0 {
			t.Fatalf("%d dead letters and %d open leads, want one and none", len(dead), w.status().OpenLeads)
		}
		mend()
		w.retry(dead[0])
		w.settle(10 * time.Minute)
		kept := strings.Join(w.onlyContact().Blocks, "\n") + "\n"
		for i := range 90 {
			if n := strings.Count(kept, fmt.Sprintf("message <%d>\n", i)); n != 1 {
				t.Errorf("message %d is kept %d times, want once", i, n)
			}
		}
		w.stop()
	})
}

func TestLeadsThatNoJobWorksOnAreFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.settle(time.Minute)
		w.notion.SetUnreachable(true)
		w.accepted(person(1))
		w.stop()
		w.attached(func(db *store.DB) error { // what no code should do
			jobs, err := db.Jobs(context.Background(), store.JobFilter{Kind: "lead.upsert"})
			if err != nil || len(jobs) != 1 {
				return fmt.Errorf("jobs %v: %w", jobs, err)
			}
			_, _, err = db.Turn(context.Background(), []crm.End{{Job: jobs[0]}}, crm.Room{})
			return err
		})
		w.notion.SetUnreachable(false)
		w.start()
		w.settle(10 * time.Minute)
		w.onlyContact()
		w.stop()
	})
}

func TestReplayingAFinishedLeadKeepsItsMessageOnce(t *testing.T) {
	t.Parallel()
	for _, activities := range []bool{false, true} {
		t.Run(fmt.Sprintf("activities database %v", activities), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				w.activities = activities
				w.start()
				var answer struct{ ID string }
				if err := json.Unmarshal(w.submit(map[string]string{"email": "ana@example.com", "message": "hello"}).Body.Bytes(), &answer); err != nil {
					t.Fatal(err)
				}
				w.settle(time.Minute)
				w.attached(func(db *store.DB) error {
					return db.Reopen(context.Background(), answer.ID, lead.UpsertJob("ana@example.com"))
				})
				w.settle(time.Minute)
				blocks, rows := len(w.onlyContact().Blocks), len(w.notion.Rows(w.crm.Activities))
				if blocks+rows != 1 {
					t.Errorf("%d paragraphs and %d activities, want the message once", blocks, rows)
				}
				w.stop()
			})
		})
	}
}

// While the database is not shared, everything looks deleted. Afterwards the
// contact is still known, in the spelling that a person gave it.
func TestALossOfAccessMakesNobodyNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.notion.AddRow(w.crm.Contacts, map[string]any{"Email": "ANA@Example.com"})
		w.start()
		w.settle(time.Minute)
		time.Sleep(time.Minute)
		mend := w.twist(func(r *http.Request) (int, string) {
			return http.StatusNotFound, `{"object":"error","status":404,"code":"object_not_found","message":"Could not find it."}`
		})
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana", "message": "hello"})
		time.Sleep(5 * time.Minute)
		mend()
		w.settle(time.Hour)
		if got := w.onlyContact(); got.Values["Name"] != "Ana" {
			t.Errorf("contact %+v, want the one that was there, with its blank filled", got)
		}
		w.stop()
	})
}

// A page that was out of reach for a while is looked for in the spelling that
// it had, which the lead does not know.
func TestAPageThatComesBackIsTheContactAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		page := w.notion.AddRow(w.crm.Contacts, map[string]any{"Email": "ANA@Example.com"})
		w.start()
		w.settle(time.Minute)
		time.Sleep(time.Minute)
		var back atomic.Bool
		mend := w.twist(func(r *http.Request) (int, string) {
			switch {
			case back.Load() && r.URL.Path != "/v1/pages":
			case strings.HasSuffix(r.URL.Path, page):
				return http.StatusNotFound, `{"object":"error","status":404,"code":"object_not_found","message":"Could not find it."}`
			case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/query"):
				return http.StatusOK, `{"object":"list","results":[],"has_more":false,"next_cursor":null}`
			case r.Method == http.MethodPost:
				return http.StatusTooManyRequests, `{"object":"error","status":429,"code":"rate_limited","message":"Later."}`
			}
			return 0, ""
		})
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana"})
		time.Sleep(time.Minute)
		back.Store(true)
		time.Sleep(time.Minute) // a create that was under way has to look again
		mend()
		w.settle(time.Hour)
		if got := w.onlyContact(); got.ID != page || got.Values["Name"] != "Ana" {
			t.Errorf("contact %+v, want the page that came back", got)
		}
		w.stop()
	})
}

func TestAContactThatWasMovedToAnotherDatabaseIsMadeAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana"})
		w.settle(time.Minute)
		moved := w.onlyContact().ID
		w.notion.Purge(moved) // from Contacts; the archive answers for it
		w.twist(func(r *http.Request) (int, string) {
			if !strings.HasSuffix(r.URL.Path, moved) {
				return 0, ""
			}
			if r.Method == http.MethodPatch {
				return http.StatusBadRequest, refusal
			}
			return http.StatusOK, `{"object":"page","id":"` + moved + `","parent":{"type":"data_source_id","data_source_id":"` + w.crm.Deals.DataSourceID + `"},"properties":{}}`
		})
		w.accepted(map[string]string{"email": "Ana@example.com", "name": "Ana"})
		w.settle(time.Minute)
		if got := w.onlyContact(); got.ID == moved || len(w.jobs(crm.JobDead)) != 0 {
			t.Errorf("contact %+v, %d dead letters; want a new page", got, len(w.jobs(crm.JobDead)))
		}
		w.stop()
	})
}

func TestAnAnswerThatGotLostStillSaysCreated(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{QueryLag: 3 * time.Second})
		w.start()
		w.settle(time.Minute)
		w.notion.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{
			Match: sandbox.Match{Method: "POST", Path: "/v1/pages"}, Nth: 1, Fault: sandbox.ResetAfter,
		}}})
		w.notion.RenameOption(w.crm.Contacts, "Status", "New lead", "Fresh")
		time.Sleep(30 * time.Hour) // the daily reconcile reads the schema again
		answer := w.submit(map[string]string{"email": "ana@example.com"}, "Prefer", "wait=20")
		if want := `{"status":"created","id":"` + w.onlyContact().ID + `"}`; answer.Code != 200 || strings.TrimSpace(answer.Body.String()) != want {
			t.Errorf("got %d %s, want 200 %s", answer.Code, answer.Body, want)
		}
		if n := w.status().LeftoverSum; n != 1 {
			t.Errorf("%d leftovers, want the status of a new lead", n)
		}
		w.stop()
	})
}
