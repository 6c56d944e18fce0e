package antispam_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/antispam"
)

func TestDoubtHolds(t *testing.T) {
	t.Parallel()
	g, p := guard(t), contact()
	other := p
	other.Form = "careers"
	none := p
	none.Work = 0
	plain := none
	plain.Plain = true
	plainWork := p
	plainWork.Plain = true
	type ev = antispam.Evidence
	withOrigin := func(origin string) func(*ev) { return func(e *ev) { e.Origin = origin } }
	bare := func(e *ev) { e.Token, e.Work = "", "" }
	token := func(p antispam.Policy, origin string, age time.Duration) func(*ev) {
		return func(e *ev) { e.Token = issue(t, g, p, origin, e.Now.Add(-age)).Token }
	}
	for _, c := range []struct {
		name   string
		policy antispam.Policy
		change func(*ev)
		want   string
	}{
		{"an honest submission", p, func(*ev) {}, ""},
		{"one without an Origin, but with a Referer", p, func(e *ev) { e.Origin, e.Referer = "", site+"/contact?x=1" }, ""},
		{"one that says nothing of its page, but did the work", p, withOrigin(""), ""},
		{"one that says nothing of its page where no work is asked for", none, withOrigin(""), "origin"},
		{"another site", p, withOrigin("https://evil.example"), "origin"},
		{"the site by http", p, withOrigin("http://example.com"), "origin"},
		{"the site at another port", p, withOrigin("https://example.com:8443"), "origin"},
		{"a site whose name begins alike", p, withOrigin("https://example.com.evil.example"), "origin"},
		{"a site whose name ends alike", p, withOrigin("https://notexample.com"), "origin"},
		{"an Origin with a slash", p, withOrigin(site + "/"), "origin"},
		{"a page that hides where it is", p, withOrigin("null"), "origin"},
		{"a Referer of another site", p, func(e *ev) { e.Origin, e.Referer = "", "https://evil.example/?https://example.com" }, "origin"},
		{"an Origin that the Referer cannot mend", p, func(e *ev) { e.Origin, e.Referer = "null", site+"/" }, "origin"},
		{"a token that another of the form's sites got", p, withOrigin("https://www.example.com"), "origin"},
		{"a token that was issued to nobody known", none, token(none, "", time.Minute), ""},
		{"a token that was issued to another site, and no Origin", p, func(e *ev) {
			ticket := issue(t, g, p, "https://evil.example", e.Now.Add(-time.Minute))
			e.Origin, e.Token, e.Work = "", ticket.Token, proof(t, solve(t, ticket))
		}, "origin"},
		{"no token", none, bare, "token-missing"},
		{"no token and no work", p, bare, "token-missing no-work"},
		{"a token that nobody issued", none, func(e *ev) { e.Token = "v1.contact.1.x.y.z" }, "token-invalid"},
		{"a token with another form's name", none, func(e *ev) { e.Token = strings.Replace(e.Token, ".contact.", ".careers.", 1) }, "token-invalid"},
		{"a token of another form", none, token(other, site, time.Minute), "token-invalid"},
		{"a token of another key", none, func(e *ev) { e.Token = issue(t, guard(t), none, site, e.Now.Add(-time.Minute)).Token }, "token-invalid"},
		{"a token of the last moment", none, token(none, site, 2*time.Hour), ""},
		{"a token that is too old", none, token(none, site, 2*time.Hour+time.Millisecond), "token-expired"},
		{"a person as fast as can be", none, token(none, site, 3*time.Second), ""},
		{"a hand too fast for a person", none, token(none, site, 3*time.Second-time.Millisecond), "too-fast"},
		{"a token from the future", none, token(none, site, -time.Hour), "too-fast"},
		{"a filled honeypot", p, func(e *ev) { e.Honeypot = "https://buy.example" }, "honeypot"},
		{"a blank in the honeypot", p, func(e *ev) { e.Honeypot = " " }, "honeypot"},
		{"work that was not done", p, func(e *ev) { e.Work = "" }, "no-work"},
		{"work that nobody asked for", none, func(e *ev) { e.Work = "whatever" }, ""},
		{"one too many", p, func(e *ev) { e.TooMany = true }, "too-many"},
		{"a captcha that does not vouch", p, func(e *ev) { e.Unproven = true }, "captcha"},
		{"a plain post where it is welcome", plain, bare, ""},
		{"a plain post with work to do", plainWork, bare, "no-work"},
		{"a plain post of another site", plain, func(e *ev) { bare(e); e.Origin = "https://evil.example" }, "origin"},
		{"a plain post of nowhere", plain, func(e *ev) { bare(e); e.Origin = "" }, "origin"},
		{"a plain post with the honeypot filled", plain, func(e *ev) { bare(e); e.Honeypot = "x" }, "honeypot"},
		{"a plain post too many", plain, func(e *ev) { bare(e); e.TooMany = true }, "too-many"},
		{"a wrong token where none would do", plain, func(e *ev) { e.Token = "x" }, "token-invalid"},
		{"all at once", p, func(e *ev) { *e = ev{Honeypot: "x", TooMany: true, Unproven: true, Now: noon} }, "origin token-missing honeypot no-work too-many captcha"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := honest(t, g, c.policy, noon, time.Minute)
			c.change(&e)
			if got := words(g.Judge(c.policy, e)); got != c.want {
				t.Errorf("held for %q, want %q", got, c.want)
			}
		})
	}
}

