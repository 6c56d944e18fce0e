package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/story"
)

// recordView is the story of a record, or the way to one.
type recordView struct {
	What    string // as it was asked
	Problem string
	Near    []string // that may have been meant
	Story   *story.Story
	Days    []storyDay
}

// storyDay is what happened on one day.
type storyDay struct {
	Day     string
	Entries []storyEntry
}

type storyEntry struct {
	story.Entry
	Class      string
	Submission string // where the entry is about one that came in
	After      string // how long after the entry before; "" where that is no wait
}

// entryClasses colour what is worth seeing at a glance.
var entryClasses = map[story.Kind]string{story.Delivery: "good", story.Message: "good"}

func (s *site) askForRecord(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, view{Page: "record", Title: "Record story", Content: recordView{}})
}

// findRecord looks for what was typed. Only what is no address may become part
// of one.
func (s *site) findRecord(w http.ResponseWriter, r *http.Request) {
	what := strings.TrimSpace(r.PostFormValue("what"))
	if id := crm.NormalID(what); isID(id) {
		http.Redirect(w, r, "/records/"+url.PathEscape(id), http.StatusSeeOther)
		return
	}
	s.tell(w, r, what)
}

func (s *site) showRecord(w http.ResponseWriter, r *http.Request) {
	id := chi.URLParam(r, "id")
	if !isID(id) {
		s.refuse(w, r, http.StatusNotFound, "This is no record", "Records are found by an address, or by the link of their page in Notion.")
		return
	}
	s.tell(w, r, id)
}

// isID tells ids of pages and deliveries from what people are called.
func isID(s string) bool {
	return (len(s) == 36 || len(s) == 26) && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (s *site) tell(w http.ResponseWriter, r *http.Request, what string) {
	v := recordView{What: what}
	told, err := s.Story(r.Context(), what)
	if unknown, ok := errors.AsType[*story.UnknownError](err); ok {
		v.Problem, v.Near = "Nothing is known of this. Dealbell knows who sent a form, and the pages of the databases that it reads.", unknown.Near
		s.render(w, r, http.StatusNotFound, view{Page: "record", Title: "Record story", Content: v})
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v.Story, v.Days = &told, s.days(told.Entries)
	s.render(w, r, http.StatusOK, view{Page: "record", Title: "Record story", Content: v})
}

// days groups entries by the day on the wall.
func (s *site) days(entries []story.Entry) (days []storyDay) {
	var last time.Time
	for _, e := range entries {
		day := e.At.In(s.Zone).Format("Monday, 2 January 2006")
		if len(days) == 0 || days[len(days)-1].Day != day {
			days = append(days, storyDay{Day: day})
		}
		one := storyEntry{Entry: e, Class: entryClasses[e.Kind]}
		if e.Kind == story.Delivery {
			one.Submission = e.Delivery
		}
		if e.Trouble {
			one.Class = "bad"
		}
		if wait := e.At.Sub(last); !last.IsZero() && wait >= time.Second {
			one.After = crm.Span(wait) + " later"
		}
		last = e.At
		d := &days[len(days)-1]
		d.Entries = append(d.Entries, one)
	}
	return days
}
