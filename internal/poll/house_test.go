package poll_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	deals, dealRows       = "11111111-1111-1111-1111-111111111111", "11111111-1111-1111-1111-aaaaaaaaaaaa"
	contacts, contactRows = "22222222-2222-2222-2222-222222222222", "22222222-2222-2222-2222-aaaaaaaaaaaa"
	bot                   = "99999999-9999-9999-9999-999999999999"
)

// notion is a Notion that does as it is told.
type notion struct {
	pages map[string]crm.Page
	whole map[string][]string // relations beyond what a page shows
	fail  map[string]error    // by call
	slow  time.Duration       // rows younger than this are not listed yet
	calls []string
	order []string // ids of pages, oldest first; nil when that is not known
}

func (n *notion) call(what ...string) error {
	text := strings.Join(what, " ")
	n.calls = append(n.calls, text)
	return n.fail[text]
}

func (n *notion) Schema(_ context.Context, database string) (crm.Schema, error) {
	rows := map[string]string{deals: dealRows, contacts: contactRows}[database]
	return crm.Schema{Database: database, DataSource: rows, Properties: []crm.Property{
		{ID: "name", Name: "Name", Kind: crm.KindTitle}, {ID: "team", Name: "Team", Kind: crm.KindRelation},
	}}, n.fail["schema "+database]
}

func (n *notion) RefreshSchema(ctx context.Context, database string) (crm.Schema, error) {
	if err := n.call("properties", database); err != nil {
		return crm.Schema{}, err
	}
	return n.Schema(ctx, database)
}

func (n *notion) Query(_ context.Context, dataSource string, q crm.Query) (rows crm.Rows, err error) {
	if err := n.call("query", dataSource); err != nil {
		return rows, err
	}
	const mostShown = 10_000
	listed, start := 0, 0
	if q.Cursor != "" {
		start, _ = strconv.Atoi(q.Cursor)
	}
	for _, id := range n.oldestFirst(q.Newest) {
		p := n.pages[id]
		switch {
		case p.DataSource != dataSource, p.Trashed, p.EditedAt.Before(q.EditedSince), p.CreatedAt.Before(q.CreatedSince),
			!q.CreatedUntil.IsZero() && !p.CreatedAt.Before(q.CreatedUntil), p.CreatedAt.After(time.Now().Add(-n.slow)):
			continue
		case listed == mostShown:
			rows.Cut = true
			return rows, nil
		case len(rows.Pages) == cmp.Or(q.Size, 100):
			rows.Next = strconv.Itoa(listed)
			return rows, nil
		}
		if listed++; listed > start {
			p.Values = maps.Clone(p.Values)
			rows.Pages = append(rows.Pages, p)
		}
	}
	return rows, nil
}

func (n *notion) oldestFirst(backwards bool) []string {
	if n.order == nil {
		n.order = slices.SortedFunc(maps.Keys(n.pages), func(a, b string) int {
			return cmp.Or(n.pages[a].CreatedAt.Compare(n.pages[b].CreatedAt), cmp.Compare(a, b))
		})
	}
	if !backwards {
		return n.order
	}
	order := slices.Clone(n.order)
	slices.Reverse(order)
	return order
}

func (n *notion) Page(_ context.Context, id string) (crm.Page, error) {
	if err := n.call("page", id); err != nil {
		return crm.Page{}, err
	}
	p, ok := n.pages[id]
	if !ok {
		return p, fmt.Errorf("page %s: %w", id, crm.ErrNotFound)
	}
	p.Values = maps.Clone(p.Values)
	return p, nil
}

func (n *notion) Whole(_ context.Context, page string, property crm.Property) (crm.Value, error) {
	return crm.Value{Kind: property.Kind, IDs: n.whole[page]}, n.call("whole", page)
}

func (n *notion) Bot(context.Context) (string, error) { return bot, nil }

// row makes a row a year before now, or edits it now.
func (n *notion) row(dataSource, id, name string) {
	made := time.Now().AddDate(-1, 0, 0)
	if known, ok := n.pages[id]; ok {
		made = known.CreatedAt
	}
	n.made(made, dataSource, id, name)
}

