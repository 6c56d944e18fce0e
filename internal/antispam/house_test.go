package antispam_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/antispam"
)

// post is a submission as the house saw it.
type post struct {
	at          time.Time
	contentType string
	body        string
	key         string
	reasons     string
	nonce       string
	status      int
}

// house is a small Dealbell, and a website whose page carries its form.
type house struct {
	*antispam.Guard
	dealbell, website *httptest.Server

	mu     sync.Mutex
	policy antispam.Policy
	issued []time.Time
	posts  []post
	answer []func(http.ResponseWriter) int // to the next posts, instead of 202
}

const page = `<!doctype html><title>Contact</title>
<script src="%[1]s/forms/contact.js" defer></script>
<form data-dealbell="contact" action="%[1]s/forms/contact" method="post">
<input name="name"><input name="email" type="email"><textarea name="message"></textarea>
<input type="checkbox" name="topic" value="sails" checked><input type="checkbox" name="topic" value="hulls" checked>
<input type="hidden" name="submit" value="clobbers"><input type="hidden" name="reset" value="clobbers">
<button name="via" value="button">Send</button></form>`

func newHouse(t *testing.T, change func(*antispam.Policy)) *house {
	t.Helper()
	h := &house{Guard: guard(t)}
	mux := http.NewServeMux()
	mux.HandleFunc("OPTIONS /", func(w http.ResponseWriter, r *http.Request) {
		h.policy.CORS(w.Header(), r.Header.Get("Origin"))
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /forms/contact.js", func(w http.ResponseWriter, _ *http.Request) {
		script, err := h.policy.Script("/forms/contact")
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/javascript")
		w.Write(script)
	})
	mux.HandleFunc("GET /forms/contact/token", h.token)
	mux.HandleFunc("POST /forms/contact", h.post)
	h.dealbell = httptest.NewServer(mux)
	t.Cleanup(h.dealbell.Close)
	h.website = httptest.NewServer(http.HandlerFunc(h.site))
	t.Cleanup(h.website.Close)
	h.policy = antispam.Standard("contact", h.website.URL)
	h.policy.Thanks = []string{h.website.URL + "/thanks"}
	h.policy.MinFill = 0
	change(&h.policy)
	return h
}

// site is the website, with as strict a policy for content as there is.
func (h *house) site(w http.ResponseWriter, r *http.Request) {
	scripts := h.dealbell.URL
	if r.URL.Path == "/without" {
		scripts = "'none'"
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", fmt.Sprintf(
		"default-src 'none'; script-src %s; connect-src %s; form-action %s 'self'; require-trusted-types-for 'script'", scripts, h.dealbell.URL, h.dealbell.URL))
	switch r.URL.Path {
	case "/thanks":
		io.WriteString(w, `<!doctype html><h1 id="thanks">Thanks!</h1>`)
	case "/sample":
		text, err := os.ReadFile("../../deploy/form.html")
		if err != nil {
			panic(err)
		}
		io.WriteString(w, strings.ReplaceAll(string(text), "https://crm.example.com", h.dealbell.URL))
	default:
		fmt.Fprintf(w, page, h.dealbell.URL)
	}
}

func (h *house) token(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.issued = append(h.issued, time.Now())
	h.mu.Unlock()
	ticket, err := h.Issue(h.policy, antispam.Seen(r.Header, time.Now()).Source(), time.Now())
	if err != nil {
		panic(err)
	}
	h.policy.CORS(w.Header(), r.Header.Get("Origin"))
	json.NewEncoder(w).Encode(ticket)
}

func (h *house) post(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e := antispam.Seen(r.Header, time.Now())
	e.Honeypot = filled(r.Header.Get("Content-Type"), body, h.policy.Honeypot)
	v := h.Judge(h.policy, e)
	h.policy.CORS(w.Header(), r.Header.Get("Origin"))
	h.mu.Lock()
	defer h.mu.Unlock()
	var status int
	switch {
	case len(h.answer) > 0:
		status = h.answer[0](w)
		h.answer = h.answer[1:]
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		status = http.StatusAccepted
		w.WriteHeader(status)
		io.WriteString(w, `{"status":"accepted","id":"lead-1"}`)
	default:
		status = http.StatusSeeOther
		to, _ := h.policy.Redirect("")
		http.Redirect(w, r, to, status)
	}
	h.posts = append(h.posts, post{e.Now, r.Header.Get("Content-Type"), string(body), r.Header.Get("Idempotency-Key"), words(v), v.Nonce, status})
}

// filled returns what stands in a field.
func filled(contentType string, body []byte, name string) string {
	if strings.HasPrefix(contentType, "application/json") {
		var fields map[string]any
		json.Unmarshal(body, &fields)
		text, _ := fields[name].(string)
		return text
	}
	fields, _ := url.ParseQuery(string(body))
	return fields.Get(name)
}

func (h *house) seen() []post {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.posts)
}

func (h *house) tokens() []time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.issued)
}

// refuse makes the house answer the next posts with these statuses.
func (h *house) refuse(body string, statuses ...int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, status := range statuses {
		h.answer = append(h.answer, func(w http.ResponseWriter) int {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
			io.WriteString(w, body)
			return status
		})
	}
}
