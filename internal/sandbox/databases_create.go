package sandbox

import (
	"slices"
	"strings"
)

// createDatabase makes a database with its first data source on a page
// (https://developers.notion.com/reference/create-database). Formulas and
// rollups, and databases at the top of the workspace, are not part of the
// sandbox.
func createDatabase(w *Workspace, c *call) (map[string]any, error) {
	if err := path("body").only(c.body, "parent", "title", "description", "is_inline", "initial_data_source", "icon", "cover"); err != nil {
		return nil, err
	}
	parent, err := w.decodeFolder(c)
	if err != nil {
		return nil, err
	}
	name := "New database"
	if sent, ok := c.body["title"]; ok {
		runs, err := decodeText(nil, "body.title", sent)
		if err != nil {
			return nil, err
		}
		items, _ := runs.([]run)
		name = plainRuns(items)
	}
	props, err := w.decodeSchema(c)
	if err != nil {
		return nil, err
	}
	db := &database{id: w.newID(), name: name, parent: parent.id, created: c.now, edited: c.now}
	w.databases[db.id] = db
	w.newSource(db, name, props)
	c.wrote, c.committed = true, map[string]any{"committed_resource_id": db.id}
	return w.containerObject(db, c.version), nil
}

func (w *Workspace) decodeFolder(c *call) (*folder, error) {
	const at = path("body.parent")
	parent, err := at.object(lookup(c.body, "parent"))
	if err != nil {
		return nil, err
	}
	if err := at.only(parent, "type", "page_id"); err != nil {
		return nil, err
	}
	if parent["type"] != "page_id" {
		return nil, at.dot("type").refuse("`\"page_id\"`", lookup(parent, "type"))
	}
	id, err := at.dot("page_id").uuid(lookup(parent, "page_id"))
	if err != nil {
		return nil, err
	}
	if f := w.folders[id]; f != nil {
		return f, nil
	}
	return nil, w.notFound(c.version, "page", id)
}

// creatable are the types that need no more than an empty object.
var creatable = []string{
	"title", "rich_text", "url", "email", "phone_number", "people", "files", "checkbox", "date", "place",
	"created_time", "last_edited_time", "created_by", "last_edited_by", "button",
}

func (w *Workspace) decodeSchema(c *call) ([]Property, error) {
	const at = path("body.initial_data_source")
	raw, ok := c.body["initial_data_source"]
	if !ok {
		return nil, nil
	}
	source, err := at.object(raw)
	if err != nil {
		return nil, err
	}
	if err := at.only(source, "properties"); err != nil {
		return nil, err
	}
	all, err := at.dot("properties").object(lookup(source, "properties"))
	if err != nil {
		return nil, err
	}
	var props []Property
	titles := 0
	for _, name := range sortedKeys(all) {
		p, err := w.decodeColumn(c, at.dot("properties").dot(name), name, all[name])
		if err != nil {
			return nil, err
		}
		if props = append(props, p); p.Type == "title" {
			titles++
		}
	}
	if titles != 1 {
		return nil, invalid("Title is not provided or is not unique: a data source has exactly one title property.")
	}
	return props, nil
}

// decodeColumn reads {"type":"x","x":{…}}; type may be left out.
func (w *Workspace) decodeColumn(c *call, at path, name string, raw any) (Property, error) {
	obj, err := at.object(raw)
	if err != nil {
		return Property{}, err
	}
	p := Property{Name: name}
	for _, key := range sortedKeys(obj) {
		if _, known := w.kinds[key]; known {
			p.Type = key
		}
	}
	if err := at.only(obj, "type", "name", "description", p.Type); err != nil {
		return Property{}, err
	}
	if t, ok := obj["type"]; p.Type == "" || ok && t != p.Type {
		return Property{}, at.dot("type").refuse("the type whose settings are given", lookup(obj, "type"))
	}
	at = at.dot(p.Type)
	config, err := at.object(obj[p.Type])
	if err != nil {
		return Property{}, err
	}
	switch p.Type {
	case "select", "multi_select", "status":
		p.Options, err = decodeNewOptions(at, config)
		if p.Type == "status" && config["options"] == nil { // Notion's own
			p.Options = []string{"Not started", "In progress", "Done"}
		}
		return p, err
	case "number":
		p.Format, _ = config["format"].(string)
		return p, at.only(config, "format")
	case "relation":
		return w.decodeNewRelation(c, at, p, config)
	}
	if !slices.Contains(creatable, p.Type) {
		return p, at.refuse("a type that the sandbox makes", config)
	}
	return p, at.only(config)
}

func decodeNewOptions(at path, config map[string]any) ([]string, error) {
	if err := at.only(config, "options"); err != nil || config["options"] == nil {
		return nil, err
	}
	items, err := at.dot("options").list(config["options"])
	if err != nil {
		return nil, err
	}
	var names []string
	for i, item := range items {
		at := at.dot("options").at(i)
		_, name, _, err := optionKeys(at, item)
		if err != nil {
			return nil, err
		}
		if strings.Contains(name, ",") {
			return nil, invalid("Invalid select option, commas not allowed: %s", name)
		}
		names = append(names, name)
	}
	return names, nil
}

// decodeNewRelation reads the data source that a relation leads to. A database
// id is refused since 2025-09-03.
func (w *Workspace) decodeNewRelation(c *call, at path, p Property, config map[string]any) (Property, error) {
	if err := at.only(config, "data_source_id", "type", "single_property"); err != nil {
		return p, err
	}
	id, err := at.dot("data_source_id").uuid(lookup(config, "data_source_id"))
	if err != nil {
		return p, err
	}
	if _, err := at.dot("single_property").object(lookup(config, "single_property")); err != nil {
		return p, err
	}
	target := w.sources[id]
	if target == nil || target.db.unshared {
		return p, w.notFound(c.version, "data_source", id)
	}
	p.Target = &Database{ID: target.db.id, DataSourceID: target.id, Name: target.name}
	return p, nil
}

// Databases lists the databases on a page that AddPage made.
func (w *Workspace) Databases(pageID string) []*Database {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*Database
	for _, id := range sortedKeys(w.databases) {
		if db := w.databases[id]; db.parent == pageID {
			out = append(out, &Database{ID: db.id, DataSourceID: db.sources[0].id, Name: db.name})
		}
	}
	return out
}
