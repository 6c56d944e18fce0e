package importer

import (
	"context"
	"slices"

	"github.com/dealbell/dealbell/internal/crm"
)

// keyless is the state of a database whose rows have no keys in the store:
// those of one key are given, and joined by what a look-up lists.
type keyless struct {
	State
	key   string
	pages []string
}

// Known returns the pages that carry the key.
func (k *keyless) Known(ctx context.Context, _, _ string) ([]crm.Snapshot, error) {
	var found []crm.Snapshot
	for _, id := range k.pages {
		page, known, err := k.Snapshot(ctx, id)
		if err != nil {
			return nil, err
		}
		if known {
			found = append(found, page)
		}
	}
	slices.SortStableFunc(found, func(a, b crm.Snapshot) int {
		if a.Trashed != b.Trashed {
			return map[bool]int{true: 1, false: -1}[a.Trashed]
		}
		return a.CreatedAt.Compare(b.CreatedAt)
	})
	return found, nil
}

// Apply takes note of the pages that were seen. One that nobody knew while a
// create was begun is what that made.
func (k *keyless) Apply(ctx context.Context, c crm.Commit) error {
	for n, sight := range c.Sights {
		carries := sight.Key == k.key
		i := slices.Index(k.pages, sight.Page.ID)
		switch {
		case i >= 0 && !carries:
			k.pages = slices.Delete(k.pages, i, i+1)
		case i < 0 && carries:
			_, begun, err := k.Intent(ctx, sight.Database, k.key)
			if err != nil {
				return err
			}
			k.pages, c.Sights[n].Made = append(k.pages, sight.Page.ID), begun
		}
	}
	nameless(c.Sights)
	return k.State.Apply(ctx, c)
}

// nameless takes the keys from sights of a database that has none.
func nameless(sights []crm.Sight) {
	for i := range sights {
		sights[i].Key = ""
	}
}
