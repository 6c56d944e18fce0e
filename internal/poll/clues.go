package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const (
	// With more clues than this, one read of what changed is cheaper.
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
		err = s.strangers(ctx, clues[:min(len(clues), cluesByRun)])
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

// follow looks into clues of a watched database: by one read when there are
// many, and page by page for what that leaves open.
func (s *Service) follow(ctx context.Context, w Watch, clues []crm.Clue) error {
	src, err := s.open(ctx, w, s.o.Live)
	if err != nil {
		return err
	}
	if len(clues) > fewClues {
		if clues, err = src.sift(ctx, clues); err != nil {
			return err
		}
	}
	for _, clue := range clues[:min(len(clues), cluesByRun)] {
		if err := src.fetch(ctx, clue); err != nil {
			return err
		}
	}
	return src.refresh(ctx)
}

// sift reads what changed and returns the clues that this does not answer.
func (s *source) sift(ctx context.Context, clues []crm.Clue) (open []crm.Clue, err error) {
	edited, asked := map[string]time.Time{}, map[string]time.Time{}
	at, first, err := s.read(ctx, func(pages []crm.Page, askedAt time.Time) {
		for _, p := range pages {
			edited[p.ID], asked[p.ID] = p.EditedAt, askedAt
		}
	})
	if err != nil {
		return nil, err
	}
	commit := crm.Commit{Reads: []crm.Read{at}}
	if first {
		commit.Hurry = s.Then
	}
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
	askedAt := time.Now()
	page, err := s.notion.Page(ctx, clue.Page)
	if errors.Is(err, crm.ErrNotFound) {
		// Only while the database itself can be read is a page that cannot be
		// read gone.
		if _, err := s.notion.Query(ctx, s.schema.DataSource, crm.Query{Size: 1}); err != nil {
			return err
		}
		return s.o.State.Apply(ctx, crm.Commit{Gone: []string{clue.Page}, Heeded: []crm.Clue{clue}})
	}
	if err != nil {
		return err
	}
	if page.DataSource != "" && page.DataSource != s.schema.DataSource {
		return s.adopt(ctx, page, askedAt, clue)
	}
	return s.saw(ctx, page, askedAt, clue)
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

// strangers fetches pages of which nobody knows where they are.
func (s *Service) strangers(ctx context.Context, clues []crm.Clue) error {
	for _, clue := range clues {
		askedAt := time.Now()
		page, err := s.o.Live.Page(ctx, clue.Page)
		switch {
		case errors.Is(err, crm.ErrNotFound), errors.Is(err, crm.ErrInvalid):
			err = s.o.State.Apply(ctx, crm.Commit{Heeded: []crm.Clue{clue}})
		case err == nil:
			err = s.adopt(ctx, page, askedAt, clue)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// adopt remembers a page in the watched database where it is now, or forgets
// it when it is in none.
func (s *Service) adopt(ctx context.Context, page crm.Page, askedAt time.Time, clue crm.Clue) error {
	for _, w := range s.watch {
		src, err := s.open(ctx, w, s.o.Live)
		if err != nil {
			return err
		}
		if src.holds(page) {
			return src.saw(ctx, page, askedAt, clue)
		}
	}
	return s.o.State.Apply(ctx, crm.Commit{Gone: []string{page.ID}, Heeded: []crm.Clue{clue}})
}
