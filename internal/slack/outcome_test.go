package slack_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// TestWebhookAnswers is the table of what an answer to a webhook means.
func TestWebhookAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer answers
		want   string // the sentinel
		says   string // in the error
		hint   string
	}{
		{"ok is success", always(200, "ok"), "fine", "", ""},
		{"ok and a line break is success", always(200, "ok\n"), "fine", "", ""},
		{"a page with status 200 may have been posted", always(200, "<html>please log in"), "ambiguous", "not one of Slack's (200)", "SLACK_WEBHOOK_URL"},
		{"an empty 200 of another chat is success", always(200, ""), "fine", "", ""},
		{"a 204 of another chat is success", always(204, ""), "fine", "", ""},
		{"OK in capitals is success", always(200, "OK"), "fine", "", ""},
		{"ok as JSON is success", always(200, `{"ok":true}`), "fine", "", ""},
		{"not ok as JSON is a refusal", always(200, `{"ok":false,"error":"no_service"}`), "forbidden", "no_service", ""},
		{"a 202 may have been posted", always(202, "ok"), "ambiguous", "202", ""},
		{"a reason with status 200 is still a refusal", always(200, "no_service"), "forbidden", "(no_service, 200)", "new incoming webhook"},
		{"a payload that Slack cannot read is refused", always(400, "invalid_payload"), "invalid", "(invalid_payload, 400)", ""},
		{"invalid blocks are refused", always(400, "invalid_blocks"), "invalid", "invalid_blocks", ""},
		{"no text is refused", always(400, "no_text"), "invalid", "no_text", ""},
		{"a message that is too long is refused", always(400, "msg_too_long"), "invalid", "msg_too_long", ""},
		{"an unknown reason of status 400 is refused", always(400, "odd_thing"), "invalid", "(odd_thing, 400)", ""},
		{"a 400 of a proxy is nothing of Slack's", always(400, "<html>Bad Request"), "unavailable", "not one of Slack's", "whole URL"},
		{"a wrong token needs a person", always(403, "invalid_token"), "forbidden", "the webhook is not valid (invalid_token, 403)", "new incoming webhook"},
		{"what admins forbid needs a person", always(403, "action_prohibited"), "forbidden", "action_prohibited", "admin"},
		{"a general channel that is closed needs a person", always(403, "posting_to_general_channel_denied"), "forbidden", "", "admin"},
		{"an unknown 403 needs a person", always(403, "odd_thing"), "forbidden", "odd_thing", "whole URL"},
		{"a 403 of a proxy is nothing of Slack's", always(403, "<html>"), "unavailable", "", ""},
		{"a deleted webhook needs a person", always(404, "no_service"), "forbidden", "switched off or deleted (no_service, 404)", "new incoming webhook"},
		{"a channel that is gone needs a person", always(404, "channel_not_found"), "forbidden", "channel_not_found", "new incoming webhook"},
		{"an empty 404 needs a person", always(404, ""), "forbidden", "404", "whole URL"},
		{"a 404 of a proxy is nothing of Slack's", always(404, "404 page not found\n"), "unavailable", "", ""},
		{"an archived channel needs a person", always(410, "channel_is_archived"), "forbidden", "channel_is_archived", "unarchive"},
		{"a workspace without webhooks needs a person", always(403, "no_active_hooks"), "forbidden", "no_active_hooks", ""},
		{"a proxy that wants a password comes first", always(407, ""), "unavailable", "407", ""},
		{"a body that is too large is refused", always(413, ""), "invalid", "413", ""},
		{"a redirect is not followed", always(302, "", "Location", "https://evil.example/"), "unavailable", "redirect", "whole URL"},
		{"a 429 comes later", always(429, "rate_limited", "Retry-After", "7"), "unavailable", "slow down (rate_limited, 429)", ""},
		{"a 429 with a page comes later", always(429, "<html>", "Retry-After", "7"), "unavailable", "slow down (429)", ""},
		{"a 500 was not posted", always(500, "rollup_error"), "unavailable", "(rollup_error, 500)", ""},
		{"a 500 with any reason was not posted", always(500, "internal_error"), "unavailable", "", ""},
		{"a 502 with a page was not posted", always(502, "<html>"), "unavailable", "502", ""},
		{"a 503 was not posted", always(503, ""), "unavailable", "503", ""},
		{"a head of 200 without its body may have been posted", cutOff(200), "ambiguous", "connection was closed", ""},
		{"a head of 500 without its body was not posted", cutOff(500), "unavailable", "500", ""},
		{"an answer without end may have been posted", always(200, strings.Repeat("ok", 1<<20)), "ambiguous", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { check(t, "webhook", tt.answer, tt.want, tt.says, tt.hint) })
		})
	}
}

