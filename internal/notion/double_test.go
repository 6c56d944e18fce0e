package notion_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/secret"
)

const (
	token    = "ntn_canary0123456789"
	pageID   = "21b974f3-b388-814f-994f-d01b08671d1d"
	sourceID = "2397ff5c-122b-4a90-95d6-f1a956915d0d"
	database = "6aff91ae-c0ba-4906-82e2-27dc02cd6d98"
	email    = "ana.canary@example.com"
)

// double is Notion as a function, with a transcript.
type double struct {
	answer func(*http.Request) (*http.Response, error)

	mu    sync.Mutex
	calls []call
}

type call struct {
	at           time.Time
	method, path string
	uri          string // as it is on the wire
	body         string
	header       http.Header
}

func (d *double) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	d.mu.Lock()
	d.calls = append(d.calls, call{time.Now(), r.Method, r.URL.Path, r.URL.RequestURI(), string(body), r.Header.Clone()})
	d.mu.Unlock()
	return d.answer(r)
}

func (d *double) transcript() []call {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]call(nil), d.calls...)
}

func (d *double) count() int { return len(d.transcript()) }

func respond(status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(bytes.NewReader([]byte(body)))}
}

func always(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return respond(status, body, header...), nil }
}

// good answers every request as a healthy Notion would, with almost nothing.
func good(r *http.Request) (*http.Response, error) {
	switch {
	case r.URL.Path == "/v1/users/me":
		return respond(200, `{"object":"user","id":"`+pageID+`","name":"Bell","bot":{"workspace_name":"Acme"}}`), nil
	case strings.HasPrefix(r.URL.Path, "/v1/users/"):
		return respond(200, `{"object":"user","id":"`+pageID+`","type":"person","name":"Ana","person":{"email":"`+email+`"}}`), nil
	case strings.Contains(r.URL.Path, "/properties/"):
		return respond(200, itemsJSON("relation", 0, 1, "")), nil
	case strings.HasSuffix(r.URL.Path, "/query"), strings.HasSuffix(r.URL.Path, "/children"), r.URL.Path == "/v1/search":
		return respond(200, `{"object":"list","results":[],"has_more":false,"next_cursor":null}`), nil
	case strings.HasPrefix(r.URL.Path, "/v1/databases"):
		return respond(200, `{"object":"database","id":"`+database+`","data_sources":[{"id":"`+sourceID+`","name":"Contacts"}]}`), nil
	case strings.HasPrefix(r.URL.Path, "/v1/data_sources/"):
		return respond(200, `{"object":"data_source","id":"`+sourceID+`","properties":{}}`), nil
	}
	return respond(200, pageJSON(`{}`)), nil
}

func pageJSON(properties string) string {
	return `{"object":"page","id":"` + pageID + `","created_time":"2026-11-20T08:00:00.000Z",` +
		`"last_edited_time":"2026-11-20T08:01:00.000Z","created_by":{"object":"user","id":"` + database + `"},"last_edited_by":{"object":"user","id":"` + sourceID + `"},` +
		`"parent":{"type":"data_source_id","data_source_id":"` + sourceID + `","database_id":"` + database + `"},` +
		`"archived":false,"in_trash":false,"url":"https://www.notion.so/x","properties":` + properties + `}`
}

// itemsJSON is a batch of a property's items, those numbered from up to below
// to, and the cursor of the next batch.
func itemsJSON(kind string, from, to int, next string) string {
	items := []string{}
	for i := from; i < to; i++ {
		items = append(items, fmt.Sprintf(`{"object":"property_item","type":%q,"id":"p","%s":{"object":"user","id":%q}}`, kind, kind, numbered(i)))
	}
	return fmt.Sprintf(`{"object":"list","results":[%s],"has_more":%v,"next_cursor":%q,"type":"property_item","property_item":{"id":"p","type":%q}}`,
		strings.Join(items, ","), next != "", next, kind)
}

func numbered(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

func errorJSON(status int, code, message string, additional ...string) string {
	body := map[string]any{"object": "error", "status": status, "code": code, "message": message, "request_id": "req-1"}
	if len(additional) > 0 {
		body["additional_data"] = json.RawMessage(additional[0])
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// fast is a rate that takes pacing out of a test that is about something else.
const fast = 1e6

func newClient(t testing.TB, o notion.Options) *notion.Client {
	t.Helper()
	if o.Token.Empty() {
		o.Token = secret.New(token)
	}
	c, err := notion.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func quick(t testing.TB, d *double) *notion.Caller {
	t.Helper()
	return newClient(t, notion.Options{Transport: d, Rate: fast, Burst: 1000}).Lane(crm.Live)
}

// logbook collects what is logged.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// observed collects what the observer is told.
type observed struct {
	mu       sync.Mutex
	requests []string
	pauses   []time.Duration
}

func (o *observed) Request(_ context.Context, r notion.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requests = append(o.requests, fmt.Sprintf("%s %d", r.Endpoint, r.Status))
}

func (o *observed) Paused(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pauses = append(o.pauses, d)
}
