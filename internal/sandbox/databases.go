package sandbox

func (w *Workspace) findDatabase(c *call) (*database, error) {
	id, err := path("path.database_id").uuid(c.params[0])
	if err != nil {
		return nil, err
	}
	if db := w.databases[id]; db != nil && !db.unshared {
		return db, nil
	}
	return nil, w.notFound(c.version, "database", id)
}

func (w *Workspace) findSource(c *call) (*dataSource, error) {
	id, err := path("path.data_source_id").uuid(c.params[0])
	if err != nil {
		return nil, err
	}
	if ds := w.sources[id]; ds != nil && !ds.db.unshared {
		return ds, nil
	}
	return nil, w.notFound(c.version, "data_source", id)
}

// soleSource is the data source behind a database for clients that know
// nothing of data sources.
func (w *Workspace) soleSource(c *call) (*dataSource, error) {
	db, err := w.findDatabase(c)
	if err != nil {
		return nil, err
	}
	if len(db.sources) > 1 {
		return nil, multipleSources(db)
	}
	return db.sources[0], nil
}

func getDatabase(w *Workspace, c *call) (map[string]any, error) {
	if c.version == version2022 {
		ds, err := w.soleSource(c)
		if err != nil {
			return nil, err
		}
		return w.oldDatabaseObject(ds), nil
	}
	db, err := w.findDatabase(c)
	if err != nil {
		return nil, err
	}
	return w.containerObject(db, c.version), nil
}

func plainTitle(name string) []any {
	return runObjects([]run{{content: name, marks: marks{Color: "default"}}})
}

// containerObject is a database since 2025-09-03: no properties.
func (w *Workspace) containerObject(db *database, version string) map[string]any {
	var sources []any
	for _, ds := range db.sources {
		sources = append(sources, map[string]any{"id": ds.id, "name": ds.name})
	}
	out := map[string]any{
		"object": "database", "id": db.id, "title": plainTitle(db.name), "description": []any{},
		"parent":    map[string]any{"type": "page_id", "page_id": db.parent},
		"is_inline": false, "in_trash": false, "is_locked": false,
		"created_time": instant(db.created), "last_edited_time": instant(db.edited),
		"data_sources": sources, "icon": nil, "cover": nil,
		"url": "https://www.notion.so/" + undashed(db.id), "public_url": nil,
	}
	if version == version2025 {
		out["archived"] = false
	}
	return out
}

// tableObject is what databases up to 2022-06-28 and data sources share.
func (w *Workspace) tableObject(ds *dataSource, version string) map[string]any {
	return map[string]any{
		"cover": nil, "icon": nil,
		"created_time": minute(ds.created), "last_edited_time": minute(ds.edited),
		"created_by": partialUser(w.people[0].id), "last_edited_by": partialUser(w.people[0].id),
		"title": plainTitle(ds.name), "description": []any{}, "is_inline": false,
		"properties": w.schemaObject(ds, version),
		"url":        "https://www.notion.so/" + undashed(ds.db.id), "public_url": nil,
		"in_trash": false,
	}
}

func (w *Workspace) oldDatabaseObject(ds *dataSource) map[string]any {
	out := w.tableObject(ds, version2022)
	out["object"], out["id"], out["archived"] = "database", ds.db.id, false
	out["title"] = plainTitle(ds.db.name)
	out["parent"] = map[string]any{"type": "page_id", "page_id": ds.db.parent}
	return out
}

func (w *Workspace) sourceObject(ds *dataSource, version string) map[string]any {
	out := w.tableObject(ds, version)
	out["object"], out["id"] = "data_source", ds.id
	out["parent"] = map[string]any{"type": "database_id", "database_id": ds.db.id}
	out["database_parent"] = map[string]any{"type": "page_id", "page_id": ds.db.parent}
	if version == version2025 {
		out["archived"] = false
	}
	return out
}

func getDataSource(w *Workspace, c *call) (map[string]any, error) {
	ds, err := w.findSource(c)
	if err != nil {
		return nil, err
	}
	return w.sourceObject(ds, c.version), nil
}

// updateDataSource renames properties, drops them (null) and replaces the
// options of select and multi_select; nothing else.
func updateDataSource(w *Workspace, c *call) (map[string]any, error) {
	if err := path("body").only(c.body, "properties"); err != nil {
		return nil, err
	}
	ds, err := w.findSource(c)
	if err != nil {
		return nil, err
	}
	const at = path("body.properties")
	raw, err := at.object(lookup(c.body, "properties"))
	if err != nil {
		return nil, err
	}
	var changes []func()
	var told []schemaChange
	for _, key := range sortedKeys(raw) {
		p := ds.find(key)
		if p == nil {
			return nil, invalid("%s is not a property that exists.", key)
		}
		change, err := w.propertyChange(ds, p, at.dot(key), raw[key])
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
		told = append(told, schemaChange{p, actionOf(raw[key])})
	}
	for _, change := range changes {
		change()
	}
	ds.edited, c.wrote = c.now, true
	w.tellSchema(ds, w.self().id, c.now, told...)
	return w.sourceObject(ds, c.version), nil
}

func (w *Workspace) propertyChange(ds *dataSource, p *property, at path, raw any) (func(), error) {
	if raw == nil {
		if p.kind == "title" {
			return nil, invalid("Cannot delete the title property.")
		}
		return func() { ds.drop(p) }, nil
	}
	obj, err := at.object(raw)
	if err != nil {
		return nil, err
	}
	if err := at.only(obj, "id", "name", "type", p.kind); err != nil {
		return nil, err
	}
	name := p.name
	if sent, ok := obj["name"]; ok {
		if name, ok = sent.(string); !ok || name == "" {
			return nil, at.dot("name").refuse("a string", sent)
		}
		if other := ds.named(name); other != nil && other != p {
			return nil, invalid("Property name %q already exists.", name)
		}
	}
	options := p.options
	if config, ok := obj[p.kind]; ok && (p.kind == "select" || p.kind == "multi_select") {
		if options, err = w.decodeOptions(p, at.dot(p.kind), config); err != nil {
			return nil, err
		}
	}
	return func() { p.name, p.options = name, options }, nil
}

// decodeOptions reads a full list of options: those left out disappear.
func (w *Workspace) decodeOptions(p *property, at path, raw any) ([]*option, error) {
	config, err := at.object(raw)
	if err != nil {
		return nil, err
	}
	items, err := at.dot("options").list(lookup(config, "options"))
	if err != nil {
		return nil, err
	}
	d := &decoder{w: w, prop: p}
	var out []*option
	for i, item := range items {
		id, err := d.choose(at.dot("options").at(i), item)
		if err != nil {
			return nil, err
		}
		o := p.optionByID(id)
		for _, g := range d.grown {
			if g.opt.id == id {
				o = g.opt
			}
		}
		out = append(out, o)
	}
	return out, nil
}
