// Package lead brings verified deliveries into Notion: one contact per email,
// every message kept, nothing that a person wrote overwritten.
//
// It owns what a form may send, how its fields become properties, and the
// steps of the upsert. Its promises rest on three rules. A page is created
// only after a look-up found none and an intent was stored; while the outcome
// of a create is unknown, look-ups decide, not hope. A known contact is only
// touched: values go where a fresh look shows a blank. Each message carries
// the id of its delivery, so that it can be found before it is written again.
package lead

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// The kinds of job that this package handles.
const (
	KindUpsert   = "lead.upsert"   // bring the open deliveries of one contact into Notion
	KindActivity = "lead.activity" // make one message a row of Activities
	KindAddress  = "lead.address"  // find out whose lead a delivery is
	KindRow      = "lead.row"      // make one submission a row of its form's database
	KindComplete = "lead.complete" // write values that did not fit before
)

// Notion is what the package needs of the client. Failures wrap one of the
// sentinels of package crm.
type Notion interface {
	Schema(ctx context.Context, database string) (crm.Schema, error)
	RefreshSchema(ctx context.Context, database string) (crm.Schema, error)
	Query(ctx context.Context, dataSource string, q crm.Query) (crm.Rows, error)
	Page(ctx context.Context, id string) (crm.Page, error)
	Create(ctx context.Context, dataSource string, values map[string]crm.Value, text []crm.Paragraph) (crm.Page, error)
	Update(ctx context.Context, page string, values map[string]crm.Value) (crm.Page, error)
	Append(ctx context.Context, page string, text []crm.Paragraph) error
	Blocks(ctx context.Context, page, cursor string) (texts []string, next string, err error)
}

// State is what the package needs of the store. Apply is all or nothing and
// durable when it returns.
type State interface {
	Pending(ctx context.Context, key string, limit int) ([]crm.Delivery, error)
	Delivery(ctx context.Context, id string) (crm.Delivery, error)
	Known(ctx context.Context, database, key string) ([]crm.Snapshot, error) // live ones first, oldest first
	Intent(ctx context.Context, database, key string) (crm.Intent, bool, error)
	Read(ctx context.Context, database string) (crm.Read, error)
	Leftovers(ctx context.Context, database string, limit int) ([]crm.Leftover, error)
	Bindings(ctx context.Context, database string) (map[string]string, error)
	SaveBindings(ctx context.Context, database string, names map[string]string) error
	Apply(ctx context.Context, c crm.Commit) error
}

// Options are what a Service needs.
type Options struct {
	Notion     Notion // for leads: somebody waits
	Calm       Notion // for what can wait
	State      State
	Contacts   string // database id
	Activities string // database id; "" keeps messages on the contact's page
	Mapping    Mapping
	Forms      map[string]Form // by name
	Zone       *time.Location  // of dates written to Notion
	Log        *slog.Logger
}

// Service handles the jobs of leads.
type Service struct {
	o         Options
	inspected atomic.Bool // the schemas were compared with the mapping once
}

// New returns a Service.
func New(o Options) *Service { return &Service{o: o} }

// Key finds the property of Contacts that identifies a row.
func (s *Service) Key(ctx context.Context, contacts crm.Schema) (crm.Property, error) {
	b, err := s.bind(ctx, contacts, s.contactNames())
	if err != nil {
		return crm.Property{}, err
	}
	return b.key(s.o.Mapping.Key)
}

// UpsertJob returns the job that works on the deliveries of a contact.
func UpsertJob(key string) crm.Job {
	return crm.Job{Kind: KindUpsert, Lane: crm.Live, Key: key, Unique: key}
}

// CompleteJob returns the job that looks after values that did not fit.
func CompleteJob(at time.Time) crm.Job {
	return crm.Job{Kind: KindComplete, Lane: crm.Sync, Key: KindComplete, Unique: KindComplete, NotBefore: at}
}

// schema reads the shape of a database. That it cannot be read is about the
// set-up, never about a lead: it stops the lane and does not bury the job.
func (s *Service) schema(ctx context.Context, notion Notion, database string) (crm.Schema, error) {
	schema, err := notion.Schema(ctx, database)
	return schema, setUp(database, err)
}

func (s *Service) refreshSchema(ctx context.Context, notion Notion, database string) (crm.Schema, error) {
	schema, err := notion.RefreshSchema(ctx, database)
	return schema, setUp(database, err)
}

func setUp(database string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, crm.ErrInvalid) {
		err = fmt.Errorf("%w: %s", crm.ErrForbidden, err) //nolint:errorlint // it must not count as refused values
	}
	return fmt.Errorf("read schema of database %s: %w", database, err)
}

// withSchema does something that depends on the shape of a database. When
// Notion refuses it although it fits the cached schema, or the data source is
// gone, the schema is read again and it is tried once more.
func (s *Service) withSchema(ctx context.Context, database string, try func(crm.Schema) (crm.Commit, error)) (crm.Commit, error) {
	schema, err := s.schema(ctx, s.o.Notion, database)
	if err != nil {
		return crm.Commit{}, err
	}
	commit, err := try(schema)
	if !errors.Is(err, crm.ErrInvalid) && !errors.Is(err, crm.ErrNotFound) {
		return commit, err
	}
	// What is known now has to be kept, such as that nothing was created.
	if err := s.o.State.Apply(ctx, commit); err != nil {
		return crm.Commit{}, err
	}
	if schema, err = s.refreshSchema(ctx, s.o.Notion, database); err != nil {
		return crm.Commit{}, err
	}
	return try(schema)
}

// bind reads a database's schema and resolves names in it, remembering the
// ids of those it finds.
func (s *Service) bind(ctx context.Context, schema crm.Schema, names []string) (bindings, error) {
	known, err := s.o.State.Bindings(ctx, schema.Database)
	if err != nil {
		return bindings{}, err
	}
	b := bindings{crm.Bindings{Schema: schema, Known: known}}
	changed := b.Learn(names)
	if len(changed) == 0 {
		return b, nil
	}
	if err := s.o.State.SaveBindings(ctx, schema.Database, changed); err != nil {
		return bindings{}, err
	}
	b.Known, err = s.o.State.Bindings(ctx, schema.Database)
	return b, err
}

// contactNames lists the properties of Contacts that leads may write.
func (s *Service) contactNames() []string {
	names := []string{s.o.Mapping.Key, s.o.Mapping.Touch}
	for _, f := range s.o.Forms {
		if f.Database == "" {
			names = append(names, f.properties()...)
		}
	}
	return names
}
