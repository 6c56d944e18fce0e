package app_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/store"
)

// The servers have a name that leads inside, which takes the operator's word:
// this machine in digits that only browsers take for digits.
func TestServersOnThePrivateNetworkAreReachedWhereTheFileNamesThem(t *testing.T) {
	t.Parallel()
	var asked, rang atomic.Bool
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/services/") {
			rang.Store(true)
			_, _ = io.WriteString(w, "ok")
			return
		}
		asked.Store(true)
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"object":"error","status":404,"code":"object_not_found","message":"no"}`)
	}))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	place, file := "http://①②⑦.⓪.⓪.①:"+port, t.TempDir()+"/dealbell.yaml"
	if err := os.WriteFile(file, []byte("private_hosts: [①②⑦.⓪.⓪.①]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"NOTION_TOKEN": "token", "FORM_SECRET": formSecret, "DEALBELL_DATA": t.TempDir(), "DEALBELL_CONFIG": file,
		"NOTION_CONTACTS_DB_ID": strings.Repeat("1", 32), "DEALBELL_NOTION_URL": place, "SLACK_WEBHOOK_URL": place + "/services/x",
	}
	c, err := config.Load(config.Source{Getenv: func(k string) string { return env[k] }})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.Options{Config: c, Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Attach(t.Context(), c.Data, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Apply(t.Context(), crm.Commit{
		Messages: []crm.Message{{Channel: config.DefaultChannel, Rule: "won", Slot: "1", Text: "hello"}},
		Jobs:     []crm.Job{notify.SendJob(config.DefaultChannel, time.Time{})},
	}), db.Close()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Work(ctx) }()
	for deadline := time.Now().Add(10 * time.Second); !asked.Load() || !rang.Load(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s: Notion asked %v, Slack asked %v", asked.Load(), rang.Load())
		}
	}
	cancel()
	if err := errors.Join(<-ended, a.Close()); err != nil {
		t.Error(err)
	}
}
