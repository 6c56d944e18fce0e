package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/pipeline"
	"github.com/dealbell/dealbell/internal/schedule"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/web"
)

// TokenFile is where scripts find the bearer token of the admin listener,
// inside the state directory.
const TokenFile = "admin.token"

// adminToken reads the token, or makes one at the first start.
func adminToken(dir string) (secret.String, error) {
	path := filepath.Join(dir, TokenFile)
	content, err := os.ReadFile(path)
	if token := strings.TrimSpace(string(content)); err == nil && token != "" {
		return secret.New(token), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return secret.String{}, fmt.Errorf("read admin token: %w", err)
	}
	token := rand.Text()
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return secret.String{}, fmt.Errorf("store admin token: %w", err)
	}
	return secret.New(token), nil
}

// newDashboard makes the admin listener's routes.
func (a *App) newDashboard(entries []schedule.Entry, intakes []ingest.Form) (http.Handler, error) {
	c := a.o.Config
	return web.Handler(web.Options{
		Passwords: a.db, Sessions: a.db, Figures: a.db, Notion: connection{a.notion, a.metrics, c.Notion.Rate},
		Leads: a.db, Jobs: a.db, Repairs: a.db, Rejects: a.db, Replay: ingest.Replay{Kept: a.db, Forms: intakes}, Wake: a.runner.Wake, Forms: c.LeadForms(),
		Pipeline: func(ctx context.Context, now time.Time) (pipeline.Report, error) {
			return pipeline.Read(ctx, a.db, c.Pipeline(), now)
		},
		Databases: a.shownDatabases(), Digests: a.shownDigests(entries), Subscribed: !c.WebhookToken.Empty(), Keep: time.Duration(c.Lead.Keep), Trusted: c.Trusted(), Hosts: c.AdminHosts, Token: a.token,
		Status: http.HandlerFunc(a.serveStatus), Metrics: a.metrics.handler(),
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

func (a *App) shownDigests(entries []schedule.Entry) (found []web.Digest) {
	for _, e := range entries {
		found = append(found, web.Digest{Name: strings.TrimPrefix(e.Name, digestSchedule), Next: func(after time.Time) time.Time {
			return a.schedule.Next(e.Name, after)
		}})
	}
	return found
}

// SetupLink returns a link by which the dashboard's password can be set, where
// none is set yet; else it is empty. Links from before hold no longer.
func (a *App) SetupLink(ctx context.Context, admin string) (secret.String, error) {
	hash, err := a.db.Password(ctx)
	if err != nil || hash != "" {
		return secret.String{}, err
	}
	path, err := web.SetupPath(ctx, a.db)
	if err != nil {
		return secret.String{}, fmt.Errorf("make a setup link: %w", err)
	}
	return secret.New(a.o.Config.Dashboard(admin) + path.Reveal()), nil
}

func (a *App) serveStatus(w http.ResponseWriter, r *http.Request) {
	status, err := ReadStatus(r.Context(), a.db, !a.o.Config.WebhookToken.Empty())
	if err != nil {
		a.o.Log.Error("status could not be read", "error", err)
		http.Error(w, "status could not be read", http.StatusInternalServerError)
		return
	}
	status.Running, status.Version = true, a.o.Version
	state := a.notion.State()
	status.Notion.Away, status.Notion.TokenRefused, status.Notion.FullSince, status.Notion.LastError = state.Open, state.Refused, state.FullSince, state.LastError
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(status) // the client may be gone
}
