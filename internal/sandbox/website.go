package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"time"
)

// WebsiteOptions connects the demo website with Dealbell.
type WebsiteOptions struct {
	LeadURL     string       // where leads are posted, such as http://127.0.0.1:3000/lead
	Secret      string       // the form secret, shared with Dealbell
	ContactsURL string       // linked from the thank-you page; "" for no link
	Client      *http.Client // default: one with a time-out of ten seconds
	Nav         []Link       // to other pages of a demo
}

// websiteForm is what visitors fill in, and the lead that Dealbell is sent.
type websiteForm struct {
	Name    string `json:"name"`
	Email   string `json:"email"`
	Company string `json:"company"`
	Message string `json:"message"`
	Source  string `json:"utm_source"`
}

// acceptance is Dealbell's answer to a lead that it took.
type acceptance struct {
	Status string `json:"status"`
	ID     string `json:"id"`
}

// refusal is Dealbell's answer to a lead that it did not take.
type refusal struct {
	Status int    `json:"-"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

type websiteView struct {
	Nav         []Link
	Sent        bool
	Form        websiteForm
	Lead        acceptance
	Refusal     *refusal
	ContactsURL string
}

type website struct {
	WebsiteOptions
	page *template.Template
}

// maxForm bounds what a visitor may send.
const maxForm = 64 << 10

// Website is the site of a small company with a contact form. GET / shows the
// form; POST / is what the company's own server does with it: sign the lead
// and pass it to Dealbell. It is an example to copy from.
func Website(o WebsiteOptions) http.Handler {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	site := website{o, pageTemplate("website.html")}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", site.show)
	mux.HandleFunc("POST /{$}", site.submit)
	return mux
}

func (s website) show(rw http.ResponseWriter, r *http.Request) {
	form := websiteForm{Source: cmp.Or(r.URL.Query().Get("utm_source"), "website")}
	render(rw, s.page, "website.html", http.StatusOK, websiteView{Nav: s.Nav, Form: form})
}

func (s website) submit(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(rw, "read form: "+err.Error(), http.StatusBadRequest)
		return
	}
	form := websiteForm{
		Name: r.PostFormValue("name"), Email: r.PostFormValue("email"), Company: r.PostFormValue("company"),
		Message: r.PostFormValue("message"), Source: r.PostFormValue("utm_source"),
	}
	lead, refused := s.send(r.Context(), form)
	if refused != nil {
		render(rw, s.page, "website.html", cmp.Or(refused.Status, http.StatusBadGateway), websiteView{Nav: s.Nav, Form: form, Refusal: refused})
		return
	}
	render(rw, s.page, "website.html", http.StatusOK, websiteView{Nav: s.Nav, Sent: true, Form: form, Lead: lead, ContactsURL: s.ContactsURL})
}

// send posts one lead. The signature covers the exact bytes of the body, so
// the body is encoded once and sent as it was signed.
func (s website) send(ctx context.Context, form websiteForm) (acceptance, *refusal) {
	body, err := json.Marshal(form)
	if err != nil {
		return acceptance{}, unsent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.LeadURL, bytes.NewReader(body))
	if err != nil {
		return acceptance{}, unsent(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Form-Signature", "sha256="+sign(s.Secret, body))
	res, err := s.Client.Do(req)
	if err != nil {
		return acceptance{}, unsent(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxForm))
	if err != nil {
		return acceptance{}, unsent(err)
	}
	return readAnswer(res.StatusCode, raw)
}

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func unsent(err error) *refusal {
	return &refusal{Title: "Your message could not be passed on", Detail: fmt.Sprintf("send lead: %v", err)}
}

func readAnswer(status int, raw []byte) (acceptance, *refusal) {
	if status/100 == 2 {
		var lead acceptance
		if err := json.Unmarshal(raw, &lead); err != nil {
			return lead, unsent(fmt.Errorf("read answer: %w", err))
		}
		return lead, nil
	}
	out := &refusal{Status: max(status, http.StatusBadRequest)}
	if err := json.Unmarshal(raw, out); err != nil || out.Title == "" {
		out.Title = "Your message was not accepted"
	}
	return acceptance{}, out
}
