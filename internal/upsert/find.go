package upsert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// find returns the row's page: the one that is known, else the one that a
// look-up shows.
func (r *run) find(ctx context.Context) (crm.Snapshot, bool, error) {
	page, found, err := r.known(ctx)
	if found {
		sees(ctx, crm.StepKnew, page.Page)
	}
	if err != nil || found {
		return page, found, err
	}
	if r.Fresh {
		if _, begun, err := r.State.Intent(ctx, r.Database, r.Key); err != nil || !begun {
			return crm.Snapshot{}, false, err
		}
	}
	if err := r.awaitFirstRead(ctx); err != nil {
		return crm.Snapshot{}, false, err
	}
	if err := r.lookUp(ctx); err != nil {
		return crm.Snapshot{}, false, err
	}
	if page, found, err = r.known(ctx); found {
		sees(ctx, crm.StepFound, page.Page)
	} else if err == nil {
		sees(ctx, crm.StepMissed, "")
	}
	return page, found, err
}

// known returns the oldest live page that carries the key.
func (r *run) known(ctx context.Context) (crm.Snapshot, bool, error) {
	pages, err := r.State.Known(ctx, r.Database, r.Key)
	if err != nil || len(pages) == 0 || pages[0].Trashed {
		return crm.Snapshot{}, false, err
	}
	return pages[0], true, nil
}

// awaitFirstRead puts the job off until all rows were read once, and after
// a restore until those were that changed since the backup. Before that, one
// that a person typed in another spelling could be missed.
func (r *run) awaitFirstRead(ctx context.Context) error {
	read, err := r.State.Read(ctx, r.Database)
	if err != nil || !read.CompletedAt.IsZero() && !read.PolledAt.IsZero() {
		return err
	}
	// The end of the read hurries the jobs that wait for it; the time is for
	// those that just missed it.
	return crm.Later(time.Now().Add(10*time.Second), "the database is being read first")
}

// lookUp asks Notion for pages with the key, in every spelling that was ever
// seen of it.
func (r *run) lookUp(ctx context.Context) error {
	spellings := []string{r.Key}
	add := func(s string) {
		if s != "" && !slices.Contains(spellings, s) {
			spellings = append(spellings, s)
		}
	}
	pages, err := r.State.Known(ctx, r.Database, r.Key)
	if err != nil {
		return err
	}
	for _, p := range pages {
		add(p.Values[r.Property.ID].Text)
	}
	for _, typed := range r.Typed {
		add(typed)
	}
	askedAt := time.Now()
	rows, err := r.Notion.Query(ctx, r.DataSource, crm.Query{Key: r.Property, KeyIs: spellings[:min(len(spellings), 20)]})
	if err != nil {
		return fmt.Errorf("look up row: %w", err)
	}
	sights := r.db.Look(crm.SeenLookup, askedAt, rows.Pages...)
	if err := r.State.Apply(ctx, crm.Commit{Sights: sights}); err != nil {
		return err
	}
	return r.makeSure(ctx, sights)
}

// makeSure fetches the pages that a look-up listed and that are not known to be
// there under the key: an index may lag behind what is known, and the other way
// round, and only the page itself can tell.
func (r *run) makeSure(ctx context.Context, listed []crm.Sight) error {
	known, err := r.State.Known(ctx, r.Database, r.Key)
	if err != nil {
		return err
	}
	for _, s := range listed {
		if slices.ContainsFunc(known, func(k crm.Snapshot) bool { return k.Page == s.Page.ID && !k.Trashed }) {
			continue
		}
		askedAt := time.Now()
		page, err := r.Notion.Page(ctx, s.Page.ID)
		if errors.Is(err, crm.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look up row: %w", err)
		}
		if err := r.State.Apply(ctx, crm.Commit{Sights: r.db.Look(crm.SeenFetch, askedAt, page)}); err != nil {
			return err
		}
	}
	return nil
}
