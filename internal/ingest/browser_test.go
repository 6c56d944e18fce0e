package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
)

const site = "https://www.example.com"

// page is the public listener with a form in a browser.
type page struct {
	*door
	policy antispam.Policy
}

func openPage(t *testing.T, change func(*antispam.Policy), more ...func(*ingest.Form)) *page {
	t.Helper()
	db, err := store.Open(context.Background(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	p := &page{door: &door{t: t, db: db, logs: &bytes.Buffer{}}, policy: antispam.Standard("contact", site)}
	p.policy.Work = 0
	p.policy.Thanks = []string{site + "/thanks", site + "/danke"}
	if change != nil {
		change(&p.policy)
	}
	guard, err := antispam.New(antispam.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	own, _ := form.Named("own")
	contact := ingest.Form{Form: lead.Form{Name: "contact", Vendor: own}, Path: "/forms/contact", Public: &p.policy, PerClient: antispam.PerClient, PerForm: antispam.PerForm}
	for _, change := range more {
		change(&contact)
	}
	p.handler, err = ingest.Handler(ingest.Options{
		Inbox: db, Health: health{{}}, Wake: func() {}, Guard: guard, Log: slog.New(slog.NewJSONHandler(p.logs, nil)),
		Forms: []ingest.Form{contact},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *page) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = "203.0.113.7:4711"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	p.handler.ServeHTTP(answer, r)
	return answer
}

func (p *page) token() string {
	p.t.Helper()
	answer := p.do(http.MethodGet, "/forms/contact/token", "", "Origin", site)
	var ticket antispam.Ticket
	if err := json.Unmarshal(answer.Body.Bytes(), &ticket); err != nil || answer.Code != http.StatusOK || ticket.Token == "" {
		p.t.Fatalf("token: %d %s", answer.Code, answer.Body)
	}
	return ticket.Token
}

// stored tells state and reason of the only delivery there is.
func (p *page) stored(key string) crm.Delivery {
	p.t.Helper()
	held, err := p.db.Held(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	open, err := p.db.Pending(context.Background(), key, 10)
	if err != nil {
		p.t.Fatal(err)
	}
	if len(held)+len(open) == 1 {
		return slices.Concat(held, open)[0]
	}
	p.t.Fatalf("%d held and %d open, want one delivery", len(held), len(open))
	return crm.Delivery{}
}

func TestABrowserIsTakenAtItsWordOnlyWithoutDoubt(t *testing.T) {
	t.Parallel()
	const scripted = "application/json"
	for _, tc := range []struct {
		name   string
		fill   time.Duration
		body   string
		change func(*antispam.Policy)
		header func(p *page) []string
		held   string // why; "" when it passes
	}{
		{"an honest visitor", 20 * time.Second, ana, nil, nil, ""},
		{"one that is done within a second", time.Second, ana, nil, nil, "too-fast"},
		{"one that comes back the next day", 24 * time.Hour, ana, nil, nil, "token-expired"},
		{"a robot that fills in everything", 20 * time.Second, `{"email":"ana@example.com","_gotcha":"x"}`, nil, nil, "honeypot"},
		{"a post from another site", 20 * time.Second, ana, nil, func(*page) []string { return []string{"Origin", "https://evil.example"} }, "origin"},
		{"a post without a token", 20 * time.Second, ana, nil, func(*page) []string { return []string{antispam.TokenHeader, ""} }, "token-missing"},
		{"a forged token", 20 * time.Second, ana, nil, func(p *page) []string { return []string{antispam.TokenHeader, p.token() + "x"} }, "token-invalid"},
		{"no work where work is asked for", 20 * time.Second, ana, func(p *antispam.Policy) { p.Work = 1000 }, nil, "no-work"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := openPage(t, tc.change)
				defer p.close()
				headers := []string{"Content-Type", scripted, "Origin", site, antispam.TokenHeader, p.token()}
				if tc.header != nil {
					headers = append(headers, tc.header(p)...)
				}
				time.Sleep(tc.fill)
				answer := p.do(http.MethodPost, "/forms/contact", tc.body, headers...)
				if answer.Code != http.StatusAccepted || !strings.Contains(answer.Body.String(), `"accepted"`) {
					t.Fatalf("%d %s, want 202: doubt is not told and never drops", answer.Code, answer.Body)
				}
				got := p.stored("ana@example.com")
				want := crm.DeliveryQueued
				if tc.held != "" {
					want = crm.DeliveryHeld
				}
				if got.State != want || got.Reason != tc.held || string(got.Body) != tc.body {
					t.Errorf("stored as %s because %q, want %s because %q", got.State, got.Reason, want, tc.held)
				}
			})
		})
	}
}

// cloudflare answers for Turnstile.
type cloudflare struct{ answer string }

func (c cloudflare) RoundTrip(*http.Request) (*http.Response, error) {
	if c.answer == "" {
		return nil, errors.New("nobody is there")
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(c.answer))}, nil
}

func TestACaptchaThatDoesNotVouchHoldsTheLead(t *testing.T) {
	t.Parallel()
	for answer, reason := range map[string]string{
		`{"success":true,"hostname":"www.example.com","action":"contact"}`: "",
		`{"success":false,"error-codes":["invalid-input-response"]}`:       "captcha",
		"": "captcha",
	} {
		synctest.Test(t, func(t *testing.T) {
			p := openPage(t, nil, func(f *ingest.Form) {
				f.Turnstile = &antispam.Turnstile{Secret: secret.New("key"), Transport: cloudflare{answer}}
			})
			defer p.close()
			token := p.token()
			time.Sleep(10 * time.Second)
			p.do(http.MethodPost, "/forms/contact", `{"email":"ana@example.com","cf-turnstile-response":"x"}`,
				"Content-Type", "application/json", "Origin", site, antispam.TokenHeader, token)
			if got := p.stored("ana@example.com"); got.Reason != reason {
				t.Errorf("Cloudflare says %s: held because %q, want %q", answer, got.Reason, reason)
			}
		})
	}
}

func TestATokenCountsOnceAndARetryIsNoSecondLead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := openPage(t, nil)
		defer p.close()
		token := p.token()
		time.Sleep(10 * time.Second)
		send := func(body string) string {
			answer := p.do(http.MethodPost, "/forms/contact", body, "Content-Type", "application/json", "Origin", site, antispam.TokenHeader, token)
			return answer.Body.String()
		}
		if got := send(ana); !strings.Contains(got, `"accepted"`) {
			t.Fatal(got)
		}
		if got := send(ana); !strings.Contains(got, `"duplicate"`) {
			t.Errorf("the same again: %s, want a duplicate", got)
		}
		if got := send(`{"email":"bob@example.com"}`); !strings.Contains(got, `"accepted"`) {
			t.Errorf("another lead with the same token: %s, want it to be kept", got)
		}
		held, err := p.db.Held(context.Background())
		if err != nil || len(held) != 1 || held[0].Reason != store.ReusedNonce || held[0].Key != "bob@example.com" {
			t.Errorf("held %+v, %v, want the second for its token", held, err)
		}
	})
}

