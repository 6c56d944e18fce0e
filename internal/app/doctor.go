package app

import (
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/doctor"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/outbound"
	"github.com/dealbell/dealbell/internal/slack"
	"github.com/dealbell/dealbell/internal/store"
)

var (
	_ doctor.Notion = (*notion.Caller)(nil)
	_ doctor.Store  = (*store.DB)(nil)
	_ doctor.Slack  = (*slack.Client)(nil)
)

// Examine looks at everything beside a daemon, or without one; db is nil where
// none has ever run.
func Examine(ctx context.Context, o Options, db *store.DB, running bool) (doctor.Report, error) {
	var pauses notion.Pauses
	if db != nil {
		pauses = db
	}
	workspace, chat, err := o.connect(ctx, pauses, nil)
	if err != nil {
		return doctor.Report{}, err
	}
	return o.doctor(db, workspace, chat, running).Examine(ctx), nil
}

// Examine looks at everything from inside the daemon.
func (a *App) Examine(ctx context.Context) doctor.Report {
	return a.o.doctor(a.db, a.notion, a.slack, true).Examine(ctx)
}

func (o Options) doctor(db *store.DB, workspace *notion.Client, chat *slack.Client, running bool) *doctor.Service {
	c := o.Config
	d := doctor.Options{
		Notion: workspace.Lane(crm.Live), Connection: workspace.State, Slack: chat,
		Channels: slices.Sorted(maps.Keys(c.Slack.Channels)), Needs: c.LeadOptions().Needs(), Mistakes: c.Mistakes,
		Subscribed: !c.WebhookToken.Empty(), Running: running, PublicURL: c.PublicURL,
		World: outbound.Guard{Targets: []string{c.PublicURL}, Private: c.PrivateHosts}.Transport(&http.Transport{
			TLSHandshakeTimeout: 5 * time.Second, DisableKeepAlives: true,
		}, net.Dialer{Timeout: 5 * time.Second}),
	}
	if db != nil {
		d.Store = db
	}
	for _, used := range c.Used() {
		d.Databases = append(d.Databases, doctor.Database{Name: used.Name, ID: used.ID})
	}
	return doctor.New(d)
}
