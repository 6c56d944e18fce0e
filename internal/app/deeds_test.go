package app_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// deeds are what people did, and what is wrong with what came of it.
type deeds struct {
	wrote    map[string][]string          // messages that were accepted, by email, in order
	typed    map[string]map[string]string // what people entered into Contacts by hand, by email
	deals    []string                     // that were won
	digests  int                          // that were due
	retried  int                          // dead letters
	letters  int                          // numbers the messages
	problems []string
	tally
}

// tally counts what happened to messages and requests.
type tally struct {
	leads, alerts, missing, duplicates   int
	alertsTwice, alertsMaybe, refused    int
	digestsTwice, doubtful, hits, killed int // doubtful: posts of digests whose outcome nobody knew
}

func (t *tally) add(o tally) {
	t.leads += o.leads
	t.alerts += o.alerts
	t.missing += o.missing
	t.duplicates += o.duplicates
	t.alertsTwice += o.alertsTwice
	t.alertsMaybe += o.alertsMaybe
	t.refused += o.refused
	t.digestsTwice += o.digestsTwice
	t.doubtful += o.doubtful
	t.hits += o.hits
	t.killed += o.killed
}

func (t *tally) String() string {
	return fmt.Sprintf("%d faults met, %d kills, %d leads: %d missing, %d twice; %d alerts: %d twice, %d in doubt, %d refused for good; %d digests again after %d doubts",
		t.hits, t.killed, t.leads, t.missing, t.duplicates, t.alerts, t.alertsTwice, t.alertsMaybe, t.refused, t.digestsTwice, t.doubtful)
}

func newDeeds() deeds {
	return deeds{wrote: map[string][]string{}, typed: map[string]map[string]string{}}
}

func (d *deeds) wrong(format string, args ...any) {
	d.problems = append(d.problems, fmt.Sprintf(format, args...))
}

// writes lets somebody send the website's form, often more than once: it is
// impatient, or the network is.
func (r *rig) writes(email string, times int, fields ...string) {
	r.t.Helper()
	r.letters++
	message := fmt.Sprintf("<letter %d>", r.letters)
	form := map[string]string{"email": email, "message": message}
	for i := 0; i+1 < len(fields); i += 2 {
		form[fields[i]] = fields[i+1]
	}
	for range times {
		if answer := r.submit(form); answer.Code != http.StatusAccepted {
			r.wrong("%s: POST /lead = %d %s", email, answer.Code, answer.Body)
		}
	}
	r.show(r.marked()) // they were told that it is safe
	key := strings.ToLower(email)
	r.wrote[key] = append(r.wrote[key], message)
}

// enters is what a person types into Contacts.
func (r *rig) enters(email string, values map[string]string) (page string) {
	row := map[string]any{"Email": email}
	for property, value := range values {
		row[property] = value
	}
	key := strings.ToLower(email)
	r.typed[key] = maps.Clone(values)
	if _, known := r.wrote[key]; !known {
		r.wrote[key] = nil
	}
	return r.notion.AddRow(r.crm.Contacts, row)
}

// wins moves a deal to Won.
func (r *rig) wins(deal, page string) {
	r.notion.EditRow(page, map[string]any{"Stage": "Won"})
	r.deals = append(r.deals, deal)
}

// check compares what is in Notion and in Slack with what people did.
func (d *deeds) check(r *rig) {
	r.t.Helper()
	d.checkContacts(r)
	d.checkAlerts(r)
	d.checkDigests(r)
	for _, x := range slices.Concat(r.notion.Transcript(), r.slack.Transcript()) {
		if x.Fault != "" {
			d.hits++
		}
	}
	d.killed = r.killed
}

// checkContacts asks for one page of each person, with all they wrote, each
// letter once and in order, and with what was typed by hand.
func (d *deeds) checkContacts(r *rig) {
	rows := map[string][]sandbox.Row{}
	for _, row := range r.contacts() {
		email := strings.ToLower(row.Values["Email"])
		rows[email] = append(rows[email], row)
	}
	activities := r.notion.Rows(r.crm.Activities)
	for email, letters := range d.wrote {
		d.leads += len(letters)
		if len(rows[email]) != 1 {
			d.duplicates += max(0, len(rows[email])-1)
			d.missing += max(0, 1-len(rows[email]))
			d.wrong("%s: %d contacts, want 1", email, len(rows[email]))
			continue
		}
		row := rows[email][0]
		kept := strings.Join(row.Blocks, "\n")
		for _, a := range activities {
			if a.Values["Contact"] == row.ID {
				kept += "\n" + a.Values["Details"]
			}
		}
		d.checkLetters(email, letters, kept, !r.activities)
		for property, value := range d.typed[email] {
			if row.Values[property] != value {
				d.wrong("%s: %s = %q, want what a person typed: %q", email, property, row.Values[property], value)
			}
		}
		delete(rows, email)
	}
	for email := range rows {
		d.wrong("%q is in Contacts although nobody wrote", email)
	}
}

