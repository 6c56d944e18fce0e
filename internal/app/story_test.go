package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/importer"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
	"github.com/dealbell/dealbell/internal/story"
)

// why does what "dealbell why" does.
func (w *world) why(what string) (s story.Story) {
	w.t.Helper()
	w.attached(func(db *store.DB) (err error) {
		s, err = story.Tell(context.Background(), db, time.UTC, what)
		return err
	})
	if !slices.IsSortedFunc(s.Entries, func(a, b story.Entry) int {
		return a.At.Truncate(time.Millisecond).Compare(b.At.Truncate(time.Millisecond))
	}) {
		w.t.Error("the story is not in order")
	}
	return s
}

// told is a story in lines without times and ids.
func (w *world) told(s story.Story) (lines []string) {
	for _, e := range s.Entries {
		text := e.Text
		if e.Asked != nil {
			before, _, answered := strings.Cut(text, fmt.Sprintf(" %d ", e.Asked.Status))
			if text = before; answered {
				text = fmt.Sprintf("%s %d", text, e.Asked.Status)
			}
		}
		text, _, _ = strings.Cut(jittered.ReplaceAllString(text, "waits:"), " (")
		for _, p := range s.Pages {
			text = strings.ReplaceAll(text, "page "+p.ID, "PAGE")
			text = strings.ReplaceAll(text, "page "+p.ID[:8], "PAGE")
		}
		if e.Delivery != "" {
			text = strings.ReplaceAll(text, e.Delivery, "ID")
		}
		lines = append(lines, string(e.Kind)+": "+text)
	}
	return lines
}

// made lists the requests that Notion saw for one contact, with what it
// called them.
func (w *world) made(email, page string) (lines []string) {
	for _, x := range w.notion.Transcript() {
		if x.Path == "/v1/pages" || strings.Contains(x.Path, page) || strings.HasSuffix(x.Path, "/query") && bytes.Contains(x.Body, []byte(email)) {
			lines = append(lines, fmt.Sprintf("%s %d %s", x.Method, x.Status, x.RequestID))
		}
	}
	return lines
}

func listed(s story.Story) (lines []string) {
	for _, e := range s.Entries {
		if e.Asked != nil {
			method, _, _ := strings.Cut(e.Asked.Endpoint, " ")
			lines = append(lines, fmt.Sprintf("%s %d %s", method, e.Asked.Status, e.Asked.RequestID))
		}
	}
	return lines
}

// jittered is a wait of no certain length.
var jittered = regexp.MustCompile(`waits [12](\.\d)?s:`)

const ana = "ana@example.com"

// startedWorld is one in which everything was read once, and one contact made.
func startedWorld(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	w := newWorld(t, o)
	w.start()
	w.accepted(map[string]string{"email": "before@example.com"})
	w.settle(time.Minute)
	w.notion.ForgetTranscript()
	return w
}

func (w *world) fault(method, path string, f sandbox.Fault) {
	w.notion.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Match: sandbox.Match{Method: method, Path: path}, Nth: 1, Fault: f}}})
}

