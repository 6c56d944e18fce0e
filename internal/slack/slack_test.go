package slack_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/slack"
)

func TestWebhookGetsTextWithoutPreviews(t *testing.T) {
	t.Parallel()
	d := &double{answer: good}
	if err := open(t, d).Post(t.Context(), "hooked", "a &amp; <@U1> ✓"); err != nil {
		t.Fatal(err)
	}
	sent := d.transcript()[0]
	var body map[string]any
	if err := json.Unmarshal([]byte(sent.body), &body); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"text": "a &amp; <@U1> ✓", "unfurl_links": false, "unfurl_media": false,
		"replace_original": false, "delete_original": false, // the library always sends these
	}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Error(diff)
	}
	if sent.url != webhook || sent.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(sent.header.Get("User-Agent"), "dealbell ") {
		t.Errorf("got %+v", sent)
	}
}

func TestWebAPIGetsTextWithoutPreviews(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ way, url string }{
		{"channel", "https://slack.com/api/chat.postMessage"},
		{"direct", "https://slack.com/api/chat.postMessage"},
		{"lookup", "https://slack.com/api/users.lookupByEmail"},
	} {
		d := &double{answer: good}
		if err := ways()[tt.way](t.Context(), open(t, d)); err != nil {
			t.Fatal(err)
		}
		want := map[string]url.Values{
			"channel": {"token": {token}, "channel": {"C0SALES"}, "text": {text}, "unfurl_links": {"false"}, "unfurl_media": {"false"}},
			"direct":  {"token": {token}, "channel": {member}, "text": {text}, "unfurl_links": {"false"}, "unfurl_media": {"false"}},
			"lookup":  {"token": {token}, "email": {email}},
		}[tt.way]
		sent := d.transcript()[0]
		got, err := url.ParseQuery(sent.body)
		if diff := cmp.Diff(want, got); err != nil || diff != "" || sent.url != tt.url {
			t.Errorf("%s: got %s to %s (%v)", tt.way, diff, sent.url, err)
		}
	}
}

func TestBaseURLNeedsNoSlash(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"http://127.0.0.1:9/api", "http://127.0.0.1:9/api/"} {
		d := &double{answer: good}
		c, err := slack.New(slack.Options{Token: secret.New(token), BaseURL: base, Transport: d})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Direct(t.Context(), member, text); err != nil || d.transcript()[0].url != "http://127.0.0.1:9/api/chat.postMessage" {
			t.Errorf("%s: got %v and a request to %s", base, err, d.transcript()[0].url)
		}
	}
}

func TestMemberIsFoundByEmail(t *testing.T) {
	t.Parallel()
	id, err := open(t, &double{answer: good}).Member(t.Context(), " "+email+" ")
	if err != nil || id != member {
		t.Errorf("got %q, %v", id, err)
	}
	for _, tt := range []struct{ name, user, want string }{
		{"a deactivated member is none", `{"id":"U0ANA","deleted":true}`, "not found"},
		{"an answer without a user is none of Slack's", `null`, "unavailable"},
		{"an id that is none is none of Slack's", `{"id":"#general"}`, "unavailable"},
		{"a user of another shape is none of Slack's", `[]`, "unavailable"},
	} {
		id, err := open(t, &double{answer: always(200, `{"ok":true,"user":`+tt.user+`}`)}).Member(t.Context(), email)
		if got := kind(t, err); got != tt.want || id != "" {
			t.Errorf("%s: got %q and %v, want %s", tt.name, id, err, tt.want)
		}
	}
}

func TestMissingScopeIsNamed(t *testing.T) {
	t.Parallel()
	for way, want := range map[string]string{"channel": "chat:write", "lookup": "users:read.email"} {
		err := ways()[way](t.Context(), open(t, &double{answer: refuses("missing_scope")}))
		if hint, _ := crm.Hint(err); !strings.Contains(hint, want) {
			t.Errorf("%s: got hint %q, want it to name %s", way, hint, want)
		}
	}
}

