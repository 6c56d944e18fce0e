package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// WebsiteOptions connects the demo website with Dealbell.
type WebsiteOptions struct {
	LeadURL     string        // where leads are posted, such as http://127.0.0.1:3000/lead
	Secret      string        // the form secret, shared with Dealbell
	ContactsURL string        // linked from the thank-you page; "" for no link
	Client      *http.Client  // default: one with a time-out of ten seconds
	Patience    time.Duration // how long a lead that nobody answers is sent again and again
	Visitors    []Lead        // with whom the form is filled in, one after the other; none leaves it empty
	// Heard is told of each lead that was taken; nil for nobody.
	Heard func(Lead, Acceptance)
	Nav   []Link // to other pages of a demo
}

// Lead is what a visitor fills in, and what Dealbell is sent.
type Lead struct {
	Name    string `json:"name"`
	Email   string `json:"email"`
	Company string `json:"company"`
	Message string `json:"message"`
	Source  string `json:"utm_source"`
}

// Acceptance is Dealbell's answer to a lead that it took.
type Acceptance struct {
	Status string `json:"status"` // "accepted", or "duplicate" when it has had the same before
	ID     string `json:"id"`
}

// RefusalError is why a lead was not taken. Status is 0 when nobody answered.
type RefusalError struct {
	Status int    `json:"-"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func (r *RefusalError) Error() string { return strings.TrimSuffix(r.Title+": "+r.Detail, ": ") }

// Website is the site of a small company with a contact form. GET / shows the
// form; POST / is what the company's own server does with it: sign the lead
// and pass it to Dealbell. It is an example to copy from.
type Website struct {
	o    WebsiteOptions
	page *template.Template
	mux  *http.ServeMux
	next atomic.Int64 // visitor
}

type websiteView struct {
	Nav         []Link
	At          string // where the website lies, seen from the page that shows it
	Sent        bool
	Form        Lead
	Lead        Acceptance
	Refusal     *RefusalError
	ContactsURL string
}

const (
	maxForm   = 64 << 10 // what a visitor may send
	nextTry   = 200 * time.Millisecond
	ownServer = "./" // where a page's forms lead when it stands alone
)

// NewWebsite returns a website.
func NewWebsite(o WebsiteOptions) *Website {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	s := &Website{o: o, page: pageTemplates(), mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /{$}", s.show)
	s.mux.HandleFunc("POST /{$}", s.submit)
	return s
}

// ServeHTTP implements http.Handler.
func (s *Website) ServeHTTP(rw http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(rw, r) }

func (s *Website) show(rw http.ResponseWriter, r *http.Request) {
	v := s.blank()
	v.Form.Source = cmp.Or(r.URL.Query().Get("utm_source"), v.Form.Source)
	render(rw, s.page, "website.html", http.StatusOK, v)
}

// blank is the form as the next visitor finds it.
func (s *Website) blank() websiteView {
	v := websiteView{Nav: s.o.Nav, At: ownServer}
	if n := len(s.o.Visitors); n > 0 {
		v.Form = s.o.Visitors[int(s.next.Load())%n]
	}
	v.Form.Source = cmp.Or(v.Form.Source, "website")
	return v
}

func (s *Website) submit(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(rw, "read form: "+err.Error(), http.StatusBadRequest)
		return
	}
	v := websiteView{Nav: s.o.Nav, At: ownServer, ContactsURL: s.o.ContactsURL, Form: Lead{
		Name: r.PostFormValue("name"), Email: r.PostFormValue("email"), Company: r.PostFormValue("company"),
		Message: r.PostFormValue("message"), Source: r.PostFormValue("utm_source"),
	}}
	var err error
	if v.Lead, err = s.Send(r.Context(), v.Form); err != nil {
		v.Refusal = refusalOf(err)
		render(rw, s.page, "website.html", cmp.Or(v.Refusal.Status, http.StatusBadGateway), v)
		return
	}
	v.Sent = true
	s.next.Add(1)
	render(rw, s.page, "website.html", http.StatusOK, v)
}

// Send passes one lead on. While nobody answers, or the answer is 503, the same
// bytes are sent again: Dealbell takes them once. An error is a *RefusalError.
func (s *Website) Send(ctx context.Context, lead Lead) (Acceptance, error) {
	body, err := json.Marshal(lead)
	if err != nil {
		return Acceptance{}, unsent(err)
	}
	for deadline := time.Now().Add(s.o.Patience); ; {
		answer, err := s.post(ctx, body)
		if err == nil && s.o.Heard != nil {
			s.o.Heard(lead, answer)
		}
		if err == nil || !passing(err) || !time.Now().Before(deadline) {
			return answer, err
		}
		if err := sleep(ctx, nextTry); err != nil {
			return Acceptance{}, unsent(err)
		}
	}
}

// passing says that it may go better in a moment.
func passing(err error) bool {
	status := refusalOf(err).Status
	return status == 0 || status == http.StatusServiceUnavailable
}

func refusalOf(err error) *RefusalError {
	if r, ok := errors.AsType[*RefusalError](err); ok {
		return r
	}
	return unsent(err)
}

// post makes one attempt. The signature covers the exact bytes of the body, so
// the body is encoded once and sent as it was signed.
func (s *Website) post(ctx context.Context, body []byte) (Acceptance, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.LeadURL, bytes.NewReader(body))
	if err != nil {
		return Acceptance{}, unsent(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Form-Signature", "sha256="+sign(s.o.Secret, body))
	res, err := s.o.Client.Do(req)
	if err != nil {
		return Acceptance{}, unsent(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxForm))
	if err != nil {
		return Acceptance{}, unsent(err)
	}
	return readAnswer(res.StatusCode, raw)
}

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func unsent(err error) *RefusalError {
	return &RefusalError{Title: "Your message could not be passed on", Detail: fmt.Sprintf("send lead: %v", err)}
}

func readAnswer(status int, raw []byte) (Acceptance, error) {
	if status/100 == 2 {
		var lead Acceptance
		if err := json.Unmarshal(raw, &lead); err != nil {
			return lead, unsent(fmt.Errorf("read answer: %w", err))
		}
		return lead, nil
	}
	out := &RefusalError{Status: max(status, http.StatusBadRequest)}
	if err := json.Unmarshal(raw, out); err != nil || out.Title == "" {
		out.Title = "Your message was not accepted"
	}
	return Acceptance{}, out
}
