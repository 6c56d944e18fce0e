package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/store"
)

// recorded reads the bodies that Notion is known to have sent. They lie beside
// the repository, not in it.
func recorded(t *testing.T) (bodies []string) {
	t.Helper()
	root := filepath.Join("..", "..", "..", "shared", "corpus", "webhooks")
	if _, err := os.Stat(root); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("find recorded events: %v", err)
		}
		t.Skipf("recorded events of Notion are not on this machine: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(root, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r struct {
			Response struct{ Body json.RawMessage }
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(r.Response.Body))
	}
	return bodies
}

func TestEveryRecordedEventIsWelcome(t *testing.T) {
	t.Parallel()
	bodies := recorded(t)
	if len(bodies) < 20 {
		t.Fatalf("only %d recordings", len(bodies))
	}
	m := listen(t, nil)
	defer m.close()
	ids := map[string]bool{}
	for _, body := range bodies {
		if answer := m.hear(hookToken, body); answer.Code != 200 {
			t.Errorf("%d %s for %s", answer.Code, answer.Body, body)
		}
		var e struct{ ID string }
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatal(err)
		}
		ids[e.ID] = true
	}
	for _, e := range m.events() {
		if !ids[e.ID] || e.Type == "" || e.At.Year() < 2024 {
			t.Errorf("stored as %+v", e)
		}
		delete(ids, e.ID)
	}
	if len(ids) > 0 {
		t.Errorf("not stored: %v", ids)
	}
}

func TestAnEventCountsOnceHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	m := listen(t, nil)
	defer m.close()
	var mu sync.Mutex
	said := map[string]int{}
	var senders sync.WaitGroup
	for sender := range 10 {
		senders.Go(func() {
			for i := range 1000 {
				body := event("replayed")
				if sender == 0 && i%2 == 0 { // the attempt number of a repetition is another
					body = strings.Replace(body, `"type"`, fmt.Sprintf(`"attempt_number":%d,"type"`, i), 1)
				}
				answer := m.hear(hookToken, body)
				mu.Lock()
				said[strings.TrimSpace(answer.Body.String())]++
				mu.Unlock()
			}
		})
	}
	senders.Wait()
	if len(said) != 2 || said[`{"status":"received"}`] != 1 || said[`{"status":"duplicate"}`] != 9999 {
		t.Errorf("answers %v, want one received and 9999 duplicates", said)
	}
	for range 2 { // what has no id is known by its bytes
		m.hear(hookToken, `{"type":"page.created"}`)
		m.hear(hookToken, `{"type":"page.deleted"}`)
	}
	if got := m.events(); len(got) != 3 {
		t.Errorf("%d events stored, want 3", len(got))
	}
}

func TestATimeThatIsAheadIsNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := listen(t, nil)
		defer m.close()
		now := time.Now().UTC()
		for id, at := range map[string]time.Time{
			"future": now.Add(time.Hour), "now": now, "past": now.Add(-20 * time.Hour), "none": {},
		} {
			m.hear(hookToken, fmt.Sprintf(`{"id":%q,"timestamp":%q,"type":"page.created"}`, id, at.Format(time.RFC3339Nano)))
		}
		for _, e := range m.events() {
			want := now
			if e.ID == "past" {
				want = now.Add(-20 * time.Hour)
			}
			if !e.At.Equal(want) {
				t.Errorf("%s is stored at %v, want %v", e.ID, e.At, want)
			}
		}
	})
}

// fullDisk cannot store anything.
type fullDisk struct{ *store.DB }

func (fullDisk) Receive(context.Context, crm.Event, crm.Job) (bool, error) {
	return false, fmt.Errorf("write: %w", store.ErrFull)
}

func (fullDisk) Handshake(context.Context, string) (bool, error) {
	return false, fmt.Errorf("write: %w", store.ErrFull)
}

func TestNotionIsToldToComeAgainWhenTheDiskIsFull(t *testing.T) {
	t.Parallel()
	m := listen(t, func(db *store.DB) ingest.Hooks { return fullDisk{db} })
	defer m.close()
	for _, answer := range []*httptest.ResponseRecorder{m.hear(hookToken, event("1")), m.hear("", handshake(newToken))} {
		if answer.Code != 503 || answer.Header().Get("Retry-After") == "" {
			t.Errorf("got %d, Retry-After %q; want 503 with one", answer.Code, answer.Header().Get("Retry-After"))
		}
	}
}

func TestAFloodOfStrangersHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // no time passes: the flood comes at once
		m := listen(t, nil)
		defer m.close()
		codes := map[int]int{}
		for i := range 400 {
			codes[m.hear("", []string{event("x"), handshake("secret_x")}[i%2]).Code]++
		}
		if codes[401] != 300 || codes[429] != 100 {
			t.Errorf("answers %v, want 300 of 401 and 100 of 429", codes)
		}
		if lines := strings.Count(m.logs.String(), "refused"); lines == 0 || lines > 3 {
			t.Errorf("%d lines in the log, want a few", lines)
		}
		if answer := m.hear(hookToken, event("1")); answer.Code != 200 {
			t.Errorf("an event during the flood: %d, want 200", answer.Code)
		}
	})
}