func (n *notion) made(at time.Time, dataSource, id, name string) {
	n.order = nil
	n.pages[id] = crm.Page{
		ID: id, DataSource: dataSource, CreatedAt: at.UTC().Truncate(time.Minute), EditedAt: time.Now().UTC().Truncate(time.Minute), EditedBy: "ana",
		Values: map[string]crm.Value{"name": crm.Text(crm.KindTitle, name)},
	}
}

// asked forgets and returns what was asked since it was last called.
func (n *notion) asked() []string {
	calls := n.calls
	n.calls = nil
	return calls
}

// house is a Service between a Notion and a store.
type house struct {
	*notion
	t      *testing.T
	db     *store.DB
	reader *poll.Service
}

func inHouse(t *testing.T, story func(*house)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(context.Background(), t.TempDir(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		n := &notion{pages: map[string]crm.Page{}, whole: map[string][]string{}, fail: map[string]error{}}
		h := &house{notion: n, t: t, db: db}
		h.restart()
		story(h)
	})
}

// restart forgets what is not in the store.
func (h *house) restart() {
	lists := func(context.Context, crm.Schema) ([]string, error) { return []string{"team"}, nil }
	h.reader = poll.New(poll.Options{
		Live: h.notion, Calm: h.notion, Bulk: h.notion, State: h.db, Log: slog.New(slog.DiscardHandler),
		Watch: []poll.Watch{{Database: deals, Every: 5 * time.Minute, Lists: lists}, {Database: contacts, Every: 5 * time.Minute, Then: []string{"lead"}}},
	})
}

// do runs a job once.
func (h *house) do(job crm.Job) (crm.Commit, error) {
	h.t.Helper()
	run := map[string]func(context.Context, crm.Job) (crm.Commit, error){
		poll.KindRead: h.reader.Read, poll.KindReconcile: h.reader.Reconcile, poll.KindClues: h.reader.Clues,
		poll.KindEvents: h.reader.Events, poll.KindSchema: h.reader.Schema,
	}[job.Kind]
	commit, err := run(context.Background(), job)
	if applied := h.db.Apply(context.Background(), commit); applied != nil {
		h.t.Fatal(applied)
	}
	return commit, err
}

// did runs jobs that have to end well.
func (h *house) did(jobs ...crm.Job) {
	h.t.Helper()
	for _, job := range jobs {
		if _, err := h.do(job); err != nil {
			h.t.Fatalf("%s: %v", job.Kind, err)
		}
	}
}

// readAll reads all databases and forgets what that asked.
func (h *house) readAll() {
	h.t.Helper()
	h.did(poll.Job(deals, time.Time{}), poll.Job(contacts, time.Time{}))
	h.asked()
}

// told lets an event say that something happened to pages.
func (h *house) told(database string, pages ...string) {
	h.t.Helper()
	var commit crm.Commit
	for _, p := range pages {
		commit.Clues = append(commit.Clues, crm.Clue{Database: database, Page: p, At: time.Now(), By: crm.SeenWebhook})
	}
	if err := h.db.Apply(context.Background(), commit); err != nil {
		h.t.Fatal(err)
	}
}

// known says what is remembered of a page: its database and name.
func (h *house) known(page string) string {
	h.t.Helper()
	s, found, err := h.db.Snapshot(context.Background(), page)
	switch {
	case err != nil:
		h.t.Fatal(err)
	case !found:
		return "nothing"
	case s.Trashed:
		return "gone"
	}
	return map[string]string{deals: "deal ", contacts: "contact "}[s.Database] + s.Values["name"].String()
}

// open lists the pages of which a look is still wanted.
func (h *house) open() (pages []string) {
	h.t.Helper()
	for _, database := range []string{deals, contacts, ""} {
		clues, err := h.db.Clues(context.Background(), database, 1000)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, c := range clues {
			pages = append(pages, c.Page)
		}
	}
	return pages
}

var errDown = errors.New("bad gateway")
