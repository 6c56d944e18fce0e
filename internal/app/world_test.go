package app_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

const formSecret = "form-secret"

// world is a Dealbell and a sandbox Notion in one synctest bubble.
type world struct {
	t          *testing.T
	notion     *sandbox.Workspace
	crm        sandbox.CRM
	activities bool // use the Activities database
	deals      bool // use the Deals database, ring in slack and hear of events through hook
	slack      *sandbox.Slack
	hook       *sandbox.Subscription
	logs       io.Writer // where the daemon's log goes
	yaml       string    // the configuration file
	change     func(*config.Config)
	lay        func(*wire) // done to every wire before it is used

	crashes []time.Time

	dir   string
	app   *app.App
	wire  *wire // to Notion
	phone *wire // to Slack
	end   func() error
}

// wire is the network between the two; a crash cuts it.
type wire struct {
	next  http.RoundTripper
	cut   atomic.Bool
	twist atomic.Pointer[func(*http.Request) (status int, body string)] // answers instead, unless status is 0
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.cut.Load() {
		return nil, errors.New("the process is gone")
	}
	if twist := w.twist.Load(); twist != nil {
		if status, body := (*twist)(r); status != 0 {
			return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}
	}
	return w.next.RoundTrip(r)
}

func (w *world) newWire(to http.RoundTripper) *wire {
	line := &wire{next: to}
	if w.lay != nil {
		w.lay(line)
	}
	return line
}

func newWorld(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	o.Token = "token"
	w := &world{t: t, notion: sandbox.New(o), dir: t.TempDir(), logs: io.Discard}
	w.crm = w.notion.StandardCRM()
	empty, err := emptyDisk()
	if err != nil {
		t.Fatal(err)
	}
	empty.write(t, w.dir)
	return w
}