// check makes one call and compares what it returns. It is sent once.
func check(t *testing.T, way string, answer answers, want, says, hint string) {
	t.Helper()
	d := &double{answer: answer}
	err := ways()[way](t.Context(), open(t, d))
	if got := kind(t, err); got != want {
		t.Errorf("%s: got %v, which is %s, want %s", way, err, got, want)
	}
	if err != nil && !strings.Contains(err.Error(), says) {
		t.Errorf("%s: got %q, want it to say %q", way, err, says)
	}
	if got, _ := crm.Hint(err); !strings.Contains(got, hint) {
		t.Errorf("%s: the hint of %q is %q, want it to say %q", way, err, got, hint)
	}
	if n := len(d.transcript()); n != 1 {
		t.Errorf("%s: %d requests were sent, want 1", way, n)
	}
}

// TestWebAPIAnswers is the table of what an answer of the Web API means for a
// post to a channel, a direct message and a lookup.
func TestWebAPIAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                    string
		answer                  answers
		channel, direct, lookup string
		says, hint              string
	}{
		{"ok is success", good, "fine", "fine", "fine", "", ""},
		{"a message that is too long is refused", refuses("msg_too_long"), "invalid", "invalid", "invalid", "msg_too_long", ""},
		{"an unknown reason is a refusal", refuses("odd_thing"), "invalid", "invalid", "invalid", "(odd_thing, 200)", ""},
		{"a reason that is no word is a refusal", refuses("Oh, <no>"), "invalid", "invalid", "invalid", "refuses it (200)", ""},
		{"a token that is not valid needs a person", refuses("invalid_auth"), "forbidden", "forbidden", "forbidden", "bot token is not accepted (invalid_auth", "SLACK_BOT_TOKEN"},
		{"no token needs a person", refuses("not_authed"), "forbidden", "forbidden", "forbidden", "", "SLACK_BOT_TOKEN"},
		{"a deactivated account needs a person", refuses("account_inactive"), "forbidden", "forbidden", "forbidden", "", "SLACK_BOT_TOKEN"},
		{"a revoked token needs a person", refuses("token_revoked"), "forbidden", "forbidden", "forbidden", "", "SLACK_BOT_TOKEN"},
		{"a missing scope needs a person", always(200, `{"ok":false,"error":"missing_scope","needed":"chat:write,im:write"}`), "forbidden", "forbidden", "forbidden", "missing_scope", "the scope chat:write and im:write on"},
		{"a bot that is not invited needs a person", refuses("not_in_channel"), "forbidden", "forbidden", "forbidden", "not_in_channel", "/invite"},
		{"a channel that is not there needs a person", refuses("channel_not_found"), "forbidden", "forbidden", "not found", "channel_not_found", ""},
		{"an archived channel needs a person", refuses("is_archived"), "forbidden", "forbidden", "forbidden", "", "unarchive"},
		{"what admins forbid needs a person", refuses("restricted_action_read_only_channel"), "forbidden", "forbidden", "forbidden", "", "admin"},
		{"a member who is not there is not found", refuses("users_not_found"), "forbidden", "forbidden", "not found", "users_not_found", ""},
		{"the pace in an answer of 200 comes later", refuses("ratelimited"), "unavailable", "unavailable", "unavailable", "ratelimited", ""},
		{"a 429 comes later", always(429, `{"ok":false,"error":"ratelimited"}`, "Retry-After", "7"), "unavailable", "unavailable", "unavailable", "(ratelimited, 429)", ""},
		{"a service that is down comes later", refuses("service_unavailable"), "unavailable", "unavailable", "unavailable", "", ""},
		{"a failure half-way may have been posted", refuses("internal_error"), "ambiguous", "ambiguous", "unavailable", "half-way (internal_error", ""},
		{"a 500 that failed half-way may have been posted", always(500, `{"ok":false,"error":"fatal_error"}`), "ambiguous", "ambiguous", "unavailable", "fatal_error", ""},
		{"a 500 was not posted", always(500, "<html>"), "unavailable", "unavailable", "unavailable", "500", ""},
		{"a 500 that says ok was not posted", always(500, `{"ok":true}`), "unavailable", "unavailable", "unavailable", "500", ""},
		{"a 503 was not posted", always(503, `{"ok":false,"error":"service_unavailable"}`), "unavailable", "unavailable", "unavailable", "503", ""},
		{"a 401 needs a person", always(401, `{"ok":false,"error":"invalid_auth"}`), "forbidden", "forbidden", "forbidden", "(invalid_auth, 401)", "SLACK_BOT_TOKEN"},
		{"an empty 404 is a wrong address", always(404, ""), "forbidden", "forbidden", "forbidden", "404", "DEALBELL_SLACK_URL"},
		{"a 404 of a proxy is nothing of Slack's", always(404, "<html>"), "unavailable", "unavailable", "unavailable", "", "DEALBELL_SLACK_URL"},
		{"a redirect is not followed", always(307, "", "Location", "https://evil.example/"), "unavailable", "unavailable", "unavailable", "redirect", "DEALBELL_SLACK_URL"},
		{"a page with status 200 may have been posted", always(200, "<html>"), "ambiguous", "ambiguous", "unavailable", "not one of Slack's", ""},
		{"JSON that is cut off may have been posted", always(200, `{"ok":tr`), "ambiguous", "ambiguous", "unavailable", "", ""},
		{"JSON without a verdict may have been posted", always(200, `{}`), "ambiguous", "ambiguous", "unavailable", "", ""},
		{"the text ok is not the API's yes", always(200, "ok"), "ambiguous", "ambiguous", "unavailable", "", ""},
		{"a head of 200 without its body may have been posted", cutOff(200), "ambiguous", "ambiguous", "unavailable", "connection was closed", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for way, want := range map[string]string{"channel": tt.channel, "direct": tt.direct, "lookup": tt.lookup} {
				synctest.Test(t, func(t *testing.T) { check(t, way, tt.answer, want, tt.says, tt.hint) })
			}
		})
	}
}

