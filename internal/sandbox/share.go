package sandbox

import "slices"

// Unshare keeps a row from the connection: the API does not find it any more,
// queries and relations leave it out, and no event tells of it.
func (w *Workspace) Unshare(pageID string) { w.setUnshared(pageID, true) }

// Share gives an unshared row back to the connection.
func (w *Workspace) Share(pageID string) { w.setUnshared(pageID, false) }

// UnshareDatabase keeps a database with all its rows from the connection, and
// with it the relations that point to it.
func (w *Workspace) UnshareDatabase(db *Database) { w.setDatabaseUnshared(db, true) }

// ShareDatabase gives an unshared database back to the connection.
func (w *Workspace) ShareDatabase(db *Database) { w.setDatabaseUnshared(db, false) }

func (w *Workspace) setUnshared(pageID string, unshared bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mustPage(pageID).unshared = unshared
}

func (w *Workspace) setDatabaseUnshared(db *Database, unshared bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.databases[db.ID].unshared = unshared
}

func (p *page) hidden() bool { return p.unshared || p.source.db.unshared }

// hidden is true of a relation to a database that the connection cannot see.
func (p *property) hidden() bool { return p.kind == "relation" && p.target.db.unshared }

// shown are the properties that the API knows.
func (ds *dataSource) shown() []*property {
	return slices.DeleteFunc(slices.Clone(ds.props), (*property).hidden)
}

// sharedPage is a page that the connection can see, or nil.
func (w *Workspace) sharedPage(id string) *page {
	if p := w.pages[id]; p != nil && !p.hidden() {
		return p
	}
	return nil
}
