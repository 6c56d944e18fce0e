package observe_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// deal is a page of stage and value, edited in a minute after noon.
func deal(minute int, stage, value string) crm.Page {
	return crm.Page{
		ID: "p", CreatedAt: noon.AddDate(0, -1, 0), EditedAt: noon.Add(time.Duration(minute) * time.Minute), EditedBy: "ana",
		Values: map[string]crm.Value{
			"stage": crm.Choice(crm.KindStatus, stage),
			"value": {Kind: crm.KindNumber, Number: "1000"},
			"note":  crm.Text(crm.KindText, value),
		},
	}
}

// known is what is remembered of a page that was seen half a minute after
// its edit.
func known(p crm.Page) *crm.Snapshot {
	return &crm.Snapshot{
		Page: p.ID, Database: "deals", CreatedAt: p.CreatedAt, EditedAt: p.EditedAt, EditedBy: p.EditedBy, Values: p.Values,
		SeenAt: p.EditedAt.Add(30 * time.Second),
	}
}

func sight(by crm.SeenBy, p crm.Page, askedAt time.Time) crm.Sight {
	return crm.Sight{Database: "deals", Page: p, By: by, AskedAt: askedAt}
}

func properties(changes []crm.Change) (ids []string) {
	for _, c := range changes {
		ids = append(ids, c.Property)
	}
	return ids
}

func TestASightOfAKnownPage(t *testing.T) {
	t.Parallel()
	lead, won := deal(0, "Lead", ""), deal(5, "Won", "")
	sameMinute := deal(0, "Won", "")
	with := func(p crm.Page, change func(*crm.Page)) crm.Page {
		p.Values = maps.Clone(lead.Values)
		change(&p)
		return p
	}
	edited := func(minute int, id string, v crm.Value) crm.Page {
		return with(deal(minute, "Lead", ""), func(p *crm.Page) { p.Values[id] = v })
	}
	for _, tc := range []struct {
		name    string
		before  crm.Page
		sight   crm.Sight
		changes []string
		news    bool
		doubt   bool
	}{
		{"the same once more", lead, sight(crm.SeenPoll, lead, noon.Add(time.Hour)), nil, false, false},
		{"a later edit", lead, sight(crm.SeenPoll, won, noon.Add(6*time.Minute)), []string{"stage"}, true, false},
		{"an older state that a slow index lists", won, sight(crm.SeenPoll, lead, noon.Add(6*time.Minute)), nil, false, false},
		{"an older state that a slow answer shows", won, sight(crm.SeenWebhook, lead, noon), nil, false, false},
		{"a second edit of the minute, fetched after the first", lead, sight(crm.SeenWebhook, sameMinute, noon.Add(40*time.Second)), []string{"stage"}, true, false},
		{"another state of the minute, asked for before the known one was written", lead, sight(crm.SeenWebhook, sameMinute, noon.Add(10*time.Second)), nil, false, true},
		{"another state of the minute, listed soon after", lead, sight(crm.SeenPoll, sameMinute, noon.Add(80*time.Second)), nil, false, true},
		{"another state of the minute, listed much later", lead, sight(crm.SeenPoll, sameMinute, noon.Add(95*time.Second)), []string{"stage"}, true, false},
		{"an edit of something else by the same hand", lead, sight(crm.SeenPoll, deal(5, "Lead", "called"), noon.Add(6*time.Minute)), []string{"note"}, true, false},
		{"an edit that was undone", lead, sight(crm.SeenPoll, deal(5, "Lead", ""), noon.Add(6*time.Minute)), nil, true, false},
		{"a number that is written in another way", lead, sight(crm.SeenPoll, edited(5, "value", crm.Value{Kind: crm.KindNumber, Number: "1e3"}), noon.Add(6*time.Minute)), nil, true, false},
		{"a property that was added to the database", lead, sight(crm.SeenPoll, edited(0, "new", crm.Choice(crm.KindStatus, "Todo")), noon.Add(time.Hour)), nil, true, false},
		{"a property that was added and filled", lead, sight(crm.SeenPoll, edited(5, "new", crm.Text(crm.KindText, "x")), noon.Add(time.Hour)), nil, true, false},
		{"a value that Notion could not work out this time", lead, sight(crm.SeenPoll, with(lead, func(p *crm.Page) { delete(p.Values, "value") }), noon.Add(time.Hour)), nil, false, false},
		{"another state of the minute, by a clock that was set back since", lead, sight(crm.SeenWebhook, sameMinute, noon.Add(-time.Hour)), []string{"stage"}, true, false},
		{"a property that was deleted", lead, sight(crm.SeenPoll, with(deal(5, "Lead", ""), func(p *crm.Page) { delete(p.Values, "stage") }), noon.Add(time.Hour)), nil, true, false},
		{"a property that was retyped", lead, sight(crm.SeenPoll, edited(0, "stage", crm.Text(crm.KindText, "in the lead")), noon.Add(time.Hour)), nil, true, false},
		{"a formula that counts days", with(lead, func(p *crm.Page) { p.Values["age"] = crm.Value{Kind: "formula", Number: "1"} }), sight(crm.SeenPoll, edited(0, "age", crm.Value{Kind: "formula", Number: "2"}), noon.Add(time.Hour)), nil, true, false},
		{"a formula that follows an edit", with(lead, func(p *crm.Page) { p.Values["age"] = crm.Value{Kind: "formula", Number: "1"} }), sight(crm.SeenPoll, edited(5, "age", crm.Value{Kind: "formula", Number: "2"}), noon.Add(time.Hour)), []string{"age"}, true, false},
		{"what Notion writes down by itself", lead, sight(crm.SeenPoll, edited(5, "at", crm.Value{Kind: "last_edited_time", Date: &crm.Date{Start: "2026-11-20"}}), noon.Add(time.Hour)), nil, true, false},
		{"a page in the trash", lead, sight(crm.SeenFetch, with(deal(5, "Won", ""), func(p *crm.Page) { p.Trashed = true }), noon.Add(6*time.Minute)), nil, true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			seen := observe.See(known(tc.before), noon.AddDate(-1, 0, 0), nil, tc.sight)
			if got := properties(seen.Changes); !slices.Equal(got, tc.changes) || seen.News != tc.news || seen.Doubt != tc.doubt {
				t.Errorf("changes %v, news %v, doubt %v; want %v, %v, %v", got, seen.News, seen.Doubt, tc.changes, tc.news, tc.doubt)
			}
		})
	}
}

