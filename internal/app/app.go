// Package app puts Dealbell together, starts it and stops it.
//
// It is the only place that knows every package. It promises that a stop
// drains: no new request is taken, running jobs get time to end, and what
// they did is written before the store closes.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/queue"
	"github.com/dealbell/dealbell/internal/store"
)

// The interfaces that services declare are satisfied here.
var (
	_ lead.Notion   = (*notion.Caller)(nil)
	_ lead.State    = (*store.DB)(nil)
	_ poll.Notion   = (*notion.Caller)(nil)
	_ poll.State    = (*store.DB)(nil)
	_ queue.Store   = (*store.DB)(nil)
	_ queue.Gate    = (*notion.Client)(nil)
	_ notion.Pauses = (*store.DB)(nil)
	_ ingest.Inbox  = (*store.DB)(nil)
	_ ingest.Health = (*App)(nil)
)

// Options are what an App is made of.
type Options struct {
	Config    *config.Config
	Log       *slog.Logger
	Transport http.RoundTripper // to Notion; nil for the network
	Version   string
}

// App is one Dealbell.
type App struct {
	o        Options
	db       *store.DB
	notion   *notion.Client
	runner   *queue.Runner
	metrics  *metrics
	token    string // of the admin listener
	draining chan struct{}
	public   http.Handler
	admin    http.Handler
	writable writeCheck
}

// New opens the state directory and wires everything. Nothing runs yet.
func New(ctx context.Context, o Options) (*App, error) {
	db, err := store.Open(ctx, o.Config.Data, o.Log.With("component", "store"))
	if err != nil {
		return nil, err
	}
	a := &App{o: o, db: db, draining: make(chan struct{})}
	if err := a.wire(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return a, nil
}

func (a *App) wire(ctx context.Context) (err error) {
	c, log := a.o.Config, a.o.Log
	a.metrics = newMetrics(a.o.Version, a.db)
	if a.token, err = adminToken(c.Data); err != nil {
		return err
	}
	a.notion, err = notion.New(ctx, notion.Options{
		Token: c.NotionToken, BaseURL: c.Notion.URL, Transport: a.o.Transport,
		Rate: c.Notion.Rate, Burst: c.Notion.Burst,
		Pauses: a.db, Log: log.With("component", "notion"), Observer: a.metrics,
	})
	if err != nil {
		return fmt.Errorf("set up notion: %w", err)
	}
	leads := lead.New(lead.Options{
		Notion: a.notion.Lane(crm.Live), Calm: a.notion.Lane(crm.Sync), State: a.db,
		Contacts: c.Contacts.ID, Activities: c.Activities.ID,
		Mapping: c.Lead.Mapping(), Zone: c.Zone, Log: log.With("component", "lead"),
	})
	watched := []poll.Watch{{Database: c.Contacts.ID, Every: time.Duration(c.Contacts.Poll), Key: leads.Key, Then: []string{lead.KindUpsert}}}
	polls := poll.New(a.notion.Lane(crm.Sync), a.db, log.With("component", "poll"), watched...)
	a.runner = queue.New(queue.Options{
		Store: a.db, Gate: a.notion, Log: log.With("component", "queue"), Ended: a.metrics.jobEnded,
		Handlers: map[string]queue.Handler{
			lead.KindUpsert:   leads.Upsert,
			lead.KindActivity: leads.Activity,
			lead.KindComplete: leads.Complete,
			poll.KindRead:     polls.Handle,
		},
	})
	a.public = ingest.Handler(ingest.Options{
		Inbox: a.db, Health: a, Wake: a.runner.Wake, Secrets: c.FormSecrets,
		Draining: a.draining, Counted: a.metrics.request, Log: log.With("component", "ingest"),
	})
	a.admin = a.adminRoutes()
	return a.enqueueFirst(ctx, watched)
}

// enqueueFirst asks for what every start begins with: reading what changed in
// Notion meanwhile, and another try at values that did not fit.
func (a *App) enqueueFirst(ctx context.Context, watched []poll.Watch) error {
	jobs := []crm.Job{lead.CompleteJob(time.Time{})}
	for _, w := range watched {
		job, err := poll.Job(w.Database, time.Time{})
		if err != nil {
			return fmt.Errorf("plan first read: %w", err)
		}
		jobs = append(jobs, job)
	}
	return a.db.Apply(ctx, crm.Commit{Jobs: jobs})
}

// Public returns the public listener's routes.
func (a *App) Public() http.Handler { return a.public }

// Admin returns the admin listener's routes.
func (a *App) Admin() http.Handler { return a.admin }

// Close closes the state directory. Call it after Work has ended.
func (a *App) Close() error { return a.db.Close() }

// Work runs jobs until ctx ends and then drains. It returns early when the
// disk breaks a promise: what is in memory can no longer be trusted then.
func (a *App) Work(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go a.keepHouse(ctx)
	go func() {
		select {
		case <-a.db.Failed():
			cancel(a.db.Err())
		case <-ctx.Done():
		}
	}()
	err := a.runner.Run(ctx)
	if failure := a.db.Err(); failure != nil {
		return fmt.Errorf("stop because the disk failed: %w", failure)
	}
	return err
}

// keepHouse deletes what is past its time and looks for leads that no job
// works on, at the start and once an hour.
func (a *App) keepHouse(ctx context.Context) {
	for {
		if err := errors.Join(a.db.Prune(ctx, time.Duration(a.o.Config.Lead.Keep)), a.remember(ctx)); err != nil && ctx.Err() == nil {
			a.o.Log.Warn("the hourly clean-up failed; another try in an hour", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Hour):
		}
	}
}

// remember enqueues the leads that no job works on. A bug may have forgotten
// them; this promise has two locks.
func (a *App) remember(ctx context.Context) error {
	forgotten, err := a.db.Forgotten(ctx)
	if err != nil || len(forgotten) == 0 {
		return err
	}
	a.o.Log.Error("leads were open although no job worked on them; they are in the queue again", "contacts", len(forgotten))
	var commit crm.Commit
	for _, key := range forgotten {
		commit.Jobs = append(commit.Jobs, lead.UpsertJob(key))
	}
	if err := a.db.Apply(ctx, commit); err != nil {
		return err
	}
	a.runner.Wake()
	return nil
}
