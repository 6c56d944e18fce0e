package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// changed restarts with another configuration what has taken submissions while
// Notion was away.
func (w *world) changed(yaml string, submissions func()) {
	w.t.Helper()
	w.start()
	w.wire.cut.Store(true)
	submissions()
	time.Sleep(time.Minute)
	w.stop()
	w.yaml = yaml
	w.start()
}

func TestAFormThatIsRemovedHoldsUpNoOtherLeadOfTheContact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		with := "forms: {hello: {secret: form-secret}}\n"
		w.yaml = with
		w.changed("", func() {
			w.taken("/forms/hello", `{"email":"ana@example.com","message":"by the form"}`)
			w.accepted(map[string]string{"email": "Ana@example.com", "message": "by the website"})
		})
		w.settle(time.Hour)
		if contact := w.onlyContact(); contact.Values["Notes"] != "by the website" {
			t.Errorf("contact %+v", contact)
		}
		dead := w.jobs("dead")
		if len(dead) != 1 || !strings.Contains(dead[0].LastError, `by the form "hello", which is no longer configured`) {
			t.Fatalf("dead letters %+v, want the one of the form", dead)
		}
		w.stop()
		w.yaml = with
		w.start()
		defer w.stop()
		w.retry(dead[0])
		w.settle(time.Hour)
		if text := strings.Join(w.onlyContact().Blocks, "\n"); strings.Count(text, "by the form") != 1 || strings.Count(text, "by the website") != 1 {
			t.Errorf("the page says %q, want each message once", text)
		}
	})
}

func TestSubmissionsGoWhereTheirFormSaysNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		db := w.feedback()
		yaml := "databases: {feedback: {id: %s}}\nforms: {a: {secret: form-secret, %s}, b: {secret: form-secret, %s}}\n"
		w.yaml = fmt.Sprintf(yaml, db.ID, "database: feedback", "database: contacts")
		w.changed(fmt.Sprintf(yaml, db.ID, "database: contacts", "database: feedback, submitter: From"), func() {
			w.taken("/forms/a", `{"email":"ana@example.com"}`)
			w.taken("/forms/a", `{"email":"cy@example.com"}`)
			w.taken("/forms/b", `{"email":"bo@example.com"}`)
		})
		defer w.stop()
		w.accepted(map[string]string{"email": "dee@example.com"})
		w.settle(time.Hour)
		var contacts, rows []string
		for _, r := range w.contacts() {
			contacts = append(contacts, r.Values["Email"])
		}
		for _, r := range w.notion.Rows(db) {
			rows = append(rows, r.Values["From"])
		}
		if len(contacts) != 3 || fmt.Sprint(rows) != "[bo@example.com]" {
			t.Errorf("contacts %v and rows %v, want ana, cy and dee, and bo; dead letters %+v", contacts, rows, w.jobs("dead"))
		}
	})
}

func TestALeadGoesToWhomItsFormNamesNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.notion.AddRow(w.crm.Contacts, map[string]any{"Name": "Ana", "Email": "ana@example.com"})
		w.yaml = "forms: {hello: {vendor: google-forms, secret: form-secret}}\n"
		w.changed("forms: {hello: {vendor: google-forms, secret: form-secret, email: Yours}}\n", func() {
			w.taken("/forms/hello", `{"fields":[{"title":"Email of your boss","value":"boss@example.com"},{"title":"Yours","value":"ana@example.com"},{"title":"Company","value":"Acme"}]}`)
		})
		defer w.stop()
		w.settle(time.Hour)
		if contact := w.onlyContact(); contact.Values["Name"] != "Ana" || contact.Values["Company"] != "Acme" {
			t.Errorf("contact %+v, want Ana of Acme", contact)
		}
	})
}

func TestARowThatWasRefusedIsMadeAfterARetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		db := w.notion.CreateDatabase("Feedback", sandbox.Property{Name: "Name", Type: "title"}) // nothing for the delivery's id
		w.yaml = fmt.Sprintf("databases: {feedback: {id: %s}}\nforms: {bugs: {secret: form-secret, database: feedback}}\n", db.ID)
		w.start()
		defer w.stop()
		refuse := func(r *http.Request) (int, string) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pages") {
				return http.StatusBadRequest, `{"object":"error","status":400,"code":"validation_error","message":"no"}`
			}
			return 0, ""
		}
		w.wire.twist.Store(&refuse)
		w.taken("/forms/bugs", `{"name":"It beeps"}`)
		w.settle(time.Hour)
		w.wire.twist.Store(nil)
		dead := w.jobs("dead")
		if len(dead) != 1 {
			t.Fatalf("dead letters %+v, want one", dead)
		}
		w.retry(dead[0])
		w.settle(time.Hour)
		if rows := w.notion.Rows(db); len(rows) != 1 {
			t.Errorf("%d rows, want one; dead letters %+v", len(rows), w.jobs("dead"))
		}
	})
}

func TestARowThatIsReplayedIsMadeAgainOnlyWhenItIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		db := w.feedback()
		w.yaml = fmt.Sprintf(feedbackForm, db.ID)
		w.start()
		defer w.stop()
		var receipt struct{ ID string }
		if err := json.Unmarshal(w.send("/hooks/bugs", `{"summary":"It beeps"}`).Body.Bytes(), &receipt); err != nil {
			t.Fatal(err)
		}
		replay := func() []sandbox.Row {
			w.settle(time.Hour)
			w.attached(func(db *store.DB) error {
				return db.Reopen(t.Context(), receipt.ID, w.config().LeadForms()["bugs"].Job(receipt.ID, receipt.ID))
			})
			w.settle(time.Hour)
			return slices.DeleteFunc(w.notion.Rows(db), func(r sandbox.Row) bool { return r.InTrash })
		}
		rows := replay()
		if len(rows) != 1 {
			t.Fatalf("%d rows after a replay, want the one that was there", len(rows))
		}
		w.notion.Trash(rows[0].ID)
		for range 2 {
			if rows := replay(); len(rows) != 1 {
				t.Errorf("%d rows after a replay of what is in the trash, want a new one", len(rows))
			}
		}
	})
}
