package sandbox

import (
	"maps"
	"net/http"
)

func createPage(w *Workspace, c *call) (map[string]any, error) {
	if err := path("body").only(c.body, "parent", "properties", "children", "icon", "cover"); err != nil {
		return nil, err
	}
	raw, err := path("body.properties").object(lookup(c.body, "properties"))
	if err != nil {
		return nil, err
	}
	looks, err := decodeLooks(c.body)
	if err != nil {
		return nil, err
	}
	children, err := w.decodeChildren(c)
	if err != nil {
		return nil, err
	}
	ds, err := w.decodeParent(c)
	if err != nil {
		return nil, err
	}
	d := &decoder{w: w, version: c.version}
	values, err := d.properties(ds, raw)
	if err != nil {
		return nil, err
	}
	d.commit(ds, c.now)
	p := w.addPage(ds, w.self().id, c.now, values)
	looks(p.now())
	w.insertBlocks(p, children, len(p.children), c.now)
	c.wrote = true
	c.committed = map[string]any{"committed_resource_id": p.id}
	return w.pageObject(p, p.now(), c.version, nil), nil
}

// decodeParent finds the data source that a new page goes to. Pages that are
// not rows are not part of the sandbox.
func (w *Workspace) decodeParent(c *call) (*dataSource, error) {
	const at = path("body.parent")
	parent, err := at.object(lookup(c.body, "parent"))
	if err != nil {
		return nil, err
	}
	if err := at.only(parent, "type", "database_id", "data_source_id"); err != nil {
		return nil, err
	}
	if len(parent) == 0 || parent["database_id"] != nil && parent["data_source_id"] != nil {
		return nil, at.refuse("one of `database_id` and `data_source_id`", parent)
	}
	key := "database_id"
	if _, ok := parent[key]; !ok {
		key = "data_source_id"
	}
	if t, ok := parent["type"]; ok && t != key {
		return nil, at.dot("type").refuse("`\""+key+"\"`", t)
	}
	id, err := at.dot(key).uuid(lookup(parent, key))
	if err != nil {
		return nil, err
	}
	if key == "data_source_id" {
		if ds := w.sources[id]; ds != nil && !ds.db.unshared {
			return ds, nil
		}
		return nil, w.notFound(c.version, "data_source", id)
	}
	db := w.databases[id]
	if db == nil || db.unshared {
		return nil, w.notFound(c.version, "database", id)
	}
	if len(db.sources) > 1 {
		return nil, multipleSources(db)
	}
	return db.sources[0], nil
}

// decodeLooks reads icon and cover and returns how to apply them.
func decodeLooks(body map[string]any) (func(*state), error) {
	for _, key := range []string{"icon", "cover"} {
		value, ok := body[key]
		if !ok || value == nil {
			continue
		}
		at := path("body").dot(key)
		obj, err := at.object(value)
		if err != nil {
			return nil, err
		}
		_, isEmoji := obj["emoji"].(string)
		_, isExternal := obj["external"].(map[string]any)
		if key == "cover" && !isExternal || !isEmoji && !isExternal {
			return nil, at.refuse("an emoji or an external file", value)
		}
	}
	return func(s *state) {
		if icon, ok := body["icon"]; ok {
			s.icon = typed(icon)
		}
		if cover, ok := body["cover"]; ok {
			s.cover = typed(cover)
		}
	}, nil
}

// typed adds the type that answers always carry.
func typed(v any) any {
	obj, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	out := maps.Clone(obj)
	for _, name := range []string{"emoji", "external"} {
		if _, ok := obj[name]; ok {
			out["type"] = name
		}
	}
	return out
}

func errArchived() error {
	return &apiError{
		status: http.StatusBadRequest, code: "validation_error",
		message: "Can't edit block that is archived. You must unarchive the block before editing.",
	}
}

func updatePage(w *Workspace, c *call) (map[string]any, error) {
	known := []string{"properties", "in_trash", "icon", "cover", "is_locked"}
	if c.version != version2026 {
		known = append(known, "archived")
	}
	if err := path("body").only(c.body, known...); err != nil {
		return nil, err
	}
	trash, err := decodeTrash(c.body)
	if err != nil {
		return nil, err
	}
	p, err := w.findPage(c)
	if err != nil {
		return nil, err
	}
	looks, err := decodeLooks(c.body)
	if err != nil {
		return nil, err
	}
	edits := len(c.body)
	for _, key := range []string{"archived", "in_trash"} {
		if _, ok := c.body[key]; ok {
			edits--
		}
	}
	if p.now().trashed && edits > 0 && (trash == nil || *trash) {
		return nil, errArchived()
	}
	d := &decoder{w: w, version: c.version}
	values, err := d.update(p.source, c.body)
	if err != nil {
		return nil, err
	}
	if len(c.body) > 0 { // also one that changes nothing counts as an edit
		d.commit(p.source, c.now)
		w.edit(p, w.self().id, c.now, func(s *state) {
			maps.Copy(s.values, values)
			looks(s)
			if trash != nil {
				s.trashed = *trash
			}
			if locked, ok := c.body["is_locked"].(bool); ok {
				s.locked = locked
			}
		})
		c.wrote = true
	}
	return w.pageObject(p, p.now(), c.version, nil), nil
}

func (d *decoder) update(ds *dataSource, body map[string]any) (map[string]any, error) {
	value, ok := body["properties"]
	if !ok {
		return nil, nil
	}
	raw, err := path("body.properties").object(value)
	if err != nil {
		return nil, err
	}
	return d.properties(ds, raw)
}

// decodeTrash reads archived and in_trash, which mean the same; nil when
// neither was sent.
func decodeTrash(body map[string]any) (*bool, error) {
	var out *bool
	for _, key := range []string{"archived", "in_trash", "is_locked"} {
		value, ok := body[key]
		if !ok {
			continue
		}
		b, ok := value.(bool)
		if !ok {
			return nil, path("body").dot(key).refuse("a boolean or `undefined`", value)
		}
		if key == "is_locked" {
			continue
		}
		if out != nil && *out != b {
			return nil, path("body").dot(key).refuse("the same as `archived`", value)
		}
		out = &b
	}
	return out, nil
}
