package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// came makes a delivery durable.
func came(t *testing.T, db *store.DB, id, form, key, body string, held ...string) {
	t.Helper()
	_, err := db.Accept(t.Context(), store.Intake{
		Delivery: crm.Delivery{ID: id, Source: form, Key: key, Body: []byte(body)}, Held: held,
		Job: crm.Job{Kind: "lead.upsert", Key: key, Unique: key},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ids walks all pages of a list.
func ids(t *testing.T, db *store.DB, f store.LeadFilter) (all []string) {
	t.Helper()
	f.Limit = 2
	for {
		found, before, err := db.Leads(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range found {
			all = append(all, l.ID)
		}
		if f.Before = before; before == 0 {
			return all
		}
	}
}

func TestLeadsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	came(t, db, "1", "lead", "ana@example.com", `{"name":"Ana","message":"50% off_er"}`)
	came(t, db, "2", "lead", "bo@example.com", `{"name":"Bj\u00f6rn","message":"a \"boat\""}`)
	came(t, db, "3", "news", "cy@example.com", `name=Bj%C3%B6rn+%26+Ana&message=hello+there`)
	came(t, db, "4", "news", "ana@example.com", `{"name":"ANA","message":"Björn's boat 😀"}`)
	came(t, db, "5", "lead", "5", `{}`, "too-fast")
	came(t, db, "6", "lead", "6", `{"n":6}`, "too-fast")
	if err := db.Discard(t.Context(), "6"); err != nil {
		t.Fatal(err)
	}
	done := crm.Commit{
		Progress: []crm.Progress{{Delivery: "2", State: crm.DeliveryDone, Outcome: crm.Created, Page: "p"}, {Delivery: "3", State: crm.DeliveryNoting}},
		Sights:   []crm.Sight{{Page: crm.Page{ID: "p", URL: "https://notion.so/p"}, Database: "d", By: crm.SeenPoll}},
	}
	if err := db.Apply(t.Context(), done); err != nil {
		t.Fatal(err)
	}
	bury(t, db, "ana@example.com")
	for _, c := range []struct {
		name string
		f    store.LeadFilter
		want string
	}{
		{"all", store.LeadFilter{}, "6 5 4 3 2 1"},
		{"held", store.LeadFilter{Standing: store.StandingHeld}, "5"},
		{"on the way", store.LeadFilter{Standing: store.StandingOpen}, "3"},
		{"in Notion", store.LeadFilter{Standing: store.StandingDone}, "2"},
		{"dead", store.LeadFilter{Standing: store.StandingDead}, "4 1"},
		{"dropped", store.LeadFilter{Standing: store.StandingDropped}, "6"},
		{"of a form", store.LeadFilter{Form: "news"}, "4 3"},
		{"of a form, dead", store.LeadFilter{Form: "news", Standing: store.StandingDead}, "4"},
		{"of a contact", store.LeadFilter{Key: "ana@example.com"}, "4 1"},
		{"with a word, in any case", store.LeadFilter{Text: "ana"}, "4 3 1"},
		{"with a sign of LIKE", store.LeadFilter{Text: "50% off_"}, "1"},
		{"without what the sign would match", store.LeadFilter{Text: "a_a"}, ""},
		{"in any encoding", store.LeadFilter{Text: "BJÖRN"}, "4 3 2"},
		{"two words of a form", store.LeadFilter{Text: "hello there"}, "3"},
		{"with quotes", store.LeadFilter{Text: `a "boat"`}, "2"},
		{"an emoji", store.LeadFilter{Text: "😀"}, "4"},
		{"with a word, held", store.LeadFilter{Text: "ana", Standing: store.StandingHeld}, ""},
	} {
		if got := strings.Join(ids(t, db, c.f), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	one, err := db.Lead(t.Context(), "2")
	if err != nil || one.Outcome != crm.Created || one.Page != "p" || one.URL != "https://notion.so/p" || one.Seq != 2 {
		t.Errorf("lead 2 is %+v, %v", one, err)
	}
	if dead, err := db.Lead(t.Context(), "1"); err != nil || dead.Job == 0 {
		t.Errorf("lead 1 is %+v, %v; want its job", dead, err)
	}
}

// bury makes a dead letter of a contact's job.
func bury(t *testing.T, db *store.DB, key string) {
	t.Helper()
	claimed, _, err := db.Turn(t.Context(), nil, crm.Room{Notion: 9, Lanes: map[crm.Lane]int{crm.Live: 9}})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(claimed, func(j crm.Job) bool { return j.Key == key })
	if _, _, err := db.Turn(t.Context(), []crm.End{{Job: claimed[i], State: crm.JobDead, Reason: "why"}}, crm.Room{}); err != nil {
		t.Fatal(err)
	}
}

func TestArrivalsAreCountedByDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir())
		start := time.Now()
		var bounds []time.Time
		for day := range 4 {
			bounds = append(bounds, start.Add(time.Duration(day)*24*time.Hour))
		}
		for day, n := range []int{2, 0, 3} {
			for i := range n {
				came(t, db, fmt.Sprint(day, i), "lead", "k", fmt.Sprint(day, i))
			}
			came(t, db, fmt.Sprint("held", day), "lead", "h", fmt.Sprint("held", day), "too-fast")
			time.Sleep(24 * time.Hour)
		}
		if err := db.Discard(t.Context(), "held0"); err != nil {
			t.Fatal(err)
		}
		got, err := db.Arrivals(t.Context(), bounds)
		if err != nil || !slices.Equal(got, []int{2, 0, 3}) {
			t.Errorf("arrivals %v, %v", got, err)
		}
	})
}
