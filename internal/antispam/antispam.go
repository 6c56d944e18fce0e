// Package antispam judges submissions of a public form: one whose page is in
// a browser, where no secret can be kept.
//
// Doubt holds, it never drops. A verdict names every reason for doubt, and a
// submission with any is to be stored as held, for a person to release. Only
// the hard limits refuse. What is asked of a submission:
//
//   - Its Origin is one of the form's, letter by letter. Browsers tell the
//     truth here and cannot be made to lie by another site; scripts can.
//   - It brings a token that Dealbell issued for this form and this origin, no
//     less than MinFill and no more than MaxAge ago, and not used before.
//   - It brings the proof of work that came with the token, where the form
//     asks for work.
//   - The honeypot, a field that no person sees, is empty.
//   - Its sender did not send a handful within the minute (Limiter).
//
// A form without JavaScript has no token. Everything that is left then can be
// forged with one line of shell, so such a post is held, unless the policy
// says Plain: then an allowed Origin, an empty honeypot and the limits are
// enough, for sites that would rather sort out some spam than look through
// held leads. Plain never waives the proof of work. A browser sends no Origin,
// or "null", where the page's Referrer-Policy is no-referrer; that is held too.
// Without Origin and Referer a submission passes with token and work alone.
//
// The package does no input or output and keeps no state but Limiter's. That a
// token is used once is for the caller to see to: Verdict.Nonce is to be
// recorded in the transaction that stores the submission.
package antispam

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Policy is what a public form asks of its submissions.
type Policy struct {
	Form     string        // its name
	Origins  []string      // the sites that carry it, as browsers say it: https://example.com
	Thanks   []string      // pages that a post without JavaScript may lead to; the first one unless it asks for another
	Honeypot string        // a field that no person sees
	MinFill  time.Duration // nobody is faster
	MaxAge   time.Duration // of a token
	Work     int64         // a browser tries at most so many hashes; 0 asks for no work
	Plain    bool          // an allowed Origin is enough where there is no token
}

// Standard returns the policy of a form that says nothing else.
func Standard(form string, origins ...string) Policy {
	return Policy{
		Form: form, Origins: origins, Honeypot: "_gotcha",
		MinFill: 3 * time.Second, MaxAge: 2 * time.Hour, Work: 100_000,
	}
}

// The fields of a submission that are for Dealbell.
const (
	ThanksField  = "_thanks"               // the page of the policy's that a plain post asks for
	CaptchaField = "cf-turnstile-response" // what Turnstile's widget adds to a form
)

// Own reports whether a field is for Dealbell and so none of the lead's.
func (p Policy) Own(field string) bool {
	return field == p.Honeypot || field == ThanksField || field == CaptchaField
}

// maxWork keeps what is hashed within one block of SHA-256, and a telephone
// from getting warm.
const maxWork = 10_000_000

// Both stand in selectors of the script.
var (
	formName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,62}$`)
)

// Validate says what is wrong with a policy.
func (p Policy) Validate() error {
	switch {
	case !formName.MatchString(p.Form):
		return fmt.Errorf("form %q: a name has letters, digits, - and _ only, at most 63", p.Form)
	case len(p.Origins) == 0:
		return fmt.Errorf("form %q: origins are missing, such as https://example.com", p.Form)
	case !fieldName.MatchString(p.Honeypot):
		return fmt.Errorf("form %q: the honeypot %q needs a name of letters, digits, - and _, such as _gotcha", p.Form, p.Honeypot)
	case p.MinFill < 0 || p.MaxAge < time.Minute || p.MinFill >= p.MaxAge:
		return fmt.Errorf("form %q: a token is good from %v to %v, which leaves no time to fill the form in", p.Form, p.MinFill, p.MaxAge)
	case p.Work < 0 || p.Work > maxWork:
		return fmt.Errorf("form %q: work is %d, it must be from 0 to %d", p.Form, p.Work, int64(maxWork))
	case p.Plain && p.Work > 0:
		return fmt.Errorf("form %q: a plain post can do no work; have plain or work", p.Form)
	}
	for _, o := range p.Origins {
		if err := checkOrigin(o); err != nil {
			return fmt.Errorf("form %q: origin %q %w", p.Form, o, err)
		}
	}
	for _, page := range p.Thanks {
		if err := checkPage(page); err != nil {
			return fmt.Errorf("form %q: thanks page %q %w", p.Form, page, err)
		}
	}
	return nil
}

var defaultPorts = map[string]string{"http": ":80", "https": ":443"}

// checkOrigin wants an origin exactly as browsers write it, because it is
// compared letter by letter.
func checkOrigin(s string) error {
	u, err := url.Parse(s)
	if err != nil || defaultPorts[u.Scheme] == "" || u.Hostname() == "" || strings.Contains(u.Host, "*") {
		return errors.New("must name one site, such as https://example.com")
	}
	for _, r := range u.Host {
		if r > 0x7f {
			return errors.New("must be in ASCII, as browsers send it: https://xn--…")
		}
	}
	if said := u.Scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Host), defaultPorts[u.Scheme]); said != s {
		return fmt.Errorf("must be written as browsers send it: %s", said)
	}
	return nil
}

func checkPage(s string) error {
	u, err := url.Parse(s)
	if err != nil || defaultPorts[u.Scheme] == "" || u.Hostname() == "" || u.User != nil || strings.ContainsRune(s, '\\') {
		return errors.New("must be a whole address, such as https://example.com/thanks")
	}
	return nil
}
