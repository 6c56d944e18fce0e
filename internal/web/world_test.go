package web_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/signature"
	"github.com/dealbell/dealbell/internal/store"
	"github.com/dealbell/dealbell/internal/web"
)

const password = "correct horse battery staple"

// passwordHash is made once: it takes a while on purpose.
var passwordHash = sync.OnceValues(func() (string, error) { return web.HashPassword(secret.New(password)) })

// emptyDisk is a state directory's database of today's schema.
var emptyDisk = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "dealbell-web-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	db, err := store.Open(context.Background(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, store.FileName))
})

// world is a dashboard on a real store, and a browser that keeps its cookies.
type world struct {
	t       *testing.T
	db      *store.DB
	options web.Options
	handler http.Handler
	cookies map[string]*http.Cookie
	logs    *strings.Builder
	header  http.Header // of every request
	peer    string
	notion  fakeNotion
	woken   int
}

// forms are the website's.
func forms() []ingest.Form {
	own, _ := form.Named("own")
	return []ingest.Form{{Form: lead.Form{Name: lead.Website, Vendor: own}, Scheme: signature.Form, Keys: signature.Keys(secret.New(formSecret))}}
}

func leadForms() map[string]lead.Form {
	return map[string]lead.Form{lead.Website: forms()[0].Form}
}

// fakeNotion is how the connection stands.
type fakeNotion struct {
	state notion.State
	used  int
}

func (f *fakeNotion) State() notion.State      { return f.state }
func (f *fakeNotion) Budget() (used, most int) { return f.used, 150 }

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	content, err := emptyDisk()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, store.FileName), content, 0o600))
	db, err := store.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	w := &world{t: t, db: db, logs: &strings.Builder{}, cookies: map[string]*http.Cookie{}, header: http.Header{}, peer: "127.0.0.1:40000"}
	say := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
	}
	w.options = web.Options{
		Passwords: db, Sessions: db, Figures: db, Notion: &w.notion, Token: secret.New("api-token"), Status: say("the status"), Metrics: say("the metrics"),
		Leads: db, Jobs: db, Repairs: db, Rejects: db, Messages: db, Replay: ingest.Replay{Kept: db, Forms: forms()}, Forms: leadForms(), Wake: func() { w.woken++ },
		Zone: time.UTC, Draining: make(chan struct{}), Version: "test", Log: slog.New(slog.NewJSONHandler(w.logs, nil)),
	}
	w.build()
	return w
}

// build makes the dashboard of the options.
func (w *world) build() {
	w.t.Helper()
	var err error
	w.handler, err = web.Handler(w.options)
	must(w.t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// do makes a request as the browser would.
func (w *world) do(method, path string, form url.Values) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:3001"+path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	maps.Copy(r.Header, w.header)
	if host := w.header.Get("Host"); host != "" {
		r.Host = host
	}
	r.RemoteAddr = w.peer
	for _, c := range w.cookies {
		r.AddCookie(c)
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	for _, c := range answer.Result().Cookies() {
		if w.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(w.cookies, c.Name)
		}
	}
	return answer
}

func (w *world) get(path string) *httptest.ResponseRecorder { return w.do(http.MethodGet, path, nil) }

// page returns a page that has to be there.
func (w *world) page(path string) string {
	w.t.Helper()
	answer := w.get(path)
	if answer.Code != http.StatusOK {
		w.t.Fatalf("GET %s = %d, want 200: %s", path, answer.Code, answer.Body)
	}
	return answer.Body.String()
}

var proofField = regexp.MustCompile(`name="proof" value="([^"]+)"`)

// send posts a form of the page, with its proof.
func (w *world) send(page, path string, pairs ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	form := url.Values{}
	if found := proofField.FindStringSubmatch(w.page(page)); found != nil {
		form.Set("proof", found[1])
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return w.do(http.MethodPost, path, form)
}

// setPassword makes the password known to the store.
func (w *world) setPassword() {
	w.t.Helper()
	hash, err := passwordHash()
	must(w.t, err)
	must(w.t, w.db.SetPassword(w.t.Context(), hash))
}

// logIn sets the password and logs the browser in.
func (w *world) logIn() {
	w.t.Helper()
	w.setPassword()
	if answer := w.try(password); answer.Code != http.StatusSeeOther {
		w.t.Fatalf("log in = %d %s", answer.Code, answer.Body)
	}
}

func (w *world) try(password string) *httptest.ResponseRecorder {
	return w.do(http.MethodPost, "/login", url.Values{"password": {password}})
}
