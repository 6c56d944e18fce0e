package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/store"
)

// failureView is one dead letter with what it is about.
type failureView struct {
	Job        crm.Job
	What       string
	Reason     string
	Deliveries []deliveryView
	Payload    string // where it is about no delivery
	Problem    string // with what was typed
	Hint       string
}

type deliveryView struct {
	ID, Form, ContentType string
	Said                  form.Submission
	Raw                   string
	Binary                bool
}

// deadJob finds the dead letter that the path names; without one it answers.
func (s *site) deadJob(w http.ResponseWriter, r *http.Request) (crm.Job, []crm.Delivery, bool) {
	id, err := strconv.ParseInt(chi.URLParam(r, "job"), 10, 64)
	var found []crm.Job
	if err == nil && id > 0 {
		if found, err = s.Jobs.Jobs(r.Context(), store.JobFilter{ID: id, State: crm.JobDead}); err != nil {
			s.fail(w, r, err)
			return crm.Job{}, nil, false
		}
	}
	if len(found) == 0 {
		s.refuse(w, r, http.StatusNotFound, "This dead letter is not here", "It was retried or dropped. One that fails again has a new number.")
		return crm.Job{}, nil, false
	}
	deliveries, err := s.Jobs.JobDeliveries(r.Context(), found[0])
	if err != nil {
		s.fail(w, r, err)
	}
	return found[0], deliveries, err == nil
}

func (s *site) showFailure(w http.ResponseWriter, r *http.Request) {
	if j, deliveries, ok := s.deadJob(w, r); ok {
		s.showDead(w, r, http.StatusOK, s.failureView(j, deliveries))
	}
}

func (s *site) showDead(w http.ResponseWriter, r *http.Request, status int, v failureView) {
	s.render(w, r, status, view{Page: "failure", Title: "Dead letter " + strconv.FormatInt(v.Job.ID, 10), Content: v})
}

func (s *site) failureView(j crm.Job, deliveries []crm.Delivery) failureView {
	v := failureView{Job: j, What: kindOf(j), Reason: sentence(j.LastError)}
	for _, d := range deliveries {
		one := deliveryView{ID: d.ID, Form: formLabel(d.Source), ContentType: d.ContentType, Said: s.read(d)}
		one.Raw, one.Binary = readable(d.Body)
		v.Deliveries = append(v.Deliveries, one)
	}
	if len(deliveries) == 0 && string(j.Payload) != "null" {
		v.Payload = string(j.Payload)
	}
	return v
}

// editFailure puts another body in the place of what a delivery said, once its
// form can read it, and tries again.
func (s *site) editFailure(w http.ResponseWriter, r *http.Request) {
	j, deliveries, ok := s.deadJob(w, r)
	if !ok {
		return
	}
	i := slices.IndexFunc(deliveries, func(d crm.Delivery) bool { return d.ID == r.PostFormValue("delivery") })
	if i < 0 {
		seeOther(w, r, "/failures", "gone")
		return
	}
	body := typed(r.PostFormValue("body"), deliveries[i].Body)
	corrected, err := lead.Correct(s.Forms, j, deliveries[i], body)
	if err != nil {
		v := s.failureView(j, deliveries)
		v.Deliveries[i].Raw, v.Problem = string(body), sentence(err.Error())
		v.Hint, _ = crm.Hint(err)
		v.Hint = sentence(v.Hint)
		s.showDead(w, r, http.StatusUnprocessableEntity, v)
		return
	}
	err = s.Repairs.Correct(r.Context(), j, corrected)
	switch {
	case errors.Is(err, store.ErrNotFound):
		seeOther(w, r, "/failures", "gone")
	case err != nil:
		s.fail(w, r, err)
	default:
		s.Wake()
		seeOther(w, r, "/failures", "edited")
	}
}

// typed undoes what browsers do to the ends of lines.
func typed(text string, was []byte) []byte {
	if !strings.Contains(string(was), "\r\n") {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	return []byte(text)
}
