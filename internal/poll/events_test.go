package poll_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/poll"
)

const elsewhere = "44444444-4444-4444-4444-444444444444"

// said is an event of a page, or of what kind says.
func said(kind, entity, parent string, authors ...string) string {
	by := make([]string, len(authors))
	for i, id := range authors {
		by[i] = fmt.Sprintf(`{"id":%q,"type":"person"}`, id)
	}
	return fmt.Sprintf(`{"id":"e","type":%q,"authors":[%s],"entity":{"id":%q,"type":"page"},"data":{"parent":{%s}}}`,
		kind, strings.Join(by, ","), entity, parent)
}

func TestWhatAnEventTells(t *testing.T) {
	t.Parallel()
	const page = "55555555-5555-5555-5555-555555555555"
	row := func(database, dataSource string) string {
		return fmt.Sprintf(`"type":"database","id":%q,"data_source_id":%q`, database, dataSource)
	}
	inDeals := row(deals, dealRows)
	const nothing, unknown, deal, known = "", "look for the page", "look at the deal", "known"
	for _, tc := range []struct {
		name, body, want string
		before           string // "known": the page is a deal
	}{
		{"a row was edited", said("page.properties_updated", page, inDeals), deal, ""},
		{"a title was edited", said("page.content_updated", page, inDeals), deal, ""},
		{"a row was deleted", said("page.deleted", page, inDeals), deal, ""},
		{"something that nobody knows yet happened to a row", said("page.folded", page, inDeals), deal, ""},
		{"ids without dashes", strings.ReplaceAll(said("page.created", page, inDeals), "-", ""), deal, ""},
		{"a payload that names the database alone", said("page.created", page, fmt.Sprintf(`"type":"database","id":%q`, deals)), deal, ""},
		{"a payload that names the data source alone", said("page.created", page, fmt.Sprintf(`"type":"data_source","id":%q`, dealRows)), deal, ""},
		{"a row of another database", said("page.created", page, row(elsewhere, elsewhere)), nothing, ""},
		{"a row of another database, as old versions tell", said("page.created", page, fmt.Sprintf(`"type":"database","id":%q`, elsewhere)), nothing, ""},
		{"a row of another data source of the database", said("page.created", page, row(deals, elsewhere)), nothing, ""},
		{"a page on a page", said("page.created", page, fmt.Sprintf(`"type":"page","id":%q`, elsewhere)), nothing, ""},
		{"a page in a block", said("page.created", page, fmt.Sprintf(`"type":"block","id":%q`, elsewhere)), nothing, ""},
		{"a page of the workspace, which may be a row", said("page.created", page, fmt.Sprintf(`"type":"space","id":%q`, elsewhere)), unknown, ""},
		{"a page of who knows what", said("page.created", page, ""), unknown, ""},
		{"a parent of a kind that nobody knows", said("page.created", page, `"type":"galaxy","id":"m31"`), unknown, ""},
		{"a deal that was moved elsewhere", said("page.moved", page, row(elsewhere, elsewhere)), deal, known},
		{"a deal that was moved onto a page", said("page.moved", page, fmt.Sprintf(`"type":"page","id":%q`, elsewhere)), deal, known},
		{"a deal of which the payload says nothing", said("page.deleted", page, ""), deal, known},
		{"our own write", said("page.properties_updated", page, inDeals, bot), nothing, known},
		{"our own write and a person's, as one", said("page.properties_updated", page, inDeals, bot, "ana"), deal, known},
		{"a page without an id", said("page.created", "", inDeals), nothing, ""},
		{"a comment", said("comment.created", page, inDeals), nothing, ""},
		{"a view", said("view.updated", page, inDeals), nothing, ""},
		{"properties of the database", said("data_source.schema_updated", dealRows, ""), poll.KindSchema, ""},
		{"the same, as old versions tell", said("database.schema_updated", deals, ""), poll.KindSchema, ""},
		{"properties of another database", said("data_source.schema_updated", elsewhere, ""), nothing, ""},
		{"rows that came and went", said("data_source.content_updated", dealRows, ""), poll.KindRead, ""},
		{"rows of another database", said("database.content_updated", elsewhere, ""), nothing, ""},
		{"a type without a dot", said("page", page, ""), unknown, ""},
		{"no object", `[1]`, nothing, ""},
		{"no JSON", "\xff", nothing, ""},
		{"fields of other kinds", `{"type":{},"entity":7,"data":"x"}`, nothing, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				if tc.before == known {
					h.row(dealRows, page, "deal")
				}
				h.readAll()
				if _, err := h.db.Receive(context.Background(), crm.Event{ID: "e", At: time.Now(), Body: []byte(tc.body)}, poll.EventJob()); err != nil {
					t.Fatal(err)
				}
				commit, err := h.do(poll.EventJob())
				if err != nil || len(h.asked()) > 0 {
					t.Errorf("%v, or Notion was asked", err)
				}
				got := nothing
				for _, c := range commit.Clues {
					got += map[string]string{deals: deal, "": unknown}[c.Database]
				}
				for _, j := range commit.Jobs {
					got += j.Kind
				}
				left, err := h.db.Events(context.Background(), 1)
				if got != tc.want || err != nil || len(left) > 0 {
					t.Errorf("leads to %q, want %q; %d events left, %v", got, tc.want, len(left), err)
				}
			})
		})
	}
}

