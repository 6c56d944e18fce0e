package web

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
)

// linkLife is how long a setup link holds.
const linkLife = 24 * time.Hour

// Offers keeps the token of a setup link, by its hash.
type Offers interface {
	OfferSetup(ctx context.Context, token []byte, until time.Time) error
}

// SetupPath returns the path of a link by which a password can be set: once,
// within 24 hours. Links from before hold no longer.
func SetupPath(ctx context.Context, o Offers) (secret.String, error) {
	token := newCookie()
	if err := o.OfferSetup(ctx, hashOf(token), time.Now().Add(linkLife)); err != nil {
		return secret.String{}, err
	}
	return secret.New("/setup/" + token.Reveal()), nil
}

type setupView struct {
	Minimum int
	Problem string
}

// offered finds the token in the path; without one that holds it answers.
func (s *site) offered(w http.ResponseWriter, r *http.Request) (token secret.String, ok bool) {
	token = secret.New(chi.URLParam(r, "token"))
	ok, err := s.Passwords.SetupOffered(r.Context(), hashOf(token))
	switch {
	case err != nil:
		s.fail(w, r, err)
		return token, false
	case !ok:
		s.goneLink(w, r)
	}
	return token, ok
}

func (s *site) goneLink(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, http.StatusGone, "This link holds no longer",
		"A setup link works once, for 24 hours, and only the newest one does. Make another on the machine where Dealbell runs: dealbell password --link")
}

func (s *site) showSetup(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.offered(w, r); ok {
		s.askForNew(w, r, http.StatusOK, "")
	}
}

func (s *site) askForNew(w http.ResponseWriter, r *http.Request, status int, problem string) {
	s.render(w, r, status, view{Page: "setup", Title: "Choose a password", Content: setupView{minPassword, problem}})
}

func (s *site) setup(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	token, ok := s.offered(w, r)
	if !ok {
		return
	}
	password, again := r.PostFormValue("password"), r.PostFormValue("again")
	if subtle.ConstantTimeCompare([]byte(password), []byte(again)) != 1 {
		s.askForNew(w, r, http.StatusUnprocessableEntity, "The two are not the same. Type the password twice.")
		return
	}
	hash, err := s.hash(r, secret.New(password))
	if err != nil {
		s.askForNew(w, r, http.StatusUnprocessableEntity, sentence(err.Error()))
		return
	}
	err = s.Passwords.Setup(r.Context(), hashOf(token), hash)
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.goneLink(w, r)
	case err != nil:
		s.fail(w, r, err)
	default:
		s.Log.Info("a new password was set; whoever was logged in is no longer")
		s.enter(w, r, hash, "/")
	}
}

func (s *site) hash(r *http.Request, password secret.String) (string, error) {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-r.Context().Done():
		return "", r.Context().Err()
	}
	return HashPassword(password)
}