func TestAFormPostedWithoutScriptLeadsToAPage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, thanks, body, location string }{
		{"the first page", "", "email=ana%40example.com", site + "/thanks"},
		{"a page of the list", "", "email=ana%40example.com&_thanks=" + url.QueryEscape(site+"/danke"), site + "/danke"},
		{"a page of somebody else", "", "email=ana%40example.com&_thanks=" + url.QueryEscape("https://evil.example/"), site + "/thanks"},
		{"no page at all", "none", "email=ana%40example.com", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := openPage(t, func(p *antispam.Policy) {
				if tc.thanks != "" {
					p.Thanks = nil
				}
			})
			defer p.close()
			answer := p.do(http.MethodPost, "/forms/contact", tc.body, "Content-Type", "application/x-www-form-urlencoded",
				"Origin", site, "Accept", "text/html,application/xhtml+xml")
			if tc.location == "" {
				if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "Thank you") {
					t.Errorf("%d %s, want a page that says thanks", answer.Code, answer.Body)
				}
			} else if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != tc.location {
				t.Errorf("%d to %q, want 303 to %q", answer.Code, answer.Header().Get("Location"), tc.location)
			}
			if got := p.stored("ana@example.com"); got.State != crm.DeliveryHeld || got.Reason != "token-missing" {
				t.Errorf("stored as %s because %q, want it held: anybody can post this", got.State, got.Reason)
			}
		})
	}
}

