package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// newPlayground returns a playground with one trouble, which begins as it is
// given and counts how often it is pressed.
func newPlayground(begin sandbox.TroubleState) (h http.Handler, pressed *int) {
	w, crm := furnished()
	pressed = new(int)
	return sandbox.Playground(sandbox.PlaygroundOptions{
		Website: sandbox.NewWebsite(sandbox.WebsiteOptions{Visitors: []sandbox.Lead{{Name: "Ann <3", Email: "ann@example.com"}}}),
		Notion:  w, CRM: crm, Slack: sandbox.NewSlack(sandbox.SlackOptions{}),
		Actions: []sandbox.Action{{Label: "Run the digest"}},
		Trouble: []sandbox.Trouble{{
			Name: "storm", Title: "A <storm>", Promise: "It blows.", Press: func() { *pressed++ }, State: func() sandbox.TroubleState { return begin },
		}},
		Score: func() sandbox.Score {
			return sandbox.Score{
				Lamps:     []sandbox.Lamp{{Name: "Notion", Text: "down", Mark: sandbox.Bad}},
				Counters:  []sandbox.Counter{{Name: "lost", Label: "leads lost", Value: 7, Mark: sandbox.Bad}},
				Log:       []sandbox.LogEntry{{ID: 3, At: time.Date(2026, 11, 20, 9, 8, 7, 0, time.UTC), Text: "It <rains>.", Mark: sandbox.Troubled}},
				Dashboard: sandbox.Link{Label: "Dashboard", URL: "http://127.0.0.1:8091/"}, Password: "s3same",
			}
		},
	}), pressed
}

func TestThePlaygroundShowsEverythingSideBySide(t *testing.T) {
	t.Parallel()
	h, _ := newPlayground(sandbox.TroubleState{Button: "Blow", Outcome: "It blew <hard>.", Mark: sandbox.Good})
	status, html := page(t, h, "GET", "/", nil)
	for _, want := range []string{
		`value="Ann &lt;3"`, `action="website/"`, `data-deal="Abara cutter"`, `action="deals/"`, `Nora Lindqvist`, `action="slack/"`, "Run the digest",
		"A &lt;storm&gt;", "It blows.", ">Blow</button>", `class="outcome good"`, "It blew &lt;hard&gt;.",
		`data-counter="lost">7<`, `<div class="bad"><dt>leads lost`, "Notion: down", "09:08:07", "It &lt;rains&gt;.", `href="http://127.0.0.1:8091/"`, "s3same",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	if status != 200 || strings.Contains(html, "aria-disabled=\"true\"") {
		t.Errorf("got %d, or a button that cannot be pressed:\n%s", status, html)
	}
}

func TestEachPartOfThePlaygroundHasAPageOfItsOwn(t *testing.T) {
	t.Parallel()
	h, _ := newPlayground(sandbox.TroubleState{})
	for path, want := range map[string]string{"/website/": "<h1>Harbour &amp; Pine</h1>", "/contacts/": "<h1>Contacts</h1>", "/deals/": "<h1>Deals</h1>", "/slack/": "<h1>Slack</h1>"} {
		status, html := page(t, h, "GET", path, nil)
		if status != 200 || !strings.Contains(html, want) || !strings.Contains(html, `<a href="../">Playground</a>`) {
			t.Errorf("%s: got %d\n%s", path, status, html)
		}
		if here := strings.Count(html, `aria-current="page"`); here != 1 {
			t.Errorf("%s is where one is %d times, want once", path, here)
		}
	}
}

func TestATroubleIsPressedOnlyWhenItIsReady(t *testing.T) {
	t.Parallel()
	for busy, want := range map[bool]int{false: 1, true: 0} {
		h, pressed := newPlayground(sandbox.TroubleState{Button: "Blow", Busy: busy})
		_, html := page(t, h, "GET", "/", nil)
		if status, _ := page(t, h, "POST", "/trouble/storm", url.Values{}); status != 303 || *pressed != want {
			t.Errorf("busy %v: got %d, pressed %d times, want %d", busy, status, *pressed, want)
		}
		if strings.Contains(html, `aria-disabled="true"`) != busy {
			t.Errorf("busy %v is not what the button says", busy)
		}
		if status, _ := page(t, h, "POST", "/trouble/calm", url.Values{}); status != 404 {
			t.Errorf("a trouble that does not exist: got %d, want 404", status)
		}
	}
}

func TestAPlaygroundRefusesForeignForms(t *testing.T) {
	t.Parallel()
	h, pressed := newPlayground(sandbox.TroubleState{})
	req, _ := http.NewRequestWithContext(t.Context(), "POST", "/trouble/storm", http.NoBody)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	rec := record(h, req)
	if rec.Code != 403 || *pressed != 0 {
		t.Errorf("got %d, pressed %d times", rec.Code, *pressed)
	}
}
