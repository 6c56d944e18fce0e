package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// feedback is a database that has nothing to do with leads.
func (w *world) feedback(extra ...sandbox.Property) *sandbox.Database {
	return w.notion.CreateDatabase("Feedback", append([]sandbox.Property{
		{Name: "What", Type: "title"},
		{Name: "Severity", Type: "select"},
		{Name: "Topics", Type: "multi_select"},
		{Name: "Category", Type: "select"},
		{Name: "From", Type: "email"},
		{Name: "At", Type: "date"},
		{Name: "Dealbell ID", Type: "rich_text"},
	}, extra...)...)
}

const feedbackForm = `
databases: {feedback: {id: %s}}
forms:
  bugs:
    secret: form-secret
    path: /hooks/bugs
    database: feedback
    fields: {summary: What, "How bad is it?": Severity}
    values: {Category: Bug}
    submitted_at: At
    submitter: From
`

// send posts a signed JSON body to a path.
func (w *world) send(path, body string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Form-Signature", signature(body))
	answer := httptest.NewRecorder()
	w.app.Public().ServeHTTP(answer, r)
	return answer
}

func TestAFormBecomesARowOfAnyDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{Latency: 100 * time.Millisecond})
		db := w.feedback()
		w.yaml = fmt.Sprintf(feedbackForm, db.ID)
		w.start()
		defer w.stop()
		began := time.Now()
		for range 2 {
			answer := w.send("/hooks/bugs", `{"email":"ana@example.com","summary":"It beeps","How bad is it?":"Loud","topics":["sound","night"],"browser":"Firefox"}`)
			if answer.Code != http.StatusAccepted {
				t.Fatalf("%d %s", answer.Code, answer.Body)
			}
		}
		w.settle(time.Hour)
		rows := w.notion.Rows(db)
		if len(rows) != 1 {
			t.Fatalf("%d rows, want one: %v", len(rows), w.jobs("dead"))
		}
		got := rows[0].Values
		want := map[string]string{
			"What": "It beeps", "Severity": "Loud", "Topics": "sound, night", "Category": "Bug", "From": "ana@example.com",
			"At": began.UTC().Format("2006-01-02T15:04:05.000-07:00"), "Dealbell ID": got["Dealbell ID"],
		}
		if diff := cmp.Diff(want, got); diff != "" || got["Dealbell ID"] == "" {
			t.Errorf("values (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"browser: Firefox"}, rows[0].Blocks); diff != "" {
			t.Errorf("what has no property (-want +got):\n%s", diff)
		}
		if contacts := w.contacts(); len(contacts) != 0 {
			t.Errorf("%d contacts, want none", len(contacts))
		}
	})
}

// A form's row is made once, whatever happens to the request that makes it.
func TestAFormsRowIsMadeOnceWhenAnswersAreLost(t *testing.T) {
	t.Parallel()
	for _, fault := range []sandbox.Fault{sandbox.HangAfter, sandbox.ResetAfter, sandbox.SavedButUnavailable, sandbox.Truncated} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{Seed: 3, QueryLag: 10 * time.Second})
				db := w.feedback()
				w.yaml = fmt.Sprintf(feedbackForm, db.ID)
				w.notion.SetFaults(sandbox.Faults{Chance: map[sandbox.Fault]float64{fault: .4}})
				w.start()
				const n = 12
				for i := range n {
					if answer := w.send("/hooks/bugs", fmt.Sprintf(`{"summary":"bug %d"}`, i)); answer.Code != http.StatusAccepted {
						t.Fatalf("%d %s", answer.Code, answer.Body)
					}
					if i%5 == 4 {
						time.Sleep(time.Duration(i) * 137 * time.Millisecond)
						w.crash()
					}
				}
				w.settle(48 * time.Hour)
				w.stop()
				var titles []string
				for _, row := range w.notion.Rows(db) {
					titles = append(titles, row.Values["What"])
				}
				slices.Sort(titles)
				if len(titles) != n || len(slices.Compact(titles)) != n || len(w.jobs("dead")) > 0 {
					t.Errorf("rows %q, want %d different ones; dead letters %v", titles, n, w.jobs("dead"))
				}
			})
		})
	}
}

