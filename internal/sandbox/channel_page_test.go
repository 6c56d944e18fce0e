package sandbox_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// posted shows a text as the channel page does.
func posted(t *testing.T, text string) string {
	t.Helper()
	c := newSlack(t, sandbox.SlackOptions{})
	c.hook(c.s.Webhook("deals"), asJSON(t, object{"text": text}))
	status, html := page(t, c.s.ChannelPage(sandbox.ChannelPageOptions{}), "GET", "/", nil)
	_, rest, ok := strings.Cut(html, `<p class="text">`)
	part, _, _ := strings.Cut(rest, "</p>")
	if status != 200 || !ok {
		t.Fatalf("got %d\n%s", status, html)
	}
	return part
}

func TestTheChannelPageShowsMrkdwnAndNoHTML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"🎉 Deal won: *Acme &amp; Co* — $5":          "🎉 Deal won: <strong>Acme &amp; Co</strong> — $5",
		":tada: _new_ ~old~ `a*b*`":                 "🎉 <em>new</em> <s>old</s> <code>a*b*</code>",
		"*bold _both_*":                             "<strong>bold </strong><strong><em>both</em></strong>",
		"2*3*4 snake_case_name * x *":               "2*3*4 snake_case_name * x *",
		"&lt;script&gt; <script>":                   "&lt;script&gt; script",
		"<https://x.example/?a=1&amp;b=2|the deal>": `<a href="https://x.example/?a=1&amp;b=2" rel="noreferrer">the deal</a>`,
		"<javascript:alert(1)|click>":               "click",
		"<!channel> <!here|here>":                   `<span class="ping">@channel</span> <span class="ping">@here</span>`,
		"a < b > c *":                               "a  b  c *",
		"<":                                         "&lt;",
	} {
		if got := posted(t, text); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestTheChannelPageShowsAllChannelsNewestLast(t *testing.T) {
	t.Parallel()
	c := newSlack(t, sandbox.SlackOptions{})
	empty := c.s.ChannelPage(sandbox.ChannelPageOptions{})
	if _, html := page(t, empty, "GET", "/", nil); !strings.Contains(html, "Nothing yet") {
		t.Errorf("an empty page:\n%s", html)
	}
	ada := c.s.AddMember("Ada <Marsh>", "ada@example.com")
	c.hook(c.s.Webhook("deals"), `{"text":"first for <@`+ada+`>"}`)
	c.call("chat.postMessage", url.Values{"channel": {ada}, "text": {"second"}})
	_, html := page(t, c.s.ChannelPage(sandbox.ChannelPageOptions{Title: "The bell"}), "GET", "/", nil)
	first, second := strings.Index(html, "first for"), strings.Index(html, "second")
	if first < 0 || second < first || !strings.Contains(html, "<h1>The bell</h1>") {
		t.Errorf("order: %d then %d\n%s", first, second, html)
	}
	for _, want := range []string{`data-channel="#deals"`, `data-channel="@Ada &lt;Marsh&gt;"`, `<span class="ping">@Ada &lt;Marsh&gt;</span>`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
}

func TestActionsRunAndShowHowItWent(t *testing.T) {
	t.Parallel()
	c := newSlack(t, sandbox.SlackOptions{})
	runs, fails := 0, error(nil)
	h := c.s.ChannelPage(sandbox.ChannelPageOptions{Actions: []sandbox.Action{
		{Label: "Something else", Run: func(context.Context) error { return nil }},
		{Label: "Run the 9:00 digest now", Run: func(context.Context) error { runs++; return fails }},
	}})
	if _, html := page(t, h, "GET", "/", nil); !strings.Contains(html, `data-label="Run the 9:00 digest now"`) || strings.Contains(html, "done.") {
		t.Errorf("before:\n%s", html)
	}
	if status, _ := page(t, h, "POST", "/", url.Values{"action": {"1"}}); status != 303 || runs != 1 {
		t.Errorf("got %d after %d runs", status, runs)
	}
	if _, html := page(t, h, "GET", "/", nil); !strings.Contains(html, "Run the 9:00 digest now: done.") {
		t.Errorf("after:\n%s", html)
	}
	fails = errors.New("no <channel>")
	page(t, h, "POST", "/", url.Values{"action": {"1"}})
	if _, html := page(t, h, "GET", "/", nil); !strings.Contains(html, "Run the 9:00 digest now: no &lt;channel&gt;") || strings.Contains(html, "done.") {
		t.Errorf("after a failure:\n%s", html)
	}
	for _, wrong := range []string{"", "2", "-1", "x"} {
		if status, _ := page(t, h, "POST", "/", url.Values{"action": {wrong}}); status != 400 {
			t.Errorf("action %q: got %d, want 400", wrong, status)
		}
	}
}
