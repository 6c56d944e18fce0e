package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// came makes one delivery of the website durable.
func (w *world) came(body string, held ...string) (id string) {
	w.t.Helper()
	id = store.NewID()
	_, err := w.db.Accept(w.t.Context(), store.Intake{
		Delivery: crm.Delivery{ID: id, Source: "lead", Key: id, ContentType: "application/json", Body: []byte(body)},
		Held:     held, Job: crm.Job{Kind: "lead.upsert", Key: id},
	})
	must(w.t, err)
	return id
}

const hostile = `{"name":"<script>alert('name')</script>","email":"eve@example.com","message":"</pre><img src=x onerror=alert(1)> \" onload=\"x","<b>field</b>":"javascript:alert(1)"}`

func TestWhatStrangersWriteIsOnlyEverText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	id := w.came(hostile, "too-fast", "<i>odd</i>")
	for _, page := range []string{w.page("/leads"), w.page("/leads?state=held"), w.page("/leads/" + id), w.send("/leads", "/leads", "q", `"><script>alert(2)</script>`).Body.String()} {
		for _, live := range []string{"<script>alert", "<img src=x", "<b>field", "<i>odd", `" onload=`, `href="javascript:`} {
			if strings.Contains(page, live) {
				t.Errorf("a page holds %q: %s", live, page)
			}
		}
	}
	if page := w.page("/leads/" + id); !strings.Contains(page, "&lt;script&gt;alert(&#39;name&#39;)") || !strings.Contains(page, "faster than people type") {
		t.Errorf("the lead's page does not show what came: %s", page)
	}
}

func TestALeadIsFoundByAddressNameOrText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	w.came(`{"name":"Ana Silva","email":"ana@example.com","message":"A rowing boat, please"}`)
	w.arrive(2)
	for _, c := range []struct{ q, state, form, want, not string }{
		{"ana silva", "", "", "Ana Silva", "Person"},
		{"ROWING", "", "", "Ana Silva", "Person"},
		{" Person1@Example.com ", "", "", "Person 1", "Person 0"},
		{"nobody@example.com", "", "", "Nothing was found.", "Person"},
		{"person", "held", "", "Nothing was found.", "Person 0"},
		{"person", "open", "lead", "Person 0", "Ana Silva"},
		{"person", "nonsense", "nonsense", "Person 0", "Ana Silva"},
	} {
		answer := w.send("/leads", "/leads", "q", c.q, "state", c.state, "form", c.form)
		page := answer.Body.String()
		if answer.Code != http.StatusOK || !strings.Contains(page, c.want) || strings.Contains(strings.ReplaceAll(page, `value="`+c.q, ""), c.not) {
			t.Errorf("%+v: %d %s", c, answer.Code, page)
		}
	}
	if got := w.send("/leads", "/leads", "q", " ", "state", "open").Header().Get("Location"); got != "/leads?state=open" {
		t.Errorf("no search leads to %q", got)
	}
	if page := w.page("/leads?q=ana"); !strings.Contains(page, "Person 0") {
		t.Error("a search is part of an address")
	}
}

func TestOldLeadsAreReachedPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	ids := w.arrive(120)
	slices.Reverse(ids)
	link, older := regexp.MustCompile(`href="/leads/([a-z0-9]{26})"`), regexp.MustCompile(`href="(/leads\?[^"]*before=[^"]*)">Older`)
	var seen []string
	for path := "/leads?state=open&form=lead"; path != ""; {
		page := w.page(path)
		for _, found := range link.FindAllStringSubmatch(page, -1) {
			seen = append(seen, found[1])
		}
		path = ""
		if next := older.FindStringSubmatch(page); next != nil {
			path = strings.ReplaceAll(next[1], "&amp;", "&")
		}
	}
	if !slices.Equal(seen, ids) {
		t.Errorf("%d leads were seen, want the %d that came, newest first", len(seen), len(ids))
	}
	for found, body := 0, w.send("/leads", "/leads", "q", "message").Body.String(); ; {
		found += len(link.FindAllString(body, -1))
		before := regexp.MustCompile(`name="before" value="(\d+)"`).FindStringSubmatch(body)
		if before == nil {
			if found != len(ids) {
				t.Errorf("a search found %d, want %d", found, len(ids))
			}
			break
		}
		body = w.send("/leads", "/leads", "q", "message", "before", before[1]).Body.String()
	}
}

func TestHeldLeadsAreReleasedOrDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	var ids []string
	for i := range 4 {
		ids = append(ids, w.came(fmt.Sprintf(`{"email":"p%d@example.com"}`, i), "honeypot"))
	}
	for _, step := range []struct {
		pairs []string
		to    string
	}{
		{[]string{"do", "release"}, "/leads?state=held&done=none"},
		{[]string{"do", "release", "id", ids[0], "id", ids[1]}, "/leads?state=held&done=released"},
		{[]string{"do", "drop", "id", ids[2]}, "/leads?state=held&done=dropped"},
		{[]string{"do", "release", "id", ids[0]}, "/leads?state=held&done=gone"},
		{[]string{"do", "drop", "id", "unknown"}, "/leads?state=held&done=gone"},
		{[]string{"do", "drop", "id", ids[3], "back", "lead"}, "/leads/" + ids[3] + "?done=dropped"},
	} {
		answer := w.send("/leads?state=held", "/leads/held", step.pairs...)
		if got := answer.Header().Get("Location"); got != step.to {
			t.Errorf("%q leads to %q (%d), want %q", step.pairs, got, answer.Code, step.to)
		}
	}
	for i, want := range []crm.DeliveryState{crm.DeliveryQueued, crm.DeliveryQueued, crm.DeliveryDropped, crm.DeliveryDropped} {
		if d, err := w.db.Delivery(t.Context(), ids[i]); err != nil || d.State != want {
			t.Errorf("delivery %d is %s, %v; want %s", i, d.State, err, want)
		}
	}
	jobs, err := w.db.Jobs(t.Context(), store.JobFilter{})
	must(t, err)
	if len(jobs) != 2 || w.woken < 2 {
		t.Errorf("%d jobs, woken %d times; want the two of the released", len(jobs), w.woken)
	}
	if page := w.page("/leads?state=held&done=dropped"); !strings.Contains(page, "Dropped.") || !strings.Contains(page, "Nothing is held") {
		t.Errorf("the page does not say what was done: %s", page)
	}
}

func TestAHeldLeadOfAFormThatIsGoneStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	id := store.NewID()
	_, err := w.db.Accept(t.Context(), store.Intake{Delivery: crm.Delivery{ID: id, Source: "gone", Key: id, Body: []byte("x=1")}, Held: []string{"too-fast"}})
	must(t, err)
	answer := w.send("/leads?state=held", "/leads/held", "do", "release", "id", id)
	if answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "no longer configured") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

var linkTarget = regexp.MustCompile(`(?:href|action|src)="([^"]*)"`)

func TestNoAddressIsPartOfALink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn()
	id := w.came(hostile, "too-fast")
	w.arrive(3)
	for _, page := range []string{w.page("/"), w.page("/leads"), w.page("/leads/" + id), w.send("/leads", "/leads", "q", "person1@example.com").Body.String()} {
		for _, found := range linkTarget.FindAllStringSubmatch(page, -1) {
			if strings.Contains(found[1], "@") || strings.Contains(found[1], "%40") || strings.Contains(found[1], "example") {
				t.Errorf("a link leads to %s", found[1])
			}
		}
	}
	if said := w.logs.String(); strings.Contains(said, "example.com") {
		t.Errorf("the log tells an address: %s", said)
	}
}
