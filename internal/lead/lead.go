// Package lead brings verified deliveries into Notion: one contact per email,
// every message kept, nothing that a person wrote overwritten.
//
// It owns what a form may send, how its fields become properties, and the
// steps from there; how one row is written exactly once is package upsert's.
// A known contact is only touched: values go where a fresh look shows a blank.
// Each message carries the id of its delivery, so that it can be found before
// it is written again.
package lead

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/upsert"
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
	upsert.Notion
	Append(ctx context.Context, page string, text []crm.Paragraph) error
	Blocks(ctx context.Context, page, cursor string) (texts []string, next string, err error)
}

// State is what the package needs of the store. Apply is all or nothing and
// durable when it returns.
type State interface {
	upsert.State
	Pending(ctx context.Context, key string, limit int) ([]crm.Delivery, error)
	Delivery(ctx context.Context, id string) (crm.Delivery, error)
	Leftovers(ctx context.Context, database string, limit int) ([]crm.Leftover, error)
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
	rows      upsert.Writer // for leads
	calm      upsert.Writer // for what can wait
	inspected atomic.Bool   // the schemas were compared with the mapping once
}

// New returns a Service.
func New(o Options) *Service {
	return &Service{o: o, rows: upsert.Writer{Notion: o.Notion, State: o.State}, calm: upsert.Writer{Notion: o.Calm, State: o.State}}
}

// Key finds the property of Contacts that identifies a row.
func (s *Service) Key(ctx context.Context, contacts crm.Schema) (crm.Property, error) {
	b, err := s.rows.Bind(ctx, contacts, s.contactNames())
	if err != nil {
		return crm.Property{}, err
	}
	return b.Key(s.o.Mapping.Key)
}

// UpsertJob returns the job that works on the deliveries of a contact.
func UpsertJob(key string) crm.Job {
	return crm.Job{Kind: KindUpsert, Lane: crm.Live, Key: key, Unique: key}
}

// CompleteJob returns the job that looks after values that did not fit.
func CompleteJob(at time.Time) crm.Job {
	return crm.Job{Kind: KindComplete, Lane: crm.Sync, Key: KindComplete, Unique: KindComplete, NotBefore: at}
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
