package poll_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/poll"
)

func numbered(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("page-%03d", i))
	}
	return ids
}

func TestFewCluesAreFetchedAndManyAreOneRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		clues   int
		of      int // so many of them are in the trash
		queries int
		fetches int
		runs    int
	}{
		{"one", 1, 0, 0, 1, 1},
		{"three", 3, 0, 0, 3, 1},
		{"four", 4, 0, 1, 0, 1},
		{"a hundred", 100, 0, 1, 0, 1},
		{"250", 250, 0, 3, 0, 1},
		{"a hundred, some of them in the trash", 100, 7, 1, 7, 1},
		{"30 in the trash", 30, 30, 2, 30, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				ids := numbered(tc.clues)
				for _, id := range ids {
					h.row(dealRows, id, "before")
				}
				h.row(dealRows, "other", "before")
				time.Sleep(time.Hour)
				h.readAll()
				h.did(poll.Job(deals, time.Time{})) // the watermark leaves the rows behind
				h.asked()
				time.Sleep(time.Hour)
				for i, id := range ids {
					h.row(dealRows, id, "after")
					p := h.pages[id]
					p.Trashed = i < tc.of
					h.pages[id] = p
				}
				h.told(deals, ids...)
				runs := 0
				for len(h.open()) > 0 && runs < 9 {
					h.did(poll.ClueJob(deals))
					runs++
				}
				asked := strings.Join(h.asked(), "\n")
				if q, f := strings.Count(asked, "query"), strings.Count(asked, "page "); q != tc.queries || f != tc.fetches || runs != tc.runs {
					t.Errorf("%d queries and %d fetches in %d runs, want %d and %d in %d", q, f, runs, tc.queries, tc.fetches, tc.runs)
				}
				for i, id := range ids {
					want := "deal after"
					if i < tc.of {
						want = "gone"
					}
					if got := h.known(id); got != want {
						t.Errorf("%s is known as %s, want %s", id, got, want)
					}
				}
			})
		})
	}
}

func TestWhereAPageWentIsWhereItIsLookedFor(t *testing.T) {
	t.Parallel()
	elsewhere := func(dataSource, database string) func(*house) {
		return func(h *house) {
			h.row(dataSource, "p", "moved")
			p := h.pages["p"]
			p.Database = database
			h.pages["p"] = p
		}
	}
	for _, tc := range []struct {
		name   string
		happen func(*house)
		known  string
		open   bool
	}{
		{"into another watched database", elsewhere(contactRows, contacts), "contact moved", false},
		{"into a database that nobody watches", elsewhere("33333333-3333-3333-3333-333333333333", ""), "gone", false},
		{"into the other data source of the database", elsewhere("11111111-1111-1111-1111-bbbbbbbbbbbb", deals), "gone", false},
		{"onto a page", elsewhere("", ""), "gone", false},
		{"into another watched database, as old versions tell", elsewhere("", contacts), "contact moved", false},
		{"nowhere, as old versions tell", elsewhere("", deals), "deal moved", false},
		{"out of reach", func(h *house) { delete(h.pages, "p") }, "gone", false},
		{"out of reach with all others", func(h *house) {
			delete(h.pages, "p")
			h.fail["query "+dealRows] = fmt.Errorf("query: %w", crm.ErrNotFound)
		}, "deal here", true},
		{"nowhere, it only looks like it for a while", func(h *house) { h.fail["page p"] = fmt.Errorf("page: %w", crm.ErrUnavailable) }, "deal here", true},
		{"never: it is no page", func(h *house) { h.fail["page p"] = fmt.Errorf("page: %w", crm.ErrInvalid) }, "deal here", false},
		{"into a watched database while a third cannot be read", func(h *house) {
			h.fail["schema "+deals] = fmt.Errorf("read: %w", crm.ErrNotFound)
			h.row(contactRows, "q", "new")
			h.told("", "q")
			h.did(poll.ClueJob(""))
			delete(h.fail, "schema "+deals)
			h.told(deals, "p")
			if h.known("q") != "contact new" {
				h.t.Errorf("the new contact is known as %s", h.known("q"))
			}
		}, "deal here", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.row(dealRows, "p", "here")
				h.readAll()
				time.Sleep(time.Hour)
				tc.happen(h)
				h.told(deals, "p")
				if _, err := h.do(poll.ClueJob(deals)); (err != nil) != tc.open {
					t.Errorf("the look ended with %v", err)
				}
				if got, open := h.known("p"), len(h.open()) > 0; got != tc.known || open != tc.open {
					t.Errorf("known as %s, still to be looked at: %v; want %s, %v", got, open, tc.known, tc.open)
				}
			})
		})
	}
}