func TestAnEventOfWhatIsKnownLeadsNowhere(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		kind  string
		at    time.Duration // of the event, after the known edit
		read  time.Duration // when the database was read, after the event
		gone  bool
		leads bool
	}{
		{"an earlier edit", "page.properties_updated", -time.Minute, 0, false, false},
		{"an earlier edit of the title", "page.content_updated", -time.Minute, 0, false, false},
		{"when it was made", "page.created", -time.Hour, 0, false, false},
		{"an edit of the minute, a while after a read", "page.properties_updated", 20 * time.Second, 3 * time.Minute, false, false},
		{"an edit of the minute, of which the read may have shown a part", "page.properties_updated", 20 * time.Second, time.Minute, false, true},
		{"an edit of the minute without a read since", "page.properties_updated", 20 * time.Second, 0, false, true},
		{"a later edit", "page.properties_updated", time.Minute, time.Hour, false, true},
		{"an earlier end", "page.deleted", -time.Hour, time.Hour, false, true},
		{"an earlier move", "page.moved", -time.Hour, time.Hour, false, true},
		{"something that nobody knows", "page.folded", -time.Hour, time.Hour, false, true},
		{"an edit of what was gone", "page.properties_updated", -time.Hour, time.Hour, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.readAll()
				time.Sleep(time.Hour)
				edited := time.Now()
				h.row(dealRows, "p", "deal")
				h.told(deals, "p")
				h.did(poll.ClueJob(deals))
				if tc.gone {
					delete(h.pages, "p")
					h.told(deals, "p")
					h.did(poll.ClueJob(deals))
				}
				if tc.read > 0 {
					time.Sleep(tc.at + tc.read)
					h.did(poll.Job(deals, time.Time{}))
				}
				e := crm.Event{ID: "e", At: edited.Add(tc.at), Body: []byte(said(tc.kind, "p", fmt.Sprintf(`"data_source_id":%q`, dealRows)))}
				if _, err := h.db.Receive(context.Background(), e, poll.EventJob()); err != nil {
					t.Fatal(err)
				}
				h.did(poll.EventJob())
				if got := len(h.open()) > 0; got != tc.leads {
					t.Errorf("the page is looked at: %v, want %v", got, tc.leads)
				}
			})
		})
	}
}

