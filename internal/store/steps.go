package store

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// step is a crm.Step in the column of a row that says the rest.
type step struct {
	Kind       crm.StepKind `json:"step"`
	At         time.Time    `json:"at"`
	Page       string       `json:"page,omitempty"`
	Deliveries []string     `json:"deliveries,omitempty"`
	Properties []string     `json:"properties,omitempty"`
	Why        string       `json:"why,omitempty"`
	Until      time.Time    `json:"until,omitzero"`
	Endpoint   string       `json:"endpoint,omitempty"`
	Status     int          `json:"status,omitempty"`
	Took       int64        `json:"took_ms,omitempty"`
	Request    string       `json:"request,omitempty"`
}

func storedStep(s crm.Step) step {
	ms := func(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
	return step{s.Kind, ms(s.At), s.Page, s.Deliveries, s.Properties, s.Why, ms(s.Until), s.Endpoint, s.Status, s.Took.Milliseconds(), s.Request}
}

// saveSteps writes steps in one row for each record. They ride with a commit
// that is fsynced anyway: what a run did since its last commit is lost in a
// crash, and when the disk is full. Before a create or an update there is such
// a commit, so that no write to Notion goes unannounced.
func (t *tx) saveSteps(steps []crm.Step) error {
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && together(steps[0], steps[n]) {
			n++
		}
		if err := t.saveRow(steps[:n]); err != nil {
			return err
		}
		steps = steps[n:]
	}
	return nil
}

// together reports whether two steps stand in one row: they are of one run
// and about the same record. That of a job with a key may get its page later.
func together(a, b crm.Step) bool {
	return a.Job == b.Job && a.Record.Key == b.Record.Key && (a.Record.Key != "" || a.Record.Page == b.Record.Page)
}

func (t *tx) saveRow(steps []crm.Step) error {
	list, page := make([]step, len(steps)), ""
	for i, s := range steps {
		list[i] = storedStep(s)
		switch s.Kind {
		case crm.StepKnew, crm.StepFound, crm.StepMade, crm.StepSettled:
			page = cmp.Or(s.Record.Page, s.Page)
		default:
			page = cmp.Or(s.Record.Page, page)
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	first, last := steps[0], steps[len(steps)-1]
	return t.exec(`insert into steps (at, job, key, page, list) values (?, ?, ?, ?, ?)`, milli(last.At), first.Job, first.Record.Key, page, string(text))
}

// byHand writes down what a person asked for.
func (t *tx) byHand(kind crm.StepKind, key string, job int64, deliveries ...string) error {
	return t.saveSteps([]crm.Step{{Kind: kind, At: moment(t.now), Record: crm.Record{Key: key}, Job: job, Deliveries: deliveries}})
}

// scanSteps reads a row of steps.
func scanSteps(r *sql.Rows) ([]crm.Step, error) {
	var about crm.Step
	var text string
	if err := r.Scan(&about.Job, &about.Record.Key, &about.Record.Page, &text); err != nil {
		return nil, err
	}
	var list []step
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, err
	}
	found := make([]crm.Step, len(list))
	for i, s := range list {
		found[i] = crm.Step{
			Kind: s.Kind, At: s.At, Record: about.Record, Job: about.Job, Page: s.Page, Deliveries: s.Deliveries, Properties: s.Properties,
			Why: s.Why, Until: s.Until, Endpoint: s.Endpoint, Status: s.Status, Took: time.Duration(s.Took) * time.Millisecond, Request: s.Request,
		}
	}
	return found, nil
}
