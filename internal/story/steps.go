package story

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

func (t *teller) steps() []Entry {
	var found []Entry
	for _, s := range t.account.Steps {
		e := Entry{At: s.At, Kind: Decision, Page: s.Page, Job: s.Job}
		if len(s.Deliveries) == 1 {
			e.Delivery = s.Deliveries[0]
		}
		if s.Kind == crm.StepAsked {
			e.Kind, e.Text, e.Trouble = Request, request(s), s.Status/100 != 2
			e.Asked = &Asked{Endpoint: s.Endpoint, Status: s.Status, TookMS: s.Took.Milliseconds(), RequestID: s.Request}
		} else {
			e.Text = t.decision(s)
			e.Detail = t.correction(s)
			e.Trouble = s.Kind == crm.StepDied || s.Kind == crm.StepLeftOut
		}
		found = append(found, e)
	}
	return found
}

// request says in one short line what was asked and what came of it.
func request(s crm.Step) string {
	what := cmp.Or(endpoints[s.Endpoint], s.Endpoint)
	if s.Status == 0 {
		return what + " without an answer, after " + took(s.Took)
	}
	return strings.TrimRight(fmt.Sprintf("%s %d %s %s", what, s.Status, took(s.Took), s.Request), " ")
}

func took(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
	return d.Round(100 * time.Millisecond).String()
}

// decision says what a step was.
func (t *teller) decision(s crm.Step) string {
	n := len(s.Deliveries)
	switch s.Kind {
	case crm.StepTook:
		if n > 1 {
			return count(n, "submission") + " become one update"
		}
		return "works the submission in"
	case crm.StepSentOn:
		return "goes on elsewhere: " + s.Why
	case crm.StepImported:
		return "brings in " + s.Why
	case crm.StepKnew:
		return page(s.Page) + " is known by its key"
	case crm.StepFound:
		return "a look-up finds " + page(s.Page) + " by its key"
	case crm.StepMissed:
		return "a look-up finds no page with the key"
	case crm.StepLost:
		return page(s.Page) + " is not used: " + s.Why
	case crm.StepBegan:
		if t.account.Key != "" && s.Record.Key != t.account.Key { // the job is that of a message
			return "makes a row of the message"
		}
		return "creates a page"
	case crm.StepMade:
		return "created " + page(s.Page)
	case crm.StepSettled:
		return page(s.Page) + " is what the create made whose answer was lost"
	case crm.StepLeft:
		return "nothing is blank: " + page(s.Page) + " stays as it is"
	case crm.StepKept:
		return "keeps " + count(n, "message") + " on " + page(s.Page)
	}
	return t.edit(s)
}

// edit says which properties were set or left out, and how a run ended.
func (t *teller) edit(s crm.Step) string {
	names := strings.Join(t.properties(s), ", ")
	switch s.Kind {
	case crm.StepWrote:
		return "filled " + names
	case crm.StepTouched:
		return "touched " + names
	case crm.StepLeftOut:
		return "left out " + names + ": " + s.Why
	case crm.StepCompleted:
		return "completed " + names + ", which did not fit before"
	case crm.StepWaits:
		return "waits " + took(max(0, s.Until.Sub(s.At))) + ": " + s.Why
	case crm.StepDied:
		return fmt.Sprintf("job %d is a dead letter: %s", s.Job, s.Why)
	}
	return byHand(s)
}

func byHand(s crm.Step) string {
	done := map[crm.StepKind]string{
		crm.StepRetried: "retries", crm.StepDropped: "drops", crm.StepCorrected: "corrects", crm.StepAdmitted: "lets through", crm.StepReopened: "replays",
	}[s.Kind]
	switch {
	case done == "": // of another version of Dealbell
		return strings.TrimSpace(string(s.Kind) + " " + s.Why)
	case len(s.Deliveries) > 0:
		return "a person " + done + " delivery " + strings.Join(s.Deliveries, ", ")
	}
	return fmt.Sprintf("a person %s job %d", done, s.Job)
}

// correction is what a delivery says since a person corrected it.
func (t *teller) correction(s crm.Step) string {
	for _, d := range t.account.Deliveries {
		if s.Kind == crm.StepCorrected && slices.Contains(s.Deliveries, d.ID) {
			return string(d.Body)
		}
	}
	return ""
}

// properties names the properties of a step.
func (t *teller) properties(s crm.Step) []string {
	names := make([]string, len(s.Properties))
	for i, id := range s.Properties {
		names[i] = id
		for _, known := range t.account.Pages {
			if p, ok := t.schema(known.Database).PropertyByID(id); ok && (s.Page == "" || known.Page == s.Page) {
				names[i] = p.Name
			}
		}
	}
	slices.Sort(names)
	return names
}
