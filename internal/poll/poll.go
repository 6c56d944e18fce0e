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
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
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
	NewestEdit(ctx context.Context, database string) (time.Time, error)
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

// ClueJob returns the job that looks into the clues of a database: a deal that
// is won rings within seconds, however many leads wait.
func ClueJob(database string) crm.Job { return ahead(job(KindClues, crm.Live, database, time.Time{})) }

// EventJob returns the job that looks into webhook events.
func EventJob() crm.Job { return ahead(job(KindEvents, crm.Live, "all", time.Time{})) }

func ahead(j crm.Job) crm.Job {
	j.Ahead = true
	return j
}

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
