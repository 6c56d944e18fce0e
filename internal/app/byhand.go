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
	_, err := a.order(ctx, name, false)
	return err
}

// order asks for a digest, or only for a look at it.
func (a *App) order(ctx context.Context, name string, dry bool) (digest.Order, error) {
	if _, known := a.o.Config.Digests[name]; !known {
		return digest.Order{}, fmt.Errorf("there is no digest %q", name)
	}
	order := digest.Order{Name: name, Slot: notify.SlotByHand(time.Now()), Dry: dry}
	if err := a.db.Apply(ctx, crm.Commit{Jobs: []crm.Job{order.Job()}}); err != nil {
		return order, fmt.Errorf("ask for digest: %w", err)
	}
	a.runner.Wake()
	return order, nil
}
