package sandbox_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// page sends a request to a demo page and returns the status and the HTML.
func page(t *testing.T, h http.Handler, method, target string, form url.Values) (int, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	rec := record(h, req)
	return rec.Code, rec.Body.String()
}

func record(h http.Handler, req *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

// inbox is a Dealbell that answers every lead alike.
type inbox struct {
	status int
	answer string
	lead   map[string]string
	signed bool
}

func (b *inbox) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte("s3cret"))
	mac.Write(raw)
	b.signed = r.Header.Get("X-Form-Signature") == "sha256="+hex.EncodeToString(mac.Sum(nil))
	if err := json.Unmarshal(raw, &b.lead); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: b.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(b.answer)), Request: r}, nil
}

func TestTheWebsiteSignsWhatItPassesOn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		inbox  inbox
		status int
		shows  []string
	}{
		{"accepted", inbox{status: 202, answer: `{"status":"accepted","id":"lead-1"}`}, 200, []string{"Thank you, &lt;b&gt;Ann", "lead-1", "accepted", `href="http://contacts.example/"`}},
		{"a duplicate", inbox{status: 202, answer: `{"status":"duplicate","id":"lead-1"}`}, 200, []string{"already have this message"}},
		{"refused", inbox{status: 422, answer: `{"title":"Email is invalid","detail":"ann@ has no domain"}`}, 422, []string{"Email is invalid", "ann@ has no domain", "answered 422", `value="ann@"`}},
		{"refused without words", inbox{status: 500, answer: `oops`}, 500, []string{"was not accepted"}},
		{"out of reach", inbox{}, 502, []string{"could not be passed on"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			site := sandbox.NewWebsite(sandbox.WebsiteOptions{
				LeadURL: "http://dealbell.example/lead", Secret: "s3cret", ContactsURL: "http://contacts.example/",
				Client: &http.Client{Transport: &test.inbox},
			})
			form := url.Values{"name": {"<b>Ann"}, "email": {"ann@"}, "company": {"Acme"}, "message": {"Hi"}, "utm_source": {"newsletter"}}
			status, html := page(t, site, "POST", "/", form)
			if status != test.status {
				t.Errorf("got %d, want %d", status, test.status)
			}
			for _, want := range test.shows {
				if !strings.Contains(html, want) {
					t.Errorf("the page does not show %q:\n%s", want, html)
				}
			}
			if strings.Contains(html, "<b>Ann") || strings.Contains(html, "s3cret") {
				t.Error("the page shows raw HTML or the secret")
			}
			if test.inbox.status == 0 {
				return
			}
			if !test.inbox.signed || test.inbox.lead["email"] != "ann@" || test.inbox.lead["utm_source"] != "newsletter" {
				t.Errorf("lead: got %v, signed %v", test.inbox.lead, test.inbox.signed)
			}
		})
	}
}

// unsteady answers with each of the replies in turn, and then with the last.
type unsteady struct {
	replies []inbox
	bodies  []string
}

func (u *unsteady) RoundTrip(r *http.Request) (*http.Response, error) {
	next := &u.replies[0]
	if len(u.replies) > 1 {
		u.replies = u.replies[1:]
	}
	body, _ := r.GetBody()
	raw, _ := io.ReadAll(body)
	u.bodies = append(u.bodies, string(raw))
	return next.RoundTrip(r)
}

func TestTheWebsiteTriesAgainWhileNobodyTakesALead(t *testing.T) {
	t.Parallel()
	away, full := inbox{}, inbox{status: 503, answer: `{"title":"The disk is full"}`}
	taken, wrong := inbox{status: 202, answer: `{"status":"duplicate","id":"lead-1"}`}, inbox{status: 422, answer: `{"title":"Email is invalid"}`}
	for _, test := range []struct {
		name     string
		patience time.Duration
		replies  []inbox
		tries    int
		heard    int
		err      string
	}{
		{"until it is taken", time.Minute, []inbox{away, full, away, taken}, 4, 1, ""},
		{"until it is refused", time.Minute, []inbox{away, wrong}, 2, 0, "Email is invalid"},
		{"as long as it has patience", time.Second, []inbox{full}, 6, 0, "The disk is full"},
		{"once, without any", 0, []inbox{away}, 1, 0, "could not be passed on"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				u, heard := &unsteady{replies: test.replies}, 0
				site := sandbox.NewWebsite(sandbox.WebsiteOptions{
					LeadURL: "http://dealbell.example/lead", Secret: "s3cret", Patience: test.patience, Client: &http.Client{Transport: u},
					Heard: func(sandbox.Lead, sandbox.Acceptance) { heard++ },
				})
				_, err := site.Send(t.Context(), sandbox.Lead{Email: "ann@example.com"})
				if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %q", err, test.err)
				}
				if len(u.bodies) != test.tries || heard != test.heard {
					t.Errorf("%d tries, %d heard; want %d and %d", len(u.bodies), heard, test.tries, test.heard)
				}
				for _, body := range u.bodies {
					if body != u.bodies[0] {
						t.Errorf("another try sends %s, the first was %s: it would be another lead", body, u.bodies[0])
					}
				}
			})
		})
	}
}

