package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/importer"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/store"
)

// How many of each a page names.
const (
	shownJobs     = 200
	shownRejects  = 100
	shownLeftover = 100
	manyJobs      = 100_000 // as many as one reason can have, and are settled at once
)

type failuresView struct {
	Groups    []failureGroup
	More      int // jobs that are not shown
	Rejected  []rejectedRow
	Leftovers []leftoverRow
}

// failureGroup are jobs that died of the same reason.
type failureGroup struct {
	Reason string // as it is kept
	Text   string
	Jobs   []failureRow
}

type failureRow struct {
	ID    int64
	What  string
	About string
	At    time.Time
	Tries int
}

type rejectedRow struct {
	ID, Form, Reason string
	Signed           bool
	At               time.Time
}

type leftoverRow struct {
	Property, Expected, Got, Page string
	At                            time.Time
}

// kinds say what a job does.
var kinds = map[string]string{
	lead.KindUpsert: "Bring a contact into Notion", lead.KindActivity: "Keep a message in Activities", lead.KindAddress: "Find out whose submission it is",
	lead.KindRow: "Make a submission a row", lead.KindComplete: "Write values that did not fit",
	poll.KindRead: "Read a database", poll.KindReconcile: "Compare a database with Notion", poll.KindClues: "Look at changed pages",
	poll.KindEvents: "Look into webhook events", poll.KindSchema: "Read the shape of a database",
	importer.KindRow: "Bring in a row of a file", importer.KindFeed: "Go on with an import",
	notify.KindMatch: "Ask the rules about changes", notify.KindSend: "Send Slack messages", digest.KindMake: "Make a digest",
}

func kindOf(j crm.Job) string {
	if text, ok := kinds[j.Kind]; ok {
		return text
	}
	return j.Kind
}

func (s *site) listFailures(w http.ResponseWriter, r *http.Request) {
	v, err := s.failures(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, view{Page: "failures", Title: "Failures", Content: v})
}

func (s *site) failures(ctx context.Context) (v failuresView, err error) {
	jobs, err := s.Jobs.Jobs(ctx, store.JobFilter{State: crm.JobDead, Limit: shownJobs})
	if err != nil {
		return v, err
	}
	sum, err := s.Figures.Summarise(ctx)
	if err != nil {
		return v, err
	}
	for _, d := range sum.Depths {
		if d.State == crm.JobDead {
			v.More += d.Count
		}
	}
	v.More = max(0, v.More-len(jobs))
	for _, j := range jobs {
		i := slices.IndexFunc(v.Groups, func(g failureGroup) bool { return g.Reason == j.LastError })
		if i < 0 {
			i, v.Groups = len(v.Groups), append(v.Groups, failureGroup{Reason: j.LastError, Text: sentence(j.LastError)})
		}
		v.Groups[i].Jobs = append(v.Groups[i].Jobs, failureRow{j.ID, kindOf(j), addressOf(crm.Delivery{Key: j.Key}), j.CreatedAt, j.Attempts})
	}
	rejected, err := s.Rejects.Rejects(ctx, shownRejects)
	if err != nil {
		return v, err
	}
	for _, q := range rejected {
		v.Rejected = append(v.Rejected, rejectedRow{q.ID, formLabel(q.Source), sentence(q.Reason), q.Signed, q.ReceivedAt})
	}
	for _, db := range s.Databases {
		left, err := s.Repairs.Leftovers(ctx, db.ID, shownLeftover)
		if err != nil {
			return v, err
		}
		for _, l := range left {
			v.Leftovers = append(v.Leftovers, leftoverRow{l.Property, l.Expected, l.Got, l.Page, l.NotedAt})
		}
	}
	return v, nil
}

// settleFailures retries or drops dead letters: those that were chosen, or all
// of one reason.
func (s *site) settleFailures(w http.ResponseWriter, r *http.Request) {
	jobs, err := s.chosenJobs(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	act, done := s.Jobs.RetryJob, "retried"
	if r.PostFormValue("do") == "drop" {
		act, done = s.Jobs.DropJob, "dropped"
	}
	found := 0
	for _, j := range jobs {
		switch err := act(r.Context(), j); {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			s.fail(w, r, err)
			return
		default:
			found++
		}
	}
	switch all, ids := r.PostFormValue("all") != "", r.PostForm["id"]; {
	case found == 0 && len(ids) == 0 && !all:
		done = "none"
	case found < len(ids):
		done = "gone"
	}
	s.Wake()
	seeOther(w, r, "/failures", done)
}

// chosenJobs finds the dead letters that a form names, as far as they are
// still there.
func (s *site) chosenJobs(r *http.Request) (chosen []crm.Job, err error) {
	if r.PostFormValue("all") != "" {
		reason := r.PostFormValue("reason")
		chosen, err = s.Jobs.Jobs(r.Context(), store.JobFilter{State: crm.JobDead, Reason: reason, Limit: manyJobs})
		return slices.DeleteFunc(chosen, func(j crm.Job) bool { return j.LastError != reason }), err
	}
	for _, text := range r.PostForm["id"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id <= 0 {
			continue
		}
		one, err := s.Jobs.Jobs(r.Context(), store.JobFilter{ID: id, State: crm.JobDead})
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, one...)
	}
	return chosen, nil
}
