package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/importer"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// creates reports whether a request would make a page that names something.
func creates(r *http.Request, what string) bool {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/pages") {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && strings.Contains(string(body), what)
}

// importing runs a test beside a daemon that has read all; yaml is part of its
// configuration.
func importing(t *testing.T, test func(*world), yaml ...string) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{Latency: 100 * time.Millisecond})
		w.yaml += strings.Join(yaml, "\n")
		w.start()
		w.settle(time.Minute)
		time.Sleep(time.Minute)
		test(w)
		w.stop()
	})
}

func (w *world) row(email string) sandbox.Row {
	w.t.Helper()
	for _, row := range w.contacts() {
		if strings.EqualFold(row.Values["Email"], email) {
			return row
		}
	}
	w.t.Errorf("there is no %s", email)
	return sandbox.Row{}
}

func TestARowThatNotionRefusesHoldsUpNoOther(t *testing.T) {
	importing(t, func(w *world) {
		defer w.twist(func(r *http.Request) (int, string) {
			if creates(r, "carl@") {
				return http.StatusBadRequest, refusal
			}
			return 0, ""
		})()
		id := w.imports(smallFile)
		in := w.imported(id, 10*time.Minute)
		if in.State != crm.ImportDone || in.Created != 4 || in.Rejected != 1 {
			w.t.Errorf("%+v, want 4 created and 1 rejected", in)
		}
		w.attached(func(db *store.DB) error {
			rejects, err := db.ImportRejects(context.Background(), id)
			if len(rejects) != 1 || rejects[4] == "" {
				w.t.Errorf("rejects %v, want line 4 with a reason", rejects)
			}
			return err
		})
		if len(w.jobs(crm.JobDead)) != 0 {
			w.t.Error("a rejected row became a dead letter")
		}
	})
}

func TestARowThatFailsIsTriedLessAndLessOften(t *testing.T) {
	importing(t, func(w *world) {
		var mu sync.Mutex
		tries := 0
		restore := w.twist(func(r *http.Request) (int, string) {
			if !creates(r, "carl@") {
				return 0, ""
			}
			mu.Lock()
			defer mu.Unlock()
			tries++
			return http.StatusConflict, `{"object":"error","status":409,"code":"conflict_error","message":"try again"}`
		})
		id := w.imports(smallFile)
		time.Sleep(time.Hour)
		mu.Lock()
		if tries > 40 {
			w.t.Errorf("one row was tried %d times in an hour", tries)
		}
		mu.Unlock()
		restore()
		if in := w.imported(id, 2*time.Hour); in.Created != 5 {
			w.t.Errorf("%+v, want 5 created", in)
		}
	})
}

func TestARefusedTokenStopsAnImportUntilItIsMended(t *testing.T) {
	importing(t, func(w *world) {
		w.notion.SetToken("another")
		w.attached(func(db *store.DB) error { // somebody else hears it first, and then nobody is asked
			return db.Apply(context.Background(), crm.Commit{Jobs: []crm.Job{pollNow(w.crm.Contacts.ID)}})
		})
		time.Sleep(10 * time.Second)
		id := w.imports(smallFile)
		in := w.imported(id, 10*time.Minute)
		if in.State != crm.ImportStopped || in.Open() != 5 || in.Reason == "" {
			w.t.Errorf("%+v, want it stopped with a reason", in)
		}
		w.notion.SetToken("token")
		time.Sleep(10 * time.Minute)
		if len(w.contacts()) != 0 {
			w.t.Error("a stopped import went on by itself")
		}
		w.attached(func(db *store.DB) error {
			return db.RunImport(context.Background(), id, importer.FeedJob(id, time.Time{}))
		})
		if in := w.imported(id, 10*time.Minute); in.State != crm.ImportDone || in.Created != 5 {
			w.t.Errorf("%+v, want 5 created", in)
		}
	})
}

