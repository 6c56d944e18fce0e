package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/dealbell/dealbell/internal/inbound"
	"github.com/dealbell/dealbell/internal/secret"
)

const (
	cookieLife = 400 * 24 * 60 * 60 // seconds, the longest that browsers take; the store ends idle sessions
	formField  = "proof"            // of forms: that a page of this session made them
)

// session is one browser that is logged in. Its cookie is 256 random bits, of
// which only the hash is kept here.
type session struct{ cookie secret.String }

func newCookie() secret.String {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // it never fails
	return secret.New(base64.RawURLEncoding.EncodeToString(raw))
}

// hashOf is what is kept of a random token. It needs no salt and no cost: the
// token has 256 bits.
func hashOf(s secret.String) []byte {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return sum[:]
}

// proof is what the forms of a session carry. Other sites can neither read nor
// derive it.
func (s session) proof() string {
	mac := hmac.New(sha256.New, []byte(s.cookie.Reveal()))
	mac.Write([]byte("form"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// cookieName has a prefix by which browsers let nobody but this very host set
// it, where that is possible.
func (s *site) cookieName(r *http.Request) string {
	if inbound.Secure(r, s.Trusted) {
		return "__Host-dealbell"
	}
	return "dealbell"
}

func (s *site) setCookie(w http.ResponseWriter, r *http.Request, value string, life int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // without TLS, as through an SSH tunnel, a Secure one would be lost
		Name: s.cookieName(r), Value: value, Path: "/", MaxAge: life, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: inbound.Secure(r, s.Trusted),
	})
}

type sessionKey struct{}

// sessionOf returns the session of a request that has passed the middleware.
func sessionOf(r *http.Request) (session, bool) {
	found, ok := r.Context().Value(sessionKey{}).(session)
	return found, ok
}

// look finds the session of a request, if there is one.
func (s *site) look(r *http.Request) (session, bool, error) {
	cookie, err := r.Cookie(s.cookieName(r))
	if err != nil {
		return session{}, false, nil //nolint:nilerr // no cookie, no session
	}
	found := session{secret.New(cookie.Value)}
	ok, err := s.Sessions.Session(r.Context(), hashOf(found.cookie))
	return found, ok, err
}

// onlyWithSession lets those in who are logged in; what they change needs
// proof that a page of theirs asked for it.
func (s *site) onlyWithSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok, err := s.look(r)
		switch {
		case err != nil:
			s.fail(w, r, err)
			return
		case !ok && r.Method == http.MethodGet && r.URL.Path != "/events":
			http.Redirect(w, r, "/login?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
			return
		case !ok:
			s.refuse(w, r, http.StatusUnauthorized, "Please log in", "Your session is over. Log in and try again.")
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, who))
		if r.Method != http.MethodGet && !s.proven(w, r, who) {
			s.refuse(w, r, http.StatusForbidden, "This form is too old", "Go back, reload the page and try again. Nothing was changed.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// proven reports whether a form came from a page of the session.
// http.CrossOriginProtection, which every request passes before, already
// refuses what other sites send. It has to believe requests that say nothing
// of their origin; this holds for them as well.
func (s *site) proven(w http.ResponseWriter, r *http.Request, who session) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	given := r.PostFormValue(formField)
	return subtle.ConstantTimeCompare([]byte(given), []byte(who.proof())) == 1
}

// onlyWithTokenOrSession lets scripts in as well.
func (s *site) onlyWithTokenOrSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if bearer && !s.Token.Empty() && subtle.ConstantTimeCompare([]byte(given), []byte(s.Token.Reveal())) == 1 {
			next.ServeHTTP(w, r)
			return
		}
		_, ok, err := s.look(r)
		switch {
		case err != nil:
			s.fail(w, r, err)
		case bearer || !ok:
			w.Header().Set("WWW-Authenticate", `Bearer realm="dealbell"`)
			http.Error(w, "this needs a session, or the bearer token in admin.token of the state directory", http.StatusUnauthorized)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