// TestNoAnswer is the table of connections that break, for every way out. A
// lookup can be repeated, so it is never in doubt.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, tt := range []struct {
		name   string
		answer answers
		sent   bool
		says   string
	}{
		{"a refused connection was not posted", fails(dial(syscall.ECONNREFUSED)), false, "connection refused"},
		{"a proxy out of reach was not posted", fails(&net.OpError{Op: "proxyconnect", Net: "tcp", Err: syscall.EHOSTUNREACH}), false, "no route to host"},
		{"a name that does not resolve was not posted", fails(dial(&net.DNSError{Err: "no such host", Name: "hooks.slack.com"})), false, "cannot be resolved"},
		{"a certificate that is not trusted was not posted", fails(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), false, "not trusted"},
		{"a server without TLS was not posted", fails(tls.RecordHeaderError{Msg: webhook}), false, "does not speak TLS"},
		{"a reset may have been posted", fails(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}), true, "connection reset by peer"},
		{"a connection that closes may have been posted", fails(io.EOF), true, "connection was closed"},
		{"an error that nobody knows may have been posted", fails(errors.New("lost " + webhook)), true, "the connection failed"},
		{"silence may have been posted", hangs, true, "no answer within 10s"},
		{"silence in the body may have been posted", hangsInBody, true, "no answer within 10s"},
		{"a panic may have been posted", func(*http.Request) (*http.Response, error) { panic(webhook) }, true, "panicked with a string"},
		{"no response at all may have been posted", fails(nil), true, "panicked with a runtime"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for way := range ways() {
				want := "unavailable"
				if tt.sent && way != "lookup" {
					want = "ambiguous"
				}
				synctest.Test(t, func(t *testing.T) { check(t, way, tt.answer, want, tt.says, "") })
			}
		})
	}
}

