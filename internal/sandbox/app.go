package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// This file is the Notion app: what people do with the mouse. None of the
// API's rules, limits or faults apply. A name that does not exist is a mistake
// in the caller's code and panics.

// Database is a handle to a database with its first data source.
type Database struct {
	ID, DataSourceID, Name string
}

// CreateDatabase makes a database with one data source. A title property named
// "Name" is added when props has none.
func (w *Workspace) CreateDatabase(name string, props ...Property) *Database {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	db := &database{id: w.newID(), name: name, parent: w.homeID, created: now, edited: now}
	w.databases[db.id] = db
	ds := w.newSource(db, name, props)
	return &Database{ID: db.id, DataSourceID: ds.id, Name: name}
}

// AddDataSource adds a second data source to a database: from then on,
// requests of version 2022-06-28 that touch the database fail. The handle that
// is returned stands for the new data source.
func (w *Workspace) AddDataSource(db *Database, name string, props ...Property) *Database {
	w.mu.Lock()
	defer w.mu.Unlock()
	ds := w.newSource(w.databases[db.ID], name, props)
	return &Database{ID: db.ID, DataSourceID: ds.id, Name: name}
}

func (w *Workspace) newSource(db *database, name string, props []Property) *dataSource {
	now := time.Now()
	ds := &dataSource{id: w.newID(), name: name, db: db, created: now, edited: now}
	w.sources[ds.id] = ds
	db.sources = append(db.sources, ds)
	if !slices.ContainsFunc(props, func(p Property) bool { return p.Type == "title" }) {
		w.addProperty(ds, Property{Name: "Name", Type: "title"})
	}
	for _, p := range props {
		if _, ok := w.kinds[p.Type]; !ok {
			panic(fmt.Sprintf("sandbox: create database %q: property %q has the unknown type %q", name, p.Name, p.Type))
		}
		w.addProperty(ds, p)
	}
	return ds
}

// CRM is the standard CRM of three databases.
type CRM struct {
	Contacts, Deals, Activities *Database
}

// StandardCRM makes the databases that Dealbell expects by default.
func (w *Workspace) StandardCRM() CRM {
	contacts := w.CreateDatabase("Contacts",
		Property{Name: "Name", Type: "title"},
		Property{Name: "Email", Type: "email"},
		Property{Name: "Company", Type: "rich_text"},
		Property{Name: "Status", Type: "status", Options: []string{"New lead", "Contacted", "Qualified", "Customer"}},
		Property{Name: "Source", Type: "select", Options: []string{"Website", "Referral"}},
		Property{Name: "Last Contacted", Type: "date"},
		Property{Name: "Notes", Type: "rich_text"},
	)
	deals := w.CreateDatabase("Deals",
		Property{Name: "Deal Name", Type: "title"},
		Property{Name: "Stage", Type: "status", Options: []string{"Lead", "Negotiation", "Won", "Lost"}},
		Property{Name: "Value", Type: "number", Format: "dollar"},
		Property{Name: "Owner", Type: "people"},
		Property{Name: "Contact", Type: "relation", Target: contacts},
	)
	activities := w.CreateDatabase("Activities",
		Property{Name: "Name", Type: "title"},
		Property{Name: "Type", Type: "select"},
		Property{Name: "At", Type: "date"},
		Property{Name: "Details", Type: "rich_text"},
		Property{Name: "Contact", Type: "relation", Target: contacts},
		Property{Name: "Dealbell ID", Type: "rich_text"},
	)
	return CRM{Contacts: contacts, Deals: deals, Activities: activities}
}

// AddRow adds a row with values by property name: strings for text and option
// names, []string for several, numbers, bools, time.Time (or ISO 8601) for
// dates, ids for people and relations. The first person is its author.
func (w *Workspace) AddRow(db *Database, values map[string]any) (pageID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ds := w.sources[db.DataSourceID]
	return w.addRow(ds, w.people[0].id, values).id
}

