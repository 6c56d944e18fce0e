package poll

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const (
	// With more events than this, one read of what changed is cheaper.
	fewClues   = 3
	manyClues  = 1000 // that one run takes on
	cluesByRun = 20   // pages that one run fetches
)

// Clues looks at the pages of a database that may have changed.
func (s *Service) Clues(ctx context.Context, job crm.Job) (crm.Commit, error) {
	var database string
	if err := json.Unmarshal(job.Payload, &database); err != nil {
		return crm.Commit{}, fmt.Errorf("%w: payload: %w", crm.ErrInvalid, err)
	}
	clues, err := s.o.State.Clues(ctx, database, manyClues)
	if err != nil || len(clues) == 0 {
		return crm.Commit{}, err
	}
	w, watched := s.watch[database]
	switch {
	case database == "":
		err = s.each(ctx, clues, func(c crm.Clue) error { return s.stranger(ctx, c) })
	case !watched:
		return crm.Commit{Heeded: clues}, nil
	default:
		err = s.follow(ctx, w, clues)
	}
	if err != nil {
		return crm.Commit{}, patient(fmt.Errorf("look into clues: %w", err))
	}
	if rest, err := s.o.State.Clues(ctx, database, 1); err != nil || len(rest) == 0 {
		return crm.Commit{}, err
	}
	return crm.Commit{Jobs: []crm.Job{ClueJob(database)}}, nil
}

// patient keeps a job of the live lane from becoming a dead letter: nothing is
// lost when a look fails, and nobody could mend it by trying again.
func patient(err error) error {
	if errors.Is(err, crm.ErrInvalid) {
		return crm.Later(time.Now().Add(time.Minute), err.Error())
	}
	return err
}

// follow looks into clues of a watched database: by one read when events gave
// many, and page by page for what that leaves open.
func (s *Service) follow(ctx context.Context, w Watch, clues []crm.Clue) error {
	src, err := s.open(ctx, w, s.o.Live)
	if err != nil {
		return err
	}
	hints := 0
	for _, c := range clues {
		if c.By == crm.SeenWebhook {
			hints++
		}
	}
	if hints > fewClues {
		if clues, err = src.sift(ctx, clues); err != nil {
			return err
		}
	}
	return errors.Join(s.each(ctx, clues, func(c crm.Clue) error { return src.fetch(ctx, c) }), src.forget(ctx), src.refresh(ctx))
}

// each looks at some pages. One that cannot be read goes behind the others,
// unless the error knows that all of Notion has to wait.
func (s *Service) each(ctx context.Context, clues []crm.Clue, look func(crm.Clue) error) (failed error) {
	for _, clue := range clues[:min(len(clues), cluesByRun)] {
		err := look(clue)
		if _, all := crm.RetryAt(err); all {
			return err
		}
		if err == nil {
			continue
		}
		if failed == nil {
			failed = err
		}
		clue.At = time.Now()
		if err := s.o.State.Apply(ctx, crm.Commit{Clues: []crm.Clue{clue}}); err != nil {
			return err
		}
	}
	return failed
}

// sift reads what changed and returns the clues that this does not answer.
func (s *source) sift(ctx context.Context, clues []crm.Clue) (open []crm.Clue, err error) {
	edited, asked := map[string]time.Time{}, map[string]time.Time{}
	at, err := s.reread(ctx, func(pages []crm.Page, askedAt time.Time) {
		for _, p := range pages {
			edited[p.ID], asked[p.ID] = p.EditedAt, askedAt
		}
	})
	if err != nil {
		return nil, err
	}
	commit := crm.Commit{Reads: []crm.Read{at}}
	for _, c := range clues {
		listed := !edited[c.Page].Before(c.At.Truncate(time.Minute)) && !asked[c.Page].Before(c.At)
		if c.By == crm.SeenWebhook && listed {
			commit.Heeded = append(commit.Heeded, c)
		} else {
			open = append(open, c)
		}
	}
	return open, s.o.State.Apply(ctx, commit)
}

// fetch looks at one page.
func (s *source) fetch(ctx context.Context, clue crm.Clue) error {
	ctx = crm.About(ctx, crm.Record{Page: clue.Page})
	askedAt := time.Now()
	page, err := s.notion.Page(ctx, clue.Page)
	switch {
	case errors.Is(err, crm.ErrNotFound):
		s.lost = append(s.lost, clue)
		return nil
	case errors.Is(err, crm.ErrInvalid): // it is the id of something else
		s.o.Log.Warn("a clue leads to no page", "database", s.schema.Name, "page", clue.Page, "error", err)
		return s.o.State.Apply(ctx, crm.Commit{Heeded: []crm.Clue{clue}})
	case err != nil:
		return err
	case !s.holds(page):
		return s.adopt(ctx, page, askedAt, clue)
	}
	return s.saw(ctx, page, askedAt, clue)
}

// forget marks the pages that were not found as gone, if the database itself
// can be read after that: it may be no longer shared as a whole.
func (s *source) forget(ctx context.Context) error {
	if len(s.lost) == 0 {
		return nil
	}
	if _, err := s.notion.Query(ctx, s.schema.DataSource, crm.Query{Size: 1}); err != nil {
		return err
	}
	commit := crm.Commit{Heeded: s.lost}
	for _, clue := range s.lost {
		commit.Gone = append(commit.Gone, clue.Page)
	}
	return s.o.State.Apply(ctx, commit)
}

// holds reports whether a page is a row of the database. Where the answer
// names no data source, the database decides.
func (s *source) holds(page crm.Page) bool {
	if page.DataSource != "" {
		return page.DataSource == s.schema.DataSource
	}
	return page.Database == s.Database
}

func (s *source) saw(ctx context.Context, page crm.Page, askedAt time.Time, clue crm.Clue) error {
	sights, err := s.look(ctx, clue.By, askedAt, page)
	if err != nil {
		return err
	}
	return s.o.State.Apply(ctx, crm.Commit{Sights: sights, Heeded: []crm.Clue{clue}})
}

// stranger fetches a page of which nobody knows where it is.
func (s *Service) stranger(ctx context.Context, clue crm.Clue) error {
	ctx = crm.About(ctx, crm.Record{Page: clue.Page})
	askedAt := time.Now()
	page, err := s.o.Live.Page(ctx, clue.Page)
	switch {
	case errors.Is(err, crm.ErrNotFound), errors.Is(err, crm.ErrInvalid):
		return s.o.State.Apply(ctx, crm.Commit{Heeded: []crm.Clue{clue}})
	case err != nil:
		return err
	}
	return s.adopt(ctx, page, askedAt, clue)
}

// adopt remembers a page in the watched database where it is now, or forgets
// it when it is in none.
func (s *Service) adopt(ctx context.Context, page crm.Page, askedAt time.Time, clue crm.Clue) error {
	places, err := s.places(ctx)
	if err != nil {
		return err
	}
	database, ours := places.of(cmp.Or(page.DataSource, page.Database))
	if !ours {
		return s.o.State.Apply(ctx, crm.Commit{Gone: []string{page.ID}, Heeded: []crm.Clue{clue}})
	}
	src, err := s.open(ctx, s.watch[database], s.o.Live)
	if err != nil {
		return err
	}
	return src.saw(ctx, page, askedAt, clue)
}
