package app

import (
	"context"
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/notify"
)

// Digest asks for a digest now, besides those of its schedule. Work makes and
// sends it.
func (a *App) Digest(ctx context.Context, name string) error {
	if _, known := a.o.Config.Digests[name]; !known {
		return fmt.Errorf("there is no digest %q", name)
	}
	job := digest.Job(name, notify.ByHand+time.Now().UTC().Format(time.RFC3339Nano), time.Time{})
	if err := a.db.Apply(ctx, crm.Commit{Jobs: []crm.Job{job}}); err != nil {
		return fmt.Errorf("ask for digest: %w", err)
	}
	a.runner.Wake()
	return nil
}
