package web

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/inbound"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
)

// maxForm is how long a form may be. The longest holds a submission.
const maxForm = 2 << 20

type loginView struct {
	Unset   bool // no password is set yet
	Next    string
	Problem string
}

func (s *site) showLogin(w http.ResponseWriter, r *http.Request) {
	if _, in, err := s.look(r); err == nil && in {
		http.Redirect(w, r, within(r.FormValue("next")), http.StatusSeeOther) //nolint:gosec // within lets only paths of ours pass
		return
	}
	s.askForPassword(w, r, http.StatusOK, "")
}

func (s *site) askForPassword(w http.ResponseWriter, r *http.Request, status int, problem string) {
	hash, err := s.Passwords.Password(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, status, view{Page: "login", Title: "Log in", Content: loginView{hash == "", within(r.FormValue("next")), problem}})
}

// within returns a path of the dashboard: never another site.
func within(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

func (s *site) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	from := inbound.ClientAddr(r, s.Trusted)
	if wait := s.throttle.begin(from, time.Now()); wait > 0 {
		s.tooMany(w, r, wait)
		return
	}
	hash, err := s.Passwords.Password(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	right, err := s.try(r, hash, secret.New(r.PostFormValue("password")))
	switch {
	case err != nil:
		s.fail(w, r, err)
	case !right:
		s.Log.Warn("a login failed")
		s.askForPassword(w, r, http.StatusUnauthorized, "That is not the password.")
	default:
		s.throttle.right(from, time.Now())
		s.enter(w, r, hash, within(r.PostFormValue("next")))
	}
}

// try compares a password; one at a time, whoever asks.
func (s *site) try(r *http.Request, hash string, password secret.String) (bool, error) {
	if hash == "" {
		return false, nil
	}
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-r.Context().Done():
		return false, r.Context().Err()
	}
	return verify(hash, password)
}

func (s *site) tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	seconds := int(math.Ceil(wait.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	s.askForPassword(w, r, http.StatusTooManyRequests, fmt.Sprintf("There were too many tries. Wait %s, then try again.", crm.Span(wait)))
}

// enter begins a session, with a cookie that was in no browser before.
func (s *site) enter(w http.ResponseWriter, r *http.Request, hash, next string) {
	cookie := newCookie()
	err := s.Sessions.StartSession(r.Context(), hashOf(cookie), hash)
	if errors.Is(err, store.ErrNotFound) {
		s.askForPassword(w, r, http.StatusUnauthorized, "The password was changed at this moment. Log in with the new one.")
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.setCookie(w, r, cookie.Reveal(), cookieLife)
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // it was cut to a path of ours
}

func (s *site) logout(w http.ResponseWriter, r *http.Request) {
	if who, ok := sessionOf(r); ok {
		if err := s.Sessions.EndSession(r.Context(), hashOf(who.cookie)); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.setCookie(w, r, "", -1)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
