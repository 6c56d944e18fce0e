package sandbox_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// slackClient speaks to a Slack in process.
type slackClient struct {
	t *testing.T
	s *sandbox.Slack
}

func newSlack(t *testing.T, o sandbox.SlackOptions) slackClient {
	t.Helper()
	return slackClient{t, sandbox.NewSlack(o)}
}

func (c slackClient) send(method, target, contentType, body string, token string) (*http.Response, string, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.s.Transport().RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	raw, err := io.ReadAll(res.Body)
	return res, string(raw), err
}

// hook posts JSON to a webhook.
func (c slackClient) hook(target, body string) (int, string) {
	c.t.Helper()
	res, text, err := c.send("POST", target, "application/json", body, "")
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, text
}

// call calls a method with a form, as most clients do.
func (c slackClient) call(name string, args url.Values) object {
	c.t.Helper()
	args.Set("token", "xoxb-sandbox")
	res, text, err := c.send("POST", "https://slack.com/api/"+name, "application/x-www-form-urlencoded", args.Encode(), "")
	if err != nil {
		c.t.Fatal(err)
	}
	var out object
	if err := json.Unmarshal([]byte(text), &out); err != nil || res.StatusCode != 200 && res.StatusCode != 429 {
		c.t.Fatalf("%s: got %d %s", name, res.StatusCode, text)
	}
	return out
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAWebhookTakesMessagesAndNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	c := newSlack(t, sandbox.SlackOptions{})
	deals := c.s.Webhook("#deals")
	closed := c.s.Webhook("old")
	c.s.Archive("old")
	gone := c.s.Webhook("deals")
	c.s.Revoke(gone)
	section := func(n int) object {
		return object{"type": "section", "text": object{"type": "mrkdwn", "text": strings.Repeat("x", n)}}
	}
	for _, test := range []struct {
		name, url, body string
		status          int
		answer          string
	}{
		{"a message", deals, `{"text":"*Hi* &lt;b&gt;"}`, 200, "ok"},
		{"empty text", deals, `{"text":""}`, 400, "no_text"},
		{"no text", deals, `{}`, 400, "no_text"},
		{"no JSON", deals, `{`, 400, "invalid_payload"},
		{"no object", deals, `[]`, 400, "invalid_payload"},
		{"a number", deals, `{"text":5}`, 400, "invalid_payload"},
		{"an unknown URL", "https://hooks.slack.com/services/T1/B2/x", `{"text":"x"}`, 404, "no_service"},
		{"a revoked URL", gone, `{"text":"x"}`, 404, "no_service"},
		{"an archived channel", closed, `{"text":"x"}`, 410, "channel_is_archived"},
		{"too many blocks", deals, asJSON(t, object{"blocks": slices.Repeat([]object{section(1)}, 51)}), 400, "invalid_blocks"},
		{"a long section", deals, asJSON(t, object{"blocks": []object{section(3001)}}), 400, "invalid_blocks"},
		{"an empty section", deals, asJSON(t, object{"blocks": []object{section(0)}}), 400, "invalid_blocks"},
		{"an unknown block", deals, `{"blocks":[{"type":"fanfare"}]}`, 400, "invalid_blocks"},
		{"an eleventh field", deals, asJSON(t, object{"blocks": []object{{"type": "section", "fields": slices.Repeat([]object{section(1)["text"].(object)}, 11)}}}), 400, "invalid_blocks"},
		{"a long button", deals, asJSON(t, object{"blocks": []object{{"type": "actions", "elements": []object{{"type": "button", "text": object{"type": "plain_text", "text": strings.Repeat("x", 76)}}}}}}), 400, "invalid_blocks"},
		{"a context without elements", deals, `{"blocks":[{"type":"context"}]}`, 400, "invalid_blocks"},
		{"blocks that are no list", deals, `{"blocks":{}}`, 400, "invalid_blocks"},
		{"a long header", deals, asJSON(t, object{"blocks": []object{{"type": "header", "text": object{"type": "plain_text", "text": strings.Repeat("x", 151)}}}}), 400, "invalid_blocks"},
	} {
		if status, answer := c.hook(test.url, test.body); status != test.status || answer != test.answer {
			t.Errorf("%s: got %d %s, want %d %s", test.name, status, answer, test.status, test.answer)
		}
	}
	got := c.s.Messages("deals")
	if len(got) != 1 || got[0].Text != "*Hi* &lt;b&gt;" || got[0].Channel != "deals" || got[0].TS == "" || got[0].Time.IsZero() {
		t.Errorf("messages: got %+v", got)
	}
	if n := len(c.s.Transcript()); n != 18 {
		t.Errorf("transcript: got %d requests, want 18", n)
	}
	c.s.ForgetTranscript()
}

