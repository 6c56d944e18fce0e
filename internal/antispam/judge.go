package antispam

import (
	"crypto/hmac"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Reason is a reason for doubt: a stable word, for metrics and for people.
type Reason string

// The reasons.
const (
	Origin       Reason = "origin"        // it comes from no page of the form's, or from another one than its token
	TokenMissing Reason = "token-missing" // it was posted without the script
	TokenInvalid Reason = "token-invalid" // Dealbell did not issue the token for this form
	TokenExpired Reason = "token-expired"
	TokenReused  Reason = "token-reused" // for the caller, who records nonces
	TooFast      Reason = "too-fast"
	Honeypot     Reason = "honeypot"
	NoWork       Reason = "no-work" // the proof of work is missing, wrong or too old
	TooMany      Reason = "too-many"
	Captcha      Reason = "captcha" // its answer is missing or wrong, or nobody could be asked
)

// The headers that a submission brings its token and its work in. They stay
// out of the body, so that what is stored is what a person typed, and the
// same message is the same body.
const (
	TokenHeader = "X-Form-Token" //nolint:gosec // a name, not a token
	WorkHeader  = "X-Form-Work"
)

// Evidence is what is known of a submission.
type Evidence struct {
	Origin, Referer string // headers
	Token, Work     string // headers
	Honeypot        string // what stands in the policy's honeypot
	TooMany         bool   // the Limiter says so
	Unproven        bool   // a captcha was asked for and does not vouch for it
	Now             time.Time
}

// Seen returns what the headers of a request tell.
func Seen(h http.Header, now time.Time) Evidence {
	return Evidence{
		Origin: h.Get("Origin"), Referer: h.Get("Referer"),
		Token: h.Get(TokenHeader), Work: h.Get(WorkHeader), Now: now,
	}
}

// Source is the origin of the page: what the browser says it is, else where
// the Referer points; "" when neither tells.
func (e Evidence) Source() string {
	if e.Origin != "" {
		return e.Origin
	}
	if u, err := url.Parse(e.Referer); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	return ""
}

// Verdict is the outcome.
type Verdict struct {
	Reasons []Reason // for doubt; none lets it pass
	// Nonce is to be recorded when the submission is stored, and kept until
	// Forget. One that is there already is the reason TokenReused. "" without
	// an authentic token.
	Nonce  string
	Forget time.Time
}

// Judge weighs the evidence for a submission of the form.
func (g *Guard) Judge(p Policy, e Evidence) Verdict {
	t, ok := g.open(p.Form, e.Token)
	worked := p.Work > 0 && ok && g.worked(e.Work, t.nonce, e.Now)
	age := e.Now.Sub(t.issued)
	var v Verdict
	if ok {
		v.Nonce, v.Forget = t.nonce, t.issued.Add(p.MaxAge)
	}
	for _, c := range [...]struct {
		doubt  bool
		reason Reason
	}{
		{!p.trusts(e.Source(), t, worked), Origin},
		{e.Token == "" && !p.Plain, TokenMissing},
		{e.Token != "" && !ok, TokenInvalid},
		{ok && age > p.MaxAge, TokenExpired},
		{ok && age < p.MinFill, TooFast},
		{e.Honeypot != "", Honeypot},
		{p.Work > 0 && !worked, NoWork},
		{e.TooMany, TooMany},
		{e.Unproven, Captcha},
	} {
		if c.doubt {
			v.Reasons = append(v.Reasons, c.reason)
		}
	}
	return v
}

// trusts reports whether the submission comes from a page of the form's, and
// its token from the same one.
func (p Policy) trusts(origin string, t token, worked bool) bool {
	issuedTo := func(o string) bool { return hmac.Equal([]byte(t.origin), []byte(originHash(o))) }
	switch {
	case origin == "":
		return worked && slices.ContainsFunc(p.Origins, issuedTo)
	case !slices.Contains(p.Origins, origin):
		return false
	}
	// A page of Dealbell's own site may get its token without saying where it is.
	return t == token{} || issuedTo(origin) || issuedTo("")
}