// With the id of a data source in the configuration, a database's id alone
// tells nothing.
func TestADatabaseThatIsConfiguredByItsDataSource(t *testing.T) {
	t.Parallel()
	m := &memory{schema: crm.Schema{Database: dealRows, DataSource: dealRows}, events: []crm.Event{
		{ID: "1", Body: []byte(said("page.created", "p", fmt.Sprintf(`"type":"database","id":%q`, deals)))},
		{ID: "2", Body: []byte(said("page.created", "q", fmt.Sprintf(`"type":"database","id":%q,"data_source_id":%q`, deals, dealRows)))},
		{ID: "3", Body: []byte(said("page.created", "r", fmt.Sprintf(`"type":"database","id":%q,"data_source_id":%q`, deals, elsewhere)))},
	}}
	commit, err := m.reader(t, dealRows).Events(t.Context(), poll.EventJob())
	var got []string
	for _, c := range commit.Clues {
		got = append(got, c.Page+" in "+c.Database)
	}
	if want := []string{"p in ", "q in " + dealRows}; err != nil || !slices.Equal(got, want) {
		t.Errorf("clues %q, %v; want %q", got, err, want)
	}
}

func TestManyEventsAreLookedIntoInTurns(t *testing.T) {
	t.Parallel()
	m := &memory{schema: crm.Schema{Database: deals, DataSource: dealRows}}
	for i := range 700 {
		m.events = append(m.events, crm.Event{ID: fmt.Sprint(i), Body: []byte(said("page.created", fmt.Sprint("p", i), fmt.Sprintf(`"data_source_id":%q`, dealRows)))})
	}
	commit, err := m.reader(t, deals).Events(t.Context(), poll.EventJob())
	if err != nil || len(commit.Handled) != 500 || len(commit.Clues) != 500 || len(commit.Jobs) != 1 || commit.Jobs[0].Kind != poll.KindEvents {
		t.Errorf("%d handled, %d clues, jobs %v, %v; want 500 and another turn", len(commit.Handled), len(commit.Clues), commit.Jobs, err)
	}
}

// memory is as much of a store as events need; anything else is nil.
type memory struct {
	poll.State
	schema crm.Schema
	events []crm.Event
}

func (m *memory) Events(_ context.Context, limit int) ([]crm.Event, error) {
	return m.events[:min(limit, len(m.events))], nil
}

func (m *memory) Read(context.Context, string) (crm.Read, error) { return crm.Read{}, nil }

func (m *memory) Schema(context.Context, string) (crm.Schema, bool, error) {
	return m.schema, true, nil
}

func (m *memory) Snapshot(context.Context, string) (crm.Snapshot, bool, error) {
	return crm.Snapshot{}, false, nil
}

// reader has no Notion at all: whoever calls it panics.
func (m *memory) reader(tb testing.TB, database string) *poll.Service {
	tb.Helper()
	return poll.New(poll.Options{State: m, Watch: []poll.Watch{{Database: database}}, Log: slog.New(slog.DiscardHandler)})
}

func FuzzEvents(f *testing.F) {
	for _, parent := range []string{"", `"type":"space"`, fmt.Sprintf(`"type":"database","id":%q,"data_source_id":%q`, deals, dealRows)} {
		for _, kind := range []string{"page.created", "data_source.schema_updated", "database.content_updated", "comment.created", "x"} {
			f.Add([]byte(said(kind, "55555555555555555555555555555555", parent, bot)))
		}
	}
	f.Add([]byte(`{"type":"page.created","entity":{"id":"../../v1/users"},"authors":[null],"data":{"parent":null}}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m := &memory{schema: crm.Schema{Database: deals, DataSource: dealRows}, events: []crm.Event{{ID: "e", At: time.Now(), Body: body}}}
		commit, err := m.reader(t, deals).Events(t.Context(), poll.EventJob())
		switch {
		case err != nil:
			t.Error(err)
		case !slices.Equal(commit.Handled, []string{"e"}):
			t.Errorf("handled %q: the event would come up again and again", commit.Handled)
		case len(commit.Clues)+len(commit.Jobs) > 1:
			t.Errorf("one event leads to %+v", commit)
		case len(commit.Clues) == 1 && (commit.Clues[0].Page == "" || commit.Clues[0].By != crm.SeenWebhook):
			t.Errorf("a clue to nothing: %+v", commit.Clues)
		}
	})
}