func TestAWebhookTakesFormsAndBlocksAndCutsLongTexts(t *testing.T) {
	t.Parallel()
	c := newSlack(t, sandbox.SlackOptions{Lenient: true, BaseURL: "http://127.0.0.1:9/"})
	hook := c.s.Webhook("deals")
	if !strings.HasPrefix(hook, "http://127.0.0.1:9/services/T") {
		t.Errorf("got %s", hook)
	}
	form := url.Values{"payload": {`{"text":"by form"}`}}.Encode()
	if res, text, err := c.send("POST", hook, "application/x-www-form-urlencoded", form, ""); err != nil || text != "ok" || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("form: got %s, %v", text, err)
	}
	c.hook(hook, asJSON(t, object{"text": strings.Repeat("é", 40_001)}))
	c.hook(hook, asJSON(t, object{"text": "fallback", "blocks": []object{
		{"type": "header", "text": object{"type": "plain_text", "text": "Won"}},
		{"type": "section", "text": object{"type": "mrkdwn", "text": "*Cutter*"}, "fields": []object{{"type": "mrkdwn", "text": "$5"}}},
		{"type": "divider"},
		{"type": "context", "elements": []object{{"type": "mrkdwn", "text": "by Ada"}}},
		{"type": "actions", "elements": []object{{"type": "button", "text": object{"type": "plain_text", "text": "Open"}}}},
	}}))
	got := c.s.Messages("#deals")
	if len(got) != 3 || len([]rune(got[1].Text)) != 40_000 || got[2].Text != "fallback" || got[2].Shown() != "Won\n*Cutter*\n$5\nby Ada\nOpen" {
		t.Fatalf("got %d messages, the last %q", len(got), got[len(got)-1].Shown())
	}
	if res, _, _ := c.send("GET", hook, "", "", ""); res.StatusCode != 400 {
		t.Errorf("GET: got %d", res.StatusCode)
	}
	if res, _, _ := c.send("GET", "http://127.0.0.1:9/", "", "", ""); res.StatusCode != 404 {
		t.Errorf("elsewhere: got %d", res.StatusCode)
	}
}

func TestAChannelTakesOneMessageASecond(t *testing.T) {
	for _, test := range []struct {
		lenient bool
		burst   int
	}{{false, 1}, {true, 5}} {
		synctest.Test(t, func(t *testing.T) {
			c := newSlack(t, sandbox.SlackOptions{Lenient: test.lenient})
			hook, other := c.s.Webhook("deals"), c.s.Webhook("other")
			through := func(n int) (ok int) {
				for range n {
					res, text, err := c.send("POST", hook, "application/json", `{"text":"x"}`, "")
					if err != nil {
						t.Fatal(err)
					}
					if res.StatusCode == 200 {
						ok++
					} else if res.StatusCode != 429 || res.Header.Get("Retry-After") != "1" || text != "rate_limited" {
						t.Errorf("got %d %s, Retry-After %q", res.StatusCode, text, res.Header.Get("Retry-After"))
					}
				}
				return ok
			}
			if n := through(10); n != test.burst {
				t.Errorf("lenient %v: got %d at once, want %d", test.lenient, n, test.burst)
			}
			if status, _ := c.hook(other, `{"text":"x"}`); status != 200 {
				t.Errorf("another channel: got %d", status)
			}
			time.Sleep(999 * time.Millisecond)
			if n := through(1); n != 0 {
				t.Error("a message came through within the second")
			}
			time.Sleep(time.Millisecond)
			if n := through(2); n != 1 {
				t.Errorf("after a second: got %d through, want 1", n)
			}
			if out := c.call("chat.postMessage", url.Values{"channel": {"deals"}, "text": {"x"}}); out["error"] != "ratelimited" {
				t.Errorf("the limit is not one of the channel: got %v", out)
			}
		})
	}
}