func TestWithoutAPropertyForItsIDAFormsRowIsNotMadeTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		db := w.notion.CreateDatabase("Feedback", sandbox.Property{Name: "Name", Type: "title"})
		w.yaml = fmt.Sprintf("databases: {feedback: {id: %s}}\nforms: {bugs: {secret: form-secret, database: feedback}}\n", db.ID)
		w.start()
		defer w.stop()
		w.send("/forms/bugs", `{"name":"first"}`)
		w.settle(time.Hour)
		w.notion.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Match: sandbox.Match{Method: http.MethodPost, Path: "/v1/pages"}, Fault: sandbox.ResetAfter}}})
		w.send("/forms/bugs", `{"name":"second"}`)
		time.Sleep(time.Hour)
		if rows := w.notion.Rows(db); len(rows) != 2 {
			t.Errorf("%d rows, want 2", len(rows))
		}
		dead := w.jobs("dead")
		if len(dead) != 1 || !strings.Contains(dead[0].LastError, `no property "Dealbell ID"`) {
			t.Fatalf("dead letters %+v, want one that says what is missing", dead)
		}
	})
}

func TestALeadOfAVendorIsAContactLikeAnyOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.yaml = "forms: {hello: {vendor: standard-webhooks, secret: whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0, fields: {question: Notes}, values: {Source: Partner}}}\n"
		w.start()
		defer w.stop()
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana", "message": "by the website"})
		post := func(id, body string) string {
			r := httptest.NewRequest(http.MethodPost, "/forms/hello", strings.NewReader(body))
			stamp := fmt.Sprint(time.Now().Unix())
			mac := hmac.New(sha256.New, []byte("secret-secret-secret-secret"))
			fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
			for name, value := range map[string]string{
				"Content-Type": "application/json", "webhook-id": id, "webhook-timestamp": stamp,
				"webhook-signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
			} {
				r.Header.Set(name, value)
			}
			answer := httptest.NewRecorder()
			w.app.Public().ServeHTTP(answer, r)
			return fmt.Sprint(answer.Code, " ", answer.Body)
		}
		const body = `{"type":"form.sent","timestamp":"2000-01-01T00:00:00Z","data":{"email":"ANA@example.com","question":"by the vendor","colour":"red"}}`
		if got := post("msg_1", body); !strings.HasPrefix(got, `200 {"status":"accepted"`) {
			t.Fatal(got)
		}
		w.settle(time.Hour)
		if got := post("msg_1", body); !strings.HasPrefix(got, `200 {"status":"duplicate"`) {
			t.Errorf("the same delivery again: %s", got)
		}
		if got := post("msg_2", `{"type":"form.sent","data":{"question":"who am I?"}}`); !strings.HasPrefix(got, `200 {"status":"accepted"`) {
			t.Errorf("one without an address: %s, want it taken: the vendor cannot mend it", got)
		}
		w.settle(time.Hour)
		rows := w.contacts()
		if len(rows) != 1 {
			t.Fatalf("%d contacts, want one", len(rows))
		}
		text := strings.Join(rows[0].Blocks, "\n")
		for _, want := range []string{"by the website", "form hello", "by the vendor", "colour: red"} {
			if strings.Count(text, want) != 1 {
				t.Errorf("the page says %q, want %q once", text, want)
			}
		}
		if got := rows[0].Values["Notes"]; got != "by the website" {
			t.Errorf("Notes = %q, want what was there first", got)
		}
		dead := w.jobs("dead")
		if len(dead) != 1 || !strings.Contains(dead[0].LastError, "form hello: the submission has no field with an e-mail address") {
			t.Errorf("dead letters %+v, want the one without an address", dead)
		}
	})
}

func TestADeadSubmissionGoesOnWhenTheFormSaysWhereTheAddressIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.yaml = "forms: {hello: {vendor: google-forms, secret: form-secret}}\n"
		w.start()
		body := `{"form":"Hello","response_id":"r1","fields":[{"title":"Wo erreichen wir dich?","value":"ana@example.com"},{"title":"name","value":"Ana"}]}`
		if answer := w.send("/forms/hello", body); answer.Code != http.StatusAccepted {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
		w.settle(time.Hour)
		dead := w.jobs("dead")
		if len(dead) != 1 {
			t.Fatalf("dead letters %+v, want one; contacts %v", dead, w.contacts())
		}
		w.stop()
		w.yaml = "forms: {hello: {vendor: google-forms, secret: form-secret, email: Wo erreichen wir dich?}}\n"
		w.start()
		defer w.stop()
		w.retry(dead[0])
		w.settle(time.Hour)
		if rows := w.contacts(); len(rows) != 1 || rows[0].Values["Email"] != "ana@example.com" || rows[0].Values["Name"] != "Ana" {
			t.Errorf("contacts %+v, want Ana; dead letters %+v", rows, w.jobs("dead"))
		}
	})
}