// A listing is what raised the doubt: only the page itself can settle it.
func TestADoubtIsNotSettledByAListing(t *testing.T) {
	inHouse(t, func(h *house) {
		ids := numbered(6)
		h.readAll()
		for _, id := range ids {
			h.row(dealRows, id, "new")
		}
		h.told(deals, ids[1:]...)
		doubt := crm.Clue{Database: deals, Page: ids[0], At: time.Now(), By: crm.SeenFetch}
		if err := h.db.Apply(context.Background(), crm.Commit{Clues: []crm.Clue{doubt}}); err != nil {
			t.Fatal(err)
		}
		h.did(poll.ClueJob(deals))
		if got := h.asked(); len(got) != 2 || got[1] != "page "+ids[0] {
			t.Errorf("asked %q, want one read and the page that is in doubt", got)
		}
	})
}

func TestPagesThatAreGoneAreCheckedTogether(t *testing.T) {
	inHouse(t, func(h *house) {
		for _, id := range numbered(3) {
			h.row(dealRows, id, "here")
		}
		h.readAll()
		clear(h.pages)
		h.told(deals, numbered(3)...)
		h.did(poll.ClueJob(deals))
		if got := h.asked(); len(got) != 4 || got[3] != "query "+dealRows {
			t.Errorf("asked %q, want three pages and after them the database", got)
		}
	})
}

func TestAPageThatCannotBeReadKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	for _, database := range []string{deals, ""} {
		inStory := func(h *house) {
			h.readAll()
			for _, id := range numbered(3) {
				h.row(dealRows, id, "new")
			}
			h.fail["page page-000"] = errDown
			h.told(database, numbered(3)...)
			if _, err := h.do(poll.ClueJob(database)); err == nil {
				t.Error("the failure is not told")
			}
			if got := h.open(); !slices.Equal(got, []string{"page-000"}) {
				t.Errorf("%v still have to be looked at, want the one that failed", got)
			}
			h.fail["page page-000"] = crm.Later(time.Now().Add(time.Minute), "paused")
			h.told(database, numbered(3)...)
			h.asked()
			if _, err := h.do(poll.ClueJob(database)); err == nil || len(h.asked()) != 1 {
				t.Error("others were asked for although all of Notion has to wait")
			}
		}
		t.Run("database "+database, func(t *testing.T) { inHouse(t, inStory) })
	}
}

func TestTheFirstReadIsLeftToItsJob(t *testing.T) {
	inHouse(t, func(h *house) {
		ids := numbered(300)
		for _, id := range ids {
			h.row(contactRows, id, "here")
		}
		h.told(contacts, ids[:10]...)
		if _, err := h.do(poll.ClueJob(contacts)); err == nil {
			t.Error("clues were sifted before there was a read")
		}
		if err := h.reader.Freshen(context.Background(), contacts); err == nil {
			t.Error("a database that was never read was freshened")
		}
		if got := h.asked(); len(got) > 0 {
			t.Errorf("asked %q, want nothing before the first read", got)
		}
		commit, err := h.do(poll.Job(contacts, time.Time{}))
		if err != nil || !slices.Equal(commit.Hurry, []string{"lead", poll.KindClues}) || len(commit.Jobs) != 2 {
			t.Errorf("the first read ended with %v, hurries %v and asks for %d jobs; want those who wait for it, the next read and a reconcile", err, commit.Hurry, len(commit.Jobs))
		}
		h.asked()
		h.did(poll.ClueJob(contacts))
		if got := h.asked(); len(got) != 3 || len(h.open()) > 0 {
			t.Errorf("asked %q with %v open, want one read", got, h.open())
		}
		if err := h.reader.Freshen(context.Background(), contacts); err != nil {
			t.Error(err)
		}
	})
}
