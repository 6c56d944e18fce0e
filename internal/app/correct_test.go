package app_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// correct does what "dealbell jobs edit" does with the n-th delivery of a dead
// letter.
func (w *world) correct(j crm.Job, n int, body string) (failed error) {
	w.t.Helper()
	w.attached(func(db *store.DB) error {
		deliveries, err := db.JobDeliveries(context.Background(), j)
		if err != nil {
			return err
		}
		c, err := lead.Correct(w.config().LeadForms(), j, deliveries[n], []byte(body))
		if failed = err; err == nil {
			failed = db.Correct(context.Background(), j, c)
		}
		return nil
	})
	return failed
}

func (w *world) onlyDead() crm.Job {
	w.t.Helper()
	dead := w.jobs(crm.JobDead)
	if len(dead) != 1 {
		w.t.Fatalf("dead letters %+v, want one", dead)
	}
	return dead[0]
}

const helloWithout = `{"form":"Hello","response_id":"r1","fields":[{"title":"mail","value":"ana at example.com"},{"title":"name","value":"Ana"}]}`

func TestASubmissionWithoutAnAddressGoesOnWhenAPersonCorrectsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.yaml = "forms: {hello: {vendor: google-forms, secret: form-secret}}\n"
		w.start()
		defer w.stop()
		if answer := w.send("/forms/hello", helloWithout); answer.Code != http.StatusAccepted {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
		w.settle(time.Hour)
		dead := w.onlyDead()
		for name, body := range map[string]string{
			"no JSON":                 "email=ana@example.com",
			"still no address":        helloWithout,
			"an address that is none": strings.Replace(helloWithout, `"mail"`, `"email"`, 1),
		} {
			if err := w.correct(dead, 0, body); !errors.Is(err, crm.ErrInvalid) || strings.Contains(err.Error(), "ana at") {
				t.Errorf("%s: %v, want it refused without being repeated", name, err)
			}
		}
		if again := w.onlyDead(); again.ID != dead.ID || again.LastError != dead.LastError {
			t.Errorf("what was refused changed the dead letter: %+v", again)
		}
		if err := w.correct(dead, 0, strings.Replace(helloWithout, "ana at example.com", "Ana@example.com", 1)); err != nil {
			t.Fatal(err)
		}
		w.settle(time.Hour)
		if row := w.onlyContact(); row.Values["Email"] != "Ana@example.com" || row.Values["Name"] != "Ana" {
			t.Errorf("contact %+v, want Ana; dead letters %+v", row, w.jobs(crm.JobDead))
		}
		if err := w.correct(dead, 0, helloWithout); err == nil {
			t.Error("a dead letter that is gone was corrected")
		}
		w.attached(func(db *store.DB) error {
			done, err := db.Delivery(context.Background(), dead.Key)
			if string(done.Original) != helloWithout || done.CorrectedAt.IsZero() || done.State != crm.DeliveryDone || done.Key != "ana@example.com" {
				t.Errorf("the delivery is %+v, want it done, with what came beside it", done)
			}
			return err
		})
	})
}

// Two leads of one contact died; the address of one of them was mistyped.
func TestACorrectedLeadLeavesTheOthersOfItsDeadLetter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		defer w.stop()
		w.accepted(map[string]string{"email": "first@example.com"})
		w.settle(time.Minute)
		refuse := func(r *http.Request) (int, string) {
			if r.Method == http.MethodPost && r.URL.Path == "/v1/pages" {
				return http.StatusBadRequest, refusal
			}
			return 0, ""
		}
		mend := w.twist(refuse)
		w.accepted(map[string]string{"email": "ana@example.com", "message": "one"})
		w.accepted(map[string]string{"email": "ana@example.com", "message": "two"})
		time.Sleep(time.Minute)
		// Corrected twice: what came first is what is kept.
		if err := w.correct(w.onlyDead(), 1, `{"email":"bo@example.com","message":"two"}`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		mend()
		for _, j := range w.jobs(crm.JobDead) {
			if j.Key == "ana@example.com" {
				w.retry(j)
			} else if err := w.correct(j, 0, `{"email":"bob@example.com","message":"two"}`); err != nil {
				t.Fatal(err)
			}
		}
		w.settle(time.Hour)
		said := map[any]string{}
		for _, row := range w.contacts() {
			said[row.Values["Email"]] = strings.Join(row.Blocks, " ")
		}
		if len(said) != 3 || !strings.Contains(said["ana@example.com"], "one") || strings.Contains(said["ana@example.com"], "two") || !strings.Contains(said["bob@example.com"], "two") {
			t.Errorf("contacts say %v, want Ana's first and Bob's second", said)
		}
		w.attached(func(db *store.DB) error {
			kept, err := db.Export(context.Background(), w.email("bob@example.com"), "")
			if n := len(kept.Tables["inbox"]); n != 1 || kept.Tables["inbox"][0]["original"] != `{"email":"ana@example.com","message":"two"}` {
				t.Errorf("Bob's export has the deliveries %v, %v", kept.Tables["inbox"], err)
			}
			return err
		})
	})
}

// The contact is in Notion, the row of its message is not: the message can be
// corrected, not whose it is.
func TestAMessageThatNotionRefusedIsKeptAsItWasCorrected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.activities = true
		w.start()
		defer w.stop()
		mend := w.twist(func(r *http.Request) (int, string) {
			if r.Method == http.MethodPost && r.URL.Path == "/v1/pages" && len(w.contacts()) > 0 {
				return http.StatusBadRequest, refusal
			}
			return 0, ""
		})
		w.accepted(map[string]string{"email": "ana@example.com", "message": "wrong"})
		time.Sleep(time.Minute)
		mend()
		dead := w.onlyDead()
		if err := w.correct(dead, 0, `{"email":"bob@example.com","message":"right"}`); !errors.Is(err, crm.ErrInvalid) {
			t.Errorf("another address: %v, want it refused", err)
		}
		if err := w.correct(dead, 0, `{"email":"ana@example.com","message":"right"}`); err != nil {
			t.Fatal(err)
		}
		w.settle(time.Hour)
		rows := w.notion.Rows(w.crm.Activities)
		if len(rows) != 1 || rows[0].Values["Details"] != "right" || len(w.contacts()) != 1 {
			t.Errorf("activities %+v, want the corrected message alone", rows)
		}
	})
}