func TestTheStoryOfALeadListsItsRequestsAndDecisions(t *testing.T) {
	t.Parallel()
	first := map[string]string{"email": "Ana@example.com", "message": "hello"}
	repeat := map[string]string{"email": ana, "name": "Ana", "company": "ACME"}
	arrival := []string{"delivery: by form lead, ID", "decision: works the submission in"}
	looked := []string{"request: query 200", "decision: a look-up finds no page with the key"}
	knew := []string{"decision: PAGE is known by its key", "request: read 200"}
	made := []string{"decision: created PAGE", "decision: keeps 1 message on PAGE"}
	filled := []string{
		"decision: filled Company, Name", "decision: touched Last Contacted",
		"change: Name → Ana, by Dealbell, own write", "change: Company → ACME, by Dealbell, own write",
	}
	values := func(seen string) (lines []string) {
		for _, is := range []string{"Status → New lead", "Email → Ana@example.com", "Notes → hello", "Last Contacted → 2000-01-01"} {
			lines = append(lines, "change: "+is+", by Dealbell, "+seen)
		}
		return lines
	}
	for _, tc := range []struct {
		name  string
		after []map[string]string // that are in Notion before the fault
		fault func(w *world)
		sends map[string]string
		want  []string // of the last lead
	}{
		{
			"a new contact", nil, nil, first,
			slices.Concat(arrival, looked, []string{"decision: creates a page", "request: create 200"}, made, values("own write")),
		},
		{
			"a known contact of which more is known now",
			[]map[string]string{first},
			nil, repeat,
			slices.Concat(arrival, knew, []string{"request: update 200"}, filled),
		},
		{
			"a create whose answer is lost", nil, func(w *world) { w.fault("POST", "/v1/pages", sandbox.ResetAfter) }, first,
			slices.Concat(arrival, looked, []string{
				"decision: creates a page", "request: create without an answer, after 60ms",
				"decision: waits: look whether the page was made: create page: read tcp: connection reset by peer",
			}, arrival[1:], looked, []string{"decision: waits 4.9s: the outcome of a create is unknown"}, arrival[1:], []string{
				"request: query 200", "decision: a look-up finds PAGE by its key", "request: update 200",
			}, values("seen by lookup"), []string{
				"decision: touched Last Contacted", "decision: PAGE is what the create made whose answer was lost", "request: content 200",
			}),
		},
		{
			"a create that has to wait", nil, func(w *world) { w.fault("POST", "/v1/pages", sandbox.RateLimited) }, first,
			slices.Concat(arrival, looked, []string{"decision: creates a page", "request: create 429", "request: create 200"}, made, values("own write")),
		},
		{
			"an update beside somebody else's",
			[]map[string]string{first},
			func(w *world) { w.fault("PATCH", "/v1/pages/*", sandbox.Conflict) }, repeat,
			slices.Concat(arrival, knew, []string{
				"request: update 409", "decision: waits: update row: update PAGE: Conflict occurred while saving. Please try again.",
			}, arrival[1:], knew, []string{"request: update 200"}, filled),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := startedWorld(t, sandbox.Options{Latency: 60 * time.Millisecond, QueryLag: 3 * time.Second})
				defer w.stop()
				for _, fields := range tc.after {
					w.accepted(fields)
					w.settle(time.Hour)
				}
				if tc.fault != nil {
					tc.fault(w)
				}
				w.notion.ForgetTranscript()
				began := time.Now()
				w.accepted(tc.sends)
				w.settle(time.Hour)
				told := w.why("ANA@example.com ")
				told.Entries = slices.DeleteFunc(told.Entries, func(e story.Entry) bool { return e.At.Before(began) })
				page := told.Pages[0].ID
				if diff := cmp.Diff(w.made(ana, page), listed(told)); diff != "" {
					t.Errorf("requests (-of Notion +told):\n%s", diff)
				}
				if diff := cmp.Diff(tc.want, w.told(told)); diff != "" {
					t.Errorf("story (-want +told):\n%s", diff)
				}
				if told.Now.Stuck || told.Now.Next != "" || !strings.HasPrefix(told.Now.Text, "in Notion, with ") {
					t.Errorf("now: %+v", told.Now)
				}
			})
		})
	}
}

// What a run did since its last commit is lost in a crash: one request at
// most, of which that commit said that it would be made.
func TestAfterACrashTheStorySaysWhatWasBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := startedWorld(t, sandbox.Options{Latency: 60 * time.Millisecond})
		w.accepted(map[string]string{"email": ana, "message": "hello"})
		creating := func(x sandbox.Exchange) bool { return x.Path == "/v1/pages" }
		for !slices.ContainsFunc(w.notion.Transcript(), creating) {
			time.Sleep(10 * time.Millisecond)
		}
		w.crash()
		defer w.stop()
		w.settle(time.Hour)
		told := w.why(ana)
		made, lines := w.made(ana, told.Pages[0].ID), w.told(told)
		if len(made) < 3 || !strings.HasPrefix(made[1], "POST 200") {
			t.Fatalf("Notion saw %v, want a create as the second", made)
		}
		if diff := cmp.Diff(slices.Delete(made, 1, 2), listed(told)); diff != "" {
			t.Errorf("requests, without the one that was cut off (-of Notion +told):\n%s", diff)
		}
		began, settled := slices.Index(lines, "decision: creates a page"), slices.Index(lines, "decision: PAGE is what the create made whose answer was lost")
		if began < 0 || settled < began {
			t.Errorf("the story does not say that a create was begun and found again: %q", lines)
		}
		if n := len(w.contacts()); n != 2 {
			t.Errorf("%d contacts, want 2", n)
		}
	})
}

