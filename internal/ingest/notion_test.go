package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	hookToken = "secret_of-the-subscription"
	newToken  = "secret_of-the-next-one"
)

// mouth is the webhook's side of the public listener in front of a real
// store that knows hookToken.
type mouth struct {
	t       *testing.T
	db      *store.DB
	handler http.Handler
	logs    *bytes.Buffer
	woken   int
}

func listen(t *testing.T, hooks func(*store.DB) ingest.Hooks) *mouth {
	t.Helper()
	db, err := store.Open(context.Background(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	m := &mouth{t: t, db: db, logs: &bytes.Buffer{}}
	var behind ingest.Hooks = db
	if hooks != nil {
		behind = hooks(db)
	}
	m.handler, err = ingest.Handler(ingest.Options{
		Inbox: db, Hooks: behind, Health: health{{}}, Wake: func() { m.woken++ },
		Log: slog.New(slog.NewJSONHandler(m.logs, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	m.arm(time.Minute)
	if taken, err := db.Handshake(context.Background(), hookToken); err != nil || !taken {
		t.Fatal(taken, err)
	}
	return m
}

func (m *mouth) close() { m.db.Close() }

func (m *mouth) arm(d time.Duration) {
	m.t.Helper()
	if err := m.db.Arm(context.Background(), time.Now().Add(d)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mouth) tokens() string {
	m.t.Helper()
	tokens, err := m.db.HookTokens(context.Background())
	if err != nil {
		m.t.Fatal(err)
	}
	return strings.Join(tokens, " ")
}

func (m *mouth) events() []crm.Event {
	m.t.Helper()
	events, err := m.db.Events(context.Background(), 1000)
	if err != nil {
		m.t.Fatal(err)
	}
	return events
}

func (m *mouth) hear(token, body string, headers ...string) *httptest.ResponseRecorder {
	return hook(token, body, headers...).send(m.handler)
}

// hook is a request to the webhook, signed unless the token is "".
func hook(token, body string, headers ...string) message {
	m := message{method: http.MethodPost, path: "/notion-webhook", contentType: "application/json", body: body, headers: map[string]string{}}
	if token != "" {
		m.headers["X-Notion-Signature"] = sign(secret.New(token), "", body)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		m.headers[headers[i]] = headers[i+1]
	}
	return m
}

func event(id string) string {
	return fmt.Sprintf(`{"id":%q,"timestamp":"2024-12-05T23:57:05.379Z","type":"page.created","entity":{"id":"p","type":"page"}}`, id)
}

func handshake(token string) string { return fmt.Sprintf(`{"verification_token":%q}`, token) }

func long(size int) string {
	const head, tail = `{"id":"long","text":"`, `"}`
	return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
}

func TestEveryAnswerToAWebhook(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		m      message
		status int
		says   string // status of the answer, or part of the problem
	}{
		{"an event", hook(hookToken, event("1")), 200, "received"},
		{"a type that nobody knows", hook(hookToken, `{"id":"1","type":"galaxy.collided"}`), 200, "received"},
		{"a payload of another version", hook(hookToken, `{"id":"1","api_version":"2031-01-01","type":{"of":"a page"},"entity":[],"data":7}`), 200, "received"},
		{"an id that is a number", hook(hookToken, `{"id":1,"type":"page.created"}`), 200, "received"},
		{"a timestamp that is none", hook(hookToken, `{"id":"1","timestamp":"yesterday"}`), 200, "received"},
		{"no id", hook(hookToken, `{"type":"page.created"}`), 200, "received"},
		{"a list", hook(hookToken, `[]`), 200, "received"},
		{"null", hook(hookToken, `null`), 200, "received"},
		{"no JSON", hook(hookToken, "\x00\xff not JSON"), 200, "received"},
		{"an empty body", hook(hookToken, ""), 200, "received"},
		{"another content type", hook(hookToken, event("1"), "Content-Type", "text/plain"), 200, "received"},
		{"as long as it may be", hook(hookToken, long(1<<20)), 200, "received"},
		{"too long", hook(hookToken, long(1<<20+1)), 413, "1024 KiB"},
		{"a compressed body", hook(hookToken, event("1"), "Content-Encoding", "gzip"), 415, "compressed"},
		{"the handshake once more", hook(hookToken, handshake(hookToken)), 200, "verified"},
		{"the same without a signature", hook("", handshake(hookToken)), 200, "verified"},
		{"no signature", hook("", event("1")), 401, "missing"},
		{"the wrong token", hook("secret_guess", event("1")), 401, "does not match"},
		{"a signature of other bytes", hook("", event("1"), "X-Notion-Signature", sign(secret.New(hookToken), "", event("1")+"\n")), 401, "does not match"},
		{"a handshake that nobody awaits", hook("", handshake(newToken)), 401, "no handshake is awaited"},
		{"the same, signed with its own token", hook(newToken, handshake(newToken)), 401, "no handshake is awaited"},
		{"a handshake signed by a stranger", hook("secret_guess", handshake(newToken)), 401, "does not match"},
		{"another method", message{method: http.MethodGet, path: "/notion-webhook"}, 405, "POST"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := listen(t, nil)
			defer m.close()
			answer := tc.m.send(m.handler)
			if answer.Code != tc.status || !strings.Contains(answer.Body.String(), tc.says) {
				t.Errorf("got %d %s, want %d %s", answer.Code, answer.Body, tc.status, tc.says)
			}
			want := 0
			if tc.says == "received" {
				want = 1
			}
			if got := m.events(); len(got) != want || m.woken != want || want == 1 && string(got[0].Body) != tc.m.body {
				t.Errorf("stored %v, queue woken %d times; want %d, byte for byte", got, m.woken, want)
			}
			if m.tokens() != hookToken {
				t.Errorf("tokens %s, want that of the subscription alone", m.tokens())
			}
		})
	}
}

func TestAHandshakeTakesAnOperatorWhoExpectsIt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		m      message
		after  time.Duration
		status int
		tokens string
	}{
		{"unsigned", hook("", handshake(newToken)), 0, 200, hookToken + " " + newToken},
		{"signed with itself", hook(newToken, handshake(newToken)), 0, 200, hookToken + " " + newToken},
		{"just in time", hook("", handshake(newToken)), 14 * time.Minute, 200, hookToken + " " + newToken},
		{"too late", hook("", handshake(newToken)), 16 * time.Minute, 401, hookToken},
		{"signed by a stranger", hook("secret_guess", handshake(newToken)), 0, 401, hookToken},
		{"an endless token", hook("", handshake(strings.Repeat("t", 513))), 0, 401, hookToken},
		{"a token that is no text", hook("", `{"verification_token":7}`), 0, 401, hookToken},
		{"an empty token", hook("", handshake("")), 0, 401, hookToken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := listen(t, nil)
				defer m.close()
				m.arm(15 * time.Minute)
				time.Sleep(tc.after)
				if answer := tc.m.send(m.handler); answer.Code != tc.status || m.tokens() != tc.tokens {
					t.Errorf("got %d %s, tokens %q; want %d, %q", answer.Code, answer.Body, m.tokens(), tc.status, tc.tokens)
				}
			})
		})
	}
}

func TestEachArmingLetsOneTokenInBesideTheOthers(t *testing.T) {
	t.Parallel()
	m := listen(t, nil)
	defer m.close()
	known := []string{hookToken}
	for i := range 12 {
		token := fmt.Sprintf("secret_%d", i)
		m.arm(time.Minute)
		full := len(known) == 8
		if answer := m.hear("", handshake(token)); (answer.Code == 401) != full {
			t.Errorf("beside %d others a handshake got %d", len(known), answer.Code)
		}
		if answer := m.hear("", handshake("secret_stowaway")); answer.Code != 401 {
			t.Errorf("one arming let a second token in: %d", answer.Code)
		}
		if !full {
			known = append(known, token)
		}
		for j, sign := range known {
			if answer := m.hear(sign, event(fmt.Sprint(i, j))); answer.Code != 200 {
				t.Errorf("after %s: an event signed with %s got %d", token, sign, answer.Code)
			}
		}
	}
	if logs := m.logs.String(); strings.Contains(logs, "secret_") || !strings.Contains(logs, "webhook status") {
		t.Errorf("the log tells a token, or not what to do: %s", logs)
	}
}
