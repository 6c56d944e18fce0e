package web_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

const formSecret = "form-secret"

// daemon is a whole Dealbell between a Notion and a Slack of its own, with its
// listeners open.
type daemon struct {
	t      *testing.T
	notion *sandbox.Workspace
	crm    sandbox.CRM
	slack  *sandbox.Slack
	app    *app.App
	db     *store.DB // as a command beside it sees it
	admin  string    // address of the dashboard
	link   string    // by which the password is set
	stop   func()    // and wait for its end
}

const someForms = `
forms:
  newsletter:
    browser: true
    origins: ["https://www.example.com"]
`

func startDaemon(t *testing.T) *daemon {
	t.Helper()
	d := &daemon{t: t, notion: sandbox.New(sandbox.Options{Token: "token"}), slack: sandbox.NewSlack(sandbox.SlackOptions{Token: "xoxb-sandbox"})}
	d.crm = d.notion.StandardCRM()
	d.notion.Furnish(d.crm, time.Now())
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "dealbell.yaml")
	must(t, os.WriteFile(file, []byte(someForms), 0o600))
	env := map[string]string{
		"NOTION_TOKEN": "token", "FORM_SECRET": formSecret, "DEALBELL_DATA": dir, "DEALBELL_CONFIG": file,
		"NOTION_CONTACTS_DB_ID": d.crm.Contacts.ID, "NOTION_DEALS_DB_ID": d.crm.Deals.ID,
		"SLACK_WEBHOOK_URL": d.slack.Webhook("sales"), "SLACK_BOT_TOKEN": "xoxb-sandbox",
		"DEALBELL_LISTEN": "127.0.0.1:0", "DEALBELL_ADMIN_LISTEN": "127.0.0.1:0",
	}
	c, err := config.Load(config.Source{Getenv: func(k string) string { return env[k] }})
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	d.app, err = app.New(t.Context(), app.Options{Config: c, Log: log, Transport: d.notion.Transport(), SlackTransport: d.slack.Transport(), Version: "test"})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- d.app.Serve(ctx, func(_, admin string) { ready <- admin }) }()
	select {
	case d.admin = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	d.db, err = store.Attach(t.Context(), dir, log)
	must(t, err)
	d.stop = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		d.stop()
		d.db.Close()
		d.app.Close()
	})
	link, err := d.app.SetupLink(t.Context(), d.admin)
	must(t, err)
	d.link = link.Reveal()
	return d
}

// lead posts a signed lead.
func (d *daemon) lead(fields map[string]string) {
	d.t.Helper()
	body, err := json.Marshal(fields)
	must(d.t, err)
	mac := hmac.New(sha256.New, []byte(formSecret))
	mac.Write(body)
	if got := d.post("/lead", "application/json", string(body), "sha256="+hex.EncodeToString(mac.Sum(nil))); got != http.StatusAccepted {
		d.t.Fatalf("POST /lead = %d", got)
	}
}

// post sends a body to the public listener.
func (d *daemon) post(path, contentType, body, signature string) int {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Form-Signature", signature)
	r.Header.Set("Origin", "https://www.example.com")
	answer := httptest.NewRecorder()
	d.app.Public().ServeHTTP(answer, r)
	return answer.Code
}

// until waits for something that the daemon does by itself.
func (d *daemon) until(what string, check func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !check(); {
		if time.Now().After(deadline) {
			d.t.Fatalf("not within 20 s: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (d *daemon) summary() store.Summary {
	d.t.Helper()
	sum, err := d.db.Summarise(d.t.Context())
	must(d.t, err)
	return sum
}

// settle waits until every lead is in Notion, or stuck.
func (d *daemon) settle() {
	d.t.Helper()
	d.until("all leads are in Notion", func() bool { return d.summary().Open == 0 })
}

// ordinaryDay lets some people write, one of them in vain and one in doubt.
func (d *daemon) ordinaryDay() {
	d.t.Helper()
	for i, name := range []string{"Ana Silva", "Bo Lind", "<script>alert(1)</script>", "Chidi Okafor"} {
		d.lead(map[string]string{"name": name, "email": fmt.Sprintf("person%d@example.com", i), "company": "Harbour & Sons", "message": "Do you build rowing boats?\nWe need " + fmt.Sprint(i+2) + "."})
	}
	d.settle()
	d.notion.DropProperty(d.crm.Contacts, "Email")
	d.lead(map[string]string{"name": "Dana Stuck", "email": "dana@example.com", "message": "Is anybody there?"})
	d.until("a dead letter", func() bool {
		for _, depth := range d.summary().Depths {
			if depth.State == "dead" {
				return true
			}
		}
		return false
	})
	d.notion.AddProperty(d.crm.Contacts, sandbox.Property{Name: "Email", Type: "email"})
	if got := d.post("/forms/newsletter", "application/x-www-form-urlencoded", "name=Eve+Doubt&email=eve%40example.com&message=Buy+now", ""); got != http.StatusAccepted {
		d.t.Fatalf("POST /forms/newsletter = %d", got)
	}
	d.post("/lead", "application/json", `{"name":"Finn Unsigned","email":"finn@example.com","message":"My secret is an old one."}`, "sha256=00")
}

func TestAnOpenPageDoesNotHoldUpTheStop(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	w := d.visit()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.admin+"/events", nil)
	must(t, err)
	r.AddCookie(w.cookies["dealbell"])
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	_, err = answer.Body.Read(make([]byte, 1))
	must(t, err)
	d.stop() // it cuts off what does not end by itself
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Errorf("the stream ended badly: %v", err)
	}
}
