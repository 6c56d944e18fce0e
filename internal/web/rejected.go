package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/store"
)

// rejectedView is one submission that was not believed.
type rejectedView struct {
	store.Rejected
	Form    string
	Reason  string
	Said    form.Submission
	Raw     string
	Binary  bool
	Problem string // why it is still not believed
}

func (s *site) showRejected(w http.ResponseWriter, r *http.Request) {
	s.showReject(w, r, http.StatusOK, chi.URLParam(r, "id"), "")
}

func (s *site) showReject(w http.ResponseWriter, r *http.Request, status int, id, problem string) {
	q, err := s.Rejects.Reject(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		s.refuse(w, r, http.StatusNotFound, "This submission is not here", "Rejected submissions are kept for 7 days; this one was released, dropped, or is older.")
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := rejectedView{
		Rejected: q, Form: formLabel(q.Source), Reason: sentence(q.Reason), Problem: problem,
		Said: s.read(crm.Delivery{Source: q.Source, ContentType: q.ContentType, Body: q.Body}),
	}
	v.Raw, v.Binary = readable(q.Body)
	s.render(w, r, status, view{Page: "rejected", Title: "Rejected submission", Content: v})
}

// judgeRejected lets a rejected submission in after all, or throws it away.
func (s *site) judgeRejected(w http.ResponseWriter, r *http.Request) {
	id, done := r.PostFormValue("id"), "released"
	var err error
	switch r.PostFormValue("do") {
	case "drop":
		done, err = "dropped", s.Rejects.DropRejected(r.Context(), id)
	case "believe":
		err = s.release(r.Context(), id, true)
	default:
		err = s.release(r.Context(), id, false)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		seeOther(w, r, "/failures", "gone")
	case err != nil && done == "released":
		s.showReject(w, r, http.StatusConflict, id, sentence(err.Error()))
	case err != nil:
		s.fail(w, r, err)
	default:
		s.Wake()
		seeOther(w, r, "/failures", done)
	}
}

func (s *site) release(ctx context.Context, id string, believe bool) error {
	q, err := s.Rejects.Reject(ctx, id)
	if err != nil {
		return err
	}
	return s.Replay.Release(ctx, q, believe)
}
