package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notify"
)

// visit is a browser without a window, at the dashboard of a daemon.
func (d *daemon) visit() *world {
	d.t.Helper()
	w := &world{t: d.t, db: d.db, handler: d.app.Admin(), cookies: map[string]*http.Cookie{}, header: http.Header{}, peer: "127.0.0.1:40000", logs: &strings.Builder{}}
	w.logIn()
	return w
}

func TestRulesAreTriedAndDigestsOrdered(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	w := d.visit()
	d.until("both databases were read", func() bool {
		reads := d.summary().Reads
		return len(reads) == 2 && !reads[0].PolledAt.IsZero() && !reads[1].PolledAt.IsZero()
	})
	page := w.page("/rules")
	for _, want := range []string{"When Stage becomes Won.", "deals → default", "never", "switched off in the configuration", "days_since", "Nothing was said yet."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
	won := ""
	for _, r := range d.notion.Rows(d.crm.Deals) {
		if r.Values["Stage"] == "Won" {
			won = r.ID
		}
	}
	answer := w.send("/rules", "/rules/test", "page", "https://www.notion.so/Abara-"+strings.ReplaceAll(won, "-", ""))
	for _, want := range []string{"would ring in default", "🎉 Deal won: *Abara rowing pair*", "would stay silent"} {
		if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("the trial lacks %q: %d %s", want, answer.Code, answer.Body)
		}
	}
	if answer := w.send("/rules", "/rules/test", "page", "nothing"); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "neither the link nor the id") {
		t.Errorf("a page that is none: %d", answer.Code)
	}
	if got := len(d.slack.Messages("sales")); got != 0 {
		t.Errorf("%d messages were sent by a trial", got)
	}
	for _, c := range []struct {
		do, says string
		sent     int
	}{{"preview", "It was not sent.", 0}, {"run", "sent as you see", 1}} {
		to := w.send("/rules", "/rules/digests/stale-leads", "do", c.do).Header().Get("Location")
		if at, err := url.Parse(to); err != nil || at.Path != "/rules/digests/stale-leads" {
			t.Fatalf("%s leads to %q", c.do, to)
		}
		d.until("the digest is made", func() bool { return strings.Contains(w.page(to), c.says) })
		if page := w.page(to); !strings.Contains(page, "Nora Lindqvist") {
			t.Errorf("%s shows %s", c.do, page)
		}
		if got := len(d.slack.Messages("sales")); got != c.sent {
			t.Errorf("%d messages after %s, want %d", got, c.do, c.sent)
		}
	}
	for _, name := range []string{"pipeline", "unknown"} {
		if got := w.send("/rules", "/rules/digests/"+name, "do", "run").Code; got != http.StatusNotFound {
			t.Errorf("the digest %s = %d, want 404: it is off or not there", name, got)
		}
	}
	if page := w.page("/rules"); !strings.Contains(page, "sent <time") {
		t.Errorf("the page does not say that it was sent: %s", page)
	}
}

// candid says in its errors what it was asked for.
type candid struct{}

func (candid) Try(_ context.Context, page string) (notify.Trial, error) {
	return notify.Trial{}, fmt.Errorf("%q is nothing", page)
}

func TestWhatIsTypedInThePlaceOfAPageIsNotLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	w.options.Tester = candid{}
	w.build()
	for typed, says := range map[string]string{
		"ana@example.com": "neither the link nor the id", "0b6f1111-2222-4333-8444-555555555555": "could not be read",
		"https://www.notion.so/Ana-Silva-0b6f1111222243338444555555555555": "could not be read",
	} {
		if answer := w.send("/rules", "/rules/test", "page", typed); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), says) {
			t.Errorf("%s: %d, want 422 and %q", typed, answer.Code, says)
		}
	}
	if logs := strings.ToLower(w.logs.String()); strings.Contains(logs, "ana") || !strings.Contains(logs, "0b6f1111") {
		t.Errorf("the log says: %s", logs)
	}
}

func TestMessagesThatMayNotHaveArrivedAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	must(t, w.db.Apply(t.Context(), crm.Commit{Messages: []crm.Message{
		{Rule: "won", Change: 1, Channel: "default", Text: "first <script>alert(1)</script>"}, {Rule: "won", Change: 2, Channel: "person 01234567-89ab", Text: "second"},
	}}))
	must(t, w.db.Apply(t.Context(), crm.Commit{Delivered: []crm.Delivered{{Message: 1, State: crm.MessageRefused, Reason: "the channel is gone"}, {Message: 2, State: crm.MessageMaybe}}}))
	page := w.page("/rules")
	for _, want := range []string{"may not have arrived", "The channel is gone.", "Refused", "Maybe sent", "a person", "first &lt;script&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "01234567-89ab") || strings.Contains(page, "<script>alert") {
		t.Errorf("the page: %s", page)
	}
	fired, err := w.db.Fired(t.Context())
	if err != nil || fired["won"].Count != 2 || time.Since(fired["won"].Last) > time.Minute {
		t.Errorf("fired %+v, %v", fired, err)
	}
}
