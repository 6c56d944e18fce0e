package cli

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/store"
)

func TestAnImportSaysThatItsDaemonHasStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	daemon, err := store.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Attach(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	i := &importing{session: &session{ctx: t.Context()}, db: db}
	if why := i.stalled(); why != "" {
		t.Errorf("beside a daemon: %s", why)
	}
	if err := daemon.Close(); err != nil {
		t.Fatal(err)
	}
	if why := i.stalled(); !strings.Contains(why, "the daemon has stopped") {
		t.Errorf("%q does not say that the daemon has stopped", why)
	}
}
