package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/doctor"
	"github.com/dealbell/dealbell/internal/story"
)

func TestARecordTellsItsStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.options.Story = func(ctx context.Context, what string) (story.Story, error) {
		return story.Tell(ctx, w.db, time.UTC, what)
	}
	w.build()
	w.logIn()
	delivery, _ := w.stuck(`{"name":"<b>Ana</b>","email":"ana@example.com","message":"</pre><script>alert(1)</script>"}`, "ana@example.com", "the database has no property Email")
	for _, answer := range []string{w.send("/records", "/records", "what", " Ana@Example.com ").Body.String(), w.page("/records/" + delivery)} {
		for _, want := range []string{"ana@example.com", "Word for word", "&lt;script&gt;", "has no property Email", `href="/leads/` + delivery} {
			if !strings.Contains(answer, want) {
				t.Errorf("the story lacks %q: %s", want, answer)
			}
		}
		if strings.Contains(answer, "<script>alert") || strings.Contains(answer, "<b>Ana") {
			t.Errorf("the story is live: %s", answer)
		}
	}
	if to := w.send("/records", "/records", "what", delivery).Header().Get("Location"); to != "/records/"+delivery {
		t.Errorf("a delivery leads to %q", to)
	}
	const page = "0123456789abcdef0123456789abcdef"
	if to := w.send("/records", "/records", "what", "https://www.notion.so/Ana-"+page).Header().Get("Location"); to != "/records/01234567-89ab-cdef-0123-456789abcdef" {
		t.Errorf("a page leads to %q", to)
	}
	answer := w.send("/records", "/records", "what", "anna@example.com")
	if answer.Code != http.StatusNotFound || !strings.Contains(answer.Body.String(), `name="what" value="ana@example.com"`) {
		t.Errorf("a slip = %d %s", answer.Code, answer.Body)
	}
	for _, address := range []string{"/records/ana@example.com", "/records/ana%40example.com", "/records/01234567-89ab-cdef-0123-456789abcdef"} {
		if got := w.get(address).Code; got != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", address, got)
		}
	}
}

func TestHealthIsLookedAtWhenItIsOldOrAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		looked := 0
		w.options.Examine = func(context.Context) doctor.Report {
			looked++
			return doctor.Report{At: time.Now(), Findings: []doctor.Finding{
				{Check: "notion token", State: doctor.Fine, Text: "works", Next: "nothing"},
				{Check: "disk", State: doctor.Warning, Text: "5 % are free", Next: "make room"},
				{Check: "database <b>", State: doctor.Failing, Text: "not shared", Next: "share it with the connection"},
			}}
		}
		w.build()
		w.logIn()
		page := w.page("/health")
		for _, want := range []string{"1 thing is failing.", "Works.", "5 % are free.", "→ make room", "database &lt;b&gt;", "→ share it with the connection"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %q: %s", want, page)
			}
		}
		if strings.Contains(page, "nothing") {
			t.Error("what is fine has a next step")
		}
		time.Sleep(9 * time.Minute)
		w.page("/health")
		if looked != 1 {
			t.Errorf("looked %d times within ten minutes, want once", looked)
		}
		if to := w.send("/health", "/health").Header().Get("Location"); to != "/health?done=examined" || looked != 2 {
			t.Errorf("looking again leads to %q, looked %d times", to, looked)
		}
		time.Sleep(11 * time.Minute)
		if w.page("/health"); looked != 3 {
			t.Errorf("looked %d times, want 3", looked)
		}
	})
}
