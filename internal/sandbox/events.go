package sandbox

import (
	"reflect"
	"time"
)

// The events that the sandbox tells of, by their names since 2025-09-03.
const (
	pageCreated    = "page.created"
	pageProperties = "page.properties_updated"
	pageContent    = "page.content_updated"
	pageDeleted    = "page.deleted"
	pageUndeleted  = "page.undeleted"
	pageMoved      = "page.moved"
	pageLocked     = "page.locked"
	pageUnlocked   = "page.unlocked"
	schemaUpdated  = "data_source.schema_updated"
	schemaUpdated2 = "database.schema_updated" // on 2022-06-28
)

// life is whether a page is there.
type life int

const (
	absentPage life = iota
	livePage
	trashedPage
)

// occurrence is one thing that happened in the workspace.
type occurrence struct {
	kind       string // "" for a change between lives
	at         time.Time
	by         string
	page       *page
	source     *dataSource // of a schema
	was, is    life
	properties []string
	blocks     []reference
	schema     []schemaChange
}

type schemaAction string

const (
	actionCreated schemaAction = "created"
	actionUpdated schemaAction = "updated"
	actionDeleted schemaAction = "deleted"
)

func actionOf(raw any) schemaAction {
	if raw == nil {
		return actionDeleted
	}
	return actionUpdated
}

type schemaChange struct {
	prop   *property
	action schemaAction
}

// tell passes an occurrence to all subscriptions. What the connection cannot
// see, it does not hear of.
func (w *Workspace) tell(o occurrence) {
	if o.page != nil && o.page.hidden() || o.source != nil && o.source.db.unshared {
		return
	}
	for _, s := range w.subscriptions {
		s.hear(o)
	}
}

func (w *Workspace) tellLife(p *page, by string, at time.Time, was, is life) {
	w.tell(occurrence{at: at, by: by, page: p, was: was, is: is})
}

func (w *Workspace) tellContent(p *page, by string, at time.Time, blocks []*block) {
	o := occurrence{kind: pageContent, at: at, by: by, page: p}
	for _, b := range blocks {
		o.blocks = append(o.blocks, reference{b.id, "block"})
	}
	w.tell(o)
}

func (w *Workspace) tellSchema(ds *dataSource, by string, at time.Time, changes ...schemaChange) {
	if len(changes) > 0 {
		w.tell(occurrence{kind: schemaUpdated, at: at, by: by, source: ds, schema: changes})
	}
}

// tellEdit tells of what differs between two states of a page. An edit that
// changes nothing is not told.
func (w *Workspace) tellEdit(p *page, old, next *state) {
	o := occurrence{at: next.edited, by: next.editedBy, page: p}
	if was, is := old.life(), next.life(); was != is {
		w.tellLife(p, o.by, o.at, was, is)
	}
	if old.locked != next.locked {
		lock := o
		if lock.kind = pageUnlocked; next.locked {
			lock.kind = pageLocked
		}
		w.tell(lock)
	}
	titled := false
	for _, prop := range p.source.shown() {
		if !reflect.DeepEqual(old.values[prop.id], next.values[prop.id]) {
			o.properties = append(o.properties, prop.id)
			titled = titled || prop.kind == "title"
		}
	}
	if len(o.properties) > 0 {
		o.kind = pageProperties
		w.tell(o)
	}
	if titled { // the title is content as well
		w.tell(occurrence{kind: pageContent, at: o.at, by: o.by, page: p, blocks: []reference{{p.id, "page"}}})
	}
}

func (s *state) life() life {
	if s.trashed {
		return trashedPage
	}
	return livePage
}