func words(v antispam.Verdict) string {
	var all []string
	for _, r := range v.Reasons {
		all = append(all, string(r))
	}
	return strings.Join(all, " ")
}

func TestTheVerdictNamesTheNonceToRecord(t *testing.T) {
	t.Parallel()
	g, p := guard(t), contact()
	e := honest(t, g, p, noon, time.Minute)
	first, again := g.Judge(p, e), g.Judge(p, e)
	if first.Nonce == "" || first.Nonce != again.Nonce {
		t.Errorf("one token has the nonces %q and %q", first.Nonce, again.Nonce)
	}
	if want := noon.Add(p.MaxAge); !first.Forget.Equal(want) {
		t.Errorf("it may be forgotten at %v, want %v", first.Forget, want)
	}
	if v := g.Judge(p, honest(t, g, p, noon, time.Minute)); v.Nonce == first.Nonce {
		t.Error("two tokens share a nonce")
	}
	e.Honeypot = "x"
	if v := g.Judge(p, e); v.Nonce != first.Nonce {
		t.Error("a token that came with doubt may be used again")
	}
	e.Token += "x"
	if v := g.Judge(p, e); v.Nonce != "" || !v.Forget.IsZero() {
		t.Errorf("a forged token makes its author's nonce %q be kept", v.Nonce)
	}
}

func TestSeenReadsTheHeaders(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	for name, value := range map[string]string{"Origin": site, "Referer": site + "/a", "X-Form-Token": "t", "X-Form-Work": "w"} {
		h.Set(name, value)
	}
	want := antispam.Evidence{Origin: site, Referer: site + "/a", Token: "t", Work: "w", Now: noon}
	if got := antispam.Seen(h, noon); got != want {
		t.Errorf("Seen = %+v, want %+v", got, want)
	}
}

func TestAPolicyIsValidated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*antispam.Policy)
		want   string // part of the error; "" for none
	}{
		{"the standard one", func(*antispam.Policy) {}, ""},
		{"sites under development", func(p *antispam.Policy) {
			p.Origins = []string{"http://localhost:8080", "http://127.0.0.1:3000", "http://[::1]:3000"}
		}, ""},
		{"no origin", func(p *antispam.Policy) { p.Origins = nil }, "origins are missing"},
		{"any origin", func(p *antispam.Policy) { p.Origins = []string{"*"} }, "must name one site"},
		{"any subdomain", func(p *antispam.Policy) { p.Origins = []string{"https://*.example.com"} }, "must name one site"},
		{"an origin without scheme", func(p *antispam.Policy) { p.Origins = []string{"example.com"} }, "must name one site"},
		{"the null origin", func(p *antispam.Policy) { p.Origins = []string{"null"} }, "must name one site"},
		{"an origin with a slash", func(p *antispam.Policy) { p.Origins = []string{site + "/"} }, "as browsers send it: https://example.com"},
		{"an origin with a path", func(p *antispam.Policy) { p.Origins = []string{site + "/contact"} }, "as browsers send it: https://example.com"},
		{"an origin with its default port", func(p *antispam.Policy) { p.Origins = []string{site + ":443"} }, "as browsers send it: https://example.com"},
		{"an origin in capitals", func(p *antispam.Policy) { p.Origins = []string{"https://Example.com"} }, "as browsers send it: https://example.com"},
		{"an origin with a name in it", func(p *antispam.Policy) { p.Origins = []string{"https://ana@example.com"} }, "as browsers send it: https://example.com"},
		{"an origin with an umlaut", func(p *antispam.Policy) { p.Origins = []string{"https://müller.example"} }, "ASCII"},
		{"a name that is a path", func(p *antispam.Policy) { p.Form = "../x" }, "letters, digits"},
		{"a name with a dot", func(p *antispam.Policy) { p.Form = "a.b" }, "letters, digits"},
		{"no name", func(p *antispam.Policy) { p.Form = "" }, "letters, digits"},
		{"no honeypot", func(p *antispam.Policy) { p.Honeypot = "" }, "honeypot"},
		{"a honeypot that ends a selector", func(p *antispam.Policy) { p.Honeypot = `x"]` }, "honeypot"},
		{"no time to fill it in", func(p *antispam.Policy) { p.MinFill = p.MaxAge }, "no time"},
		{"work without end", func(p *antispam.Policy) { p.Work = 1e9 }, "work is 1000000000"},
		{"less than no work", func(p *antispam.Policy) { p.Work = -1 }, "work is -1"},
		{"plain posts without work", func(p *antispam.Policy) { p.Plain, p.Work = true, 0 }, ""},
		{"plain posts with work", func(p *antispam.Policy) { p.Plain = true }, "plain or work"},
		{"a page of thanks", func(p *antispam.Policy) { p.Thanks = []string{site + "/thanks?x=1#top"} }, ""},
		{"a page without site", func(p *antispam.Policy) { p.Thanks = []string{"/thanks"} }, "whole address"},
		{"a page that is a script", func(p *antispam.Policy) { p.Thanks = []string{"javascript:alert(1)"} }, "whole address"},
		{"a page with a name in it", func(p *antispam.Policy) { p.Thanks = []string{"https://example.com@evil.example/"} }, "whole address"},
	} {
		p := antispam.Standard("contact", site)
		c.change(&p)
		err := p.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Validate = %v, want %q", c.name, err, c.want)
		}
	}
}

