// Package poll reads watched databases into the local replica.
//
// It owns how far a database was read. The first read takes every row, also
// beyond the 10,000 that one query shows, and goes on where it stopped after
// an interruption. Later reads ask for what was edited since the watermark,
// with an overlap, because Notion rounds edit times down to the minute. The
// watermark moves only after a read was complete.
package poll

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
)

// KindRead is the kind of job that this package handles.
const KindRead = "poll.read"

const (
	mostRows  = 10_000 // that one query shows (https://developers.notion.com/reference/query-a-data-source)
	overlap   = 2 * time.Minute
	schemaAge = time.Hour // how old a schema may get before a read refreshes it
)

// Notion is what the package needs of the client.
type Notion interface {
	Schema(ctx context.Context, database string) (crm.Schema, error)
	RefreshSchema(ctx context.Context, database string) (crm.Schema, error)
	Query(ctx context.Context, dataSource string, q crm.Query) (crm.Rows, error)
}

// State is what the package needs of the store.
type State interface {
	Read(ctx context.Context, database string) (crm.Read, error)
	Apply(ctx context.Context, c crm.Commit) error
}

// Watch is a database to read.
type Watch struct {
	Database string
	Every    time.Duration // how often
	// Key finds the property that identifies a row.
	Key func(context.Context, crm.Schema) (crm.Property, error)
	// Then names the kinds of job that wait for the first read.
	Then []string
}

// Service handles the jobs of reading.
type Service struct {
	notion Notion
	state  State
	watch  map[string]Watch // by database
	log    *slog.Logger
}

// New returns a Service for the watched databases.
func New(notion Notion, state State, log *slog.Logger, watched ...Watch) *Service {
	s := &Service{notion: notion, state: state, watch: map[string]Watch{}, log: log}
	for _, w := range watched {
		s.watch[w.Database] = w
	}
	return s
}

// Job returns the job that reads a database; with the zero time, now.
func Job(database string, at time.Time) (crm.Job, error) {
	payload, err := json.Marshal(database)
	return crm.Job{
		Kind: KindRead, Lane: crm.Sync, Key: "read " + database, Unique: database, Payload: payload, NotBefore: at,
	}, err
}

// Handle reads a database once and asks to be called for the next time.
func (s *Service) Handle(ctx context.Context, job crm.Job) (crm.Commit, error) {
	var id string
	if err := json.Unmarshal(job.Payload, &id); err != nil {
		return crm.Commit{}, fmt.Errorf("%w: read payload: %w", crm.ErrInvalid, err)
	}
	w, ok := s.watch[id]
	if !ok {
		return crm.Commit{}, nil // no longer configured
	}
	r, err := s.reading(ctx, w)
	if err != nil {
		return crm.Commit{}, fmt.Errorf("prepare to read: %w", err)
	}
	first := r.at.CompletedAt.IsZero()
	if first {
		err = r.everything(ctx)
	} else {
		err = r.changes(ctx)
	}
	if err != nil {
		return crm.Commit{}, fmt.Errorf("read database %s: %w", id, err)
	}
	next, err := Job(id, time.Now().Add(w.Every))
	commit := crm.Commit{Reads: []crm.Read{r.at}, Jobs: []crm.Job{next}}
	if first {
		commit.Hurry = w.Then
	}
	return commit, err
}

// reading is one read of one database.
type reading struct {
	*Service
	schema crm.Schema
	db     observe.Database
	at     crm.Read
	newest time.Time // last_edited_time of any row seen
	rows   int
}

func (s *Service) reading(ctx context.Context, w Watch) (*reading, error) {
	schema, err := s.notion.Schema(ctx, w.Database)
	if err == nil && time.Since(schema.ReadAt) > schemaAge {
		schema, err = s.notion.RefreshSchema(ctx, w.Database)
	}
	if err != nil {
		return nil, err
	}
	at, err := s.state.Read(ctx, w.Database)
	if err != nil {
		return nil, err
	}
	key, err := w.Key(ctx, schema)
	if err != nil { // without it the rows would lose their keys
		return nil, err
	}
	return &reading{Service: s, schema: schema, db: observe.Database{ID: w.Database, Key: key}, at: at}, nil
}

// everything reads all rows, from where an interrupted first read stopped.
func (r *reading) everything(ctx context.Context) error {
	started := time.Now()
	if r.at.Watermark.IsZero() {
		r.at.Watermark = started // of the first try: rows read then may have changed since
	}
	if err := r.partitions(ctx, crm.Query{CreatedSince: r.at.ResumeAt}); err != nil {
		return err
	}
	if !r.newest.IsZero() && r.newest.Before(r.at.Watermark) {
		r.at.Watermark = r.newest
	}
	r.at.CompletedAt, r.at.ResumeAt = time.Now(), time.Time{}
	r.log.Info("database read for the first time", "database", r.schema.Name, "rows", r.rows, "took", time.Since(started).Round(time.Millisecond))
	return nil
}

// changes reads what was edited since the watermark. The new watermark is the
// newest edit seen, but not after the start: a row that was read early may
// have been edited while the rest was read.
func (r *reading) changes(ctx context.Context) error {
	watermark := time.Now()
	if err := r.partitions(ctx, crm.Query{EditedSince: r.at.Watermark.Add(-overlap)}); err != nil {
		return err
	}
	if r.newest.Before(watermark) {
		watermark = r.newest
	}
	if watermark.After(r.at.Watermark) {
		r.at.Watermark = watermark
	}
	return nil
}

// partitions asks a query as often as it is cut: one shows 10,000 rows at
// most, oldest first, so each starts at the minute of the last row before.
// Rows of that minute are seen twice, which changes nothing.
func (r *reading) partitions(ctx context.Context, q crm.Query) error {
	for {
		last, cut, err := r.query(ctx, q)
		if err != nil || !cut {
			return err
		}
		if !last.After(q.CreatedSince) {
			if last, err = r.crowdedMinute(ctx, q, last); err != nil {
				return err
			}
		}
		q.CreatedSince = last
	}
}

// crowdedMinute reads a minute in which more rows were made than one query
// shows, as a large import does, from its other end, and returns the next.
func (r *reading) crowdedMinute(ctx context.Context, q crm.Query, minute time.Time) (time.Time, error) {
	q.CreatedUntil, q.Newest = minute.Truncate(time.Minute).Add(time.Minute), true
	_, cut, err := r.query(ctx, q)
	if cut {
		r.log.Warn("more than 20,000 rows were made within one minute; those in the middle are found by look-ups only",
			"database", r.schema.Name, "minute", minute)
	}
	return q.CreatedUntil, err
}

// query takes all rows that one query shows into the replica, and remembers
// how far a first read came. last is the creation time of the newest row.
func (r *reading) query(ctx context.Context, q crm.Query) (last time.Time, cut bool, err error) {
	for seen := 0; ; {
		rows, err := r.notion.Query(ctx, r.schema.DataSource, q)
		if err != nil {
			return last, false, err
		}
		seen += len(rows.Pages)
		for _, p := range rows.Pages {
			last = latest(last, p.CreatedAt)
			r.newest = latest(r.newest, p.EditedAt)
		}
		r.rows += len(rows.Pages)
		commit := observe.See(r.db, rows.Pages...)
		if r.at.CompletedAt.IsZero() && !q.Newest && !last.IsZero() {
			r.at.ResumeAt = last
			commit.Reads = []crm.Read{r.at}
		}
		if err := r.state.Apply(ctx, commit); err != nil {
			return last, false, err
		}
		if q.Cursor = rows.Next; q.Cursor == "" {
			return last, rows.Cut || seen >= mostRows, nil
		}
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
