package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/sandbox"
)

// newCompany returns a company whose Dealbell does nothing but say how it is.
func newCompany(t *testing.T) (c *company, dealbell *app.Status) {
	t.Helper()
	dealbell = &app.Status{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t0ken" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(dealbell)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, app.TokenFile), []byte("t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = &company{
		notion: sandbox.New(sandbox.Options{}), slack: sandbox.NewSlack(sandbox.SlackOptions{}),
		daemon: &daemon{data: dir, admin: strings.TrimPrefix(server.URL, "http://")},
	}
	c.crm = c.notion.StandardCRM()
	return c, dealbell
}

func (c *company) counted(t *testing.T) string {
	t.Helper()
	c.lookAround(t.Context())
	var b strings.Builder
	for _, n := range c.score().Counters {
		fmt.Fprintf(&b, "%s %d%s, ", n.Name, n.Value, map[sandbox.Mark]string{sandbox.Bad: "!"}[n.Mark])
	}
	return b.String()
}

func (c *company) said(text string) bool {
	for _, e := range c.journal.all() {
		if strings.Contains(e.Text, text) {
			return true
		}
	}
	return false
}

func TestTheScoreShowsWhatIsLostAndWhatIsDouble(t *testing.T) {
	t.Parallel()
	c, dealbell := newCompany(t)
	ana, bob := sandbox.Lead{Name: "Ana", Email: "Ana@Example.com ", Message: "Two oars, please"}, sandbox.Lead{Name: "Bob", Email: "bob@example.com", Message: "A boat"}
	want := func(step, part string) {
		t.Helper()
		if got := c.counted(t); !strings.Contains(got, part) {
			t.Errorf("%s: got %s, want %s", step, got, part)
		}
	}
	c.heard(ana, sandbox.Acceptance{Status: "accepted", ID: "1"})
	c.heard(bob, sandbox.Acceptance{Status: "accepted", ID: "2"})
	dealbell.OpenLeads = 2
	want("both are worked on", "accepted 2, repeats 0, waiting 2, contacts 0, duplicates 0, lost 0, ")
	dealbell.OpenLeads = 1
	want("Dealbell knows of one alone", "waiting 2, contacts 0, duplicates 0, lost 1!, ")
	dealbell.DeadLetters = 1
	want("the other is a dead letter", "lost 0, ")
	dealbell.OpenLeads, dealbell.DeadLetters = 0, 0
	first := c.notion.AddRow(c.crm.Contacts, map[string]any{"Name": "Ana", "Email": "ana@example.com"})
	want("a contact without its message", "waiting 2, contacts 1, duplicates 0, lost 2!, ")
	c.notion.AddText(first, "2026-11-20 09:00 UTC\nTwo oars,  please")
	want("one has arrived", "waiting 1, contacts 1, duplicates 0, lost 1!, ")
	if !c.said("Ana's lead is in Notion") || c.said("Bob's lead is in Notion") || !c.said("2 leads are neither in Notion nor known to Dealbell") {
		t.Errorf("the journal is %v", c.journal.all())
	}
	c.notion.AddText(c.notion.AddRow(c.crm.Contacts, map[string]any{"Name": "Bob", "Email": "BOB@example.com"}), "A boat")
	c.notion.AddRow(c.crm.Contacts, map[string]any{"Name": "Nobody"})
	c.notion.AddRow(c.crm.Contacts, map[string]any{"Name": "No one"})
	want("both have arrived", "waiting 0, contacts 4, duplicates 0, lost 0, ")
	c.notion.AddRow(c.crm.Contacts, map[string]any{"Name": "Ana again", "Email": "ANA@example.com"})
	want("a second contact of one address", "contacts 5, duplicates 1!, lost 0, ")
}

// A repeat is one whose delivery was heard of: the answer to the first attempt
// may have been lost with the process.
func TestARepeatIsToldByItsDelivery(t *testing.T) {
	t.Parallel()
	c, dealbell := newCompany(t)
	dealbell.OpenLeads = 2
	ana := sandbox.Lead{Name: "Ana", Email: "ana@example.com"}
	c.heard(ana, sandbox.Acceptance{Status: "duplicate", ID: "1"})
	c.heard(ana, sandbox.Acceptance{Status: "duplicate", ID: "1"})
	if got := c.counted(t); !strings.Contains(got, "accepted 1, repeats 1, waiting 1,") {
		t.Errorf("got %s", got)
	}
}

func TestMovesAndRingsAreTold(t *testing.T) {
	t.Parallel()
	c, _ := newCompany(t)
	deal := c.notion.AddRow(c.crm.Deals, map[string]any{"Deal Name": "Skiff", "Stage": "Lead"})
	c.lookAround(t.Context())
	c.notion.EditRow(deal, map[string]any{"Stage": "Won"})
	c.lookAround(t.Context())
	c.lookAround(t.Context())
	if got := c.journal.all(); len(got) != 1 || got[0].Text != "Skiff moves from Lead to Won." {
		t.Errorf("the journal is %v", got)
	}
}

func TestRemoveKnowsADemoFromTheRest(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	for name, want := range map[string]bool{dirPrefix + "1": false, "dealbell": true} {
		dir := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Join(dir, "state"), 0o700); err != nil {
			t.Fatal(err)
		}
		err := Remove(dir)
		if _, gone := os.Stat(dir); (err != nil) != want || (gone == nil) != want {
			t.Errorf("%s: got %v, kept %v; want kept %v", name, err, gone == nil, want)
		}
	}
	if err := Remove(""); err == nil {
		t.Error("no directory at all was removed without a word")
	}
}
