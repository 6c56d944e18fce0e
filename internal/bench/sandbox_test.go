//go:build linux

package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// arrivals are the times of requests that somebody waits for.
type arrivals chan time.Time

func (a arrivals) note() {
	select {
	case a <- time.Now():
	default: // nobody is timing
	}
}

func (a arrivals) await(b *testing.B, what string) time.Time {
	b.Helper()
	select {
	case at := <-a:
		return at
	case <-time.After(20 * time.Second):
		b.Fatal(what, " did not arrive within 20 s")
		return time.Time{}
	}
}

// notion is the sandbox behind a socket of this process.
type notion struct {
	*sandbox.Workspace
	crm     sandbox.CRM
	server  *httptest.Server
	updates arrivals                                          // of pages
	instead func(w http.ResponseWriter, r *http.Request) bool // may answer; nil: the sandbox always does
}

func newNotion(b *testing.B, latency time.Duration) *notion {
	b.Helper()
	w := sandbox.New(sandbox.Options{Token: notionToken, Latency: latency})
	n := &notion{Workspace: w, crm: w.StandardCRM(), updates: make(arrivals, 16)}
	handler := w.Handler()
	n.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch && strings.HasPrefix(r.URL.Path, "/v1/pages/") {
			n.updates.note()
		}
		if n.instead == nil || !n.instead(rw, r) {
			handler.ServeHTTP(rw, r)
		}
	}))
	b.Cleanup(n.server.Close)
	return n
}

// seed adds contacts that lack nothing, last contacted yesterday, so that a
// lead of one of them begins with one update. It returns their addresses.
func (n *notion) seed(count int) []string {
	var emails []string
	for i := range count {
		email := fmt.Sprintf("known-%d@example.com", i)
		n.AddRow(n.crm.Contacts, map[string]any{
			"Name": "Ana Example", "Email": email, "Company": "Example Ltd", "Status": "Contacted", "Source": "Website",
			"Notes": "Known for long.", "Last Contacted": time.Now().AddDate(0, 0, -1).Format(time.DateOnly),
		})
		emails = append(emails, email)
	}
	return emails
}

// subscribe lets a daemon hear of edits, with the handshake that Notion makes.
func (n *notion) subscribe(b *testing.B, d *daemon) *sandbox.Subscription {
	b.Helper()
	hook := n.Subscribe(sandbox.SubscriptionOptions{URL: "http://" + d.addr + "/notion-webhook"})
	if err := hook.Verify(b.Context()); err != nil {
		b.Fatal(err)
	}
	hook.Activate()
	return hook
}

// slack is the sandbox behind a socket of this process.
type slack struct {
	*sandbox.Slack
	server *httptest.Server
	posts  arrivals
}

func newSlack(b *testing.B) *slack {
	b.Helper()
	s := &slack{server: httptest.NewUnstartedServer(nil), posts: make(arrivals, 16)}
	s.Slack = sandbox.NewSlack(sandbox.SlackOptions{BaseURL: "http://" + s.server.Listener.Addr().String(), Token: slackToken})
	handler := s.Handler()
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.posts.note()
		handler.ServeHTTP(w, r)
	})
	s.server.Start()
	b.Cleanup(s.server.Close)
	return s
}
