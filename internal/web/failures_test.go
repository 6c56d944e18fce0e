package web_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/store"
	"github.com/dealbell/dealbell/internal/web"
)

// stuck leaves a submission whose job is dead.
func (w *world) stuck(body, key, reason string) (delivery string, job crm.Job) {
	w.t.Helper()
	delivery = store.NewID()
	_, err := w.db.Accept(w.t.Context(), store.Intake{
		Delivery: crm.Delivery{ID: delivery, Source: "lead", Key: key, ContentType: "application/json", Body: []byte(body)},
		Job:      lead.UpsertJob(key),
	})
	must(w.t, err)
	claimed, _, err := w.db.Turn(w.t.Context(), nil, crm.Room{Notion: 9, Lanes: map[crm.Lane]int{crm.Live: 9}})
	must(w.t, err)
	_, _, err = w.db.Turn(w.t.Context(), []crm.End{{Job: claimed[0], State: crm.JobDead, Reason: reason, Tried: true}}, crm.Room{})
	must(w.t, err)
	dead := w.jobs(crm.JobDead)
	return delivery, dead[len(dead)-1]
}

func (w *world) jobs(state crm.JobState) []crm.Job {
	w.t.Helper()
	found, err := w.db.Jobs(w.t.Context(), store.JobFilter{State: state})
	must(w.t, err)
	return found
}

func TestDeadLettersAreRetriedOrDropped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		pairs         []string
		ready, dead   int
		dropped, done string
	}{
		{"one", []string{"do", "retry", "id", "1"}, 1, 3, "", "retried"},
		{"two of them", []string{"do", "retry", "id", "1", "id", "2"}, 2, 2, "", "retried"},
		{"all of a reason", []string{"do", "retry", "all", "1", "reason", "no property"}, 3, 1, "", "retried"},
		{"none of an unknown reason", []string{"do", "retry", "all", "1", "reason", "other"}, 0, 4, "", "retried"},
		{"drop one", []string{"do", "drop", "id", "4"}, 0, 3, "3", "dropped"},
		{"nothing chosen", []string{"do", "retry"}, 0, 4, "", "none"},
		{"one that is gone", []string{"do", "retry", "id", "99"}, 0, 4, "", "gone"},
		{"a reason alone chooses nothing", []string{"do", "drop", "reason", "no property"}, 0, 4, "", "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.logIn()
			var ids []string
			for i, reason := range []string{"no property", "no property", "no property", "refused"} {
				id, _ := w.stuck(fmt.Sprintf(`{"email":"p%d@example.com"}`, i), fmt.Sprintf("p%d@example.com", i), reason)
				ids = append(ids, id)
			}
			answer := w.send("/failures", "/failures", c.pairs...)
			if got, want := answer.Header().Get("Location"), "/failures?done="+c.done; got != want {
				t.Errorf("leads to %q (%d), want %q", got, answer.Code, want)
			}
			if ready, dead := len(w.jobs(crm.JobReady)), len(w.jobs(crm.JobDead)); ready != c.ready || dead != c.dead {
				t.Errorf("%d ready and %d dead, want %d and %d", ready, dead, c.ready, c.dead)
			}
			for i, id := range ids {
				d, err := w.db.Delivery(t.Context(), id)
				must(t, err)
				if dropped := d.State == crm.DeliveryDropped; dropped != (c.dropped == fmt.Sprint(i)) {
					t.Errorf("delivery %d is %s", i, d.State)
				}
			}
		})
	}
}

// manyDead is a store with more dead letters than a page may read.
type manyDead struct {
	*store.DB
	t *testing.T
}

func (m manyDead) Jobs(_ context.Context, f store.JobFilter) ([]crm.Job, error) {
	if f.Limit > 1000 {
		m.t.Errorf("a page reads up to %d jobs", f.Limit)
	}
	return make([]crm.Job, min(f.Limit, 1000)), nil
}

func (m manyDead) Summarise(context.Context) (store.Summary, error) {
	return store.Summary{Depths: []store.Depth{{Lane: crm.Live, State: crm.JobDead, Count: 5000}, {State: crm.JobReady, Count: 7}}}, nil
}

func TestMoreFailuresThanAreShownAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	w.options.Jobs, w.options.Figures = manyDead{w.db, t}, manyDead{w.db, t}
	w.build()
	if page := w.page("/failures"); !strings.Contains(page, "And 4,800 more.") {
		t.Error("the page does not count those that it leaves out")
	}
}

func TestASubmissionIsCorrectedAndTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	delivery, job := w.stuck(`{"email":"ana@example.con","message":"</textarea><script>alert(1)</script>"}`, "ana@example.con", "refused")
	path := fmt.Sprintf("/failures/%d", job.ID)
	if page := w.page(path); strings.Contains(page, "<script>alert") || !strings.Contains(page, "&lt;/textarea&gt;") || !strings.Contains(page, "Refused.") {
		t.Errorf("the page of the dead letter: %s", page)
	}
	for _, wrong := range []string{"", "no json", `{"email":"ana@"}`, `{"message":"without an address"}`} {
		answer := w.send(path, path+"/edit", "delivery", delivery, "body", wrong)
		if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), `role="alert"`) {
			t.Errorf("%q: %d %s", wrong, answer.Code, answer.Body)
		}
	}
	if d, err := w.db.Delivery(t.Context(), delivery); err != nil || d.State != crm.DeliveryDead || !strings.Contains(string(d.Body), ".con") {
		t.Errorf("a wrong body changed the delivery: %s %s %v", d.State, d.Body, err)
	}
	answer := w.send(path, path+"/edit", "delivery", delivery, "body", "{\"email\":\"ana@example.com\",\r\n\"message\":\"hello\"}")
	if got := answer.Header().Get("Location"); got != "/failures?done=edited" {
		t.Errorf("leads to %q: %d %s", got, answer.Code, answer.Body)
	}
	d, err := w.db.Delivery(t.Context(), delivery)
	if err != nil || d.State != crm.DeliveryQueued || d.Key != "ana@example.com" || string(d.Body) != "{\"email\":\"ana@example.com\",\n\"message\":\"hello\"}" {
		t.Errorf("the delivery is %+v %s, %v", d, d.Body, err)
	}
	if jobs := w.jobs(crm.JobReady); len(jobs) != 1 || jobs[0].Key != "ana@example.com" || w.woken == 0 {
		t.Errorf("jobs %+v, want that of the corrected contact", jobs)
	}
	for _, gone := range []string{path, "/failures/0", "/failures/x", "/failures/-1"} {
		if got := w.get(gone).Code; got != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", gone, got)
		}
	}
}

func TestARejectedSubmissionIsLetInOnceItIsGenuine(t *testing.T) {
	t.Parallel()
	const body = `{"email":"finn@example.com","name":"<script>alert(1)</script>"}`
	mac := hmac.New(sha256.New, []byte(formSecret))
	mac.Write([]byte(body))
	right := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	for _, c := range []struct {
		name, signature, do string
		status              int
		taken, left         bool
	}{
		{"the secret was corrected", right, "check", 303, true, false},
		{"it is still wrong", "sha256=00", "check", 409, false, true},
		{"somebody vouches for it", "sha256=00", "believe", 303, true, false},
		{"it is rubbish", "sha256=00", "drop", 303, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.logIn()
			must(t, w.db.Quarantine(t.Context(), store.Rejected{
				ID: "reject", Source: "lead", Reason: "the signature is wrong", ContentType: "application/json",
				Headers: map[string]string{"X-Form-Signature": c.signature}, Signed: true, Body: []byte(body),
			}))
			if page := w.page("/failures"); !strings.Contains(page, `href="/failures/rejected/reject"`) {
				t.Errorf("it is not in the list: %s", page)
			}
			if page := w.page("/failures/rejected/reject"); !strings.Contains(page, "finn@example.com") || strings.Contains(page, "<script>alert") {
				t.Errorf("its page: %s", page)
			}
			answer := w.send("/failures/rejected/reject", "/failures/rejected", "id", "reject", "do", c.do)
			if answer.Code != c.status {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
			if taken := len(w.jobs(crm.JobReady)) == 1; taken != c.taken {
				t.Errorf("taken: %v, want %v", taken, c.taken)
			}
			if left := w.get("/failures/rejected/reject").Code == 200; left != c.left {
				t.Errorf("still there: %v, want %v", left, c.left)
			}
		})
	}
}

func TestValuesThatDoNotFitAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.options.Databases = []web.Database{{ID: "d", Name: "contacts"}}
	w.build()
	w.logIn()
	must(t, w.db.Apply(t.Context(), crm.Commit{Leftovers: []crm.Leftover{{Database: "d", Page: "p", Property: "Status", Expected: "an option", Got: "<b>New</b>"}}}))
	if page := w.page("/failures"); !strings.Contains(page, "Status") || !strings.Contains(page, "&lt;b&gt;New") {
		t.Errorf("the page: %s", page)
	}
}
