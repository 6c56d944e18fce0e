package antispam_test

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/chromium"
)

// tab is a page of the house's website that somebody looks at.
type tab struct {
	*testing.T
	*house
	ctx context.Context
}

func (b tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.Fatalf("%s: %v; seen: %+v", what, err, b.seen())
	}
}

// ask evaluates an expression in the page.
func (b tab) ask(expression string) string {
	b.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return text
}

// open goes to a page and notes the events that it is told.
func (b tab) open(path string) {
	b.Helper()
	b.do("open "+path, chromedp.Navigate(b.website.URL+path), chromedp.WaitVisible(chromedp.CSS(`form`)))
	b.ask(`(window.told = [], ["sent", "failed"].forEach((n) => document.addEventListener("dealbell:" + n, (e) => told.push(n + " " + JSON.stringify(e.detail)))))`)
}

// fill types into the form.
func (b tab) fill(message string) {
	b.Helper()
	b.do("fill the form in", chromedp.SendKeys(chromedp.CSS(`[name=name]`), "Ana Silva"), chromedp.SendKeys(chromedp.CSS(`[name=email]`), "ana@example.com"),
		chromedp.SendKeys(chromedp.CSS(`[name=message]`), message))
}

const (
	send  chromedp.CSS = `form button`
	alert chromedp.CSS = `[role=alert]:not([hidden])`
	done  chromedp.CSS = `[role=status]`
)

// only returns the one submission that the house saw.
func (b tab) only() post {
	b.Helper()
	posts := b.seen()
	if len(posts) != 1 {
		b.Fatalf("the house saw %d submissions, want 1: %+v", len(posts), posts)
	}
	return posts[0]
}

func TestTheScriptInABrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("is about what a browser does")
	}
	ctx := chromium.Start(t)
	standard := func(*antispam.Policy) {}
	for _, c := range []struct {
		name   string
		policy func(*antispam.Policy)
		check  func(tab)
	}{
		{"an honest message arrives as it was typed", standard, arrives},
		{"somebody very fast is not held", func(p *antispam.Policy) { p.MinFill = 3 * time.Second }, waits},
		{"the work is done within a second", standard, works},
		{"a double click is one lead", standard, sendsOnce},
		{"a moment of trouble is one lead", standard, triesAgain},
		{"lasting trouble keeps what was typed", standard, staysBusy},
		{"a server that is down keeps what was typed", standard, staysDown},
		{"a wrong field is named and mended", standard, namesTheField},
		{"a changed message is another message", standard, changes},
		{"nobody meets the honeypot", standard, hidesTheHoneypot},
		{"a robot that fills in every field is held", standard, catchesRobots},
		{"an old token is replaced in time", func(p *antispam.Policy) { p.MaxAge = 3 * time.Second }, renews},
		{"a form that comes later is served too", standard, findsNewForms},
		{"a page of thanks is gone to", standard, goesToThanks},
		{"a site that was forgotten in the policy loses nothing", func(p *antispam.Policy) { p.Origins = []string{site} }, rescues},
		{"without the script the form is posted", standard, postsPlainly},
		{"the sample page works", standard, sample},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			page, cancel := chromedp.NewContext(ctx)
			defer cancel()
			if err := chromedp.Do(page, chromedp.Navigate("about:blank")); err != nil {
				t.Fatal(err)
			}
			c.check(tab{t, newHouse(t, c.policy), page})
		})
	}
}

func arrives(b tab) {
	b.open("/")
	if n := len(b.tokens()); n != 0 {
		b.Errorf("%d tokens were asked for before anybody touched the form", n)
	}
	b.fill("Hello <b>there</b> & \"you\" – é 🎉\nbye")
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(done))
	got := b.only()
	if got.reasons != "" || got.status != 202 || len(got.key) != 32 || got.contentType != "application/json" {
		b.Errorf("it arrived as %+v", got)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(got.body), &fields); err != nil {
		b.Fatal(err)
	}
	want := map[string]any{
		"name": "Ana Silva", "email": "ana@example.com", "message": "Hello <b>there</b> & \"you\" – é 🎉\nbye",
		"topic": []any{"sails", "hulls"}, "submit": "clobbers", "reset": "clobbers", "via": "button", "_gotcha": "",
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		b.Errorf("the fields differ (-want +got):\n%s", diff)
	}
	if told := b.ask(`told.join()`); told != `sent {"id":"lead-1"}` {
		b.Errorf("the page was told %q", told)
	}
	if left := b.ask(`document.querySelector("[name=message]").value + getComputedStyle(document.forms[0]).display`); left != "none" {
		b.Errorf("after it was sent the form shows %q", left)
	}
}

func waits(b tab) {
	b.open("/")
	b.ask(`document.querySelector("[name=email]").value = "ana@example.com"`)
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(done))
	got := b.only()
	if took := got.at.Sub(b.tokens()[0]); got.reasons != "" || took < 3*time.Second || took > 10*time.Second {
		b.Errorf("it came after %v and is held for %q", took, got.reasons)
	}
}

