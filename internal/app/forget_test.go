package app_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
)

func (w *world) email(s string) crm.Email {
	w.t.Helper()
	e, err := crm.ParseEmail(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// forget does what "dealbell forget" does.
func (w *world) forget(o store.Oblivion) (r store.Removal) {
	w.t.Helper()
	w.attached(func(db *store.DB) (err error) {
		r, err = db.Forget(context.Background(), o)
		return err
	})
	return r
}

// eraser is that of "dealbell forget --notion".
func (w *world) eraser(db *store.DB) lead.Eraser {
	w.t.Helper()
	c := w.config()
	client, err := notion.New(context.Background(), notion.Options{Token: secret.New("token"), BaseURL: c.Notion.URL, Transport: w.wire, Rate: 10, Burst: 10})
	if err != nil {
		w.t.Fatal(err)
	}
	return lead.Eraser{Notion: client.Lane(crm.Live), Names: db, Contacts: c.Contacts.ID, Activities: c.Activities.ID, Mapping: c.Lead.Mapping()}
}

// knows reports whether the database's files hold a text.
func (w *world) knows(text string) bool {
	w.t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(filepath.Join(w.dir, store.FileName+suffix))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			w.t.Fatal(err)
		}
		if bytes.Contains(bytes.ToLower(content), []byte(strings.ToLower(text))) {
			return true
		}
	}
	return false
}

func (w *world) inTrash(db *sandbox.Database) (n int) {
	for _, row := range w.notion.Rows(db) {
		if row.InTrash {
			n++
		}
	}
	return n
}

func TestAPersonIsErasedInNotionWithAllActivities(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.activities = true
		w.start()
		for _, message := range []string{"one", "two"} {
			w.accepted(map[string]string{"email": "Ana@example.com", "message": message})
		}
		w.accepted(map[string]string{"email": "bob@example.com", "message": "three"})
		w.settle(time.Minute)
		rows := w.contacts()
		ana := rows[slices.IndexFunc(rows, func(r sandbox.Row) bool { return r.Values["Email"] == "Ana@example.com" })].ID
		byHand := w.notion.AddRow(w.crm.Activities, map[string]any{"Name": "Call", "Contact": []string{ana}})
		w.notion.AddRow(w.crm.Contacts, map[string]any{"Email": "ANA@EXAMPLE.COM"})
		w.notion.AddRow(w.crm.Contacts, map[string]any{"Email": "joana@example.com"})

		known := lead.Known{Email: w.email("ana@example.com"), Spellings: []string{"ana@example.com", "Ana@example.com"}, Pages: []string{ana}}
		w.attached(func(db *store.DB) error {
			eraser := w.eraser(db)
			found, err := eraser.Find(context.Background(), known)
			if err != nil || len(found.Contacts) != 2 || len(found.Activities) != 3 {
				t.Errorf("found %+v, %v; want 2 contacts and 3 activities", found, err)
			}
			mend := w.twist(func(r *http.Request) (int, string) {
				if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, byHand) {
					return http.StatusBadRequest, refusal
				}
				return 0, ""
			})
			left, err := eraser.Erase(context.Background(), found)
			if err == nil || len(left.Activities) != 1 || left.Activities[0] != byHand || len(left.Contacts) != 0 {
				t.Errorf("left %+v, %v; want the one page that was refused", left, err)
			}
			mend()
			// Once more: the contact is in the trash already.
			if found, err = eraser.Find(context.Background(), known); err != nil || len(found.Contacts) != 0 || len(found.Activities) != 1 {
				t.Errorf("found %+v, %v; want the page that was left", found, err)
			}
			left, err = eraser.Erase(context.Background(), found)
			if len(left.Activities) > 0 {
				t.Errorf("left %+v", left)
			}
			return err
		})
		if contacts, activities := w.inTrash(w.crm.Contacts), w.inTrash(w.crm.Activities); contacts != 2 || activities != 3 {
			t.Errorf("%d contacts and %d activities in the trash, want 2 and 3", contacts, activities)
		}
		for _, row := range w.contacts() {
			if email := row.Values["Email"]; email != "bob@example.com" && email != "joana@example.com" {
				t.Errorf("%s is still a contact", email)
			}
		}
		w.stop()
	})
}

// A page of somebody who was forgotten is seen by polls, and not remembered;
// when the person writes anew it is the contact again, however it is spelled.
func TestAForgottenPersonWhoWritesAnewIsTheSameContact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(map[string]string{"email": "Ana.Silva@example.com", "message": "first"})
		w.settle(time.Minute)
		page := w.onlyContact().ID
		if r := w.forget(store.Oblivion{Email: w.email("ana.silva@EXAMPLE.com")}); r.Removed["snapshots"] != 1 || !r.Compacted {
			t.Errorf("receipt %+v", r)
		}
		w.notion.EditRow(page, map[string]any{"Company": "ACME"})
		time.Sleep(26 * time.Hour) // polls and a reconcile
		if w.knows("ana.silva@example.com") {
			t.Error("the page brought the address back")
		}
		if answer := w.submit(map[string]string{"email": "Ana.Silva@example.com", "message": "first"}); !strings.Contains(answer.Body.String(), `"duplicate"`) {
			t.Errorf("the first delivery, sent again, is answered with %s", answer.Body)
		}
		w.settle(time.Minute)
		if n := len(w.onlyContact().Blocks); n != 1 || w.knows("ana.silva@example.com") {
			t.Errorf("%d messages on the page, want the first alone, and nothing known here", n)
		}
		w.accepted(map[string]string{"email": "ana.silva@example.com", "name": "Ana", "company": "Other", "message": "second"})
		w.settle(time.Minute)
		got := w.onlyContact()
		if got.ID != page || got.Values["Name"] != "Ana" || got.Values["Company"] != "ACME" || len(got.Blocks) != 2 {
			t.Errorf("contact %+v, want the page that was there with the new message", got)
		}
		if !w.knows("ana.silva@example.com") {
			t.Error("the new lead is not known")
		}
		w.stop()
	})
}

// The job that brings a lead into Notion runs while its person is forgotten.
func TestForgettingAPersonWhoseLeadIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{Latency: 3 * time.Second})
		w.start()
		time.Sleep(time.Minute) // Contacts was read
		w.accepted(map[string]string{"email": "ana@example.com", "message": "first"})
		time.Sleep(time.Second)
		if running := w.jobs(crm.JobRunning); len(running) != 1 || running[0].Kind != lead.KindUpsert {
			t.Fatalf("running: %+v, want the lead", running)
		}
		w.forget(store.Oblivion{Email: w.email("ana@example.com")})
		if w.knows("ana@example.com") {
			t.Error("what the job wrote down is still there")
		}
		time.Sleep(26 * time.Hour)
		if w.knows("ana@example.com") {
			t.Error("it came back")
		}
		w.accepted(map[string]string{"email": "Ana@example.com", "message": "second"})
		w.settle(time.Minute)
		w.onlyContact()
		w.stop()
	})
}