func TestSubmissionsThatBecomeOneUpdateAreToldTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.activities = true
		w.notion.SetDown(true)
		w.start()
		for i := range 3 {
			w.accepted(map[string]string{"email": ana, "message": fmt.Sprint(i)})
		}
		w.accepted(map[string]string{"email": "other@example.com", "message": "not hers"})
		time.Sleep(time.Hour)
		if told := w.why(ana); len(told.Entries) > 40 || told.Now.Stuck || !strings.HasPrefix(told.Now.Text, "waits until ") {
			t.Errorf("in an outage %d entries are told: %+v", len(told.Entries), told.Now)
		}
		w.notion.SetDown(false)
		w.settle(time.Hour)
		defer w.stop()
		told := w.why(ana)
		lines := w.told(told)
		for _, want := range []string{"decision: 3 submissions become one update", "decision: created PAGE"} {
			if n := strings.Count(strings.Join(lines, "\n")+"\n", want+"\n"); n < 1 {
				t.Errorf("%q is told %d times: %q", want, n, lines)
			}
		}
		if n := strings.Count(strings.Join(lines, "\n"), "keeps 1 message on "); n != 3 {
			t.Errorf("%d messages are told of, want 3: %q", n, lines)
		}
		for _, d := range told.Entries {
			if strings.Contains(d.Detail, "not hers") {
				t.Error("somebody else's submission is told")
			}
		}
		// By page, and by delivery, it is the same story.
		for _, what := range []string{told.Pages[0].ID, told.Pages[0].URL, told.Entries[0].Delivery} {
			if diff := cmp.Diff(told, w.why(what)); diff != "" {
				t.Errorf("by %s (-by email +so):\n%s", what, diff)
			}
		}
	})
}

func TestTheStoryOfADealTellsWhoMovedItAndThatItRang(t *testing.T) {
	inSales(t, sandbox.Options{Latency: 60 * time.Millisecond}, sandbox.DeliveryPlan{Duplicate: 1}, func(s *sales) {
		owner := s.notion.People()[0]
		deal := s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": "Acme", "Stage": "Negotiation", "Value": 12000})
		s.notion.AddRow(s.crm.Deals, map[string]any{"Deal Name": "Other", "Stage": "Negotiation"})
		s.start()
		time.Sleep(time.Minute)
		s.notion.ForgetTranscript()
		s.notion.EditRowAs(owner.ID, deal, map[string]any{"Stage": "Won", "Owner": []string{owner.ID}})
		s.deliver(time.Minute)
		s.heard("🎉 Deal won: *Acme* — $12,000")
		told := s.why(deal)
		want := []string{
			"request: read 200", "change: Owner → " + owner.Name + ", by " + owner.Name + ", seen by webhook",
			"change: Stage: Negotiation → Won, by " + owner.Name + ", seen by webhook",
			"rule: won fires on Stage: Negotiation → Won", "message: of won is sent to default",
		}
		got := s.told(told)
		slices.Sort(got[1:3])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("story (-want +told):\n%s", diff)
		}
		if diff := cmp.Diff(s.made("nobody", deal), listed(told)); diff != "" {
			t.Errorf("requests (-of Notion +told):\n%s", diff)
		}
		if last := told.Entries[len(told.Entries)-1]; last.Detail != "🎉 Deal won: *Acme* — $12,000" || told.Name != "Acme" {
			t.Errorf("%s: the message is %+v", told.Name, last)
		}
		s.stop()
	})
}

func TestTheStorySaysWhatIsStuckAndWhatToDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := startedWorld(t, sandbox.Options{})
		defer w.stop()
		now := func(stuck bool, text, next string) {
			t.Helper()
			got := w.why(ana).Now
			if got.Stuck != stuck || !strings.Contains(got.Text, text) || !strings.HasPrefix(got.Next, next) || next == "" && got.Next != "" {
				t.Errorf("now: %+v, want %q, next %q", got, text, next)
			}
		}
		mend := w.twist(func(r *http.Request) (int, string) {
			if r.Method == http.MethodPost && r.URL.Path == "/v1/pages" {
				return http.StatusBadRequest, refusal
			}
			return 0, ""
		})
		w.accepted(map[string]string{"email": ana, "company": "ACME"})
		time.Sleep(time.Minute)
		dead := w.onlyDead()
		now(true, "This is refused.", fmt.Sprintf("dealbell jobs show %d", dead.ID))
		mend()
		w.notion.RetypeProperty(w.crm.Contacts, "Company", "number")
		w.retry(dead)
		w.settle(time.Hour)
		now(false, "in Notion without Company: expected a number, got", "dealbell doctor")
		lines := strings.Join(w.told(w.why(ana)), "\n")
		for _, want := range []string{
			fmt.Sprintf("decision: job %d is a dead letter: create page: This is refused.", dead.ID),
			fmt.Sprintf("decision: a person retries job %d", dead.ID), "decision: left out Company: expected a number",
		} {
			if !strings.Contains(lines, want) {
				t.Errorf("%q is not told in\n%s", want, lines)
			}
		}
		w.notion.RetypeProperty(w.crm.Contacts, "Company", "rich_text")
		time.Sleep(time.Hour)
		now(false, "in Notion, with its 1 submission", "")
		if lines := strings.Join(w.told(w.why(ana)), "\n"); !strings.Contains(lines, "decision: completed Company") {
			t.Errorf("that the value was completed is not told in\n%s", lines)
		}
	})
}

