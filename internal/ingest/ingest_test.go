package ingest_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
	"github.com/dealbell/dealbell/internal/store"
)

var (
	current = secret.New("current-form-secret")
	old     = secret.New("old-form-secret")
)

// website is the form of POST /lead.
var website = func() ingest.Form {
	own, _ := form.Named("own")
	return ingest.Form{Form: lead.Form{Name: lead.Website, Vendor: own}, Path: "/lead", Scheme: signature.Form, Keys: signature.Keys(current, old)}
}()

// door is the public listener in front of a real store.
type door struct {
	t       *testing.T
	db      *store.DB
	handler http.Handler
	drain   chan struct{}
	logs    *bytes.Buffer
}

type health []ingest.Part

func (h health) Alive(context.Context) []ingest.Part { return h[:1] }
func (h health) Ready(context.Context) []ingest.Part { return h }

func open(t *testing.T, inbox func(*store.DB) ingest.Inbox) *door {
	t.Helper()
	return openDoor(t, inbox, website)
}

// openForms is open with another set-up of the form.
func openForms(t *testing.T, change func(*ingest.Form)) *door {
	t.Helper()
	f := website
	change(&f)
	return openDoor(t, nil, f)
}

func openDoor(t *testing.T, inbox func(*store.DB) ingest.Inbox, f ingest.Form) *door {
	t.Helper()
	db, err := store.Open(context.Background(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d := &door{t: t, db: db, drain: make(chan struct{}), logs: &bytes.Buffer{}}
	var box ingest.Inbox = db
	if inbox != nil {
		box = inbox(db)
	}
	d.handler, err = ingest.Handler(ingest.Options{
		Inbox: box, Health: health{{Name: "store", OK: true}, {Name: "intake", OK: false, Detail: "stopping"}},
		Wake: func() {}, Forms: []ingest.Form{f}, Draining: d.drain,
		Log: slog.New(slog.NewJSONHandler(d.logs, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *door) close() { d.db.Close() }

type message struct {
	method, path, contentType, body string
	headers                         map[string]string
	key                             secret.String // signs; the zero one leaves the signature out
	timestamp                       string
}

// sign returns the signature of a body; timestamp is "" for none.
func sign(key secret.String, timestamp, body string) string {
	if timestamp != "" {
		body = timestamp + "." + body
	}
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func (m message) send(h http.Handler) *httptest.ResponseRecorder {
	method, path := m.method, m.path
	if method == "" {
		method, path = http.MethodPost, "/lead"
	}
	r := httptest.NewRequest(method, path, strings.NewReader(m.body))
	if m.contentType != "" {
		r.Header.Set("Content-Type", m.contentType)
	}
	if !m.key.Empty() {
		r.Header.Set("X-Form-Signature", sign(m.key, m.timestamp, m.body))
	}
	if m.timestamp != "" {
		r.Header.Set("X-Form-Timestamp", m.timestamp)
	}
	for k, v := range m.headers {
		r.Header.Set(k, v)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer
}

func signed(body string) message {
	return message{contentType: "application/json", body: body, key: current}
}

func (d *door) open() int {
	d.t.Helper()
	sum, err := d.db.Summarise(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	return sum.Open
}

const ana = `{"email":"ana@example.com","name":"Ana"}`

func multipartOf(fields ...string) (contentType, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = w.WriteField(fields[i], fields[i+1])
	}
	_ = w.Close()
	return w.FormDataContentType(), b.String()
}

func TestEveryAnswerOfTheTable(t *testing.T) {
	t.Parallel()
	multipartType, multipartBody := multipartOf("name", "Ana", "email", "ana@example.com")
	now := strconv.FormatInt(time.Now().Unix(), 10)
	stale := strconv.FormatInt(time.Now().Add(-10*time.Minute).Unix(), 10)
	ahead := strconv.FormatInt(time.Now().Add(10*time.Minute).Unix(), 10)
	with := func(m message, change func(*message)) message { change(&m); return m }
	for _, tc := range []struct {
		name   string
		m      message
		status int
		says   string // in the detail or as the field
	}{
		{"JSON", signed(ana), 202, ""},
		{"JSON with a charset", with(signed(ana), func(m *message) { m.contentType = "application/json; charset=utf-8" }), 202, ""},
		{"urlencoded", message{contentType: "application/x-www-form-urlencoded", body: "email=ana%40example.com&name=Ana", key: current}, 202, ""},
		{"multipart", message{contentType: multipartType, body: multipartBody, key: current}, 202, ""},
		{"the secret that is being rotated out", with(signed(ana), func(m *message) { m.key = old }), 202, ""},
		{"a signed timestamp", with(signed(ana), func(m *message) { m.timestamp = now }), 202, ""},
		{"field names in another case", signed(`{"Email":"ana@example.com"}`), 202, ""},
		{"an address with a name around it", signed(`{"email":"Ana <ana@example.com>"}`), 422, "email"},
		{"no JSON", signed(`{"email":`), 400, "application/json"},
		{"JSON that is a list", signed(`["ana@example.com"]`), 400, "one object"},
		{"JSON and more", signed(ana + ana), 400, "one object"},
		{"JSON null", signed(`null`), 400, "one object"},
		{"an empty body", signed(``), 400, "application/json"},
		{"broken percent signs", message{contentType: "application/x-www-form-urlencoded", body: "email=%zz", key: current}, 400, "urlencoded"},
		{"a multipart body that ends early", message{contentType: multipartType, body: multipartBody[:len(multipartBody)-30], key: current}, 400, "multipart"},
		{"no email", signed(`{"name":"Ana"}`), 400, "email"},
		{"a blank email", signed(`{"email":"  "}`), 400, "email"},
		{"an email that is null", signed(`{"email":null}`), 400, "email"},
		{"an email that is none", signed(`{"email":"ana"}`), 422, "email"},
		{"no signature", with(signed(ana), func(m *message) { m.key = secret.String{} }), 401, "missing"},
		{"a wrong signature", with(signed(ana), func(m *message) { m.key = secret.New("guess") }), 401, "does not match"},
		{"a stale timestamp", with(signed(ana), func(m *message) { m.timestamp = stale }), 401, "too far"},
		{"a timestamp from the future", with(signed(ana), func(m *message) { m.timestamp = ahead }), 401, "too far"},
		{"a timestamp that is none", with(signed(ana), func(m *message) { m.timestamp = "now" }), 401, "timestamp"},
		{"a body over 64 KiB", signed(`{"email":"ana@example.com","message":"` + strings.Repeat("x", 64<<10) + `"}`), 413, "64 KiB"},
		{"a body of exactly 64 KiB", signed(padded(64 << 10)), 202, ""},
		{"plain text", with(signed(ana), func(m *message) { m.contentType = "text/plain" }), 415, "Content-Type"},
		{"no content type", with(signed(ana), func(m *message) { m.contentType = "" }), 415, "Content-Type"},
		{"a compressed body", with(signed(ana), func(m *message) { m.headers = map[string]string{"Content-Encoding": "gzip"} }), 415, "compressed"},
		{"an endless key", with(signed(ana), func(m *message) { m.headers = map[string]string{"Idempotency-Key": strings.Repeat("k", 256)} }), 400, "Idempotency-Key"},
		{"another method", message{method: "GET", path: "/lead"}, 405, "POST"},
		{"another method on health", message{method: "POST", path: "/healthz"}, 405, "GET"},
		{"another path", message{method: "POST", path: "/leads"}, 404, "nothing"},
		{"a trailing slash", message{method: "POST", path: "/lead/"}, 404, "nothing"},
		{"the admin's path", message{method: "GET", path: "/metrics"}, 404, "nothing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, nil)
			defer d.close()
			answer := tc.m.send(d.handler)
			if answer.Code != tc.status {
				t.Fatalf("got %d %s, want %d", answer.Code, answer.Body, tc.status)
			}
			if want := map[bool]int{true: 1, false: 0}[tc.status == 202]; d.open() != want {
				t.Errorf("%d leads stored, want %d", d.open(), want)
			}
			if tc.status == 202 {
				checkAccepted(t, answer)
				return
			}
			checkProblem(t, answer, tc.says)
			if tc.status == 405 && answer.Header().Get("Allow") != tc.says {
				t.Errorf("Allow = %q, want %q", answer.Header().Get("Allow"), tc.says)
			}
		})
	}
}

func padded(size int) string {
	const head, tail = `{"email":"ana@example.com","message":"`, `"}`
	return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
}

func checkAccepted(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	var got struct{ Status, ID string }
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || got.Status != "accepted" || got.ID == "" {
		t.Errorf("body %s, want status accepted and an id", answer.Body)
	}
}

func checkProblem(t *testing.T, answer *httptest.ResponseRecorder, says string) {
	t.Helper()
	var p struct {
		Type, Title, Detail, Field string
		Status                     int
	}
	if got := answer.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type = %q, want application/problem+json", got)
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil || p.Status != answer.Code || p.Title == "" {
		t.Errorf("body %s is not a problem of RFC 9457", answer.Body)
	}
	if !strings.Contains(p.Detail, says) && p.Field != says {
		t.Errorf("the problem %s does not say %q", answer.Body, says)
	}
	if strings.Contains(answer.Body.String(), "ana@example.com") {
		t.Errorf("the problem repeats the address: %s", answer.Body)
	}
}

func TestTheSameDeliveryAgainIsADuplicate(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	defer d.close()
	id := func(a *httptest.ResponseRecorder) (status, id string) {
		var got struct{ Status, ID string }
		if err := json.Unmarshal(a.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		return got.Status, got.ID
	}
	_, first := id(signed(ana).send(d.handler))
	again := signed(ana).send(d.handler)
	if status, same := id(again); again.Code != 202 || status != "duplicate" || same != first {
		t.Errorf("the same body: %d %s, want 202 duplicate with id %s", again.Code, again.Body, first)
	}
	keyed := func(body, key string) *httptest.ResponseRecorder {
		m := signed(body)
		m.headers = map[string]string{"Idempotency-Key": key}
		return m.send(d.handler)
	}
	_, one := id(keyed(ana, "k1"))
	if status, same := id(keyed(ana, "k1")); status != "duplicate" || same != one {
		t.Errorf("the same key: %s %s, want duplicate %s", status, same, one)
	}
	other := keyed(`{"email":"bob@example.com"}`, "k1")
	if other.Code != 422 {
		t.Errorf("the key with another body: %d, want 422", other.Code)
	}
	checkProblem(t, other, "Idempotency-Key")
	if d.open() != 2 {
		t.Errorf("%d leads stored, want 2", d.open())
	}
}

// brokenInbox refuses to store anything.
type brokenInbox struct{ *store.DB }

func (brokenInbox) Accept(context.Context, store.Intake) (store.Receipt, error) {
	return store.Receipt{}, errors.New("input/output error")
}

func TestWhatCannotBeMadeDurableIsNotAccepted(t *testing.T) {
	t.Parallel()
	d := open(t, func(db *store.DB) ingest.Inbox { return brokenInbox{db} })
	defer d.close()
	answer := signed(ana).send(d.handler)
	if answer.Code != 503 || answer.Header().Get("Retry-After") == "" {
		t.Errorf("got %d, Retry-After %q; want 503 with one", answer.Code, answer.Header().Get("Retry-After"))
	}
	checkProblem(t, answer, "send it again")
}

func TestRejectedBodiesAreKeptAndFloodsAreNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // no time passes: the flood comes at once
		d := open(t, nil)
		defer d.close()
		limited := 0
		for i := range 400 {
			m := signed(fmt.Sprintf(`{"email":"p%d@example.com"}`, i))
			m.key = secret.New("wrong")
			answer := m.send(d.handler)
			if answer.Code == 429 {
				limited++
				if answer.Header().Get("Retry-After") == "" {
					t.Error("429 without Retry-After")
				}
			}
		}
		kept, err := d.db.Quarantined(context.Background())
		if err != nil || len(kept) != 300 || limited != 100 {
			t.Errorf("%d kept, %d limited, %v; want 300 and 100", len(kept), limited, err)
		}
		if got := kept[0]; !strings.HasPrefix(string(got.Body), `{"email":"p`) || got.Reason == "" || got.Headers["X-Form-Signature"] == "" {
			t.Errorf("kept %+v, want the body and its signature", got)
		}
		if answer := signed(ana).send(d.handler); answer.Code != 202 {
			t.Errorf("a signed lead during the flood: %d, want 202", answer.Code)
		}
	})
}

func TestWaitingForTheOutcome(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		prefer  string
		after   time.Duration // when the lead is done
		drained time.Duration
		status  int
		took    time.Duration
	}{
		{"done in time", "wait=10", 3 * time.Second, 0, 200, 3 * time.Second},
		{"among other preferences", "respond-async, wait=10", 3 * time.Second, 0, 200, 3 * time.Second},
		{"not done in time", "wait=2", 3 * time.Second, 0, 202, 2 * time.Second},
		{"never more than 30 seconds", "wait=100", time.Hour, 0, 202, 30 * time.Second},
		{"not while stopping", "wait=20", time.Hour, 5 * time.Second, 202, 5 * time.Second},
		{"nonsense", "wait=soon", time.Second, 0, 202, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := open(t, nil)
				var wg sync.WaitGroup
				wg.Go(func() {
					time.Sleep(tc.after)
					found, err := d.db.Pending(context.Background(), "ana@example.com", 1)
					if err != nil || len(found) != 1 {
						t.Errorf("%v, %v", found, err)
						return
					}
					if err := d.db.Apply(context.Background(), crm.Commit{Progress: []crm.Progress{
						{Delivery: found[0].ID, State: crm.DeliveryDone, Outcome: crm.Created, Page: "page-1"},
					}}); err != nil {
						t.Error(err)
					}
				})
				if tc.drained > 0 {
					wg.Go(func() { time.Sleep(tc.drained); close(d.drain) })
				}
				m := signed(ana)
				m.headers = map[string]string{"Prefer": tc.prefer}
				began := time.Now()
				answer := m.send(d.handler)
				if took := time.Since(began); answer.Code != tc.status || took != tc.took {
					t.Errorf("%d after %v, want %d after %v", answer.Code, took, tc.status, tc.took)
				}
				if tc.status == 200 && strings.TrimSpace(answer.Body.String()) != `{"status":"created","id":"page-1"}` {
					t.Errorf("body %s", answer.Body)
				}
				wg.Wait()
				d.close()
			})
		})
	}
}

func TestHealthNamesEachPart(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	defer d.close()
	alive := message{method: "GET", path: "/healthz"}.send(d.handler)
	if alive.Code != 200 || strings.TrimSpace(alive.Body.String()) != `{"status":"ok","parts":{"store":{"status":"ok"}}}` {
		t.Errorf("/healthz = %d %s", alive.Code, alive.Body)
	}
	ready := message{method: "GET", path: "/readyz"}.send(d.handler)
	if ready.Code != 503 || !strings.Contains(ready.Body.String(), `"intake":{"status":"failing","detail":"stopping"}`) {
		t.Errorf("/readyz = %d %s", ready.Code, ready.Body)
	}
}

func TestLogsHoldNoPersonalData(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	defer d.close()
	signed(`{"email":"canary@example.com","message":"canary text"}`).send(d.handler)
	wrong := signed(`{"email":"canary@example.com"}`)
	wrong.key = secret.New("wrong")
	wrong.send(d.handler)
	signed(`{"email":"canary at example"}`).send(d.handler)
	logged := d.logs.String()
	if !strings.Contains(logged, "submission accepted") || !strings.Contains(logged, "dealbell replay") {
		t.Errorf("the log does not tell what happened: %s", logged)
	}
	for _, canary := range []string{"canary", current.Reveal(), "sha256="} {
		if strings.Contains(logged, canary) {
			t.Errorf("the log holds %q: %s", canary, logged)
		}
	}
}
