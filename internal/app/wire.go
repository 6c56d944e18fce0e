package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/antispam"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/importer"
	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/outbound"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/queue"
	"github.com/dealbell/dealbell/internal/schedule"
	"github.com/dealbell/dealbell/internal/slack"
	"github.com/dealbell/dealbell/internal/store"
	"github.com/dealbell/dealbell/internal/web"
)

// The interfaces that services declare are satisfied here.
var (
	_ lead.Notion      = (*notion.Caller)(nil)
	_ lead.State       = (*store.DB)(nil)
	_ poll.Notion      = reader{}
	_ poll.State       = (*store.DB)(nil)
	_ notify.State     = (*store.DB)(nil)
	_ notify.Slack     = (*slack.Client)(nil)
	_ notify.Workspace = (*notion.Caller)(nil)
	_ digest.State     = (*store.DB)(nil)
	_ schedule.Ledger  = (*store.DB)(nil)
	_ queue.Store      = (*store.DB)(nil)
	_ queue.Gate       = (*notion.Client)(nil)
	_ notion.Pauses    = (*store.DB)(nil)
	_ ingest.Inbox     = (*store.DB)(nil)
	_ ingest.Hooks     = (*store.DB)(nil)
	_ ingest.Health    = (*App)(nil)
	_ web.Passwords    = (*store.DB)(nil)
	_ web.Sessions     = (*store.DB)(nil)
	_ web.Figures      = (*store.DB)(nil)
	_ web.Leads        = (*store.DB)(nil)
	_ web.Jobs         = (*store.DB)(nil)
	_ web.Repairs      = (*store.DB)(nil)
	_ web.Rejects      = (*store.DB)(nil)
	_ web.Messages     = (*store.DB)(nil)
	_ web.Tester       = notify.Tester{}
	_ web.Replay       = ingest.Replay{}
)

// handshakeTime is how long after a start a first webhook subscription is let
// in.
const handshakeTime = 15 * time.Minute

// reader is a caller that knows whose edits are Dealbell's own.
type reader struct{ *notion.Caller }

// Bot returns the user id of the connection. With a person's own token their
// edits cannot be told from Dealbell's, so none counts as its own.
func (r reader) Bot(ctx context.Context) (string, error) {
	me, err := r.Me(ctx)
	if err != nil || me.Person {
		return "", err
	}
	return me.ID, nil
}

func (a *App) wire(ctx context.Context) (err error) {
	c := a.o.Config
	a.metrics = newMetrics(a.o.Version, a.db, !c.WebhookToken.Empty())
	if a.token, err = adminToken(c.Data); err != nil {
		return err
	}
	if err := a.connect(ctx); err != nil {
		return err
	}
	leads := c.LeadOptions()
	leads.Notion, leads.Calm, leads.State, leads.Log = a.notion.Lane(crm.Live), a.notion.Lane(crm.Sync), a.db, a.o.Log.With("component", "lead")
	a.leads = lead.New(leads)
	if a.notify, err = a.newNotify(); err != nil {
		return err
	}
	a.polls = poll.New(poll.Options{
		Live: reader{a.notion.Lane(crm.Live)}, Calm: reader{a.notion.Lane(crm.Sync)}, Bulk: reader{a.notion.Lane(crm.Bulk)},
		State: a.db, Watch: a.watched(), Log: a.o.Log.With("component", "poll"),
	})
	digests, entries, err := a.newDigests()
	if err != nil {
		return err
	}
	imports := a.newImporter()
	a.db.Follow(store.Follow{Changed: notify.MatchJob(), Clue: poll.ClueJob, Wake: func() { a.runner.Wake() }})
	a.runner = queue.New(queue.Options{
		Store: a.db, Gate: a.notion, Log: a.o.Log.With("component", "queue"), Ended: a.metrics.jobEnded, Lost: a.db.Failed(),
		Handlers: stopImports(map[string]queue.Handler{
			lead.KindUpsert:    a.leads.Upsert,
			lead.KindActivity:  a.leads.Activity,
			lead.KindComplete:  a.leads.Complete,
			lead.KindAddress:   a.leads.Address,
			lead.KindRow:       a.leads.Row,
			poll.KindRead:      a.polls.Read,
			poll.KindReconcile: a.polls.Reconcile,
			poll.KindClues:     a.polls.Clues,
			poll.KindEvents:    a.polls.Events,
			poll.KindSchema:    a.polls.Schema,
			notify.KindMatch:   a.notify.Match,
			notify.KindSend:    a.notify.Send,
			digest.KindMake:    digests.Make,
			importer.KindFeed:  imports.Feed,
			importer.KindRow:   imports.Row,
		}),
	})
	a.schedule = schedule.New(schedule.Options{Ledger: a.db, Log: a.o.Log.With("component", "schedule"), Entries: entries, Wake: a.runner.Wake})
	guard, err := a.newGuard(ctx)
	if err != nil {
		return err
	}
	intakes := a.intakes()
	a.public, err = ingest.Handler(ingest.Options{
		Inbox: a.db, Hooks: a.db, Health: a, Wake: a.runner.Wake, Forms: intakes, Guard: guard, Trusted: c.Trusted(), Token: c.WebhookToken,
		Draining: a.draining, Counted: a.metrics.request, Log: a.o.Log.With("component", "ingest"),
	})
	if err != nil {
		return err
	}
	if a.admin, err = a.newDashboard(intakes); err != nil {
		return err
	}
	return errors.Join(a.enqueueFirst(ctx), a.expectHandshake(ctx))
}

