// Package poll reads watched databases into the local replica.
//
// It owns how far a database was read and which pages have to be looked at.
// The first read takes every row, also beyond the 10,000 that one query
// shows. Later reads ask for what was edited since the watermark, with an
// overlap, because Notion rounds edit times down to the minute. Webhook events
// are clues: each leads to a look at one page, or, when many come at once, to
// one read of what changed. Once a day a reconcile compares every row with
// what is known, to find what vanished. The watermark moves only after a read
// was complete, and a read that was interrupted goes on where it stopped.
package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
)

// Notion is what the package needs of the client, in one lane.
type Notion interface {
	Schema(ctx context.Context, database string) (crm.Schema, error)
	RefreshSchema(ctx context.Context, database string) (crm.Schema, error)
	Query(ctx context.Context, dataSource string, q crm.Query) (crm.Rows, error)
	Page(ctx context.Context, id string) (crm.Page, error)
	Whole(ctx context.Context, page string, property crm.Property) (crm.Value, error)
	Bot(ctx context.Context) (id string, err error)
}

// State is what the package needs of the store.
type State interface {
	Read(ctx context.Context, database string) (crm.Read, error)
	Reconcile(ctx context.Context, database string) (crm.Reconcile, error)
	Schema(ctx context.Context, database string) (crm.Schema, bool, error)
	Snapshot(ctx context.Context, page string) (crm.Snapshot, bool, error)
	Made(ctx context.Context, database string, from, until time.Time) ([]string, error)
	Clues(ctx context.Context, database string, limit int) ([]crm.Clue, error)
	Events(ctx context.Context, limit int) ([]crm.Event, error)
	Apply(ctx context.Context, c crm.Commit) error
}

// Watch is a database to read.
type Watch struct {
	Database string
	Every    time.Duration // how often
	// Key finds the property that identifies a row; nil for none.
	Key func(context.Context, crm.Schema) (crm.Property, error)
	// Writes lists the ids of properties that Dealbell itself writes; nil for
	// none.
	Writes func(context.Context, crm.Schema) ([]string, error)
	// Lists lists the ids of properties whose whole list matters, where
	// Notion shows 25 people or relations; nil for none.
	Lists func(context.Context, crm.Schema) ([]string, error)
	// Then names the kinds of job that wait for the first read.
	Then []string
}

// Options are what a Service needs.
type Options struct {
	Live  Notion // for what an event led to
	Calm  Notion // for reads
	Bulk  Notion // for reconciles
	State State
	Watch []Watch
	Log   *slog.Logger
}

// Service handles the jobs of reading.
type Service struct {
	o     Options
	watch map[string]Watch // by database
	bot   atomic.Pointer[string]
}

// New returns a Service for the watched databases.
func New(o Options) *Service {
	s := &Service{o: o, watch: map[string]Watch{}}
	for _, w := range o.Watch {
		s.watch[w.Database] = w
	}
	return s
}

// The kinds of job that this package handles.
const (
	KindRead      = "poll.read"      // a database, at intervals
	KindReconcile = "poll.reconcile" // a database, daily
	KindClues     = "poll.clues"     // pages of a database that may have changed
	KindEvents    = "poll.events"    // webhook events
	KindSchema    = "poll.schema"    // a database's properties
)

// Job returns the job that reads a database; with the zero time, now.
func Job(database string, at time.Time) crm.Job {
	return job(KindRead, crm.Sync, database, at)
}

// ReconcileJob returns the job that compares a database with what is known.
func ReconcileJob(database string, at time.Time) crm.Job {
	return job(KindReconcile, crm.Sync, database, at)
}

// ClueJob returns the job that looks into the clues of a database.
func ClueJob(database string) crm.Job { return job(KindClues, crm.Live, database, time.Time{}) }

// EventJob returns the job that looks into webhook events.
func EventJob() crm.Job { return job(KindEvents, crm.Live, "all", time.Time{}) }

func job(kind string, lane crm.Lane, database string, at time.Time) crm.Job {
	payload, _ := json.Marshal(database) // a string
	return crm.Job{Kind: kind, Lane: lane, Key: kind + " " + database, Unique: kind + " " + database, Payload: payload, NotBefore: at}
}

// watched returns what the job is about; ok is false when it is no longer
// configured.
func (s *Service) watched(job crm.Job) (w Watch, ok bool, err error) {
	var id string
	if err := json.Unmarshal(job.Payload, &id); err != nil {
		return Watch{}, false, fmt.Errorf("%w: payload: %w", crm.ErrInvalid, err)
	}
	w, ok = s.watch[id]
	return w, ok, nil
}

// source is a watched database as one job sees it.
type source struct {
	*Service
	Watch
	notion Notion
	schema crm.Schema
	db     observe.Database
	writes []string // ids of properties that Dealbell writes
	lists  []string // ids of properties whose whole list matters
	bot    string
	stale  bool // a page shows that the schema is older than it
}

// patient keeps a job of the live lane from becoming a dead letter: nothing is
// lost when a look fails, and nobody could mend it by trying again.
func patient(err error) error {
	if errors.Is(err, crm.ErrInvalid) {
		return crm.Later(time.Now().Add(time.Minute), err.Error())
	}
	return err
}

// open prepares for looking at a database.
func (s *Service) open(ctx context.Context, w Watch, notion Notion) (*source, error) {
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
	for _, find := range []struct {
		ids  func(context.Context, crm.Schema) ([]string, error)
		into *[]string
	}{{s.Writes, &s.writes}, {s.Lists, &s.lists}} {
		if find.ids == nil {
			continue
		}
		if *find.into, err = find.ids(ctx, schema); err != nil {
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
			sights[i].Wrote, sights[i].Made = s.writes, page.CreatedBy == s.bot
		}
		s.stale = s.stale || outdated(s.schema, *page)
		if err := s.complete(ctx, page); err != nil {
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
func (s *source) complete(ctx context.Context, page *crm.Page) error {
	for id, v := range page.Values {
		if !v.More || !slices.Contains(s.lists, id) {
			continue
		}
		known, found, err := s.o.State.Snapshot(ctx, page.ID)
		if err != nil {
			return err
		}
		if was := known.Values[id]; found && known.EditedAt.Equal(page.EditedAt) && !was.More && was.Same(v) {
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