// TestNothingIsSentInVain holds what is refused without asking Slack.
func TestNothingIsSentInVain(t *testing.T) {
	t.Parallel()
	d := &double{answer: good}
	c := open(t, d)
	bare, err := slack.New(slack.Options{Transport: d})
	if err != nil {
		t.Fatal(err)
	}
	_, noEmail := c.Member(t.Context(), " ")
	_, noToken := bare.Member(t.Context(), email)
	for _, tt := range []struct {
		name             string
		err              error
		want, says, hint string
	}{
		{"an unknown channel is named beside the known ones", c.Post(t.Context(), "sale", text), "invalid", `post to channel "sale": there is no such channel; configured are "hooked", "sales"`, "configured channel"},
		{"no channel at all", bare.Post(t.Context(), "sale", text), "invalid", "none is configured", ""},
		{"an empty text by webhook", c.Post(t.Context(), "hooked", " \n"), "invalid", "text is empty", ""},
		{"an empty text by token", c.Post(t.Context(), "sales", ""), "invalid", "text is empty", ""},
		{"a direct message to a channel", c.Direct(t.Context(), "#general", text), "invalid", "not the id of a Slack member", ""},
		{"a direct message to nobody", c.Direct(t.Context(), "", text), "invalid", "not the id of a Slack member", ""},
		{"an empty email", noEmail, "invalid", "email address is empty", ""},
		{"a direct message without a token", bare.Direct(t.Context(), member, text), "forbidden", "no bot token", "SLACK_BOT_TOKEN"},
		{"a lookup without a token", noToken, "forbidden", "no bot token", "SLACK_BOT_TOKEN"},
	} {
		hint, _ := crm.Hint(tt.err)
		if kind(t, tt.err) != tt.want || !strings.Contains(tt.err.Error(), tt.says) || !strings.Contains(hint, tt.hint) {
			t.Errorf("%s: got %v with hint %q", tt.name, tt.err, hint)
		}
	}
	if n := len(d.transcript()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	sales := map[string]string{"sales": "C0SALES"}
	for _, tt := range []struct {
		name       string
		o          slack.Options
		says, hint string
	}{
		{"a channel without a token", slack.Options{Channels: sales}, `channel "sales" needs a bot token`, "SLACK_BOT_TOKEN"},
		{"a channel with a blank token", slack.Options{Channels: sales, Token: secret.New(" \n")}, "needs a bot token", "SLACK_BOT_TOKEN"},
		{"a channel without an id", slack.Options{Channels: map[string]string{"sales": " "}, Token: secret.New(token)}, `channel "sales" has no id`, "C0123456789"},
		{"a channel with two ways out", slack.Options{Channels: sales, Token: secret.New(token), Webhooks: map[string]secret.String{"sales": secret.New(webhook)}}, "both", "keep one"},
	} {
		_, err := slack.New(tt.o)
		if hint, _ := crm.Hint(err); err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(hint, tt.hint) {
			t.Errorf("%s: got %v with hint %q", tt.name, err, hint)
		}
	}
}

func TestKnowsWhatIsConfigured(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	if !c.Knows("hooked") || !c.Knows("sales") || c.Knows("C0SALES") || c.Knows("") || !c.HasToken() {
		t.Error("the configured channels are not known, or others are")
	}
	bare, err := slack.New(slack.Options{})
	if err != nil || bare.HasToken() || bare.Knows("sales") {
		t.Errorf("an empty client is not empty (%v)", err)
	}
}

func TestLongTextsAreCutAtLast(t *testing.T) {
	t.Parallel()
	d := &double{answer: good}
	c := open(t, d)
	for way, channel := range map[string]string{"webhook": "hooked", "token": "sales"} {
		if err := c.Post(t.Context(), channel, strings.Repeat("é", 12_001)); err != nil {
			t.Fatal(err)
		}
		sent := d.transcript()[len(d.transcript())-1].body
		if form, err := url.ParseQuery(sent); err == nil && form.Has("text") {
			sent = form.Get("text")
		}
		if n := strings.Count(sent, "é"); n != 11_999 || strings.Count(sent, "…") != 1 {
			t.Errorf("%s: %d characters were sent, want 11999 and an ellipsis", way, n)
		}
	}
}

func TestOneClientServesMany(t *testing.T) {
	t.Parallel()
	d := &double{answer: good}
	c := open(t, d)
	var wg sync.WaitGroup
	for range 25 {
		for way, ask := range ways() {
			wg.Go(func() {
				if err := ask(t.Context(), c); err != nil {
					t.Errorf("%s: %v", way, err)
				}
			})
		}
	}
	wg.Wait()
	if n := len(d.transcript()); n != 100 {
		t.Errorf("%d requests were sent, want 100", n)
	}
}

func TestErrorHoldsWhatSlackSaid(t *testing.T) {
	t.Parallel()
	err := ways()["webhook"](t.Context(), open(t, &double{answer: always(410, "channel_is_archived")}))
	want := `post to channel "hooked": the channel is archived (channel_is_archived, 410)`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if at, ok := crm.RetryAt(err); ok {
		t.Errorf("a refusal may be repeated at %s", at.Format(time.RFC3339))
	}
}