func (d *deeds) checkLetters(email string, letters []string, kept string, inOrder bool) {
	last := -1
	for _, letter := range letters {
		n, at := strings.Count(kept, letter), strings.Index(kept, letter)
		if n != 1 {
			d.missing += max(0, 1-n)
			d.duplicates += max(0, n-1)
			d.wrong("%s: %s is kept %d times: %q", email, letter, n, kept)
		}
		if inOrder && at < last {
			d.wrong("%s: %s overtook an older one: %q", email, letter, kept)
		}
		last = max(last, at)
	}
}

// inDoubt are the faults after which nobody knows whether Slack posted.
var inDoubt = []sandbox.Fault{
	sandbox.ResetBefore, sandbox.ResetAfter, sandbox.HangBefore, sandbox.HangAfter, sandbox.SlowDrip, sandbox.Truncated,
}

// digestWord is in every digest of stale leads, and in no alert.
const digestWord = "Morning"

// doubts counts the requests to Slack whose outcome nobody knew: by a fault,
// or because the process was killed.
func (r *rig) doubts(digest bool) (n int) {
	for _, x := range r.slack.Transcript() {
		if slices.Contains(inDoubt, x.Fault) && strings.Contains(string(x.Body), digestWord) == digest {
			n++
		}
	}
	for rule, torn := range r.torn {
		if (rule == "stale-leads") == digest {
			n += torn
		}
	}
	return n
}

// checkAlerts asks for each deal to ring once, or to be recorded as one of
// which nobody knows, or that Slack refused.
func (d *deeds) checkAlerts(r *rig) {
	states := map[string]crm.MessageState{}
	r.attached(func(db *store.DB) error {
		all, err := db.Outbox(context.Background(), 10_000)
		for _, m := range all {
			if found := texts(m.Text); len(found) == 1 {
				states[found[0].title] = m.State
			}
		}
		return err
	})
	heard := strings.Join(r.rings(), "\n")
	for _, deal := range d.deals {
		d.alerts++
		n := strings.Count(heard, "*"+deal+"*")
		d.alertsTwice += max(0, n-1)
		least := 1
		switch states[deal] {
		case crm.MessageMaybe:
			d.alertsMaybe++
			least = 0
		case crm.MessageRefused:
			d.refused++
			least = 0
		}
		if n < least || n > 1 || states[deal] == "" {
			d.missing += max(0, least-n)
			d.wrong("%s rang %d times, and is %q in the outbox", deal, n, states[deal])
		}
	}
	if doubts := r.doubts(false); d.alertsMaybe > 0 && doubts == 0 {
		d.wrong("%d alerts are in doubt, and nothing happened that explains it", d.alertsMaybe)
	}
}

// checkDigests asks for each digest at least once, and for no more repeats
// than there were doubts.
func (d *deeds) checkDigests(r *rig) {
	heard := strings.Count(strings.Join(r.rings(), "\n"), digestWord)
	refused, posts := 0, 0
	r.attached(func(db *store.DB) error {
		all, err := db.Outbox(context.Background(), 10_000)
		for _, m := range all {
			if m.Rule != "stale-leads" {
				continue
			}
			if posts++; m.State == crm.MessageRefused {
				refused++
			}
		}
		return err
	})
	d.refused += refused
	again, doubts := max(0, heard-d.digests), r.doubts(true)
	d.digestsTwice += again
	d.doubtful += doubts
	switch {
	case posts != d.digests:
		d.wrong("%d digests are in the outbox, want %d", posts, d.digests)
	case heard < d.digests-refused:
		d.missing++
		d.wrong("%d digests came, want %d", heard, d.digests)
	case again > doubts:
		d.wrong("%d digests came again after %d doubts", again, doubts)
	}
}