func TestSlackFailsInItsOwnWords(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault     sandbox.Fault
		status    int
		word      string
		retry     string
		delivered bool
	}{
		{sandbox.RateLimited, 429, "rate_limited", "7", false},
		{sandbox.RateLimitedBare, 429, "rate_limited", "", false},
		{sandbox.InternalError, 500, "internal_error", "", false},
		{sandbox.Unavailable, 503, "service_unavailable", "", false},
		{sandbox.SavedButUnavailable, 503, "service_unavailable", "", true},
		{sandbox.GatewayTimeout, 504, "request_timeout", "", false},
		{sandbox.RateLimitedAbsurd, 429, "rate_limited", "31536000", false},
		{sandbox.BadRequest, 400, "invalid_payload", "", false},
		{sandbox.Unauthorized, 403, "invalid_token", "", false},
		{sandbox.Forbidden, 403, "action_prohibited", "", false},
		{sandbox.NotFound, 404, "channel_not_found", "", false},
		{sandbox.Truncated, 200, "o", "", true},
		{sandbox.ResetBefore, 0, "", "", false},
		{sandbox.ResetAfter, 0, "", "", true},
	} {
		c := newSlack(t, sandbox.SlackOptions{})
		hook := c.s.Webhook("deals")
		c.s.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Fault: test.fault}}, RetryAfter: 7 * time.Second})
		res, text, err := c.send("POST", hook, "application/json", `{"text":"x"}`, "")
		if (len(c.s.Messages("deals")) == 1) != test.delivered || c.s.Transcript()[0].Wrote != test.delivered {
			t.Errorf("%s: delivered is not %v", test.fault, test.delivered)
		}
		if test.status == 0 {
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: got %v", test.fault, err)
			}
			continue
		}
		if err != nil || res.StatusCode != test.status || text != test.word || res.Header.Get("Retry-After") != test.retry {
			t.Errorf("%s: got %d %q, Retry-After %q, %v", test.fault, res.StatusCode, text, res.Header.Get("Retry-After"), err)
		}
	}
}

func TestMethodsFailInJSON(t *testing.T) {
	t.Parallel()
	for fault, word := range map[sandbox.Fault]string{
		sandbox.RateLimited: "ratelimited", sandbox.RateLimitedDate: "ratelimited",
		sandbox.InternalError: "internal_error", sandbox.Conflict: "internal_error", sandbox.Unavailable: "service_unavailable",
	} {
		c := newSlack(t, sandbox.SlackOptions{})
		c.s.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Fault: fault}}})
		res, text, err := c.send("POST", "https://slack.com/api/auth.test", "", "", "xoxb-sandbox")
		if err != nil || res.StatusCode < 429 || text != `{"error":"`+word+`","ok":false}` {
			t.Errorf("%s: got %s, %v", fault, text, err)
		}
	}
	c := newSlack(t, sandbox.SlackOptions{})
	hook := c.s.Webhook("deals")
	c.s.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Nth: 1, Fault: sandbox.BadGatewayHTML}, {Nth: 2, Fault: sandbox.SavedButUnavailable}}})
	if status, text := c.hook(hook, `{"text":"x"}`); status != 502 || !strings.HasPrefix(text, "<!DOCTYPE html>") {
		t.Errorf("bad gateway: got %d %s", status, text)
	}
	if status, text := c.hook(hook, `{}`); status != 400 || text != "no_text" {
		t.Errorf("a refusal during an outage: got %d %s", status, text)
	}
}

func TestSlackCanBeDownOutOfReachOrSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSlack(t, sandbox.SlackOptions{Latency: time.Second})
		hook := c.s.Webhook("deals")
		c.s.SetDown(true)
		start := time.Now()
		if status, _ := c.hook(hook, `{"text":"x"}`); status != 503 || time.Since(start) != time.Second {
			t.Errorf("down: got %d after %v", status, time.Since(start))
		}
		c.s.SetDown(false)
		c.s.SetUnreachable(true)
		if _, _, err := c.send("POST", hook, "application/json", `{"text":"x"}`, ""); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("out of reach: got %v", err)
		}
		c.s.SetUnreachable(false)
		c.s.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Nth: 1, Fault: sandbox.HangAfter}}})
		if _, _, err := c.send("POST", hook, "application/json", `{"text":"x"}`, ""); err == nil || len(c.s.Messages("")) != 1 {
			t.Errorf("a hang: got %v and %d messages", err, len(c.s.Messages("")))
		}
	})
}