// intakes are the ways in; where they ask Cloudflare, they ask nobody else.
func (a *App) intakes() []ingest.Form {
	forms := a.o.Config.Intakes()
	for _, f := range forms {
		if f.Turnstile != nil {
			guard := outbound.Guard{Targets: []string{antispam.Siteverify}, Private: a.o.Config.PrivateHosts}
			f.Turnstile.Transport = guard.Transport(http.DefaultTransport.(*http.Transport).Clone(), net.Dialer{})
		}
	}
	return forms
}

// newGuard judges what browsers send. Its key outlives a restart, so that what
// is typed meanwhile passes.
func (a *App) newGuard(ctx context.Context) (*antispam.Guard, error) {
	key, err := a.db.Secret(ctx, "antispam key", antispam.NewKey())
	if err != nil {
		return nil, err
	}
	return antispam.New(key)
}

// connect makes the clients of the outside systems.
func (a *App) connect(ctx context.Context) (err error) {
	a.notion, a.slack, err = a.o.connect(ctx, a.db, a.metrics)
	return err
}

// connect makes the clients of the outside systems. pauses keeps what Notion
// asked for; it and the observer may be nil.
func (o Options) connect(ctx context.Context, pauses notion.Pauses, observer notion.Observer) (*notion.Client, *slack.Client, error) {
	c := o.Config
	workspace, err := notion.New(ctx, notion.Options{
		Token: c.NotionToken, BaseURL: c.Notion.URL, Transport: o.Transport, Private: c.PrivateHosts,
		Rate: c.Notion.Rate, Burst: c.Notion.Burst,
		Pauses: pauses, Log: o.Log.With("component", "notion"), Observer: observer,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("set up notion: %w", err)
	}
	webhooks, channels := c.Slack.Ways()
	chat, err := slack.New(slack.Options{
		Webhooks: webhooks, Channels: channels, Token: c.SlackToken, BaseURL: c.Slack.URL, Transport: o.SlackTransport, Private: c.PrivateHosts,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("set up slack: %w", err)
	}
	return workspace, chat, nil
}

func (a *App) newNotify() (*notify.Service, error) {
	c := a.o.Config
	compiled, err := c.CompiledRules()
	if err != nil {
		return nil, err
	}
	quiet, err := c.Quiet()
	if err != nil {
		return nil, err
	}
	log := a.o.Log.With("component", "notify")
	if len(c.Slack.Channels) == 0 {
		log.Warn("no Slack channel is configured: nothing rings", "hint", "set SLACK_WEBHOOK_URL to an incoming webhook's URL")
	}
	compiled = slices.DeleteFunc(compiled, func(r notify.Rule) bool { return a.silent("rule", r.Name(), r.Channel()) })
	return notify.New(notify.Options{
		State: a.db, Slack: a.slack, Workspace: a.notion.Lane(crm.Notify), Rules: compiled,
		Members: c.Slack.Members, Quiet: quiet, Zone: c.Zone, Log: log,
	}), nil
}

// silent reports, and says, that a rule or digest has no channel to speak in.
func (a *App) silent(what, name, channel string) bool {
	if a.slack.Knows(channel) {
		return false
	}
	if len(a.o.Config.Slack.Channels) > 0 { // else that was said already
		a.o.Log.Warn("there is no such Slack channel", what, name, "channel", channel, "hint", "name it under slack: channels: in the configuration file")
	}
	return true
}

// watched lists the databases that are read.
func (a *App) watched() []poll.Watch {
	var found []poll.Watch
	for _, db := range a.o.Config.Watched() {
		w := poll.Watch{Database: db.ID, Every: time.Duration(db.Poll), Lists: a.notify.Lists, Then: []string{digest.KindMake, importer.KindFeed}}
		if db.ID == a.o.Config.Contacts.ID {
			w.Key, w.Then = a.leads.Key, append(w.Then, lead.KindUpsert)
		}
		found = append(found, w)
	}
	return found
}

// digestSchedule begins the names of the digests' schedules.
const digestSchedule = "digest "

// newDigests makes the digests that are on, with their schedules.
func (a *App) newDigests() (*digest.Service, []schedule.Entry, error) {
	compiled, err := a.o.Config.CompiledDigests()
	if err != nil {
		return nil, nil, err
	}
	var entries []schedule.Entry
	for _, d := range compiled {
		if a.silent("digest", d.Name(), d.Channel()) { // it can still be looked at
			continue
		}
		spec, err := schedule.Parse(d.Schedule(), a.o.Config.Zone)
		if err != nil {
			return nil, nil, fmt.Errorf("digest %q: %w", d.Name(), err)
		}
		entries = append(entries, schedule.Entry{Name: digestSchedule + d.Name(), Spec: spec, Job: func(slot schedule.Slot) crm.Job {
			return digest.Job(d.Name(), slot.Name, slot.At)
		}})
	}
	return digest.New(digest.Options{
		State: a.db, Freshen: a.polls.Freshen, Digests: compiled, Zone: a.o.Config.Zone, Log: a.o.Log.With("component", "digest"),
		Send:   func(channel string) crm.Job { return notify.SendJob(channel, time.Time{}) },
		Direct: notify.PersonChannel,
	}), entries, nil
}

// enqueueFirst asks for what every start begins with: reading what changed in
// Notion meanwhile, messages that were not sent, another try at values that
// did not fit.
func (a *App) enqueueFirst(ctx context.Context) error {
	jobs := []crm.Job{lead.CompleteJob(time.Time{}), poll.EventJob(), poll.ClueJob(""), notify.MatchJob()}
	for _, db := range a.o.Config.Watched() {
		jobs = append(jobs, poll.Job(db.ID, time.Time{}), poll.ClueJob(db.ID))
		if due, err := a.polls.ReconcileDue(ctx, db.ID); err != nil {
			return err
		} else if !due.IsZero() {
			jobs = append(jobs, poll.ReconcileJob(db.ID, due))
		}
	}
	channels, err := a.db.Channels(ctx)
	if err != nil {
		return err
	}
	for _, channel := range channels {
		jobs = append(jobs, notify.SendJob(channel, time.Time{}))
	}
	return a.db.Apply(ctx, crm.Commit{Jobs: jobs})
}

// expectHandshake lets a first webhook subscription in for a while.
func (a *App) expectHandshake(ctx context.Context) error {
	hooks, err := a.db.Hooks(ctx)
	if err != nil || len(hooks.Tokens) > 0 || !a.o.Config.WebhookToken.Empty() {
		return err
	}
	return a.db.Arm(ctx, time.Now().Add(handshakeTime))
}
