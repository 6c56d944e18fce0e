package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
)

// source is a watched database as one job sees it.
type source struct {
	*Service
	Watch
	notion Notion
	schema crm.Schema
	db     observe.Database
	lists  []string // ids of properties whose whole list matters
	bot    string
	stale  bool       // a page shows that the schema is older than it
	lost   []crm.Clue // whose pages were not found
}

// open prepares for looking at a database.
func (s *Service) open(ctx context.Context, w Watch, notion Notion) (*source, error) {
	ctx = crm.About(ctx, crm.Record{}) // what follows is about no page
	schema, err := notion.Schema(ctx, w.Database)
	if err != nil {
		return nil, fmt.Errorf("prepare to read: %w", err)
	}
	src := &source{Service: s, Watch: w, notion: notion}
	if src.bot, err = s.self(ctx, notion); err != nil {
		return nil, fmt.Errorf("prepare to read: %w", err)
	}
	if err := src.use(ctx, schema); err != nil {
		return nil, fmt.Errorf("prepare to read: %w", err)
	}
	return src, nil
}

// use resolves what is configured in a schema, and keeps the schema for when
// Notion cannot be asked.
func (s *source) use(ctx context.Context, schema crm.Schema) (err error) {
	s.schema, s.stale = schema, false
	s.db = observe.Database{ID: s.Database}
	if s.Key != nil { // without it the rows would lose their keys
		if s.db.Key, err = s.Key(ctx, schema); err != nil {
			return err
		}
	}
	if s.Lists != nil {
		if s.lists, err = s.Lists(ctx, schema); err != nil {
			return err
		}
	}
	kept, found, err := s.o.State.Schema(ctx, s.Database)
	if err != nil || found && kept.ReadAt.Equal(schema.ReadAt) {
		return err
	}
	return s.o.State.Apply(ctx, crm.Commit{Schemas: []crm.Schema{schema}})
}

// self returns the user id of Dealbell's own connection, "" when Notion does
// not tell.
func (s *Service) self(ctx context.Context, notion Notion) (string, error) {
	if id := s.bot.Load(); id != nil {
		return *id, nil
	}
	id, err := notion.Bot(ctx)
	if errors.Is(err, crm.ErrForbidden) || errors.Is(err, crm.ErrNotFound) {
		id, err = "", nil
	}
	if err != nil {
		return "", err
	}
	s.bot.Store(&id)
	return id, nil
}

// look turns pages into sights: whose edits they are, and lists in full.
func (s *source) look(ctx context.Context, by crm.SeenBy, askedAt time.Time, pages ...crm.Page) ([]crm.Sight, error) {
	sights := s.db.Look(by, askedAt, pages...)
	for i := range sights {
		page := &sights[i].Page
		if s.bot != "" && page.EditedBy == s.bot {
			sights[i].Made = page.CreatedBy == s.bot
		}
		s.stale = s.stale || outdated(s.schema, *page)
		if err := s.complete(ctx, by, page); err != nil {
			return nil, err
		}
	}
	// What happened first is told first.
	slices.SortStableFunc(sights, func(a, b crm.Sight) int { return a.Page.EditedAt.Compare(b.Page.EditedAt) })
	return sights, nil
}

// outdated reports whether a page has properties or options that the schema
// lacks.
func outdated(schema crm.Schema, page crm.Page) bool {
	for id, v := range page.Values {
		p, ok := schema.PropertyByID(id)
		if !ok || p.Kind != v.Kind {
			return true
		}
		for _, name := range v.Names {
			if !slices.Contains(p.Options, name) {
				return true
			}
		}
	}
	return false
}

// complete reads the lists that Notion cut, unless the page is known as it is.
// What an event led to is read again within the minute of a known edit: a
// second one of that minute may be where Notion cuts.
func (s *source) complete(ctx context.Context, by crm.SeenBy, page *crm.Page) error {
	for id, v := range page.Values {
		if !v.More || !slices.Contains(s.lists, id) {
			continue
		}
		known, found, err := s.o.State.Snapshot(ctx, page.ID)
		if err != nil {
			return err
		}
		settled := by.Listed() || !known.SeenAt.Before(page.EditedAt.Add(time.Minute))
		if was := known.Values[id]; found && settled && known.EditedAt.Equal(page.EditedAt) && !was.More && was.Same(v) {
			page.Values[id] = was
			continue
		}
		property, _ := s.schema.PropertyByID(id)
		if page.Values[id], err = s.notion.Whole(ctx, page.ID, property); err != nil {
			return fmt.Errorf("read all of %q: %w", property.Name, err)
		}
	}
	return nil
}

// refresh reads the schema again when a page showed that it is old.
func (s *source) refresh(ctx context.Context) error {
	if !s.stale {
		return nil
	}
	schema, err := s.notion.RefreshSchema(ctx, s.Database)
	if err != nil {
		return fmt.Errorf("read properties: %w", err)
	}
	return s.use(ctx, schema)
}

// Schema reads the properties of a database again.
func (s *Service) Schema(ctx context.Context, job crm.Job) (crm.Commit, error) {
	w, ok, err := s.watched(job)
	if err != nil || !ok {
		return crm.Commit{}, err
	}
	src, err := s.open(ctx, w, s.o.Calm)
	if err != nil {
		return crm.Commit{}, err
	}
	src.stale = true
	return crm.Commit{}, src.refresh(ctx)
}
