package app

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-chi/chi/v5"
)

// TokenFile is where scripts find the bearer token of the admin listener,
// inside the state directory.
const TokenFile = "admin.token"

// adminToken reads the token, or makes one at the first start.
func adminToken(dir string) (string, error) {
	path := filepath.Join(dir, TokenFile)
	content, err := os.ReadFile(path)
	if token := strings.TrimSpace(string(content)); err == nil && token != "" {
		return token, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read admin token: %w", err)
	}
	token := rand.Text()
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("store admin token: %w", err)
	}
	return token, nil
}

// adminRoutes are for the operator: metrics for everybody who reaches the
// listener, the rest for holders of the token.
func (a *App) adminRoutes() http.Handler {
	r := chi.NewRouter()
	r.Method(http.MethodGet, "/metrics", a.metrics.handler())
	r.Group(func(r chi.Router) {
		r.Use(a.onlyWithToken)
		r.Get("/api/v1/status", a.serveStatus)
	})
	return r
}

func (a *App) onlyWithToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(a.token)) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="dealbell"`)
			http.Error(w, "this needs the bearer token in "+TokenFile+" of the state directory", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
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
