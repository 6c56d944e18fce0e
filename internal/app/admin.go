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
