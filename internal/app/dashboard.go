package app

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/pipeline"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/story"
	"github.com/dealbell/dealbell/internal/web"
)

// newDashboard makes the admin listener's routes.
func (a *App) newDashboard(intakes []ingest.Form) (http.Handler, error) {
	c := a.o.Config
	compiled, err := c.CompiledRules()
	if err != nil {
		return nil, err
	}
	shownRules, err := a.shownRules()
	if err != nil {
		return nil, err
	}
	shownDigests, err := a.shownDigests()
	if err != nil {
		return nil, err
	}
	return web.Handler(web.Options{
		Passwords: a.db, Sessions: a.db, Figures: a.db, Leads: a.db, Jobs: a.db, Repairs: a.db, Rejects: a.db, Messages: a.db,
		Notion: connection{a.notion, a.metrics, c.Notion.Rate}, Replay: ingest.Replay{Kept: a.db, Forms: intakes},
		Tester: notify.Tester{State: a.db, Pages: a.notion.Lane(crm.Live), Rules: compiled, Databases: c.WatchedIDs(), Zone: c.Zone},
		Order:  a.order, Wake: a.runner.Wake,
		Examine: a.Examine,
		Story: func(ctx context.Context, what string) (story.Story, error) {
			return story.Tell(ctx, a.db, c.Zone, what)
		},
		Pipeline: func(ctx context.Context, now time.Time) (pipeline.Report, error) {
			return pipeline.Read(ctx, a.db, c.Pipeline(), now)
		},
		Forms: c.LeadForms(), Databases: a.shownDatabases(), Rules: shownRules, Digests: shownDigests,
		Subscribed: !c.WebhookToken.Empty(), Keep: time.Duration(c.Lead.Keep),
		Trusted: c.Trusted(), Hosts: c.AdminHosts, Token: a.token, Status: http.HandlerFunc(a.serveStatus), Metrics: a.metrics.handler(),
		Zone: c.Zone, Draining: a.draining, Version: a.o.Version, Log: a.o.Log.With("component", "web"),
	})
}

// connection is Notion as the dashboard shows it.
type connection struct {
	*notion.Client
	metrics *metrics
	rate    float64
}

// Budget implements web.Notion.
func (c connection) Budget() (used, most int) {
	return c.metrics.lastMinute.Count(time.Now()), int(c.rate * 60)
}

func (a *App) shownDatabases() (found []web.Database) {
	for _, db := range a.o.Config.Watched() {
		found = append(found, web.Database{ID: db.ID, Name: db.Name, Every: time.Duration(db.Poll)})
	}
	return found
}

func (a *App) shownRules() (found []web.Rule, err error) {
	all := a.o.Config.Rules
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r, err := rules.Compile(name, all[name])
		if err != nil {
			return nil, err
		}
		found = append(found, web.Rule{
			Name: name, Database: r.Database(), Channel: r.Channel(), Words: all[name].Words(), Text: all[name].Text,
			Asleep: a.asleep(r.Off(), r.Database(), r.Channel()),
		})
	}
	return found, nil
}

func (a *App) shownDigests() (found []web.Digest, err error) {
	all := a.o.Config.Digests
	for _, name := range slices.Sorted(maps.Keys(all)) {
		spec := all[name]
		d, err := digest.Compile(name, "", spec)
		if err != nil {
			return nil, err
		}
		found = append(found, web.Digest{
			Name: name, Database: spec.Database, Channel: d.Channel(), Schedule: spec.Schedule, Filter: spec.Filter,
			Asleep: a.asleep(d.Off(), spec.Database, d.Channel()),
			Next:   func(after time.Time) time.Time { return a.schedule.Next(digestSchedule+name, after) },
		})
	}
	return found, nil
}

// asleep says why a rule or digest never speaks; "" when it does.
func (a *App) asleep(off bool, database, channel string) string {
	id, _ := a.o.Config.DatabaseID(database)
	switch {
	case off:
		return "It is switched off in the configuration."
	case id == "":
		return fmt.Sprintf("The database %q is not set up.", database)
	case !a.slack.Knows(channel):
		return fmt.Sprintf("There is no Slack channel %q.", channel)
	}
	return ""
}
