// Package importer brings tables into databases, beside live leads.
//
// It owns how columns find their properties, how cells become values, which
// rows of a table are new, changed or unchanged, and the jobs that write them.
// Its promises: nothing that a person set is replaced unless that was asked
// for, as far as events and polls have told of it; one row makes one page, also after a crash, and also when a lead of the
// same address arrives in the middle; a row that was brought in once has no
// second effect; one that Notion refuses holds up no other. It writes rows
// through package upsert and refuses to know what a file is.
//
// The rows wait in the store. A job that feeds makes jobs of the first of
// them, a few at a time, so that an import of any size takes little memory
// and leaves the queue to others.
package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/upsert"
)

// The kinds of job that this package handles.
const (
	KindFeed = "import.feed" // make jobs of the rows that come next
	KindRow  = "import.row"  // bring one row into its database
)

const (
	window = 100 // rows that are in the queue at once
	// feedWait is how often it is looked whether rows are left behind. As long
	// as all goes well, rows call for the next ones themselves.
	feedWait = 30 * time.Second
	// staleAge is how old the last read of a database may be before it is read
	// again: a little longer than polls are apart, unless somebody wants it so.
	staleAge = 6 * time.Minute
)

// State is what the package needs of the store.
type State interface {
	upsert.State
	Import(ctx context.Context, id int64) (crm.Import, bool, error)
	ImportRow(ctx context.Context, id int64, line int) (crm.ImportRow, bool, error)
	ImportRows(ctx context.Context, id int64, limit int) ([]crm.ImportRow, error)
	Queued(ctx context.Context, kind, unique string) (bool, error)
	Rows(ctx context.Context, database string, visit func(crm.Snapshot) error) error
	Snapshot(ctx context.Context, page string) (crm.Snapshot, bool, error)
}

// Options are what a Service needs.
type Options struct {
	Notion   upsert.Notion // for rows that nobody waits for
	Live     upsert.Notion // for rows that a lead waits behind
	State    State
	Contacts string                                           // database id
	Freshen  func(ctx context.Context, database string) error // reads what changed
	Log      *slog.Logger
}

// Service handles the jobs of imports.
type Service struct {
	o     Options
	begun time.Time
}

// New returns a Service.
func New(o Options) *Service { return &Service{o: o, begun: time.Now()} }

// FeedJob returns the job that works on an import.
func FeedJob(id int64, at time.Time) crm.Job {
	name := KindFeed + " " + strconv.FormatInt(id, 10)
	payload, _ := json.Marshal(id) // a number
	return crm.Job{Kind: KindFeed, Lane: crm.Bulk, Key: name, Unique: name, Payload: payload, NotBefore: at}
}

// place is the payload of a KindRow job.
type place struct {
	Import int64  `json:"import"`
	Line   int    `json:"line"`
	Page   string `json:"page,omitempty"`  // that carries the key, where the store keeps no keys
	Calls  bool   `json:"calls,omitempty"` // for the next rows
}

// Row brings one row into its database.
func (s *Service) Row(ctx context.Context, job crm.Job) (crm.Commit, error) {
	var at place
	if err := json.Unmarshal(job.Payload, &at); err != nil {
		return crm.Commit{}, fmt.Errorf("%w: read payload: %w", crm.ErrInvalid, err)
	}
	in, found, err := s.o.State.Import(ctx, at.Import)
	if err != nil || !found || in.State != crm.ImportRunning {
		return crm.Commit{}, err
	}
	row, found, err := s.o.State.ImportRow(ctx, at.Import, at.Line)
	if err != nil || !found {
		return crm.Commit{}, err
	}
	ctx = crm.About(ctx, crm.Record{Key: job.Key})
	crm.Note(ctx, crm.Step{Kind: crm.StepImported, Why: fmt.Sprintf("line %d of import %d", row.Line, in.ID)})
	written, commit, err := s.write(ctx, job, in, row, at.Page)
	done := crm.Imported{Import: row.Import, Line: row.Line, Outcome: written.Outcome, Page: written.Page}
	switch {
	case errors.Is(err, crm.ErrInvalid):
		done.Outcome, done.Reason = crm.Rejected, err.Error()
	case err != nil:
		return s.halt(in, commit, err)
	}
	commit.Imported = append(commit.Imported, done)
	if at.Calls {
		commit.Jobs = append(commit.Jobs, FeedJob(in.ID, time.Time{}))
	}
	return commit, nil
}

func (s *Service) write(ctx context.Context, job crm.Job, in crm.Import, row crm.ImportRow, page string) (written upsert.Written, commit crm.Commit, err error) {
	w := upsert.Writer{Notion: s.o.Notion, State: s.o.State}
	if job.Lane == crm.Live {
		w.Notion = s.o.Live
	}
	if in.Database != s.o.Contacts {
		w.State = &keyless{State: s.o.State, key: row.Key, pages: []string{page}}
	}
	commit, err = w.WithSchema(ctx, in.Database, func(schema crm.Schema) (commit crm.Commit, err error) {
		if err := fits(schema, in, row); err != nil {
			return crm.Commit{}, err
		}
		property, _ := schema.PropertyByID(in.Property)
		want := upsert.Row{
			Database: in.Database, DataSource: schema.DataSource, Property: property, Key: row.Key,
			Typed: []string{row.Wanted[in.Property].Text}, Create: row.Wanted, Fill: row.Wanted,
			Fresh: job.Attempts == 0, // what failed may have been done
		}
		if in.Overwrite {
			want.Replace = without(row.Wanted, in.Property)
		}
		written, commit, err = w.Write(ctx, want)
		return commit, err
	})
	if in.Database != s.o.Contacts {
		nameless(commit.Sights)
	}
	return written, commit, err
}

// fits reports whether the properties that a row fills are still there, and of
// the type that they had when the file was read.
func fits(schema crm.Schema, in crm.Import, row crm.ImportRow) error {
	if _, there := schema.PropertyByID(in.Property); !there {
		return fmt.Errorf("%w: %q has lost the property that identifies its rows", crm.ErrForbidden, schema.Name)
	}
	for id, v := range row.Wanted {
		switch p, there := schema.PropertyByID(id); {
		case !there:
			return fmt.Errorf("%w: %q has lost a property that the file fills; --plan shows what is left", crm.ErrForbidden, schema.Name)
		case p.Kind != v.Kind:
			return fmt.Errorf("%w: property %q of %q is of type %s by now, and was of type %s; --plan shows what fits", crm.ErrForbidden, p.Name, schema.Name, p.Kind, v.Kind)
		}
	}
	return nil
}

// halt stops an import for a failure that concerns all of its rows; others
// are for the queue to try again.
func (s *Service) halt(in crm.Import, commit crm.Commit, err error) (crm.Commit, error) {
	if !errors.Is(err, crm.ErrForbidden) && !errors.Is(err, crm.ErrNotFound) {
		return commit, err
	}
	s.o.Log.Error("an import has stopped; once this is mended the same command goes on with it", "import", in.ID, "error", err)
	commit.Stops = append(commit.Stops, crm.ImportStop{Import: in.ID, Reason: err.Error()})
	return commit, nil
}

func without(values map[string]crm.Value, property string) map[string]crm.Value {
	rest := map[string]crm.Value{}
	for id, v := range values {
		if id != property {
			rest[id] = v
		}
	}
	return rest
}
