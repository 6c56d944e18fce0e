package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// sight is a look at a deal that was edited in this minute.
func sight(by crm.SeenBy, stage string) crm.Sight {
	now := time.Now().UTC()
	return crm.Sight{
		Database: "deals", By: by, AskedAt: now,
		Page: crm.Page{
			ID: "p", CreatedAt: now.AddDate(-1, 0, 0).Truncate(time.Hour), EditedAt: now.Truncate(time.Minute), EditedBy: "ana",
			Values: map[string]crm.Value{"stage": crm.Choice(crm.KindStatus, stage), "note": crm.Text(crm.KindText, "x")},
			People: []crm.Person{{ID: "ana", Name: "Ana"}},
		},
	}
}

// stages lists what became of the stage, in the order in which it was seen.
func (db *DB) stages(t *testing.T) (found []string) {
	t.Helper()
	changes, err := db.Changes(context.Background(), ChangeFilter{Property: "stage"})
	must(t, err)
	for _, c := range changes {
		found = append(found, c.New.String())
	}
	return found
}

func (db *DB) clues(t *testing.T, database string) []crm.Clue {
	t.Helper()
	found, err := db.Clues(context.Background(), database, 100)
	must(t, err)
	return found
}

func TestALookAtAnUnchangedPageWritesNothing(t *testing.T) {
	t.Parallel()
	db := opened(t, t.TempDir())
	defer db.Close()
	first := sight(crm.SeenPoll, "Lead")
	must(t, db.Apply(t.Context(), crm.Commit{Sights: []crm.Sight{first}}))
	db.writes.close() // whoever writes now is refused
	for _, by := range []crm.SeenBy{crm.SeenPoll, crm.SeenWebhook, crm.SeenFetch, crm.SeenWrite} {
		again := first
		again.By, again.AskedAt = by, first.AskedAt.Add(time.Hour)
		if err := db.Apply(t.Context(), crm.Commit{Sights: []crm.Sight{again, again}}); err != nil {
			t.Errorf("seen by %s once more: %v, want no transaction", by, err)
		}
	}
	older := first
	older.Page.EditedAt = older.Page.EditedAt.Add(-time.Hour)
	older.Page.Values = map[string]crm.Value{"stage": crm.Choice(crm.KindStatus, "Won")}
	if err := db.Apply(t.Context(), crm.Commit{Sights: []crm.Sight{older}}); err != nil {
		t.Errorf("an overtaken look: %v, want no transaction", err)
	}
	won := sight(crm.SeenPoll, "Won")
	if err := db.Apply(t.Context(), crm.Commit{Sights: []crm.Sight{won}}); !errors.Is(err, ErrClosed) {
		t.Errorf("a change: %v, want a transaction", err)
	}
}

func TestADoubtIsSettledByAFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := opened(t, t.TempDir())
		db.Follow(Follow{
			Changed: crm.Job{Kind: "match", Unique: "match"},
			Clue:    func(database string) crm.Job { return crm.Job{Kind: "clues", Unique: database} },
		})
		db.moved(t, crm.SeenPoll, "Lead")
		time.Sleep(10 * time.Minute)
		listed := sight(crm.SeenPoll, "Negotiation") // asked for before the fetch, and slower
		time.Sleep(time.Second)
		db.moved(t, crm.SeenWebhook, "Won")
		must(t, db.Apply(context.Background(), crm.Commit{Sights: []crm.Sight{listed}}))
		if got := db.stages(t); !slices.Equal(got, []string{"Won"}) {
			t.Errorf("stages %v, want Won alone: nobody knows which of two looks is newer", got)
		}
		doubts := db.clues(t, "deals")
		if len(doubts) != 1 || doubts[0].Page != "p" || doubts[0].By != crm.SeenFetch {
			t.Fatalf("clues %+v, want one to fetch the page", doubts)
		}
		jobs, err := db.Jobs(context.Background(), JobFilter{Kind: "clues"})
		if err != nil || len(jobs) != 1 {
			t.Errorf("%d jobs that look into it, %v", len(jobs), err)
		}
		time.Sleep(time.Second)
		must(t, db.Apply(context.Background(), crm.Commit{Sights: []crm.Sight{sight(crm.SeenFetch, "Won")}, Heeded: doubts}))
		if got := db.stages(t); !slices.Equal(got, []string{"Won"}) || len(db.clues(t, "deals")) > 0 {
			t.Errorf("after the fetch: stages %v, clues %+v", got, db.clues(t, "deals"))
		}
		must(t, db.Close())
	})
}

