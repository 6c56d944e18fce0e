package notion_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
)

type markKey struct{}

// witness keeps requests, with what their context was marked with.
type witness struct {
	marks []any
	seen  []notion.Request
}

func (w *witness) Request(ctx context.Context, r notion.Request) {
	w.marks, w.seen = append(w.marks, ctx.Value(markKey{})), append(w.seen, r)
}

func (w *witness) Paused(time.Duration) {}

func TestTheObserverIsToldWhatEachRequestWasAndWhoAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := []func(*http.Request) (*http.Response, error){
			always(200, pageJSON(`{}`), "X-Notion-Request-Id", "from-the-header"),
			always(200, `{"request_id":"from-the-body",`+pageJSON(`{}`)[1:]),
			always(200, pageJSON(`{}`), "X-Notion-Request-Id", token),
			always(200, pageJSON(`{}`), "X-Notion-Request-Id", "not an id; "+email),
			always(404, errorJSON(404, "object_not_found", "none")),
			always(429, errorJSON(429, "rate_limited", "slow"), "Retry-After", "1"),
			func(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed },
		}
		calls := 0
		d := &double{answer: func(r *http.Request) (*http.Response, error) {
			time.Sleep(50 * time.Millisecond)
			calls++
			return answers[min(calls, len(answers))-1](r)
		}}
		w := &witness{}
		c := newClient(t, notion.Options{Transport: d, Observer: w}).Lane(crm.Live)
		ctx := context.WithValue(t.Context(), markKey{}, "mark")
		began := time.Now()
		for range 5 {
			_, _ = c.Page(ctx, pageID)
		}
		_, _ = c.Update(ctx, pageID, map[string]crm.Value{"x": crm.Text(crm.KindText, "y")})
		want := []notion.Request{
			{Endpoint: "GET pages/{id}", Status: 200, ID: "from-the-header"},
			{Endpoint: "GET pages/{id}", Status: 200, ID: "from-the-body"},
			{Endpoint: "GET pages/{id}", Status: 200},
			{Endpoint: "GET pages/{id}", Status: 200},
			{Endpoint: "GET pages/{id}", Status: 404, ID: "req-1"},
			{Endpoint: "PATCH pages/{id}", Status: 429, ID: "req-1"},
			{Endpoint: "PATCH pages/{id}"},
		}
		for i := range want {
			want[i].Page, want[i].Took = pageID, 50*time.Millisecond
		}
		for i := range w.seen {
			if w.marks[i] != "mark" || w.seen[i].At.Before(began) {
				t.Errorf("request %d: context marked %v, at %v", i, w.marks[i], w.seen[i].At)
			}
			w.seen[i].At = time.Time{}
		}
		if diff := cmp.Diff(want, w.seen); diff != "" {
			t.Errorf("requests (-want +seen):\n%s", diff)
		}
	})
}
