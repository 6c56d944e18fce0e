package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// column is the part of a board that shows one stage.
func column(html, stage string) string {
	_, rest, _ := strings.Cut(html, `data-stage="`+stage+`"`)
	part, _, _ := strings.Cut(rest, "</section>")
	return part
}

func furnished() (*sandbox.Workspace, sandbox.CRM) {
	w := sandbox.New(sandbox.Options{})
	crm := w.StandardCRM()
	w.Furnish(crm, time.Now())
	return w, crm
}

func TestTheBoardShowsAColumnForEachStage(t *testing.T) {
	t.Parallel()
	w, crm := furnished()
	board := w.DealsBoard(crm.Deals, sandbox.BoardOptions{})
	w.Trash(w.AddRow(crm.Deals, map[string]any{"Deal Name": "Gone"}))
	w.AddRow(crm.Deals, map[string]any{"Deal Name": `<b>"x"`, "Value": -1234567.5})
	status, html := page(t, board, "GET", "/", nil)
	for stage, wants := range map[string][]string{
		"Lead":        {`data-deal="Lindqvist dinghy fleet"`, "$18,500", "Ada Marsh", `data-move="Won"`, `data-deal="&lt;b&gt;&#34;x&#34;"`, "-$1,234,567.5"},
		"Negotiation": {`data-deal="Raman tender boats"`, "$46,000", "$58,000", "Chen Li"},
		"Won":         {`data-deal="Abara rowing pair"`, `data-move="Lead"`},
		"Lost":        {"$0"},
	} {
		for _, want := range wants {
			if !strings.Contains(column(html, stage), want) {
				t.Errorf("%s does not show %s:\n%s", stage, want, column(html, stage))
			}
		}
	}
	if status != 200 || strings.Contains(html, "Gone") || strings.Contains(html, "<b>") || strings.Contains(column(html, "Won"), `data-move="Won"`) {
		t.Errorf("got %d\n%s", status, html)
	}
}

func TestMovingACardIsAnEditOfAPerson(t *testing.T) {
	t.Parallel()
	w, crm := furnished()
	board := w.DealsBoard(crm.Deals, sandbox.BoardOptions{})
	s, in := subscribe(w, sandbox.SubscriptionOptions{})
	id := w.Rows(crm.Deals)[0].ID
	status, _ := page(t, board, "POST", "/", url.Values{"move": {id}, "stage": {"Won"}})
	if got := w.Rows(crm.Deals)[0].Values["Stage"]; status != 303 || got != "Won" {
		t.Errorf("got %d, stage %s", status, got)
	}
	s.Deliver(t.Context())
	wantSeen(t, in, "page.properties_updated")
	if dig(in.last(), "authors", 0, "id") != w.People()[0].ID {
		t.Errorf("author: got %v", in.last()["authors"])
	}
	contact := w.Rows(crm.Contacts)[0].ID
	for _, form := range []url.Values{
		{"move": {id}, "stage": {"Nowhere"}}, {"move": {"x"}, "stage": {"Won"}}, {"move": {contact}, "stage": {"Won"}},
	} {
		if status, html := page(t, board, "POST", "/", form); status != 422 || !strings.Contains(html, `role="alert"`) {
			t.Errorf("%v: got %d", form, status)
		}
	}
}

func TestADealIsAddedFromTheForm(t *testing.T) {
	t.Parallel()
	w, crm := furnished()
	board := w.DealsBoard(crm.Deals, sandbox.BoardOptions{})
	form := url.Values{"name": {" Skiff <3 "}, "value": {"1,250.50"}, "owner": {w.People()[1].ID}, "stage": {"Negotiation"}}
	status, _ := page(t, board, "POST", "/", form)
	rows := w.Rows(crm.Deals)
	got := rows[len(rows)-1].Values
	if status != 303 || got["Deal Name"] != "Skiff <3" || got["Value"] != "1250.5" || got["Owner"] != "Ben Otieno" || got["Stage"] != "Negotiation" {
		t.Errorf("got %d %v", status, got)
	}
	for _, form := range []url.Values{{"name": {" "}}, {"name": {"x"}, "value": {"much"}}} {
		if status, _ := page(t, board, "POST", "/", form); status != 422 {
			t.Errorf("%v: got %d, want 422", form, status)
		}
	}
	if n := len(w.Rows(crm.Deals)); n != len(rows) {
		t.Errorf("got %d rows, want %d", n, len(rows))
	}
}

func TestABoardMayLieAnywhereAndRefusesForeignForms(t *testing.T) {
	t.Parallel()
	w, crm := furnished()
	server := httptest.NewServer(http.StripPrefix("/deals", w.DealsBoard(crm.Deals, sandbox.BoardOptions{})))
	defer server.Close()
	form := url.Values{"move": {w.Rows(crm.Deals)[0].ID}, "stage": {"Won"}}
	res, err := http.PostForm(server.URL+"/deals/", form)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 || res.Request.URL.Path != "/deals/" || res.Request.Method != "GET" {
		t.Errorf("got %d at %s", res.StatusCode, res.Request.URL)
	}
	req, _ := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/deals/", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if res, err = http.DefaultClient.Do(req); err != nil || res.StatusCode != 403 {
		t.Errorf("a foreign form: got %v, %v", res, err)
	}
}

// TestRefreshingABoardLeavesItsFormAlone says what the script may replace.
func TestRefreshingABoardLeavesItsFormAlone(t *testing.T) {
	t.Parallel()
	w, crm := furnished()
	_, html := page(t, w.DealsBoard(crm.Deals, sandbox.BoardOptions{}), "GET", "/", nil)
	live := regexp.MustCompile(`(?s)<div id="board".*?\n</div>`).FindString(html)
	if !strings.Contains(live, "data-deal=") || strings.Contains(live, `id="add"`) || !strings.Contains(html, `id="add"`) {
		t.Errorf("the live part is\n%s", live)
	}
	if strings.Contains(html, "http-equiv") {
		t.Error("the page reloads as a whole")
	}
}

func TestFurnishMakesThreeStaleLeads(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	w := sandbox.New(sandbox.Options{})
	crm := w.StandardCRM()
	w.Furnish(crm, now)
	limit := now.AddDate(0, 0, -30).Format(time.DateOnly)
	stale := 0
	for _, row := range w.Rows(crm.Contacts) {
		if row.Values["Status"] == "New lead" && row.Values["Last Contacted"][:10] < limit {
			stale++
		}
	}
	stages := map[string]bool{}
	for _, row := range w.Rows(crm.Deals) {
		stages[row.Values["Stage"]] = true
	}
	if stale != 3 || len(w.Rows(crm.Contacts)) != 4 || len(w.Rows(crm.Deals)) != 5 || len(stages) != 3 {
		t.Errorf("got %d stale of %d contacts, %d deals in %d stages", stale, len(w.Rows(crm.Contacts)), len(w.Rows(crm.Deals)), len(stages))
	}
}
