package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/sandbox"
)

// taken sends a signed body to a form that has to take it.
func (w *world) taken(path, body string) {
	w.t.Helper()
	if answer := w.send(path, body); answer.Code != http.StatusAccepted {
		w.t.Errorf("POST %s = %d %s, want 202", path, answer.Code, answer.Body)
	}
}

func TestNoAnswerOfARowIsLost(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, form, body string
		values           map[string]string
		text             string
	}{
		{
			"an address that no property is told to take", "{}", `{"email":"ana@example.com","name":"Ana"}`,
			map[string]string{"What": "Ana"},
			"email: ana@example.com\nname: Ana",
		},
		{"an address with a property of its name", "{email: e-mail}", `{"email":"bo@example.com","e-mail":"ana@example.com"}`, map[string]string{"What": "ana@example.com", "E-mail": "ana@example.com"}, "email: bo@example.com"},
		{"an address that is mapped", "{fields: {email: E-mail}}", `{"email":"ana@example.com"}`, map[string]string{"What": "ana@example.com", "E-mail": "ana@example.com"}, ""},
		{
			"an address that the vendor knows", "{vendor: google-forms}", `{"email":"ana@example.com","fields":[]}`,
			map[string]string{"What": "ana@example.com"},
			"Email: ana@example.com",
		},
		{"the submitter's address", "{submitter: From}", `{"email":"ana@example.com"}`, map[string]string{"What": "ana@example.com", "From": "ana@example.com"}, ""},
		{"two answers for one property", "{fields: {a: Severity, b: Severity}}", `{"a":"high","b":"low"}`, map[string]string{"What": "form bugs", "Severity": "high"}, "b: low"},
		{
			"two answers that do not fit one property", "{fields: {a: At, b: At}}", `{"a":"today","b":"tomorrow"}`,
			map[string]string{"What": "form bugs"},
			"b: tomorrow",
		},
		{"an answer beside the moment of the submission", "{submitted_at: At, values: {Category: Bug}}", `{"at":"yesterday"}`, map[string]string{"What": "form bugs", "Category": "Bug", "At": "now"}, "at: yesterday"},
		{"an answer named like what every row gets", "{values: {Category: Bug}}", `{"category":"Approved"}`, map[string]string{"What": "form bugs", "Category": "Bug"}, "category: Approved"},
		{"an answer that is mapped to what every row gets", "{values: {Category: Bug}, fields: {kind: Category}}", `{"kind":"Idea"}`, map[string]string{"What": "form bugs", "Category": "Idea"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				db := w.feedback(sandbox.Property{Name: "E-mail", Type: "email"})
				w.yaml = fmt.Sprintf("databases: {feedback: {id: %s}}\nforms: {bugs: {secret: form-secret, database: feedback, %s}\n", db.ID, strings.TrimPrefix(tc.form, "{"))
				w.start()
				defer w.stop()
				now := time.Now().UTC().Format("2006-01-02T15:04:05.000-07:00")
				w.taken("/forms/bugs", tc.body)
				w.settle(time.Hour)
				rows := w.notion.Rows(db)
				if len(rows) != 1 {
					t.Fatalf("%d rows, want one: %v", len(rows), w.jobs("dead"))
				}
				got := map[string]string{}
				for name, value := range rows[0].Values {
					if value != "" && name != "Dealbell ID" {
						got[name] = strings.Replace(value, now, "now", 1)
					}
				}
				if diff := cmp.Diff(tc.values, got); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
				if text := strings.Join(rows[0].Blocks, "\n"); text != tc.text {
					t.Errorf("text %q, want %q", text, tc.text)
				}
			})
		})
	}
}

func TestNoAnswerOfALeadIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.yaml = "forms: {hello: {vendor: google-forms, secret: form-secret, email: Work, fields: {Firma: Company}}}\n"
		w.start()
		defer w.stop()
		w.taken("/forms/hello", `{"fields":[{"title":"Work","value":"ana@example.com"},{"title":"Email","value":"private@example.com"},
			{"title":"Firma","value":"Acme"},{"title":"Company","value":"Bolt"},{"title":"Company","value":"Cog"},{"title":"Name","value":"Ana"}]}`)
		w.settle(time.Hour)
		contact := w.onlyContact()
		if contact.Values["Email"] != "ana@example.com" || contact.Values["Company"] != "Acme" || contact.Values["Name"] != "Ana" {
			t.Errorf("values %v", contact.Values)
		}
		_, text, _ := strings.Cut(strings.Join(contact.Blocks, "\n"), "\n")
		if want := "Email: private@example.com\nCompany: Bolt\nCompany: Cog"; text != want {
			t.Errorf("message %q, want %q", text, want)
		}
	})
}

// OpnForm tells neither an id nor a time.
func TestWhoSaysTheSameTomorrowIsHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		db := w.feedback()
		w.yaml = fmt.Sprintf("databases: {feedback: {id: %s}}\nforms: {opnform: {vendor: opnform, secret: %s, database: feedback}}\n", db.ID, vendorSecret)
		w.start()
		defer w.stop()
		opnform, _ := form.Named("opnform")
		p := vendorRequest{vendor: opnform, body: `{"data":{"1":{"name":"Severity","value":"high"}}}`, header: http.Header{"Content-Type": {"application/json"}}}
		for _, want := range []string{"accepted", "duplicate"} {
			if answer := w.deliver(p, true); !strings.Contains(answer.Body.String(), want) {
				t.Errorf("%d %s, want %s", answer.Code, answer.Body, want)
			}
		}
		time.Sleep(25 * time.Hour)
		if answer := w.deliver(p, true); !strings.Contains(answer.Body.String(), "accepted") {
			t.Errorf("a day later: %d %s, want accepted", answer.Code, answer.Body)
		}
		w.settle(time.Hour)
		if rows := w.notion.Rows(db); len(rows) != 2 {
			t.Errorf("%d rows, want 2", len(rows))
		}
	})
}