func (w *Workspace) addRow(ds *dataSource, by string, values map[string]any) *page {
	now := time.Now()
	return w.addPage(ds, by, now, w.typed(ds, by, now, values))
}

// EditRow changes values of a row; nil clears. The first person is the editor.
func (w *Workspace) EditRow(pageID string, values map[string]any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.editRow(w.mustPage(pageID), w.people[0].id, values)
}

// EditRowAs is EditRow by someone else.
func (w *Workspace) EditRowAs(personID, pageID string, values map[string]any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.user(personID) == nil {
		panic(fmt.Sprintf("sandbox: edit row: there is no person %q", personID))
	}
	w.editRow(w.mustPage(pageID), personID, values)
}

func (w *Workspace) editRow(p *page, by string, values map[string]any) {
	now := time.Now()
	typed := w.typed(p.source, by, now, values)
	w.edit(p, by, now, func(s *state) { maps.Copy(s.values, typed) })
}

// AddText writes a paragraph at the end of a row's page. The first person does
// it.
func (w *Workspace) AddText(pageID, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, now, by := w.mustPage(pageID), time.Now(), w.people[0].id
	runs, _ := handText(w, nil, text)
	b := &block{kind: "paragraph", extra: maps.Clone(blockKinds()["paragraph"])}
	b.text, _ = runs.([]run)
	w.insertBlocks(p, []*block{b}, len(p.children), now)
	w.edit(p, by, now, func(*state) {})
	w.tellContent(p, by, now, []*block{b})
}

// Trash moves a row to the trash.
func (w *Workspace) Trash(pageID string) { w.setTrashed(pageID, true) }

// Restore takes a row out of the trash.
func (w *Workspace) Restore(pageID string) { w.setTrashed(pageID, false) }

// Purge deletes a row for good: its id is not found any more, and relations to
// it lose it.
func (w *Workspace) Purge(pageID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.mustPage(pageID)
	if !p.now().trashed {
		w.tellLife(p, w.people[0].id, time.Now(), livePage, trashedPage)
	}
	p.source.remove(p)
	delete(w.pages, p.id)
	for _, b := range p.children {
		delete(w.blocks, b.id)
	}
}

func (w *Workspace) setTrashed(pageID string, trashed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edit(w.mustPage(pageID), w.people[0].id, time.Now(), func(s *state) { s.trashed = trashed })
}

func (w *Workspace) mustPage(id string) *page {
	dashedID, _ := parseID(id)
	p := w.pages[dashedID]
	if p == nil {
		panic(fmt.Sprintf("sandbox: find page: there is no page %q", id))
	}
	return p
}

// Row is a page as a person reads it.
type Row struct {
	ID                          string
	CreatedTime, LastEditedTime time.Time // not floored
	InTrash                     bool
	Values                      map[string]string // plain text by property name
	Blocks                      []string          // plain text of the page's content
}

// Rows lists the rows of a database in order of creation, those in the trash
// included.
func (w *Workspace) Rows(db *Database) []Row {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Row
	for _, p := range w.sources[db.DataSourceID].rows {
		s := p.now()
		row := Row{
			ID: p.id, CreatedTime: p.created, LastEditedTime: s.edited,
			InTrash: s.trashed, Values: map[string]string{},
		}
		for _, prop := range p.source.props {
			row.Values[prop.name] = view{w: w, page: p, state: s, prop: prop}.plain()
		}
		for _, b := range p.children {
			row.Blocks = append(row.Blocks, plainRuns(b.text))
		}
		out = append(out, row)
	}
	return out
}

// Properties lists the names of a database's properties, the title first.
func (w *Workspace) Properties(db *Database) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	props := slices.Clone(w.sources[db.DataSourceID].props)
	slices.SortStableFunc(props, func(a, b *property) int {
		return cmp.Compare(boolRank(a.kind != "title"), boolRank(b.kind != "title"))
	})
	names := make([]string, len(props))
	for i, p := range props {
		names[i] = p.name
	}
	return names
}