func TestTheFormIsFilledInWithOneVisitorAfterTheOther(t *testing.T) {
	t.Parallel()
	site := sandbox.NewWebsite(sandbox.WebsiteOptions{
		Visitors: []sandbox.Lead{{Name: "Ann"}, {Name: "Bob"}},
		Client:   &http.Client{Transport: &inbox{status: 202, answer: `{"status":"accepted","id":"lead-1"}`}},
	})
	for _, want := range []string{"Ann", "Bob", "Ann"} {
		for range 2 { // to look changes nothing
			if _, html := page(t, site, "GET", "/", nil); !strings.Contains(html, `name="name" autocomplete="name" value="`+want+`"`) {
				t.Errorf("the form is not filled in with %s:\n%s", want, html)
			}
		}
		page(t, site, "POST", "/", url.Values{"email": {"ann@example.com"}})
	}
}

func TestTheWebsiteShowsItsForm(t *testing.T) {
	t.Parallel()
	site := sandbox.NewWebsite(sandbox.WebsiteOptions{})
	status, html := page(t, site, "GET", "/?utm_source=%22fair%22", nil)
	if status != 200 || !strings.Contains(html, `name="utm_source" value="&#34;fair&#34;"`) || !strings.Contains(html, `name="email"`) {
		t.Errorf("got %d\n%s", status, html)
	}
	if status, _ := page(t, site, "GET", "/elsewhere", nil); status != 404 {
		t.Errorf("another path: got %d, want 404", status)
	}
}

func TestTheContactsPageShowsRowsAndTheirMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	contacts := c.w.ContactsPage(crm.Contacts)
	if status, html := page(t, contacts, "GET", "/", nil); status != 200 || !strings.Contains(html, "Nothing here yet") {
		t.Errorf("an empty page: got %d\n%s", status, html)
	}
	gone := c.w.AddRow(crm.Contacts, map[string]any{"Name": "Gone"})
	c.w.Trash(gone)
	body := newPage(crm.Contacts, object{"Name": object{"title": text("Ann <3")}, "Email": object{"email": "ann@example.com"}})
	body["children"] = []any{paragraph("Hello <script>")}
	c.ok("POST", "/v1/pages", body)
	_, html := page(t, contacts, "GET", "/", nil)
	for _, want := range []string{"Ann &lt;3", "ann@example.com", "Hello &lt;script&gt;", "<h1>Contacts</h1>", "1 row,"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not show %q:\n%s", want, html)
		}
	}
	if strings.Contains(html, "Gone") {
		t.Error("the page shows a trashed row")
	}
	if status, _ := page(t, contacts, "POST", "/", nil); status != 405 {
		t.Errorf("POST: got %d, want 405", status)
	}
}

func TestThePagesOfADemoLeadToEachOther(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{})
	crm := w.StandardCRM()
	nav := []sandbox.Link{{Label: "Here"}, {Label: "The <bell>", URL: "http://127.0.0.1:8093/"}}
	for name, pages := range map[string][2]http.Handler{
		"website":  {sandbox.NewWebsite(sandbox.WebsiteOptions{Nav: nav}), sandbox.NewWebsite(sandbox.WebsiteOptions{})},
		"contacts": {w.ContactsPage(crm.Contacts, nav...), w.ContactsPage(crm.Contacts)},
		"board":    {w.DealsBoard(crm.Deals, sandbox.BoardOptions{Nav: nav}), w.DealsBoard(crm.Deals, sandbox.BoardOptions{})},
		"channel": {
			sandbox.NewSlack(sandbox.SlackOptions{}).ChannelPage(sandbox.ChannelPageOptions{Nav: nav}),
			sandbox.NewSlack(sandbox.SlackOptions{}).ChannelPage(sandbox.ChannelPageOptions{}),
		},
	} {
		_, html := page(t, pages[0], "GET", "/", nil)
		for _, want := range []string{`<span aria-current="page">Here</span>`, `<a href="http://127.0.0.1:8093/">The &lt;bell&gt;</a>`} {
			if !strings.Contains(html, want) {
				t.Errorf("the %s page does not show %s:\n%s", name, want, html)
			}
		}
		if _, html := page(t, pages[1], "GET", "/", nil); strings.Contains(html, "<nav") {
			t.Errorf("the %s page leads nowhere, and says so", name)
		}
	}
}
