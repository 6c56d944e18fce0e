//go:build linux

package bench

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/sandbox"
)

// BenchmarkLead brings new leads into a sandbox in the same process, one
// after the other: what a lead costs from the form to the end of its job,
// without the pace of Notion.
func BenchmarkLead(b *testing.B) {
	notion := sandbox.New(sandbox.Options{Token: "token"})
	dir := stateDir(b)
	file := filepath.Join(dir, "bench.yaml")
	if err := os.WriteFile(file, []byte("notion: {rate: 10, burst: 25}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	env := map[string]string{
		"NOTION_TOKEN": "token", "FORM_SECRET": formSecret, "DEALBELL_DATA": dir, "DEALBELL_CONFIG": file,
		"NOTION_CONTACTS_DB_ID": notion.StandardCRM().Contacts.ID,
	}
	settings, err := config.Load(config.Source{Getenv: func(k string) string { return env[k] }})
	if err != nil {
		b.Fatal(err)
	}
	settings.Notion.Rate, settings.Notion.Burst = 1e6, 1e6
	a, err := app.New(b.Context(), app.Options{Config: settings, Log: slog.New(slog.DiscardHandler), Transport: notion.Transport(), Version: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Work(ctx) }()
	var n numbers
	for b.Loop() {
		body := newLead(address(n.next()))
		mac := hmac.New(sha256.New, []byte(formSecret))
		mac.Write(body)
		r := httptest.NewRequest(http.MethodPost, "/lead", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Prefer", "wait=20")
		r.Header.Set("X-Form-Signature", fmt.Sprintf("sha256=%x", mac.Sum(nil)))
		w := httptest.NewRecorder()
		if a.Public().ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatalf("answer %d: %s", w.Code, w.Body)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	a.Close()
}