func works(b tab) {
	var took []time.Duration
	for range 5 {
		b.open("/")
		before := len(b.seen())
		b.do("send", chromedp.Focus(chromedp.CSS(`[name=name]`)), chromedp.Click(send), chromedp.WaitVisible(done))
		posts, tokens := b.seen(), b.tokens()
		if len(posts) != before+1 || posts[before].reasons != "" {
			b.Fatalf("the house saw %+v", posts[before:])
		}
		took = append(took, posts[before].at.Sub(tokens[len(tokens)-1]))
	}
	slices.Sort(took)
	b.Logf("figure: S6 from token to submission with work of %d done: %v in the middle of five, %v at most", b.policy.Work, took[2], took[4])
	if took[2] > time.Second { // others use the machine too
		b.Errorf("the work took %v", took)
	}
}

func sendsOnce(b tab) {
	b.open("/")
	b.fill("once")
	b.do("double click", chromedp.DoubleClick(send), chromedp.WaitVisible(done))
	b.only()
	b.open("/")
	b.fill("twice at once")
	b.ask(`(document.forms[0].requestSubmit(), document.forms[0].requestSubmit(), document.querySelector("form button").disabled)`)
	b.do("send", chromedp.WaitVisible(done))
	if posts := b.seen(); len(posts) != 2 || posts[0].key == posts[1].key {
		b.Errorf("two messages arrived as %+v", posts)
	}
}

func triesAgain(b tab) {
	b.refuse("", 503)
	b.open("/")
	b.fill("again")
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(done))
	posts := b.seen()
	if len(posts) != 2 || posts[0].key != posts[1].key || posts[0].body != posts[1].body || posts[1].reasons != "" {
		b.Fatalf("the house saw %+v", posts)
	}
	if pause := posts[1].at.Sub(posts[0].at); pause < time.Second || pause > 10*time.Second {
		b.Errorf("it came again after %v, asked was 1s", pause)
	}
}

func staysBusy(b tab) {
	b.refuse(`{"detail":"too many"}`, 429, 429)
	b.open("/")
	b.fill("busy")
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(alert))
	b.keeps("busy", `failed {"status":429,"detail":"too many"}`)
	b.do("send again", chromedp.Click(send), chromedp.WaitVisible(done), chromedp.WaitNotPresent(alert))
	posts := b.seen()
	if len(posts) != 3 || posts[0].key != posts[2].key || posts[2].reasons != "" {
		b.Errorf("the house saw %+v", posts)
	}
}

// keeps checks that nothing is lost after a failure that the page was told of.
func (b tab) keeps(message, told string) {
	b.Helper()
	if got := b.ask(`told.join()`); got != told {
		b.Errorf("the page was told %q, want %q", got, told)
	}
	if got := b.ask(`document.querySelector("[name=message]").value`); got != message {
		b.Errorf("the message has become %q", got)
	}
	if text := b.ask(`document.querySelector("` + string(alert) + `").textContent`); !strings.Contains(text, "try again") {
		b.Errorf("the alert says %q", text)
	}
	if state := b.ask(`[document.querySelector("form button").disabled, document.forms[0].getAttribute("aria-busy"), document.activeElement.name]`); state != "false,,via" {
		b.Errorf("the form is left as %q", state)
	}
}

func staysDown(b tab) {
	b.open("/")
	b.dealbell.CloseClientConnections()
	b.dealbell.Close()
	b.fill("down")
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(alert))
	b.keeps("down", `failed {"status":0}`)
}

func namesTheField(b tab) {
	b.refuse(`{"detail":"the field email is no address","field":"email"}`, 422)
	b.open("/")
	b.fill("mend me")
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(alert))
	if text := b.ask(`document.querySelector("` + string(alert) + `").textContent + " " + document.activeElement.name`); text != "the field email is no address email" {
		b.Errorf("the page says %q", text)
	}
	b.do("send again", chromedp.SendKeys(chromedp.CSS(`[name=email]`), ".org"), chromedp.Click(send), chromedp.WaitVisible(done))
	posts := b.seen()
	if len(posts) != 2 || posts[0].key == posts[1].key || posts[0].nonce != posts[1].nonce || posts[1].reasons != "" {
		b.Errorf("the house saw %+v", posts)
	}
}

// Nobody knows whether the first one was stored, so the second is no
// repetition of it, and needs a token of its own.
func changes(b tab) {
	b.refuse("", 500, 500)
	b.open("/")
	b.fill("first")
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(alert))
	b.do("send another", chromedp.SendKeys(chromedp.CSS(`[name=message]`), " and second"), chromedp.Click(send), chromedp.WaitVisible(done))
	posts := b.seen()
	if len(posts) != 3 || posts[0].key != posts[1].key || posts[1].key == posts[2].key || posts[1].nonce == posts[2].nonce || posts[2].reasons != "" {
		b.Errorf("the house saw %+v", posts)
	}
}