func TestWhoIsNotKnownIsSaidToBeSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := startedWorld(t, sandbox.Options{})
		defer w.stop()
		w.accepted(map[string]string{"email": ana})
		w.accepted(map[string]string{"email": "joe.doe@example.com"})
		w.settle(time.Hour)
		for what, near := range map[string][]string{
			"anna@example.com":                     {ana},
			"ana@exmaple.com":                      {ana},
			"joe.doe@elsewhere.org":                {"joe.doe@example.com"},
			"nobody.at.all@elsewhere.org":          nil,
			"0b6f0000-0000-4000-8000-000000000000": nil,
			"abcdefghijklmnopqrstuvwxyz":           nil,
			"":                                     nil,
		} {
			w.attached(func(db *store.DB) error {
				_, err := story.Tell(context.Background(), db, time.UTC, what)
				unknown, ok := errors.AsType[*story.UnknownError](err)
				if !ok || !slices.Equal(unknown.Near, near) {
					t.Errorf("%q: %v, want it unknown, near %q", what, err, near)
				}
				return nil
			})
		}
		if answer := w.submit(map[string]string{"email": "eve@example.com"}, "X-Form-Signature", "sha256=00"); answer.Code != http.StatusUnauthorized {
			t.Fatal(answer.Code)
		}
		told := w.why("Eve@example.com")
		if len(told.Entries) != 1 || !told.Now.Stuck || told.Now.Next != "dealbell replay --show "+told.Entries[0].Delivery {
			t.Errorf("of a rejected delivery is told %+v", told)
		}
	})
}

func TestTheStoryOfAnImportedContactSaysFromWhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := startedWorld(t, sandbox.Options{Latency: 60 * time.Millisecond})
		defer w.stop()
		w.attached(func(db *store.DB) error {
			schema, _, err := db.Schema(context.Background(), w.config().Contacts.ID)
			if err != nil {
				return err
			}
			email, _ := schema.Property("Email")
			row := crm.ImportRow{Line: 7, Key: ana, Wanted: map[string]crm.Value{email.ID: crm.Text(email.Kind, "Ana@example.com")}, Sum: []byte("sum")}
			id, err := db.BeginImport(context.Background(), crm.Import{Database: schema.Database, File: []byte("file"), Property: email.ID, Rows: 1}, slices.Values([]crm.ImportRow{row}))
			if err != nil {
				return err
			}
			return db.RunImport(context.Background(), id, importer.FeedJob(id, time.Time{}))
		})
		time.Sleep(time.Minute)
		told := w.why(ana)
		want := []string{"decision: brings in line 7 of import 1", "decision: creates a page", "request: create 200", "decision: created PAGE"}
		if got := w.told(told); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("told %q, want it to begin with %q", got, want)
		}
		if diff := cmp.Diff(w.made(ana, told.Pages[0].ID), listed(told)); diff != "" {
			t.Errorf("requests (-of Notion +told):\n%s", diff)
		}
	})
}

// Somebody corrects an address in Notion: what was known by the page goes with
// it, what somebody sent stays with whom it came from.
func TestAStoryFollowsThePageWhoseAddressWasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := startedWorld(t, sandbox.Options{})
		defer w.stop()
		w.accepted(map[string]string{"email": ana, "message": "hello"})
		w.settle(time.Hour)
		page := w.why(ana).Pages[0].ID
		w.notion.EditRow(page, map[string]any{"Email": "bob@example.com"})
		time.Sleep(10 * time.Minute)
		bobs, anas := w.why("bob@example.com"), w.why(ana)
		lines := strings.Join(w.told(bobs), "\n")
		if !strings.Contains(lines, "decision: created PAGE") || !strings.Contains(lines, "change: Email: ana@example.com → bob@example.com, by ") || strings.Contains(lines, "delivery:") {
			t.Errorf("of Bob is told\n%s", lines)
		}
		if bobs.Email != "bob@example.com" || len(bobs.Pages) != 1 || bobs.Pages[0].ID != page {
			t.Errorf("Bob is %+v", bobs)
		}
		if len(anas.Pages) != 0 || anas.Entries[0].Kind != story.Delivery || anas.Now.Next != "dealbell why "+page {
			t.Errorf("of Ana is told %+v, %q", anas.Now, w.told(anas))
		}
	})
}