func TestAnImportStopsWhenAPropertyIsNoLongerWhatItsFileFills(t *testing.T) {
	for name, change := range map[string]func(*world){
		"gone":     func(w *world) { w.notion.DropProperty(w.crm.Contacts, "Company") },
		"retyped":  func(w *world) { w.notion.RetypeProperty(w.crm.Contacts, "Company", "number") },
		"mistaken": func(w *world) { w.notion.RetypeProperty(w.crm.Contacts, "Company", "checkbox") },
	} {
		t.Run(name, func(t *testing.T) {
			importing(t, func(w *world) {
				id := w.imports(people(50))
				time.Sleep(5 * time.Second)
				change(w)
				in := w.imported(id, 10*time.Minute)
				if in.State != crm.ImportStopped || in.Rejected != 0 || in.Open() == 0 || !strings.Contains(in.Reason, `"Contacts"`) {
					w.t.Errorf("%+v, want it stopped, and no row rejected", in)
				}
			})
		})
	}
}

func TestWhatPeopleDoMeanwhileIsHonoured(t *testing.T) {
	importing(t, func(w *world) {
		known := w.notion.AddRow(w.crm.Contacts, map[string]any{"Name": "By hand", "Email": "p00199@example.com"})
		time.Sleep(6 * time.Minute)
		id := w.imports(people(200))
		time.Sleep(20 * time.Second)
		w.notion.AddRow(w.crm.Contacts, map[string]any{"Name": "Meanwhile", "Email": "P00198@example.com"})
		w.notion.EditRow(known, map[string]any{"Company": "Set by hand"})
		w.attached(func(db *store.DB) error { // as an event would
			return db.Apply(context.Background(), crm.Commit{Jobs: []crm.Job{pollNow(w.crm.Contacts.ID)}})
		})
		in := w.imported(id, time.Hour)
		if in.Created != 198 || in.Updated != 1 || in.Unchanged != 1 {
			w.t.Errorf("%+v", in)
		}
		if row := w.row("p00198@example.com"); row.Values["Name"] != "Meanwhile" || row.Values["Company"] != "ACME 2" {
			w.t.Errorf("%v, want the name by hand, and the company", row.Values)
		}
		if row := w.row("p00199@example.com"); row.Values["Company"] != "Set by hand" {
			w.t.Errorf("%v, want the company by hand", row.Values)
		}
		if len(w.contacts()) != 200 {
			w.t.Errorf("%d contacts, want 200", len(w.contacts()))
		}
	})
}

func TestAnImportLooksEveryFewMinutesWherePollsAreRare(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	importing(t, func(w *world) {
		known := w.notion.AddRow(w.crm.Contacts, map[string]any{"Name": "By hand", "Email": "p01499@example.com"})
		w.attached(func(db *store.DB) error {
			return db.Apply(context.Background(), crm.Commit{Jobs: []crm.Job{pollNow(w.crm.Contacts.ID)}})
		})
		time.Sleep(time.Minute)
		id := w.imports(people(1500)) // for ten minutes
		time.Sleep(20 * time.Second)
		w.notion.EditRow(known, map[string]any{"Company": "Set by hand"})
		if in := w.imported(id, time.Hour); in.Created != 1499 || in.Unchanged != 1 {
			w.t.Errorf("%+v", in)
		}
		if row := w.row("p01499@example.com"); row.Values["Company"] != "Set by hand" {
			w.t.Errorf("%v, want the company by hand", row.Values)
		}
	}, "contacts: {poll: 1h}")
}

func TestALeadThatWaitsBehindARowMakesItUrgent(t *testing.T) {
	importing(t, func(w *world) {
		id := w.imports(people(100))
		time.Sleep(5 * time.Second)
		began := time.Now()
		if answer := w.submit(map[string]string{"email": "P00090@example.com", "name": "Live", "message": "hi"}, "Prefer", "wait=30"); answer.Code != 200 {
			w.t.Errorf("%d %s", answer.Code, answer.Body)
		}
		if took := time.Since(began); took > 4*time.Second {
			w.t.Errorf("the lead took %v", took)
		}
		w.imported(id, time.Hour)
		if row := w.row("p00090@example.com"); !strings.Contains(fmt.Sprint(row.Values, row.Blocks), "hi") || row.Values["Company"] == "" || len(w.contacts()) != 100 {
			w.t.Errorf("%v, and %d contacts", row, len(w.contacts()))
		}
	})
}

