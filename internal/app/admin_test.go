package app_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/sandbox"
)

func (w *world) ask(path, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:3001"+path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer := httptest.NewRecorder()
	w.app.Admin().ServeHTTP(answer, r)
	return answer
}

func (w *world) adminToken() string {
	w.t.Helper()
	path := filepath.Join(w.dir, app.TokenFile)
	content, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		w.t.Errorf("the token file has mode %v, %v; want 0600", info.Mode(), err)
	}
	return strings.TrimSpace(string(content))
}

func TestTheAdminListenerNeedsItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		token := w.adminToken()
		for given, want := range map[string]int{"": 401, "wrong": 401, token[:len(token)-1]: 401, token: 200} {
			if got := w.ask("/api/v1/status", given).Code; got != want {
				t.Errorf("status with token %q: %d, want %d", given, got, want)
			}
		}
		if got := w.ask("/", token); got.Code != 303 || got.Header().Get("Location") != "/login?next=%2F" {
			t.Errorf("/ = %d to %q, want the login", got.Code, got.Header().Get("Location"))
		}
		w.stop()
		w.start()
		if again := w.adminToken(); again != token {
			t.Error("the token changed with a restart")
		}
		w.stop()
	})
}

func TestStatusAndMetricsTellWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(person(1))
		w.settle(time.Minute)
		w.notion.SetUnreachable(true)
		w.accepted(person(2))
		w.accepted(person(3))
		w.post("application/json", "{}", "X-Form-Signature", "sha256=00")
		time.Sleep(5 * time.Minute)
		var status app.Status
		if err := json.Unmarshal(w.ask("/api/v1/status", w.adminToken()).Body.Bytes(), &status); err != nil {
			t.Fatal(err)
		}
		if !status.Running || status.OpenLeads != 2 || status.Quarantined != 1 || !status.Notion.Away || len(status.Databases) != 1 || status.Databases[0].FirstRead.IsZero() {
			t.Errorf("status = %+v", status)
		}
		metrics := w.ask("/metrics", "").Body.String()
		for _, line := range []string{
			`dealbell_leads_open 2`, `dealbell_quarantined 1`, `dealbell_form_requests_total{outcome="accepted",source="lead"} 3`,
			`dealbell_form_requests_total{outcome="401",source="lead"} 1`, `dealbell_notion_requests_total{endpoint="POST pages",status="200"} 1`,
			`dealbell_notion_requests_total{endpoint="POST data_sources/{id}/query",status="0"}`, `dealbell_build_info{`, `dealbell_lead_seconds_count 1`,
		} {
			if !strings.Contains(metrics, line) {
				t.Errorf("metrics lack %s", line)
			}
		}
		ready := httptest.NewRecorder()
		w.app.Public().ServeHTTP(ready, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if ready.Code != 200 || !strings.Contains(ready.Body.String(), "leads wait in the queue") {
			t.Errorf("/readyz = %d %s, want ready with a word about Notion", ready.Code, ready.Body)
		}
		w.stop()
	})
}

// lockedBuffer takes the log of many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func TestNothingSecretOrPersonalIsSaidAloud(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{Latency: 50 * time.Millisecond})
		logs := &lockedBuffer{}
		w.logs = logs
		chance := map[sandbox.Fault]float64{}
		for _, fault := range faults {
			chance[fault] = .5 / float64(len(faults))
		}
		w.start()
		w.accepted(map[string]string{"email": "first@example.com"})
		w.settle(time.Minute)
		w.notion.SetFaults(sandbox.Faults{Chance: chance})
		canary := map[string]string{"email": "canary.person@example.com", "name": "Canary Name", "company": "Canary Inc", "message": "canary message", "x": "canary field"}
		for range 20 {
			w.accepted(canary)
			canary["message"] += "!"
			time.Sleep(time.Second)
		}
		w.crash()
		w.settle(12 * time.Hour)
		w.notion.SetFaults(sandbox.Faults{})
		w.notion.RenameOption(w.crm.Contacts, "Status", "New lead", "Fresh")
		w.notion.DropProperty(w.crm.Contacts, "Company")
		w.accepted(map[string]string{"email": "canary.two@example.com", "company": "Canary Inc"})
		w.settle(time.Hour)
		w.notion.DropProperty(w.crm.Contacts, "Email")
		w.accepted(map[string]string{"email": "canary.three@example.com"})
		w.post("application/json", `{"email":"canary.four@example.com"}`, "X-Form-Signature", "sha256=canary")
		w.notion.SetToken("revoked")
		w.accepted(map[string]string{"email": "canary.five@example.com"})
		time.Sleep(10 * time.Minute)
		status := w.ask("/api/v1/status", w.adminToken()).Body.String()
		metrics := w.ask("/metrics", "").Body.String()
		w.stop()
		said := map[string]string{"log": logs.b.String(), "status": status, "metrics": metrics}
		if !strings.Contains(said["log"], "submission accepted") || !strings.Contains(said["log"], `"level":"ERROR"`) {
			t.Errorf("the log is too quiet to prove anything: %s", said["log"])
		}
		digest := signature("{}")
		for where, text := range said {
			for _, word := range []string{"canary", "Canary", "Bearer", formSecret, digest, `"token"`} {
				if i := strings.Index(text, word); i >= 0 {
					t.Errorf("the %s says %q: …%s…", where, word, text[max(0, i-200):min(len(text), i+100)])
				}
			}
		}
	})
}
