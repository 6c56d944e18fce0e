package slack_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/slack"
)

// leaks returns which secret is in what err shows.
func leaks(err error) string {
	hint, _ := crm.Hint(err)
	said := fmt.Sprintf("%v %+v %#v %s", err, err, err, hint)
	for e := err; e != nil; e = errors.Unwrap(e) {
		said += fmt.Sprintf(" %v %#v", e, e)
	}
	for _, canary := range []string{"canary", "CANARY", "hooks.slack.com", "evil", "\n", "\x1b"} {
		if strings.Contains(said, canary) {
			return canary + " in " + said
		}
	}
	return ""
}

// TestNoSecretInAnyError lets a hostile server and a talkative network repeat
// the webhook, the token, the text and the address in every place.
func TestNoSecretInAnyError(t *testing.T) {
	t.Parallel()
	var all []answers
	for _, s := range []string{webhook, token, text, email, "a\nlevel=ERROR msg=canary\x1b[31m", `"canary"`} {
		for _, status := range []int{200, 204, 301, 302, 307, 400, 403, 404, 410, 418, 429, 500, 503} {
			all = append(all,
				always(status, s, "Location", s, "Retry-After", s, "Date", s),
				always(status, fmt.Sprintf(`{"ok":false,"error":%q,"needed":%q,"warning":%q}`, s, s, s)),
				always(status, fmt.Sprintf(`{"ok":false,"error":"missing_scope","needed":%q}`, s)),
				always(status, fmt.Sprintf(`{"ok":true,"user":{"id":%q}}`, s)))
		}
		all = append(all,
			fails(errors.New(s)),
			fails(&url.Error{Op: "Post", URL: s, Err: errors.New(s)}),
			fails(&net.OpError{Op: "dial", Net: s, Err: &net.DNSError{Err: s, Name: s}}),
			func(*http.Request) (*http.Response, error) { panic(s) },
			func(*http.Request) (*http.Response, error) { panic(errors.New(s)) })
	}
	all = append(all, hangs, hangsInBody, cutOff(200))
	for way, ask := range ways() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			for _, answer := range all {
				synctest.Test(t, func(t *testing.T) {
					if leak := leaks(ask(t.Context(), open(t, &double{answer: answer}))); leak != "" {
						t.Error(leak)
					}
				})
			}
		})
	}
}

func TestNoSecretInTheErrorsOfNew(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "hooks.slack.com/services/CANARY", "https:///services/CANARY", "ftp://hooks.slack.com/CANARY",
		"https://hooks.slack.com:port/CANARY", "https://hooks.slack.com/%zzCANARY", "https://hooks.slack.com/CANARY\x7f", "http://:80/CANARY",
	} {
		_, err := slack.New(slack.Options{Webhooks: map[string]secret.String{"sales": secret.New(bad)}})
		if err == nil || !strings.Contains(err.Error(), `"sales"`) || leaks(err) != "" {
			t.Errorf("webhook %q: got %v, want an error that names the channel only", bad, err)
		}
		if hint, _ := crm.Hint(err); !strings.Contains(hint, "SLACK_WEBHOOK_URL") {
			t.Errorf("webhook %q: got hint %q", bad, hint)
		}
		if bad == "" {
			continue // the default
		}
		if _, err := slack.New(slack.Options{BaseURL: bad}); err == nil || leaks(err) != "" {
			t.Errorf("base %q: got %v, want an error without it", bad, err)
		}
	}
	if _, err := slack.New(slack.Options{BaseURL: "https://slack.com/api?canary=1"}); err == nil || leaks(err) != "" {
		t.Errorf("base with a query: got %v", err)
	}
}

func TestClientPrintsNoSecret(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	if s := fmt.Sprintf("%v %+v %#v", c, c, *c); strings.Contains(strings.ToLower(s), "canary") {
		t.Errorf("got %s", s)
	}
}
