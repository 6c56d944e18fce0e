package sandbox_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestTheBotFindsPeopleAndWritesToThem(t *testing.T) {
	t.Parallel()
	c := newSlack(t, sandbox.SlackOptions{})
	ada := c.s.AddMember("Ada Marsh", "Ada@example.com")
	found := c.call("users.lookupByEmail", url.Values{"email": {"ada@example.com"}})
	if dig(found, "user", "id") != ada || dig(found, "user", "profile", "email") != "Ada@example.com" {
		t.Fatalf("lookup: got %v", found)
	}
	if got := c.call("users.info", url.Values{"user": {ada}}); dig(got, "user", "real_name") != "Ada Marsh" {
		t.Errorf("info: got %v", got)
	}
	dm := dig(c.call("conversations.open", url.Values{"users": {ada}}), "channel", "id").(string)
	sent := c.call("chat.postMessage", url.Values{"channel": {dm}, "text": {"Ring"}})
	if sent["ok"] != true || sent["channel"] != dm || !strings.HasPrefix(dm, "D") {
		t.Errorf("message to %s: got %v", dm, sent)
	}
	for _, key := range []string{dm, ada, "ada@example.com"} {
		if got := c.s.Messages(key); len(got) != 1 || got[0].Text != "Ring" {
			t.Errorf("messages of %s: got %v", key, got)
		}
	}
	ben := c.s.AddMember("Ben", "ben@example.com")
	if got := c.call("chat.postMessage", url.Values{"channel": {ben}, "text": {"Hi"}}); got["ok"] != true {
		t.Errorf("message to a person: got %v", got)
	}
	if got := c.call("auth.test", url.Values{}); got["ok"] != true || got["user"] != "dealbell" || got["team"] != "Sandbox" {
		t.Errorf("auth.test: got %v", got)
	}
}

func TestMessagesGoToChannelsByNameOrIDAndIntoThreads(t *testing.T) {
	t.Parallel()
	c := newSlack(t, sandbox.SlackOptions{Lenient: true})
	id := c.s.AddChannel("deals")
	first := c.call("chat.postMessage", url.Values{"channel": {"#deals"}, "text": {"one"}})
	c.call("chat.postMessage", url.Values{"channel": {id}, "text": {"two"}, "thread_ts": {first["ts"].(string)}})
	blocks := `[{"type":"section","text":{"type":"mrkdwn","text":"*three*"}}]`
	c.call("chat.postMessage", url.Values{"channel": {id}, "blocks": {blocks}})
	got := c.s.Messages(id)
	if len(got) != 3 || first["channel"] != id || got[0].ThreadTS != "" || got[1].ThreadTS != got[0].TS || got[2].Shown() != "*three*" {
		t.Errorf("got %+v", got)
	}
	if got[0].TS >= got[1].TS || c.s.AddChannel("#deals") != id {
		t.Errorf("ids repeat: %s, %s", got[0].TS, got[1].TS)
	}
}

func TestMethodsTakeJSONWithTheTokenInTheHeader(t *testing.T) {
	t.Parallel()
	c := newSlack(t, sandbox.SlackOptions{})
	c.s.AddChannel("deals")
	const target, kind = "https://slack.com/api/chat.postMessage", "application/json; charset=utf-8"
	body := `{"channel":"deals","text":"x","token":"xoxb-sandbox","unfurl_links":false,"blocks":[{"type":"divider"}]}`
	if _, text, _ := c.send("POST", target, kind, body, ""); text != `{"error":"not_authed","ok":false}` {
		t.Errorf("the token in JSON: got %s", text)
	}
	if _, text, _ := c.send("POST", target, kind, body, "xoxb-sandbox"); !strings.Contains(text, `"ok":true`) {
		t.Errorf("the token in the header: got %s", text)
	}
	if _, text, _ := c.send("POST", target, kind, "{", "xoxb-sandbox"); !strings.Contains(text, "invalid_json") {
		t.Errorf("no JSON: got %s", text)
	}
	if _, text, _ := c.send("GET", "https://slack.com/api/auth.test", "", "", "xoxb-sandbox"); !strings.Contains(text, `"ok":true`) {
		t.Errorf("GET: got %s", text)
	}
	c.s.SetToken("xoxb-new")
	if _, text, _ := c.send("POST", target, kind, body, "xoxb-sandbox"); !strings.Contains(text, "invalid_auth") {
		t.Errorf("an old token: got %s", text)
	}
}

func TestRefusalsOfMethodsAreWordsInAnAnswerOf200(t *testing.T) {
	t.Parallel()
	c := newSlack(t, sandbox.SlackOptions{MissingScopes: []string{"im:write"}})
	c.s.AddChannel("deals")
	c.s.Archive("old")
	for _, test := range []struct {
		name, method string
		args         url.Values
		word         string
	}{
		{"an unknown method", "chat.shout", url.Values{}, "unknown_method"},
		{"nobody", "users.lookupByEmail", url.Values{"email": {"x@example.com"}}, "users_not_found"},
		{"no address", "users.lookupByEmail", url.Values{}, "users_not_found"},
		{"nobody by id", "users.info", url.Values{"user": {"U1"}}, "user_not_found"},
		{"no channel", "chat.postMessage", url.Values{"channel": {"nowhere"}, "text": {"x"}}, "channel_not_found"},
		{"no text", "chat.postMessage", url.Values{"channel": {"deals"}}, "no_text"},
		{"a long text", "chat.postMessage", url.Values{"channel": {"deals"}, "text": {strings.Repeat("x", 40_001)}}, "msg_too_long"},
		{"wrong blocks", "chat.postMessage", url.Values{"channel": {"deals"}, "blocks": {`[{"type":"x"}]`}}, "invalid_blocks"},
		{"an archived channel", "chat.postMessage", url.Values{"channel": {"old"}, "text": {"x"}}, "is_archived"},
		{"a missing scope", "conversations.open", url.Values{"users": {"U1"}}, "missing_scope"},
	} {
		if got := c.call(test.method, test.args); got["ok"] != false || got["error"] != test.word {
			t.Errorf("%s: got %v, want %s", test.name, got, test.word)
		}
	}
	if n := len(c.s.Messages("")); n != 0 {
		t.Errorf("got %d messages", n)
	}
	c = newSlack(t, sandbox.SlackOptions{})
	for users, word := range map[string]string{"": "users_list_not_supplied", "U1": "user_not_found"} {
		if got := c.call("conversations.open", url.Values{"users": {users}}); got["error"] != word {
			t.Errorf("open %q: got %v, want %s", users, got, word)
		}
	}
}

func TestPingsAreFoundInMrkdwnOnly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"Hi <!channel> and <!here|here>, <!everyone>": {"<!channel>", "<!here>", "<!everyone>"},
		"<@U0ABC> <@W1|ada> <!subteam^S0AB|@sales>":   {"<@U0ABC>", "<@W1>", "<!subteam^S0AB>"},
		"&lt;!channel&gt; @channel <https://x|@here>": nil,
		"<!date^1392734382^{date}|today> <#C1|deals>": nil,
	} {
		if got := sandbox.Pings(text); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}