func TestASightOfANewPage(t *testing.T) {
	t.Parallel()
	page := deal(0, "Won", "")
	for _, tc := range []struct {
		name     string
		baseline time.Time
		change   func(*crm.Sight)
		want     []string
	}{
		{"while the database is read for the first time", time.Time{}, func(*crm.Sight) {}, nil},
		{"that was there when the database was read", noon, func(*crm.Sight) {}, nil},
		{"made since", noon.AddDate(-1, 0, 0), func(*crm.Sight) {}, []string{"stage", "value"}},
		{"made in the minute of the first read", page.CreatedAt.Add(40 * time.Second), func(*crm.Sight) {}, []string{"stage", "value"}},
		{"in the trash already", noon.AddDate(-1, 0, 0), func(s *crm.Sight) { s.Page.Trashed = true }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := sight(crm.SeenPoll, page, noon.Add(time.Minute))
			tc.change(&s)
			seen := observe.See(nil, tc.baseline, nil, s)
			if got := properties(seen.Changes); !slices.Equal(got, tc.want) || !seen.News {
				t.Errorf("changes %v, news %v; want %v, true", got, seen.News, tc.want)
			}
		})
	}
}

func TestOurOwnWritesAreOurs(t *testing.T) {
	t.Parallel()
	s := sight(crm.SeenPoll, deal(5, "Won", "touched"), noon.Add(6*time.Minute))
	wrote := map[string]crm.Value{
		"note":  crm.Text(crm.KindText, "touched"),
		"stage": crm.Choice(crm.KindStatus, "Negotiation"), // a person moved it on since
	}
	for _, known := range []*crm.Snapshot{known(deal(0, "Lead", "")), nil} {
		for _, c := range observe.See(known, noon.AddDate(-1, 0, 0), wrote, s).Changes {
			if c.Own != (c.Property == "note") {
				t.Errorf("known %v: change of %s: own = %v; a person moved the stage, we wrote the note", known != nil, c.Property, c.Own)
			}
		}
	}
}

func TestAPageOfOurOwnIsOurs(t *testing.T) {
	t.Parallel()
	s := sight(crm.SeenPoll, deal(5, "Won", "touched"), noon.Add(6*time.Minute))
	s.Made = true
	seen := observe.See(nil, noon.AddDate(-1, 0, 0), nil, s)
	if len(seen.Changes) == 0 {
		t.Fatal("a page of our own has no changes in the ledger")
	}
	for _, c := range seen.Changes {
		if !c.Own {
			t.Errorf("change of %s on a page that Dealbell made counts as a person's", c.Property)
		}
	}
}

func TestARowThatComesBackIsComparedWithWhatItWas(t *testing.T) {
	t.Parallel()
	before := known(deal(0, "Lead", ""))
	trashed := deal(5, "Lead", "")
	trashed.Trashed = true
	gone := observe.See(before, noon, nil, sight(crm.SeenFetch, trashed, noon.Add(6*time.Minute))).Snapshot
	back := observe.See(&gone, noon, nil, sight(crm.SeenPoll, deal(9, "Won", ""), noon.Add(10*time.Minute)))
	if got := properties(back.Changes); !slices.Equal(got, []string{"stage"}) {
		t.Errorf("changes %v, want the stage: it was moved after the row came back", got)
	}
}

func TestAMovedRowIsNoTransition(t *testing.T) {
	t.Parallel()
	s := sight(crm.SeenFetch, deal(5, "Won", ""), noon.Add(6*time.Minute))
	s.Database = "archive"
	s.Page.Values = map[string]crm.Value{"other": crm.Text(crm.KindText, "x")}
	if seen := observe.See(known(deal(0, "Lead", "")), noon, nil, s); len(seen.Changes) > 0 || !seen.News || seen.Snapshot.Database != "archive" || len(seen.Snapshot.Values) != 1 {
		t.Errorf("got %+v, want a snapshot in the other database and no change", seen)
	}
}

func TestWhatNotionMadeOfAWriteIsStillTheWrite(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("campaign ", 20)
	for _, tc := range []struct {
		name       string
		wrote, now crm.Value
		want       bool
	}{
		{"an option loses its commas", crm.Choice(crm.KindSelect, "google, ads"), crm.Choice(crm.KindSelect, "google ads"), true},
		{"an option is cut", crm.Choice(crm.KindSelect, long), crm.Choice(crm.KindSelect, long[:99]), true},
		{"a text is trimmed", crm.Text(crm.KindText, " Hello\n"), crm.Text(crm.KindText, "Hello"), true},
		{"another option", crm.Choice(crm.KindSelect, "google"), crm.Choice(crm.KindSelect, "bing"), false},
		{"a short beginning", crm.Choice(crm.KindSelect, "google ads"), crm.Choice(crm.KindSelect, "google"), false},
		{"nothing", crm.Choice(crm.KindSelect, "google"), crm.Value{Kind: crm.KindSelect}, false},
	} {
		if got := observe.Shows(tc.now, tc.wrote); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
