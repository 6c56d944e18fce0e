// Package app puts Dealbell together, starts it and stops it.
//
// It is the only place that knows every package. It promises that a stop
// drains: running jobs get time to end, leads are taken meanwhile, and what
// both left is written before the store closes.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/queue"
	"github.com/dealbell/dealbell/internal/schedule"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/slack"
	"github.com/dealbell/dealbell/internal/store"
)

// Options are what an App is made of.
type Options struct {
	Config         *config.Config
	Log            *slog.Logger
	Transport      http.RoundTripper // to Notion; nil for the network
	SlackTransport http.RoundTripper // to Slack; nil for the network
	Socket         net.Listener      // the public one, where it is open already; nil to open it
	Version        string
}

// App is one Dealbell.
type App struct {
	o        Options
	db       *store.DB
	notion   *notion.Client
	slack    *slack.Client
	leads    *lead.Service
	polls    *poll.Service
	notify   *notify.Service
	schedule *schedule.Service
	runner   *queue.Runner
	metrics  *metrics
	token    secret.String // of scripts on the admin listener
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

// Public returns the public listener's routes.
func (a *App) Public() http.Handler { return a.public }

// Admin returns the admin listener's routes.
func (a *App) Admin() http.Handler { return a.admin }

// Close closes the state directory. Call it after Work has ended.
func (a *App) Close() error { return a.db.Close() }

// Work runs jobs until ctx ends and then drains. It returns early when the
// disk breaks a promise: what is in memory can no longer be trusted then.
func (a *App) Work(ctx context.Context) error {
	var beside sync.WaitGroup // they use the store, which closes next
	defer beside.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	beside.Go(func() { a.keepHouse(ctx) })
	beside.Go(func() { _ = a.schedule.Run(ctx) }) // it ends with ctx alone
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

// keepHouse deletes what is past its time, gives its room back, and looks for
// leads that no job works on, at the start and once an hour.
func (a *App) keepHouse(ctx context.Context) {
	for {
		if err := errors.Join(a.db.Prune(ctx, time.Duration(a.o.Config.Lead.Keep)), a.db.Shrink(ctx), a.remember(ctx), a.watchWebhook(ctx)); err != nil && ctx.Err() == nil {
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
	orphans, err := a.db.Orphans(ctx)
	if err != nil || len(orphans) == 0 {
		return err
	}
	a.o.Log.Error("leads were open although no job worked on them; they are in the queue again", "contacts", len(orphans))
	var commit crm.Commit
	for _, d := range orphans {
		commit.Jobs = append(commit.Jobs, a.leads.Job(d))
	}
	if err := a.db.Apply(ctx, commit); err != nil {
		return err
	}
	a.runner.Wake()
	return nil
}

// watchWebhook says when the webhook has fallen silent.
func (a *App) watchWebhook(ctx context.Context) error {
	hooks, err := a.db.Hooks(ctx)
	if since := hooks.SilentSince(time.Now(), !a.o.Config.WebhookToken.Empty()); err == nil && !since.IsZero() {
		a.o.Log.Warn("polls see changes of which no webhook event told", "since", since, "hint", "is the subscription paused in Notion? dealbell webhook status")
	}
	return err
}