func TestCluesOfAPageBecomeOne(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	at := func(database string, seconds int, by crm.SeenBy) crm.Clue {
		return crm.Clue{Page: "p", Database: database, At: noon.Add(time.Duration(seconds) * time.Second), By: by}
	}
	for _, tc := range []struct {
		name   string
		clues  []crm.Clue
		heeded int // the one that is looked into, as it stood after so many; 0 for none
		left   []crm.Clue
	}{
		{"one that was looked into", []crm.Clue{at("deals", 5, crm.SeenWebhook)}, 1, nil},
		{"a newer one stays", []crm.Clue{at("deals", 5, crm.SeenWebhook), at("deals", 9, crm.SeenWebhook)}, 1, []crm.Clue{at("deals", 9, crm.SeenWebhook)}},
		{"another word of the same time stays", []crm.Clue{at("deals", 5, crm.SeenWebhook), at("deals", 5, crm.SeenWebhook)}, 1, []crm.Clue{at("deals", 5, crm.SeenWebhook)}},
		{"an older one that comes late is no newer", []crm.Clue{at("deals", 9, crm.SeenWebhook), at("deals", 5, crm.SeenFetch)}, 0, []crm.Clue{at("deals", 9, crm.SeenFetch)}},
		{"where the page is does not get lost", []crm.Clue{at("deals", 5, crm.SeenWebhook), at("", 9, crm.SeenWebhook)}, 0, []crm.Clue{at("deals", 9, crm.SeenWebhook)}},
		{"where the page is becomes known", []crm.Clue{at("", 5, crm.SeenWebhook), at("deals", 9, crm.SeenWebhook)}, 0, []crm.Clue{at("deals", 9, crm.SeenWebhook)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				db := opened(t, t.TempDir())
				var heeded []crm.Clue
				for i, c := range tc.clues {
					must(t, db.Apply(context.Background(), crm.Commit{Clues: []crm.Clue{c}}))
					if i+1 == tc.heeded {
						heeded = db.clues(t, "deals")
					}
					time.Sleep(time.Second)
				}
				must(t, db.Apply(context.Background(), crm.Commit{Heeded: heeded}))
				got := append(db.clues(t, "deals"), db.clues(t, "")...)
				for i := range got {
					got[i].NotedAt = time.Time{}
				}
				if !slices.Equal(got, tc.left) {
					t.Errorf("left %+v, want %+v", got, tc.left)
				}
				must(t, db.Close())
			})
		})
	}
}

func TestAWriteIsKnownWhenItIsSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := opened(t, t.TempDir())
		write := func(page, stage string) crm.Write {
			return crm.Write{Page: page, Values: map[string]crm.Value{"stage": crm.Choice(crm.KindStatus, stage)}}
		}
		own := func(stage string, writes ...crm.Write) bool {
			t.Helper()
			time.Sleep(time.Hour)
			db.moved(t, crm.SeenPoll, stage, writes...)
			changes, err := db.Changes(context.Background(), ChangeFilter{Property: "stage"})
			must(t, err)
			return changes[len(changes)-1].Own
		}
		db.moved(t, crm.SeenPoll, "Lead")
		for _, tc := range []struct {
			name, stage string
			writes      []crm.Write
			own         bool
		}{
			{"what was written", "Won", []crm.Write{write("p", "Won")}, true},
			{"the same by a person, later", "Lost", nil, false},
			{"what a person wrote instead", "Won", []crm.Write{write("p", "Lead")}, false},
			{"what was written before that", "Lead", nil, true},
			{"what was written to another page", "Won", []crm.Write{write("q", "Won")}, false},
		} {
			if got := own(tc.stage, tc.writes...); got != tc.own {
				t.Errorf("%s is our own: %v, want %v", tc.name, got, tc.own)
			}
		}
		must(t, db.Apply(context.Background(), crm.Commit{Writes: []crm.Write{write("p", "Negotiation")}}))
		time.Sleep(2 * writeAge)
		if own("Negotiation") {
			t.Error("a write of long ago still counts")
		}
		must(t, db.Close())
	})
}

func TestAPageThatWasGoneIsComparedWithWhatItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := opened(t, t.TempDir())
		db.moved(t, crm.SeenPoll, "Lead")
		made := func() int {
			pages, err := db.Made(context.Background(), "deals", time.Time{}, time.Now())
			must(t, err)
			return len(pages)
		}
		time.Sleep(time.Hour)
		must(t, db.Apply(context.Background(), crm.Commit{Gone: []string{"p", "never seen"}}))
		if n := made(); n != 0 {
			t.Errorf("%d rows are there although the only one is gone", n)
		}
		time.Sleep(time.Hour)
		db.moved(t, crm.SeenFetch, "Won")
		if got := db.stages(t); made() != 1 || !slices.Equal(got, []string{"Won"}) {
			t.Errorf("%d rows, stages %v; want the row back and one change", made(), got)
		}
		must(t, db.Close())
	})
}
