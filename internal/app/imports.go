package app

import (
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/importer"
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