// emptyDisk is a state directory of today's schema: to migrate an empty one
// takes as long as a short test.
var emptyDisk = sync.OnceValues(func() (disk, error) {
	dir, err := os.MkdirTemp("", "dealbell-test-")
	if err != nil {
		return disk{}, err
	}
	defer os.RemoveAll(dir)
	db, err := store.Open(context.Background(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return disk{}, err
	}
	if err := db.Close(); err != nil {
		return disk{}, err
	}
	main, err := os.ReadFile(filepath.Join(dir, store.FileName))
	return disk{main: main}, err
})

func (w *world) config() *config.Config {
	w.t.Helper()
	env := map[string]string{
		"NOTION_TOKEN": "token", "FORM_SECRET": formSecret, "DEALBELL_DATA": w.dir, "DEALBELL_CONFIG": filepath.Join(w.t.TempDir(), "dealbell.yaml"),
		"NOTION_CONTACTS_DB_ID": w.crm.Contacts.ID,
	}
	if err := os.WriteFile(env["DEALBELL_CONFIG"], []byte(w.yaml), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if w.activities {
		env["NOTION_ACTIVITIES_DB_ID"] = w.crm.Activities.ID
	}
	if w.deals {
		env["NOTION_DEALS_DB_ID"] = w.crm.Deals.ID
		env["SLACK_WEBHOOK_URL"], env["SLACK_BOT_TOKEN"] = w.slack.Webhook("sales"), "xoxb-sandbox"
		env["NOTION_WEBHOOK_SECRET"] = w.hook.Token()
	}
	c, err := config.Load(config.Source{Getenv: func(k string) string { return env[k] }})
	if err != nil {
		w.t.Fatal(err)
	}
	c.Zone = time.UTC
	if w.change != nil {
		w.change(c)
	}
	return c
}

func (w *world) start() {
	w.t.Helper()
	w.wire = w.newWire(w.notion.Transport())
	if w.deals {
		w.phone = w.newWire(w.slack.Transport())
	}
	log := slog.New(slog.NewJSONHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, err := app.New(context.Background(), app.Options{Config: w.config(), Log: log, Transport: w.wire, SlackTransport: w.phone, Version: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.app = a
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Work(ctx) }()
	w.end = func() error {
		cancel()
		return errors.Join(<-ended, a.Close())
	}
}

func (w *world) stop() {
	w.t.Helper()
	if err := w.end(); err != nil {
		w.t.Error(err)
	}
}

// crash goes on from what the disk holds at this very moment, as after
// SIGKILL: the old process's memory and its later writes are lost.
func (w *world) crash() {
	w.t.Helper()
	synctest.Wait() // nobody writes now
	w.crashes = append(w.crashes, time.Now())
	w.wire.cut.Store(true)
	if w.phone != nil {
		w.phone.cut.Store(true)
	}
	left := w.t.TempDir()
	for _, name := range []string{store.FileName, store.FileName + "-wal"} {
		content, err := os.ReadFile(filepath.Join(w.dir, name))
		if err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(left, name), content, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	var ghost sync.WaitGroup
	old := w.end
	ghost.Go(func() { _ = old() }) // it may hang on for its grace time
	w.t.Cleanup(ghost.Wait)
	w.dir = left
	w.start()
}

// submit posts a signed JSON lead and returns the answer.
func (w *world) submit(fields map[string]string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.post("application/json", string(body), headers...)
}

// signature is what the website makes of a body.
func signature(body string) string {
	mac := hmac.New(sha256.New, []byte(formSecret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// post sends a signed body; headers are name, value pairs that override.
func (w *world) post(contentType, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/lead", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Form-Signature", "sha256="+signature(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Del(headers[i])
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	answer := httptest.NewRecorder()
	w.app.Public().ServeHTTP(answer, r)
	return answer
}

// accepted submits a lead that has to be taken.
func (w *world) accepted(fields map[string]string) {
	w.t.Helper()
	if answer := w.submit(fields); answer.Code != http.StatusAccepted {
		w.t.Errorf("POST /lead = %d %s, want 202", answer.Code, answer.Body)
	}
}

// settle waits until no lead is open and no job is due.
func (w *world) settle(limit time.Duration) {
	w.t.Helper()
	w.attached(func(db *store.DB) error {
		pause := time.Second
		for deadline := time.Now().Add(limit); ; time.Sleep(pause) {
			pause = min(pause+time.Second/4, 10*time.Second)
			sum, err := db.Summarise(context.Background())
			if err != nil || sum.Open+busy(sum) == 0 {
				return err
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("after %v: %d leads open, jobs %+v", limit, sum.Open, sum.Depths)
			}
		}
	})
}

// busy counts the jobs of the live lane that are not dead.
func busy(sum store.Summary) (n int) {
	for _, d := range sum.Depths {
		if d.Lane == crm.Live && d.State != crm.JobDead {
			n += d.Count
		}
	}
	return n
}

// attached does what a command does, from another process.
func (w *world) attached(do func(*store.DB) error) {
	w.t.Helper()
	db, err := store.Attach(context.Background(), w.dir, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if err := do(db); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) status() (status app.Status) {
	w.t.Helper()
	w.attached(func(db *store.DB) (err error) {
		status, err = app.ReadStatus(context.Background(), db, !w.config().WebhookToken.Empty())
		return err
	})
	return status
}

func (w *world) jobs(state crm.JobState) (found []crm.Job) {
	w.t.Helper()
	w.attached(func(db *store.DB) (err error) {
		found, err = db.Jobs(context.Background(), store.JobFilter{State: state})
		return err
	})
	return found
}

// retry does what "dealbell jobs retry" does.
func (w *world) retry(j crm.Job) {
	w.t.Helper()
	w.attached(func(db *store.DB) error { return db.RetryJob(context.Background(), j) })
}

// contacts returns the live rows of Contacts.
func (w *world) contacts() []sandbox.Row {
	var live []sandbox.Row
	for _, r := range w.notion.Rows(w.crm.Contacts) {
		if !r.InTrash {
			live = append(live, r)
		}
	}
	return live
}

func (w *world) onlyContact() sandbox.Row {
	w.t.Helper()
	found := w.contacts()
	if len(found) != 1 {
		w.t.Fatalf("%d contacts, want 1: %+v", len(found), found)
	}
	return found[0]
}

// requests counts the requests since the transcript was forgotten, by method
// and path without ids.
func (w *world) requests() map[string]int {
	counts := map[string]int{}
	for _, x := range w.notion.Transcript() {
		parts := strings.Split(x.Path, "/")
		if len(parts) > 3 {
			parts[3] = "*"
		}
		counts[x.Method+" "+strings.Join(parts[2:], "/")]++
	}
	return counts
}

func person(n int) map[string]string {
	return map[string]string{
		"email": fmt.Sprintf("person%d@example.com", n), "name": fmt.Sprintf("Person %d", n), "message": fmt.Sprintf("message of %d", n),
	}
}
