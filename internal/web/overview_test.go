package web_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
	"github.com/dealbell/dealbell/internal/web"
)

// arrive makes deliveries durable, held where there are reasons.
func (w *world) arrive(n int, held ...string) (ids []string) {
	w.t.Helper()
	for i := range n {
		id := store.NewID()
		_, err := w.db.Accept(w.t.Context(), store.Intake{
			Delivery: crm.Delivery{
				ID: id, Source: "lead", Key: fmt.Sprintf("person%d@example.com", i), ContentType: "application/json",
				Body: fmt.Appendf(nil, `{"name":"Person %d","email":"person%d@example.com","message":"message %s"}`, i, i, id),
			},
			Held: held, Job: crm.Job{Kind: "lead.upsert", Key: fmt.Sprintf("person%d@example.com", i)},
		})
		must(w.t, err)
		ids = append(ids, id)
	}
	return ids
}

func TestTheOverviewSaysWhatIsWrongAndWhereToMendIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		happen func(w *world)
		want   []string
	}{
		{"nothing", func(*world) {}, []string{"Everything is fine.", "Every lead that came is in Notion.", `id="leads-today">0<`, "0 of 150 requests"}},
		{"leads on the way", func(w *world) { w.arrive(3); w.notion.used = 75 }, []string{"Everything is fine.", "3 leads are on the way", `id="leads-today">3<`, "3 leads in 30 days", `aria-label="Leads by day: 3 leads in all, most on `, "75 of 150 requests", `width="50"`}},
		{"a held submission counts as none", func(w *world) { w.arrive(1, "too-fast") }, []string{"1 submission waits for somebody", `href="/leads?state=held"`, `id="leads-today">0<`}},
		{"a rejected one", func(w *world) {
			must(w.t, w.db.Quarantine(w.t.Context(), store.Rejected{ID: "q", Source: "lead", Reason: "signature", Body: []byte("x")}))
		}, []string{"1 submission was rejected", `href="/failures#rejected"`}},
		{"a dead letter", func(w *world) { w.dead("lead.upsert", "no such property") }, []string{"Something needs you.", "1 job cannot go on without you", `href="/failures"`}},
		{"a refused token", func(w *world) { w.notion.state.Refused, w.notion.state.Open = true, true }, []string{"Something needs you.", "Notion refuses the token"}},
		{"an outage", func(w *world) {
			w.notion.state.Open, w.notion.state.Since = true, time.Now().Add(-2*time.Hour)
		}, []string{"All is running", "Notion does not answer", "2 hours ago"}},
		{"a pause", func(w *world) { w.notion.state.PausedUntil = time.Now().Add(10 * time.Minute) }, []string{"Everything is fine", "asked for a pause; it ends", "in 10 minutes"}},
		{"a value that does not fit", func(w *world) {
			must(w.t, w.db.Apply(w.t.Context(), crm.Commit{Leftovers: []crm.Leftover{{Database: "d", Page: "p", Property: "Status", Expected: "an option", Got: "x"}}}))
		}, []string{"1 value does not fit"}},
		{"a database that is not read", func(w *world) {
			long := time.Now().Add(-time.Hour)
			must(w.t, w.db.Apply(w.t.Context(), crm.Commit{Reads: []crm.Read{{Database: "d1", CompletedAt: long, PolledAt: long}}}))
		}, []string{"The database contacts was not read for a while", "first read under way"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.options.Databases = []web.Database{{ID: "d1", Name: "contacts", Every: 5 * time.Minute}, {ID: "d2", Name: "deals", Every: 5 * time.Minute}}
			w.build()
			w.logIn()
			c.happen(w)
			page := w.page("/")
			for _, want := range c.want {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %q: %s", want, page)
				}
			}
		})
	}
}

// dead leaves a dead letter of a kind.
func (w *world) dead(kind, reason string) crm.Job {
	w.t.Helper()
	must(w.t, w.db.Apply(w.t.Context(), crm.Commit{Jobs: []crm.Job{{Kind: kind, Key: "key of " + kind}}}))
	claimed, _, err := w.db.Turn(w.t.Context(), nil, crm.Room{Notion: 9, Lanes: map[crm.Lane]int{crm.Live: 9}})
	must(w.t, err)
	for _, j := range claimed {
		_, _, err := w.db.Turn(w.t.Context(), []crm.End{{Job: j, State: crm.JobDead, Reason: reason}}, crm.Room{})
		must(w.t, err)
	}
	found, err := w.db.Jobs(w.t.Context(), store.JobFilter{State: crm.JobDead, Kind: kind})
	must(w.t, err)
	return found[len(found)-1]
}

// counted lets a test see how often the store is asked.
type counted struct {
	*store.DB
	asked  int
	looked int
}

func (c *counted) Session(ctx context.Context, cookie []byte) (bool, error) {
	c.looked++
	return c.DB.Session(ctx, cookie)
}

func (c *counted) Summarise(ctx context.Context) (store.Summary, error) {
	c.asked++
	return c.DB.Summarise(ctx)
}

func TestManyTabsFollowWithOneReadASecondUntilTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db, draining := &counted{DB: w.db}, make(chan struct{})
	w.options.Figures, w.options.Sessions, w.options.Draining = db, db, draining
	w.build()
	w.logIn()
	server := httptest.NewUnstartedServer(w.handler)
	server.Config.WriteTimeout = 500 * time.Millisecond // streams outlive it
	server.Start()
	defer server.Close()
	begun := time.Now()
	var tabs []*bufio.Scanner
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 5 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events", nil)
		must(t, err)
		r.AddCookie(w.cookies["dealbell"])
		answer, err := server.Client().Do(r)
		must(t, err)
		defer answer.Body.Close()
		if got := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || got != "text/event-stream" {
			t.Fatalf("%d %s", answer.StatusCode, got)
		}
		tabs = append(tabs, bufio.NewScanner(answer.Body))
	}
	sees := func(want string) {
		t.Helper()
		for i, tab := range tabs {
			for found := false; !found; found = strings.Contains(tab.Text(), want) {
				if !tab.Scan() {
					t.Fatalf("tab %d ended before it saw %q: %v", i, want, tab.Err())
				}
			}
		}
	}
	sees(`id="leads-today">0<`)
	w.arrive(2)
	sees(`id="leads-today">2<`)
	// Each tab is let in by itself, too.
	if most := int(time.Since(begun)/time.Second) + 2; db.asked > most || db.looked > most+len(tabs) {
		t.Errorf("the store was asked for numbers %d times and for the session %d times, want at most %d and %d", db.asked, db.looked, most, most+len(tabs))
	}
	close(draining)
	for i, tab := range tabs {
		for tab.Scan() {
		}
		if tab.Err() != nil {
			t.Errorf("tab %d ended badly: %v", i, tab.Err())
		}
	}
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	server := httptest.NewServer(w.handler)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events", nil)
	must(t, err)
	r.AddCookie(w.cookies["dealbell"])
	answer, err := server.Client().Do(r)
	must(t, err)
	defer answer.Body.Close()
	w.setPassword()
	tab := bufio.NewScanner(answer.Body)
	for tab.Scan() {
	}
	if tab.Err() != nil {
		t.Error(tab.Err())
	}
	if got := w.get("/events").Code; got != http.StatusUnauthorized {
		t.Errorf("another stream = %d, want 401", got)
	}
}
