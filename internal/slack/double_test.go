package slack_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/slack"
)

const (
	token   = "xoxb-canary-token"
	webhook = "https://hooks.slack.com/services/T0CANARY/B0CANARY/canarysecret"
	text    = "deal won: canarytext"
	email   = "canary.ana@example.com"
	member  = "U0ANA"
)

// double is Slack as a function, with a transcript.
type double struct {
	answer func(*http.Request) (*http.Response, error)

	mu    sync.Mutex
	calls []call
}

type call struct {
	url, body string
	header    http.Header
}

func (d *double) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.calls = append(d.calls, call{r.URL.String(), string(body), r.Header.Clone()})
	d.mu.Unlock()
	return d.answer(r)
}

func (d *double) transcript() []call {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]call(nil), d.calls...)
}

type answers = func(*http.Request) (*http.Response, error)

func respond(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func always(status int, body string, header ...string) answers {
	return func(*http.Request) (*http.Response, error) { return respond(status, body, header...), nil }
}

func refuses(reason string) answers { return always(200, `{"ok":false,"error":"`+reason+`"}`) }

func fails(err error) answers {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

type brokenBody struct {
	*strings.Reader
	end func() error
}

func (b brokenBody) Read(p []byte) (int, error) {
	if n, _ := b.Reader.Read(p); n > 0 {
		return n, nil
	}
	return 0, b.end()
}

func (brokenBody) Close() error { return nil }

func cutOff(status int) answers {
	return func(*http.Request) (*http.Response, error) {
		resp := respond(status, "")
		resp.Body = brokenBody{strings.NewReader("o"), func() error { return io.ErrUnexpectedEOF }}
		return resp, nil
	}
}

func hangsInBody(r *http.Request) (*http.Response, error) {
	resp := respond(200, "")
	resp.Body = brokenBody{strings.NewReader("o"), func() error {
		<-r.Context().Done()
		return r.Context().Err()
	}}
	return resp, nil
}

// good answers as a healthy Slack does.
func good(r *http.Request) (*http.Response, error) {
	switch {
	case r.URL.Host == "hooks.slack.com":
		return respond(200, "ok"), nil
	case strings.HasSuffix(r.URL.Path, "/users.lookupByEmail"):
		return respond(200, `{"ok":true,"user":{"id":"`+member+`","deleted":false,"profile":{"fields":7}}}`), nil
	}
	return respond(200, `{"ok":true,"channel":"C0SALES","ts":"1700000000.000100","message":{"type":5}}`), nil
}

func open(t testing.TB, rt http.RoundTripper) *slack.Client {
	t.Helper()
	c, err := slack.New(slack.Options{
		Webhooks:  map[string]secret.String{"hooked": secret.New(webhook + "\n")},
		Channels:  map[string]string{"sales": "C0SALES"},
		Token:     secret.New(token + "\n"),
		Transport: rt,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ways are all the calls that reach Slack.
func ways() map[string]func(context.Context, *slack.Client) error {
	return map[string]func(context.Context, *slack.Client) error{
		"webhook": func(ctx context.Context, c *slack.Client) error { return c.Post(ctx, "hooked", text) },
		"channel": func(ctx context.Context, c *slack.Client) error { return c.Post(ctx, "sales", text) },
		"direct":  func(ctx context.Context, c *slack.Client) error { return c.Direct(ctx, member, text) },
		"lookup": func(ctx context.Context, c *slack.Client) error {
			_, err := c.Member(ctx, email)
			return err
		},
	}
}

var sentinels = map[string]error{
	"not found": crm.ErrNotFound, "trashed": crm.ErrTrashed, "invalid": crm.ErrInvalid, "forbidden": crm.ErrForbidden,
	"conflict": crm.ErrConflict, "unavailable": crm.ErrUnavailable, "ambiguous": crm.ErrAmbiguous,
}

// kind names the one sentinel that err wraps.
func kind(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return "fine"
	}
	var found []string
	for name, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		t.Errorf("%v wraps %q, want exactly one sentinel", err, found)
		return ""
	}
	return found[0]
}

// wait returns how long a failed call asks to wait.
func wait(err error) time.Duration {
	at, ok := crm.RetryAt(err)
	if !ok {
		return 0
	}
	return time.Until(at)
}