func hidesTheHoneypot(b tab) {
	b.open("/")
	if got := b.ask(`(() => { const e = document.querySelector("[name=_gotcha]"), r = e.parentNode.getBoundingClientRect(), s = getComputedStyle(e.parentNode);
		return [r.width, r.height, s.opacity, s.position, e.tabIndex, e.autocomplete, e.parentNode.getAttribute("aria-hidden"), document.documentElement.scrollWidth > innerWidth]; })()`); got != "1,1,0,absolute,-1,off,true,false" {
		b.Errorf("the honeypot is %s", got)
	}
	var met []string
	b.do("begin", chromedp.Focus(chromedp.CSS(`[name=name]`)))
	for range 8 {
		met = append(met, b.ask(`document.activeElement.name`))
		b.do("press tab", chromedp.KeyEvent("\t"))
	}
	if slices.Contains(met, "_gotcha") || !slices.Contains(met, "via") {
		b.Errorf("the tab key goes through %q", met)
	}
	if n := b.ask(`document.querySelectorAll("[name=_gotcha]").length`); n != "1" {
		b.Errorf("there are %s honeypots", n)
	}
}

func catchesRobots(b tab) {
	b.open("/")
	b.ask(`document.querySelectorAll("input:not([type]), textarea").forEach((e) => e.value = "buy")`)
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(done))
	if got := b.only().reasons; got != "honeypot" {
		b.Errorf("it is held for %q", got)
	}
}

func renews(b tab) {
	b.open("/")
	b.fill("old")
	first := len(b.tokens())
	time.Sleep(2500 * time.Millisecond) // more than 80 % of its life
	b.do("type on", chromedp.SendKeys(chromedp.CSS(`[name=message]`), " and new"))
	b.eventually("a new token at the next key", func() bool { return len(b.tokens()) > first })
	second := len(b.tokens())
	time.Sleep(3100 * time.Millisecond) // nobody types, and this one gets old as well
	if n := len(b.tokens()); n != second {
		b.Errorf("%d tokens were asked for while nobody typed", n-second)
	}
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(done))
	if got := b.only(); got.reasons != "" || len(b.tokens()) != second+1 {
		b.Errorf("after %d tokens it is held for %q", len(b.tokens()), got.reasons)
	}
}

func (b tab) eventually(what string, ok func() bool) {
	b.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("not within 10s: %s", what)
		}
	}
}

func findsNewForms(b tab) {
	b.open("/")
	b.ask(`(() => { const old = document.forms[0], copy = old.cloneNode(true); copy.querySelector("[name=_gotcha]").parentNode.remove(); old.replaceWith(copy); })()`)
	b.fill("new")
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(done))
	if got := b.only(); got.reasons != "" || !strings.Contains(got.body, `"_gotcha":""`) {
		b.Errorf("it arrived as %+v", got)
	}
}

func goesToThanks(b tab) {
	b.open("/")
	b.ask(`document.forms[0].setAttribute("data-thanks", "/thanks")`)
	b.fill("bye")
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(chromedp.CSS(`#thanks`)))
	b.only()
	b.open("/")
	b.ask(`document.forms[0].setAttribute("data-thanks", "javascript:document.title='run'")`)
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(done))
	if title := b.ask(`document.title`); title != "Contact" {
		b.Errorf("the page is called %q", title)
	}
}

func rescues(b tab) {
	b.open("/")
	b.fill("forgotten")
	b.ask(`document.forms[0].removeAttribute("action")`)
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(chromedp.CSS(`#thanks`)))
	got := b.only()
	fields, _ := url.ParseQuery(got.body)
	if got.reasons != "origin token-missing no-work" || fields.Get("message") != "forgotten" {
		b.Errorf("it arrived as %+v", got)
	}
}

func postsPlainly(b tab) {
	b.open("/without")
	b.fill("plain")
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(chromedp.CSS(`#thanks`)))
	got := b.only()
	fields, _ := url.ParseQuery(got.body)
	if got.reasons != "token-missing no-work" || fields.Get("message") != "plain" || fields.Has("_gotcha") || got.status != 303 {
		b.Errorf("it arrived as %+v", got)
	}
	b.policy.Plain, b.policy.Work = true, 0
	b.open("/without")
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(chromedp.CSS(`#thanks`)))
	if posts := b.seen(); len(posts) != 2 || posts[1].reasons != "" {
		b.Errorf("where plain posts are welcome: %+v", posts)
	}
}

func sample(b tab) {
	b.open("/sample")
	b.fill("sample")
	b.do("send", chromedp.Click(send), chromedp.WaitVisible(chromedp.CSS(`[data-dealbell-thanks]`)))
	if got := b.only(); got.reasons != "" {
		b.Errorf("it arrived as %+v", got)
	}
	if text := b.ask(`document.activeElement.textContent + getComputedStyle(document.forms[0]).display`); text != "Thank you! We will answer within a day.none" {
		b.Errorf("the page shows %q", text)
	}
}