func TestOnlyTheSitesOfAFormMayReadItsAnswers(t *testing.T) {
	t.Parallel()
	p := openPage(t, nil)
	defer p.close()
	for _, request := range []struct{ method, path string }{
		{http.MethodOptions, "/forms/contact"}, {http.MethodGet, "/forms/contact/token"}, {http.MethodPost, "/forms/contact"},
	} {
		for origin, want := range map[string]string{site: site, "https://evil.example": "", "null": "", "https://www.example.com.evil.example": "", "http://www.example.com": ""} {
			answer := p.do(request.method, request.path, ana, "Content-Type", "application/json", "Origin", origin)
			if got := answer.Header().Get("Access-Control-Allow-Origin"); got != want || !strings.Contains(answer.Header().Get("Vary"), "Origin") {
				t.Errorf("%s %s from %s: allowed origin %q, want %q", request.method, request.path, origin, got, want)
			}
		}
	}
	script := p.do(http.MethodGet, "/forms/contact.js", "")
	if script.Code != http.StatusOK || !strings.HasPrefix(script.Header().Get("Content-Type"), "text/javascript") || !strings.Contains(script.Body.String(), `"form":"contact"`) {
		t.Errorf("script: %d %s", script.Code, script.Header())
	}
}

func TestMoreThanAVisitorSendsIsHeldAndAFloodIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := openPage(t, nil)
		defer p.close()
		counts := map[string]int{}
		for i := range 100 {
			token := p.token()
			time.Sleep(3100 * time.Millisecond / 100)
			body := strings.Replace(ana, "ana@", string(rune('a'+i%26))+string(rune('a'+i/26))+"@", 1)
			answer := p.do(http.MethodPost, "/forms/contact", body, "Content-Type", "application/json", "Origin", site, antispam.TokenHeader, token,
				"X-Forwarded-For", "198.51.100.9") // from nobody that is believed
			counts[answer.Result().Status]++
			if answer.Code == http.StatusTooManyRequests && answer.Header().Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		}
		held, err := p.db.Held(context.Background())
		if counts["202 Accepted"] != antispam.PerForm/2 || counts["429 Too Many Requests"] != 100-antispam.PerForm/2 || len(held) != antispam.PerForm/2 || err != nil {
			t.Errorf("answers %v, %d held, %v", counts, len(held), err)
		}
		if last := held[len(held)-1]; !strings.Contains(last.Reason, "too-many") {
			t.Errorf("the last is held because %q, want too-many", last.Reason)
		}
	})
}

// Behind the proxy on this machine every visitor counts alone.
func TestVisitorsBehindTheProxyAreToldApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := openPage(t, nil)
		defer p.close()
		for i := range 3 * antispam.PerClient {
			token := p.token()
			time.Sleep(3100 * time.Millisecond)
			r := httptest.NewRequest(http.MethodPost, "/forms/contact", strings.NewReader(fmt.Sprintf(`{"email":"p%d@example.com"}`, i)))
			r.RemoteAddr = "127.0.0.1:4711"
			for name, value := range map[string]string{
				"Content-Type": "application/json", "Origin": site, antispam.TokenHeader: token, "X-Forwarded-For": fmt.Sprintf("203.0.113.%d", i),
			} {
				r.Header.Set(name, value)
			}
			p.handler.ServeHTTP(httptest.NewRecorder(), r)
		}
		if held, err := p.db.Held(context.Background()); err != nil || len(held) != 0 {
			t.Errorf("%d held, %v, want none: each came from an address of its own", len(held), err)
		}
	})
}
