package app

import (
	"context"
	"errors"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/importer"
	"github.com/dealbell/dealbell/internal/queue"
	"github.com/dealbell/dealbell/internal/store"
)

var (
	_ importer.State   = (*store.DB)(nil)
	_ importer.Replica = (*store.DB)(nil)
)

func (a *App) newImporter() *importer.Service {
	return importer.New(importer.Options{
		Notion: a.notion.Lane(crm.Bulk), Live: a.notion.Lane(crm.Live), State: a.db, Contacts: a.o.Config.Contacts.ID,
		Freshen: a.polls.Freshen, Log: a.o.Log.With("component", "import"),
	})
}

// stopImports lets any job that hears that the token is refused stop what is
// being imported: until it is replaced, no row would get its turn to hear it.
func stopImports(handlers map[string]queue.Handler) map[string]queue.Handler {
	for kind, handle := range handlers {
		handlers[kind] = func(ctx context.Context, job crm.Job) (crm.Commit, error) {
			commit, err := handle(ctx, job)
			if _, timed := crm.RetryAt(err); timed && errors.Is(err, crm.ErrForbidden) {
				commit.Stops = append(commit.Stops, crm.ImportStop{Reason: err.Error()})
			}
			return commit, err
		}
	}
	return handlers
}
