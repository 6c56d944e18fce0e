package lead

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// find returns the contact's page: the one that is known, else the one that a
// look-up shows.
func (u *upsert) find(ctx context.Context) (crm.Snapshot, bool, error) {
	page, found, err := u.known(ctx)
	if err != nil || found {
		return page, found, err
	}
	if err := u.awaitFirstRead(ctx); err != nil {
		return crm.Snapshot{}, false, err
	}
	if err := u.lookUp(ctx); err != nil {
		return crm.Snapshot{}, false, err
	}
	return u.known(ctx)
}

// known returns the oldest live page that carries the key.
func (u *upsert) known(ctx context.Context) (crm.Snapshot, bool, error) {
	pages, err := u.o.State.Known(ctx, u.o.Contacts, u.key)
	if err != nil || len(pages) == 0 || pages[0].Trashed {
		return crm.Snapshot{}, false, err
	}
	return pages[0], true, nil
}

// awaitFirstRead puts the job off until all contacts were read once, and after
// a restore until those were that changed since the backup. Before that, one
// that a person typed in another spelling could be missed.
func (u *upsert) awaitFirstRead(ctx context.Context) error {
	read, err := u.o.State.Read(ctx, u.o.Contacts)
	if err != nil || !read.CompletedAt.IsZero() && !read.PolledAt.IsZero() {
		return err
	}
	// The end of the read hurries the jobs that wait for it; the time is for
	// those that just missed it.
	return crm.Later(time.Now().Add(10*time.Second), "Contacts is being read first")
}

// lookUp asks Notion for pages with the key, in every spelling that was ever
// seen of it.
func (u *upsert) lookUp(ctx context.Context) error {
	spellings := []string{u.key}
	add := func(s string) {
		if s != "" && !slices.Contains(spellings, s) {
			spellings = append(spellings, s)
		}
	}
	pages, err := u.o.State.Known(ctx, u.o.Contacts, u.key)
	if err != nil {
		return err
	}
	for _, p := range pages {
		add(p.Values[u.plan.key.ID].Text)
	}
	for _, l := range u.leads {
		add(l.email.Typed)
	}
	askedAt := time.Now()
	rows, err := u.o.Notion.Query(ctx, u.to, crm.Query{Key: u.plan.key, KeyIs: spellings[:min(len(spellings), 20)]})
	if err != nil {
		return fmt.Errorf("look up contact: %w", err)
	}
	sights := u.db.Look(crm.SeenLookup, askedAt, rows.Pages...)
	if err := u.o.State.Apply(ctx, crm.Commit{Sights: sights}); err != nil {
		return err
	}
	return u.makeSure(ctx, sights)
}

// makeSure fetches the pages that a look-up listed and that are not known to be
// there under the key: an index may lag behind what is known, and the other way
// round, and only the page itself can tell.
func (u *upsert) makeSure(ctx context.Context, listed []crm.Sight) error {
	known, err := u.o.State.Known(ctx, u.o.Contacts, u.key)
	if err != nil {
		return err
	}
	for _, s := range listed {
		if slices.ContainsFunc(known, func(k crm.Snapshot) bool { return k.Page == s.Page.ID && !k.Trashed }) {
			continue
		}
		askedAt := time.Now()
		page, err := u.o.Notion.Page(ctx, s.Page.ID)
		if errors.Is(err, crm.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look up contact: %w", err)
		}
		if err := u.o.State.Apply(ctx, crm.Commit{Sights: u.db.Look(crm.SeenFetch, askedAt, page)}); err != nil {
			return err
		}
	}
	return nil
}