func TestAFormsOwnFieldsAreNotTheLeads(t *testing.T) {
	t.Parallel()
	p := contact()
	p.Honeypot = "fax"
	for field, own := range map[string]bool{"fax": true, "_thanks": true, "cf-turnstile-response": true, "_gotcha": false, "email": false, "": false} {
		if p.Own(field) != own {
			t.Errorf("the field %q is Dealbell's: %v", field, !own)
		}
	}
}

func TestAWeakKeyIsRefused(t *testing.T) {
	t.Parallel()
	for n, ok := range map[int]bool{0: false, 31: false, 32: true} {
		if _, err := antispam.New(key(n)); (err == nil) != ok {
			t.Errorf("a key of %d bytes: %v", n, err)
		}
	}
	if a, b := antispam.NewKey().Reveal(), antispam.NewKey().Reveal(); a == b || len(a) < 32 {
		t.Error("NewKey is no key")
	}
}

func TestOnlyTheFormsPagesMayReadAnswers(t *testing.T) {
	t.Parallel()
	p := contact()
	for origin, allowed := range map[string]bool{
		site: true, "https://www.example.com": true, "": false, "null": false, "*": false, "https://evil.example": false, "https://EXAMPLE.com": false,
	} {
		h := http.Header{}
		p.CORS(h, origin)
		want := ""
		if allowed {
			want = origin
		}
		if got := h.Get("Access-Control-Allow-Origin"); got != want || allowed != (h.Get("Access-Control-Allow-Headers") != "") {
			t.Errorf("origin %q is answered with %v", origin, h)
		}
		if h.Get("Vary") != "Origin" || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("origin %q is answered with %v", origin, h)
		}
	}
}

func TestAPostLeadsOnlyToPagesOfTheList(t *testing.T) {
	t.Parallel()
	p := contact()
	p.Thanks = []string{"https://example.com/thanks", "https://example.com/danke?l=de"}
	for _, c := range []struct{ wanted, page string }{
		{"", "https://example.com/thanks"},
		{"https://example.com/thanks", "https://example.com/thanks"},
		{"https://example.com/danke?l=de", "https://example.com/danke?l=de"},
		{"https://example.com/danke", ""},
		{"https://example.com/thanks/", ""},
		{"https://example.com/thanks/../admin", ""},
		{"https://example.com/thanks?next=//evil.example", ""},
		{"https://example.com/thanks#x", ""},
		{"http://example.com/thanks", ""},
		{"https://EXAMPLE.com/thanks", ""},
		{"https://example.com:443/thanks", ""},
		{"https://example.com.evil.example/thanks", ""},
		{"https://example.com@evil.example/thanks", ""},
		{"https://evil.example/https://example.com/thanks", ""},
		{"//evil.example", ""},
		{"//example.com/thanks", ""},
		{"/thanks", ""},
		{"/\\evil.example", ""},
		{"\\\\evil.example", ""},
		{"https:/\\evil.example", ""},
		{"https:\\\\example.com\\thanks", ""},
		{" https://example.com/thanks", ""},
		{"https://example.com/thanks\n", ""},
		{"https://example.com/thanks\r\nSet-Cookie: a=b", ""},
		{"https://example.com/thanks\x00", ""},
		{"\thttps://evil.example", ""},
		{"javascript:alert(1)", ""},
		{"JaVaScRiPt:alert(1)//https://example.com/thanks", ""},
		{"data:text/html,<script>", ""},
		{"https://example.com%2fthanks", ""},
		{"https://example。com/thanks", ""},
	} {
		if page, ok := p.Redirect(c.wanted); page != c.page || ok != (c.page != "") {
			t.Errorf("Redirect(%q) = %q, %v; want %q", c.wanted, page, ok, c.page)
		}
		if page, ok := contact().Redirect(c.wanted); page != "" || ok {
			t.Errorf("a form without such pages leads to %q", page)
		}
	}
}