func TestCancelReturnsAtOnce(t *testing.T) {
	t.Parallel()
	for way, ask := range ways() {
		synctest.Test(t, func(t *testing.T) {
			d := &double{answer: hangs}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			err := ask(ctx, open(t, d))
			want := "ambiguous"
			if way == "lookup" {
				want = "unavailable"
			}
			if kind(t, err) != want || !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
				t.Errorf("%s: got %v after %v, want context canceled, %s, after 1s", way, err, time.Since(start), want)
			}
			// Cancelled before it was sent: nothing happened.
			if err := ask(ctx, open(t, d)); kind(t, err) != "unavailable" || !errors.Is(err, context.Canceled) || len(d.transcript()) != 1 {
				t.Errorf("%s: got %v after %d requests, want unavailable and no further request", way, err, len(d.transcript()))
			}
		})
	}
}

func TestRetryAfterIsUnderstood(t *testing.T) {
	t.Parallel()
	later := func(d time.Duration) string {
		return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d).Format(http.TimeFormat) // where synctest's clock begins
	}
	for _, tt := range []struct {
		name, value string
		want        time.Duration
	}{
		{"whole seconds", "7", 7 * time.Second},
		{"decimals", "1.5", 1500 * time.Millisecond},
		{"a date", later(90 * time.Second), 90 * time.Second},
		{"a date that has passed", later(-time.Minute), time.Second},
		{"nothing", "", time.Second},
		{"zero", "0", time.Second},
		{"less than the pace", "0.2", time.Second},
		{"negative", "-5", time.Second},
		{"nonsense", "soon", time.Second},
		{"not a number", "NaN", time.Second},
		{"a day", "86400", time.Hour},
		{"infinity", "Inf", time.Hour},
		{"a number out of range", strings.Repeat("9", 400), time.Second},
		{"a date in a century", later(100 * 365 * 24 * time.Hour), time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for way, ask := range ways() {
				synctest.Test(t, func(t *testing.T) {
					err := ask(t.Context(), open(t, &double{answer: always(429, "", "Retry-After", tt.value)}))
					if got := wait(err); got != tt.want {
						t.Errorf("%s: got %v, which waits %v, want %v", way, err, got, tt.want)
					}
				})
			}
		})
	}
}

func TestOnlyThePaceHasATime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer answers
		want   time.Duration
	}{
		{"the pace in an answer of 200", always(200, `{"ok":false,"error":"ratelimited"}`, "Retry-After", "30"), 30 * time.Second},
		{"a 503 that says when", always(503, "", "Retry-After", "30"), 30 * time.Second},
		{"a 503 that does not", always(503, ""), 0},
		{"a date by Slack's clock, which is not ours", always(429, "", "Date", "Fri, 20 Nov 2026 09:00:00 GMT", "Retry-After", "Fri, 20 Nov 2026 09:00:20 GMT"), 20 * time.Second},
		{"a refusal", always(403, "invalid_token", "Retry-After", "30"), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if got := wait(ways()["channel"](t.Context(), open(t, &double{answer: tt.answer}))); got != tt.want {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			})
		})
	}
}
