package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// change runs a change of one property of a database as a person in the app.
func (w *Workspace) change(db *Database, name string, do func(*dataSource, *property)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ds := w.sources[db.DataSourceID]
	p := ds.named(name)
	if p == nil {
		panic(fmt.Sprintf("sandbox: change schema of %q: there is no property %q", db.Name, name))
	}
	ds.edited = time.Now()
	do(ds, p)
	action := actionUpdated
	if ds.byID(p.id) == nil {
		action = actionDeleted
	}
	w.tellSchema(ds, w.people[0].id, ds.edited, schemaChange{p, action})
}

// AddProperty adds a property to a database.
func (w *Workspace) AddProperty(db *Database, p Property) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ds := w.sources[db.DataSourceID]
	w.addProperty(ds, p)
	ds.edited = time.Now()
	w.tellSchema(ds, w.people[0].id, ds.edited, schemaChange{ds.props[len(ds.props)-1], actionCreated})
}

// RenameProperty gives a property another name; its id stays.
func (w *Workspace) RenameProperty(db *Database, old, name string) {
	w.change(db, old, func(_ *dataSource, p *property) { p.name = name })
}

// RetypeProperty changes the type of a property. Its id stays; values are
// carried over as text where the new type can hold them, and are lost else.
func (w *Workspace) RetypeProperty(db *Database, name, newType string) {
	w.change(db, name, func(ds *dataSource, p *property) {
		if _, ok := w.kinds[newType]; !ok {
			panic(fmt.Sprintf("sandbox: change type of %q: unknown type %q", name, newType))
		}
		was := *p
		p.kind = newType
		if newType == "relation" && p.target == nil {
			p.target = ds
		}
		for _, row := range ds.rows {
			w.convert(row, &was, p)
		}
	})
}

// convert rewrites the value of one row without making it an edit of the row.
func (w *Workspace) convert(row *page, was, now *property) {
	old := *row.now()
	text := view{w: w, page: row, state: &old, prop: was}.plain()
	values := maps.Clone(old.values)
	delete(values, now.id)
	if hand := w.kinds[now.kind].hand; hand != nil && text != "" {
		if v, ok := hand(w, now, text); ok {
			values[now.id] = v
		}
	}
	old.values, old.since = values, row.states[0].since
	row.states = []*state{&old}
}

// DropProperty deletes a property with its values.
func (w *Workspace) DropProperty(db *Database, name string) {
	w.change(db, name, func(ds *dataSource, p *property) { ds.drop(p) })
}

func (ds *dataSource) drop(p *property) {
	ds.props = slices.DeleteFunc(ds.props, func(q *property) bool { return q == p })
}

// AddOption adds an option to a select, multi_select or status property.
func (w *Workspace) AddOption(db *Database, name, option string) {
	w.change(db, name, func(_ *dataSource, p *property) {
		if p.optionNamed(option) == nil {
			p.options = append(p.options, w.newOption(option, ""))
		}
	})
}

// DropOption deletes an option; rows that had it become empty, or show the first
// option when the property is a status.
func (w *Workspace) DropOption(db *Database, name, gone string) {
	w.change(db, name, func(_ *dataSource, p *property) {
		p.options = slices.DeleteFunc(p.options, func(o *option) bool { return o.name == gone })
	})
}

// RenameOption gives an option another name; its id stays, and so do the rows
// that have it.
func (w *Workspace) RenameOption(db *Database, name, old, renamed string) {
	w.change(db, name, func(_ *dataSource, p *property) {
		if o := p.optionNamed(old); o != nil {
			o.name = renamed
		}
	})
}