func TestForgettingCoversRowsThatWait(t *testing.T) {
	importing(t, func(w *world) {
		id := w.imports(people(100))
		time.Sleep(5 * time.Second)
		w.attached(func(db *store.DB) error {
			ctx := context.Background()
			if err := db.PauseImport(ctx, id, "interrupted"); err != nil {
				return err
			}
			time.Sleep(5 * time.Second)
			kept, err := db.Export(ctx, w.email("p00090@example.com"), "")
			if err != nil || len(kept.Tables["import_rows"]) != 1 {
				return errors.Join(err, fmt.Errorf("the export holds %v", kept.Tables))
			}
			_, err = db.Forget(ctx, store.Oblivion{Email: w.email("p00090@example.com")})
			return err
		})
		if w.knows("p00090@example.com") || !w.knows("p00091@example.com") {
			w.t.Error("want the one forgotten, and no other")
		}
		w.attached(func(db *store.DB) error {
			return db.RunImport(context.Background(), id, importer.FeedJob(id, time.Time{}))
		})
		if in := w.imported(id, time.Hour); in.State != crm.ImportDone || in.Created != 99 || len(w.contacts()) != 99 {
			w.t.Errorf("%+v, %d contacts; want all but the one", in, len(w.contacts()))
		}
	})
}

func TestAFullWorkspaceStopsAnImport(t *testing.T) {
	importing(t, func(w *world) {
		w.notion.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Match: sandbox.Match{Method: http.MethodPost, Path: "/v1/pages"}, Fault: sandbox.BlockLimit}}})
		in := w.imported(w.imports(smallFile), 10*time.Minute)
		if in.State != crm.ImportStopped || in.Open() != 5 || in.Reason == "" {
			w.t.Errorf("%+v, want it stopped with a reason", in)
		}
	})
}

// TestDealsAreFoundByTheirTitle brings rows into a database without keys, while
// answers get lost.
func TestDealsAreFoundByTheirTitle(t *testing.T) {
	t.Parallel()
	for lost := range 3 { // all answers to creates, the first one, the second one
		synctest.Test(t, func(t *testing.T) {
			s := newSales(t, sandbox.Options{Latency: 100 * time.Millisecond, QueryLag: 5 * time.Second}, sandbox.DeliveryPlan{})
			s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": "Known deal", "Stage": "Negotiation"})
			time.Sleep(time.Minute)
			s.start()
			time.Sleep(time.Minute)
			s.notion.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{
				{Match: sandbox.Match{Method: http.MethodPost, Path: "/v1/pages"}, Nth: lost, Fault: sandbox.ResetAfter},
			}})
			s.importDeals()
			s.stop()
		})
	}
}

func (s *sales) importDeals() {
	s.t.Helper()
	const file = "Deal;Stage;Value;Owner\nKNOWN DEAL;Won;1.500,50;Ana\nNew deal;Won;7;Ana\nNewer deal;Won;8;\nnew deal ;;9;\n"
	deals := func(w *importer.Wish) {
		s.attached(func(db *store.DB) (err error) {
			w.Schema, _, err = db.Schema(context.Background(), s.crm.Deals.ID)
			return err
		})
		w.Key, w.Contacts, w.Map = w.Schema.Title(), false, []string{"Deal=Deal Name"}
	}
	if in := s.imported(s.imports(file, deals), 10*time.Minute); in.State != crm.ImportDone || in.Created != 2 || in.Updated != 1 {
		s.t.Errorf("%+v, want two created and one updated", in)
	}
	time.Sleep(10 * time.Minute)
	var got []string
	for _, row := range s.notion.Rows(s.crm.Deals) {
		got = append(got, row.Values["Deal Name"]+" "+row.Values["Stage"]+" "+row.Values["Value"])
	}
	slices.Sort(got)
	if want := []string{"Known deal Negotiation 1500.5", "New deal Won 7", "Newer deal Won 8"}; !slices.Equal(got, want) {
		s.t.Errorf("%q, want %q", got, want)
	}
	if n := len(s.slack.Messages("sales")); n != 0 {
		s.t.Errorf("%d messages: what is imported rings nothing", n)
	}
	s.attached(func(db *store.DB) error {
		if p := s.plan(db, file, deals); p.Writes() != 0 || p.Unchanged != 3 {
			s.t.Errorf("a second run: %+v", p)
		}
		return nil
	})
}

// pollNow reads what changed.
func pollNow(database string) crm.Job { return poll.Job(database, time.Time{}) }
