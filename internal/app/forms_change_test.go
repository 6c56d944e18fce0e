package app_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
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
