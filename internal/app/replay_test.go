package app_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// TestReplaysHaveNoSecondEffect lives through thirty days with one session a
// day, in which new leads and events come and old ones come again.
func TestReplaysHaveNoSecondEffect(t *testing.T) {
	t.Parallel()
	seed, replays := seedOf(t), size(500, 10_000)
	if testing.Short() {
		replays = 100
	}
	synctest.Test(t, func(t *testing.T) {
		e := &echo{
			rig: newRig(t, sandbox.Options{Seed: seed}, sandbox.DeliveryPlan{}), rng: rand.New(rand.NewPCG(seed, 9)), counts: map[string]int{},
		}
		e.change = func(c *config.Config) {
			c.Digests = nil
			c.Contacts.Poll, c.Deals.Poll = config.Duration(48*time.Hour), config.Duration(48*time.Hour)
		}
		const days = 30
		var deals []string
		for i := range days {
			deals = append(deals, e.notion.AddRow(e.crm.Deals, map[string]any{"Deal Name": fmt.Sprintf("D%02d", i), "Stage": "Negotiation", "Value": 1}))
		}
		for day := range days {
			e.session(deals[day], replays*(day+1)/days-replays*day/days)
			time.Sleep(time.Duration(20+e.rng.IntN(4)) * time.Hour)
		}
		e.check(e.rig)
		for _, p := range e.problems {
			t.Error(p)
		}
		figure(t, "S3 replays", seed, "%d replays within %d days (%v): %d second effects, %d requests to Notion or Slack; %d leads, each kept once; %d alerts, %d twice",
			replays, days, e.counts, e.duplicates+e.alertsTwice, e.caused, e.leads, e.alerts, e.alertsTwice)
	})
}

// echo is a rig to which everything is sent again.
type echo struct {
	*rig
	rng    *rand.Rand
	forms  []letter
	events []event
	counts map[string]int // replays by what they were
	caused int            // requests of ours that replays caused
}

// letter is a lead that was accepted.
type letter struct {
	at      time.Time
	id      string
	body    string
	key     string // Idempotency-Key, "" for none
	stamped bool   // the signature holds the time
	headers []string
}

// event is a webhook event that was accepted.
type event struct {
	at   time.Time
	body []byte
}

// session is the time of a day in which Dealbell runs.
func (e *echo) session(deal string, replays int) {
	e.t.Helper()
	e.start()
	e.pass(5 * time.Minute) // with polls and reconciles
	for range 3 {
		e.sends()
	}
	e.wins(fmt.Sprintf("D%02d", len(e.deals)), deal)
	body := e.hook.Event("page.properties_updated", deal)
	e.tells(body)
	e.pass(2 * time.Minute)
	e.quiet(func() {
		for done := 0; done < replays; {
			again := e.formAgain
			if e.rng.IntN(4) == 0 {
				again = e.eventAgain
			}
			if again() {
				done++
			}
			e.pass(time.Duration(e.rng.IntN(500)) * time.Millisecond)
		}
		e.pass(20 * time.Second)
	})
	e.stop()
}

// quiet fails the test when something happens beside what is done.
func (e *echo) quiet(do func()) {
	e.t.Helper()
	asked, posted := len(e.notion.Transcript()), len(e.slack.Transcript())
	do()
	caused := len(e.notion.Transcript()) - asked + len(e.slack.Transcript()) - posted
	if e.caused += caused; caused > 0 {
		e.wrong("replays caused %d requests, the last %+v", caused, e.notion.Transcript()[len(e.notion.Transcript())-1])
	}
	e.attached(func(db *store.DB) error {
		jobs, err := db.Jobs(e.t.Context(), store.JobFilter{State: crm.JobReady})
		if len(jobs) > 0 {
			e.wrong("replays left jobs: %+v", jobs)
		}
		return err
	})
}

// sends lets somebody write for the first time.
func (e *echo) sends() {
	e.t.Helper()
	e.letters++
	message := fmt.Sprintf("<letter %d>", e.letters)
	email := fmt.Sprintf("person%d@example.com", e.rng.IntN(40))
	f := letter{at: time.Now(), body: fmt.Sprintf(`{"email":%q,"message":%q}`, email, message), stamped: e.rng.IntN(3) == 0}
	if e.rng.IntN(2) == 0 {
		f.key = fmt.Sprintf("key-%d", e.letters)
		f.headers = append(f.headers, "Idempotency-Key", f.key)
	}
	if f.stamped {
		now := strconv.FormatInt(time.Now().Unix(), 10)
		f.headers = append(f.headers, "X-Form-Timestamp", now, "X-Form-Signature", signature(now+"."+f.body))
	}
	answer, status := e.answered(f.body, f.headers...)
	if status != http.StatusAccepted || answer.Status != "accepted" {
		e.wrong("a new lead is answered %d %+v", status, answer)
	}
	f.id = answer.ID
	e.forms = append(e.forms, f)
	e.wrote[email] = append(e.wrote[email], message)
}

func (e *echo) answered(body string, headers ...string) (answer struct{ Status, ID string }, status int) {
	recorded := e.post("application/json", body, headers...)
	_ = json.Unmarshal(recorded.Body.Bytes(), &answer) // a problem has neither
	return answer, recorded.Code
}

// formAgain sends an earlier lead again, as it was, or its key with another
// body.
func (e *echo) formAgain() bool {
	e.t.Helper()
	f := e.forms[e.rng.IntN(len(e.forms))]
	age := time.Since(f.at)
	what, body, headers, want := "the same key and body", f.body, f.headers, http.StatusAccepted
	switch {
	case f.stamped && age > 300*time.Second:
		what, want = "an old timestamp", http.StatusUnauthorized
	case f.key == "" && age >= 24*time.Hour:
		return false // it is a new one by now
	case f.key == "":
		what = "the same body within 24 h"
	case e.rng.IntN(3) == 0:
		what, want = "the same key, another body", http.StatusUnprocessableEntity
		body = strings.Replace(body, "<letter", "<forged letter", 1)
		headers = []string{"Idempotency-Key", f.key}
	}
	answer, status := e.answered(body, headers...)
	e.counts[what]++
	if status != want || want == http.StatusAccepted && (answer.Status != "duplicate" || answer.ID != f.id) {
		e.wrong("%s after %v is answered %d %+v, want %d and %s", what, age, status, answer, want, f.id)
	}
	return true
}

// tells delivers a new event.
func (e *echo) tells(body []byte) {
	e.t.Helper()
	e.send(body)
	e.events = append(e.events, event{time.Now(), slices.Clone(body)})
}

// eventAgain delivers an earlier event again.
func (e *echo) eventAgain() bool {
	e.t.Helper()
	old := e.events[e.rng.IntN(len(e.events))]
	r, err := e.hook.Request(e.t.Context(), old.body)
	if err != nil {
		e.t.Fatal(err)
	}
	recorded := httptest.NewRecorder()
	e.app.Public().ServeHTTP(recorded, r)
	e.counts["the same event"]++
	if recorded.Code != http.StatusOK {
		e.wrong("an event after %v is answered %d %s, want 200", time.Since(old.at), recorded.Code, recorded.Body)
	}
	return true
}
