package ingest

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/inbound"
	"github.com/dealbell/dealbell/internal/store"
)

// public handles a form that the visitor's browser sends. Nothing is signed,
// so nothing is believed: what raises doubt is held for a person.
type public struct {
	desk
	policy  antispam.Policy
	limiter *antispam.Limiter
	script  []byte
}

// routePublic adds the paths of a form in a browser.
func (d desk) routePublic(get, post chi.Router) error {
	p := &public{desk: d, policy: *d.form.Public, limiter: antispam.NewLimiter(d.form.PerClient, d.form.PerForm)}
	var err error
	if p.script, err = p.policy.Script(d.form.Path); err != nil {
		return fmt.Errorf("form %s: %w", d.form.Name, err)
	}
	base := "/forms/" + d.form.Name
	get.Get(base+".js", p.serveScript)
	get.Get(base+"/token", p.serveToken)
	post.Method(http.MethodPost, d.form.Path, p)
	get.Options(d.form.Path, func(w http.ResponseWriter, r *http.Request) {
		p.policy.CORS(w.Header(), r.Header.Get("Origin"))
		w.WriteHeader(http.StatusNoContent)
	})
	return nil
}

func (p *public) serveScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(p.script) // the visitor may be gone
}

func (p *public) serveToken(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	p.policy.CORS(w.Header(), r.Header.Get("Origin"))
	ticket, err := p.Guard.Issue(p.policy, antispam.Seen(r.Header, now).Source(), now)
	if err != nil {
		p.Log.Error("a token could not be issued", "form", p.form.Name, "error", err)
		refuse(http.StatusServiceUnavailable, "no token can be issued").after(retryAfter).write(w)
		return
	}
	writeJSON(w, http.StatusOK, "application/json", ticket)
}

func (p *public) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.policy.CORS(w.Header(), r.Header.Get("Origin"))
	said, receipt, refused := p.take(w, r)
	switch {
	case refused != nil:
		p.Counted(p.form.Name, strconv.Itoa(refused.Status))
		if wantsPage(r) {
			p.apologise(w, refused)
			return
		}
		refused.write(w)
	case wantsPage(r):
		p.Counted(p.form.Name, receipt.Verdict.String())
		p.thank(w, r, said)
	default:
		p.answer(w, receipt.Verdict.String(), receipt.ID)
	}
}

// take keeps a submission, or holds it.
func (p *public) take(w http.ResponseWriter, r *http.Request) (form.Submission, store.Receipt, *problem) {
	body, refused := readBody(w, r, p.form.Vendor.MaxBody)
	if refused != nil {
		return form.Submission{}, store.Receipt{}, refused
	}
	now := time.Now()
	tooMany, wait := p.limiter.Take(inbound.ClientAddr(r, p.Trusted), now)
	if wait > 0 {
		return form.Submission{}, store.Receipt{}, refuse(http.StatusTooManyRequests, "too many submissions, try again in a minute").after(max(wait, time.Second))
	}
	in, said, err := p.form.Intake(store.NewID(), r.Header, r.Header.Get("Content-Type"), body)
	if refused := p.objection(in, err); refused != nil {
		return said, store.Receipt{}, refused
	}
	evidence := antispam.Seen(r.Header, now)
	evidence.TooMany, evidence.Honeypot = tooMany, said.Value(p.policy.Honeypot)
	evidence.Unproven = p.unproven(r.Context(), said, in.Delivery.ID)
	verdict := p.Guard.Judge(p.policy, evidence)
	in.Nonce, in.NonceUntil = verdict.Nonce, verdict.Forget
	for _, reason := range verdict.Reasons {
		in.Held = append(in.Held, string(reason))
	}
	receipt, refused := p.accept(r.Context(), in)
	return said, receipt, refused
}

// unproven reports whether a captcha that the form asks for does not vouch for
// the visitor. That nobody could be asked is doubt, too.
func (p *public) unproven(ctx context.Context, said form.Submission, delivery string) bool {
	if p.form.Turnstile == nil {
		return false
	}
	err := p.form.Turnstile.Verify(ctx, p.policy, said.Value(antispam.CaptchaField), delivery)
	if err != nil {
		p.Log.Warn("a visitor could not be vouched for", "form", p.form.Name, "id", delivery, "error", err)
	}
	return err != nil
}

// wantsPage reports whether a form was posted without the script: the visitor
// will see the answer.
func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// thank leads to the page that the form's owner has for it, or says thanks.
func (p *public) thank(w http.ResponseWriter, r *http.Request, said form.Submission) {
	page, ok := p.policy.Redirect(said.Value(antispam.ThanksField))
	if !ok {
		page, ok = p.policy.Redirect("")
	}
	if ok {
		http.Redirect(w, r, page, http.StatusSeeOther) //nolint:gosec // it is one of the configuration
		return
	}
	writePage(w, http.StatusOK, "Thank you", "Your message was sent.")
}

// apologise says what is wrong. The browser keeps what was typed, one step
// back.
func (p *public) apologise(w http.ResponseWriter, refused *problem) {
	refused.setRetryAfter(w.Header())
	writePage(w, refused.Status, "Your message was not sent", "Please go back and try again: "+refused.Detail+".")
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title>
<h1>{{.Title}}</h1><p>{{.Text}}</p></html>
`))

func writePage(w http.ResponseWriter, status int, title, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = page.Execute(w, struct{ Title, Text string }{title, text}) // the visitor may be gone
}
