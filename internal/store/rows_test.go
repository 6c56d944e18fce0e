package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// furnished is a store with so many deals, three of which were made in each
// minute.
func furnished(t *testing.T, rows int) (db *store.DB, pages []string) {
	t.Helper()
	db = open(t, t.TempDir())
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var sights []crm.Sight
	for i := range rows {
		at, id := begin.Add(time.Duration(i/3)*time.Minute), fmt.Sprintf("page-%05d", i)
		pages = append(pages, id)
		sights = append(sights, crm.Sight{Database: "deals", By: crm.SeenPoll, AskedAt: time.Now(), Page: crm.Page{ID: id, CreatedAt: at, EditedAt: at}})
	}
	slices.Reverse(sights)
	if err := db.Apply(t.Context(), crm.Commit{Sights: sights}); err != nil {
		t.Fatal(err)
	}
	return db, pages
}

func TestEveryRowIsVisitedOnceAndInOrder(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 500, 1201} {
		db, want := furnished(t, n)
		var got []string
		if err := db.Rows(t.Context(), "deals", func(s crm.Snapshot) error {
			got = append(got, s.Page)
			return nil
		}); err != nil || !slices.Equal(got, want) {
			t.Errorf("of %d rows %d are visited, or in another order: %v", n, len(got), err)
		}
	}
}

// Of those who visit rows at the same moment there may be more than there are
// connections, and each may look up something: a digest does, for the names of
// owners.
func TestWhoVisitsRowsMayAskForMore(t *testing.T) {
	t.Parallel()
	db, _ := furnished(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all, visiting sync.WaitGroup
	for range 8 {
		visiting.Add(1)
		all.Go(func() {
			var once sync.Once
			if err := db.Rows(ctx, "deals", func(crm.Snapshot) error {
				once.Do(visiting.Done)
				visiting.Wait()
				_, _, err := db.Person(ctx, "ana")
				return err
			}); err != nil {
				t.Error(err)
				once.Do(visiting.Done) // the others need not wait
			}
		})
	}
	all.Wait()
}
