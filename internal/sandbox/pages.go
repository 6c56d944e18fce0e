package sandbox

import (
	"cmp"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// page is a row. Its past is kept for as long as queries may still show it.
type page struct {
	id        string
	source    *dataSource
	created   time.Time
	createdBy string
	unshared  bool   // kept from the connection
	order     int    // of creation, in the workspace
	number    int    // unique_id
	rank      uint64 // order among rows that no sort tells apart
	states    []*state
	children  []*block
}

// state is a page between two edits. States never change: an edit adds one.
type state struct {
	since    time.Time
	values   map[string]any // by property id
	trashed  bool
	locked   bool
	icon     any
	cover    any
	edited   time.Time
	editedBy string
}

func (p *page) now() *state { return p.states[len(p.states)-1] }

// asOf returns the state that was current at t, or nil.
func (p *page) asOf(t time.Time) *state {
	for _, s := range slices.Backward(p.states) {
		if !s.since.After(t) {
			return s
		}
	}
	return nil
}

// edit adds a state made from the current one, and drops those that no query
// can see any more.
func (w *Workspace) edit(p *page, by string, at time.Time, change func(*state)) {
	next := *p.now()
	next.values = maps.Clone(next.values)
	next.since, next.edited, next.editedBy = at, at, by
	change(&next)
	visible := at.Add(-w.opts.QueryLag)
	for len(p.states) > 1 && !p.states[1].since.After(visible) {
		p.states = p.states[1:]
	}
	p.states = append(p.states, &next)
	w.tellEdit(p, p.states[len(p.states)-2], &next)
}

func (w *Workspace) addPage(ds *dataSource, by string, at time.Time, values map[string]any) *page {
	w.created++
	ds.lastNumber++
	p := &page{id: w.newID(), source: ds, created: at, createdBy: by, order: w.created, number: ds.lastNumber}
	p.rank = w.rank(p.id)
	p.states = []*state{{since: at, edited: at, editedBy: by, values: values}}
	w.pages[p.id] = p
	ds.insert(p)
	w.tellLife(p, by, at, absentPage, livePage)
	return p
}

func (ds *dataSource) insert(p *page) {
	ds.rows = append(ds.rows, p)
	i, _ := slices.BinarySearchFunc(ds.ranked, p, func(a, b *page) int { return cmp.Compare(a.rank, b.rank) })
	ds.ranked = slices.Insert(ds.ranked, i, p)
}

func (ds *dataSource) remove(p *page) {
	gone := func(q *page) bool { return q == p }
	ds.rows = slices.DeleteFunc(ds.rows, gone)
	ds.ranked = slices.DeleteFunc(ds.ranked, gone)
}

var notSlug = regexp.MustCompile(`[^\p{L}\p{N}]+`)

func (p *page) url(title string) string {
	slug := strings.Trim(notSlug.ReplaceAllString(title, "-"), "-")
	if slug != "" {
		slug = url.PathEscape(slug) + "-"
	}
	return "https://www.notion.so/" + slug + undashed(p.id)
}

// pageObject shows a page in one of its states. Only limits the properties to
// these ids; nil shows all.
func (w *Workspace) pageObject(p *page, s *state, version string, only []string) map[string]any {
	properties := map[string]any{}
	for _, prop := range p.source.shown() {
		if only == nil || slices.Contains(only, prop.id) {
			properties[prop.name] = w.propertyObject(view{w, p, s, prop, version})
		}
	}
	title := view{w: w, page: p, state: s, prop: p.source.title()}.plain()
	out := map[string]any{
		"object": "page", "id": p.id,
		"created_time": minute(p.created), "last_edited_time": minute(s.edited),
		"created_by": partialUser(p.createdBy), "last_edited_by": partialUser(s.editedBy),
		"cover": s.cover, "icon": s.icon, "parent": p.source.asParent(version),
		"in_trash": s.trashed, "properties": properties, "url": p.url(title), "public_url": nil,
	}
	if version != version2026 {
		out["archived"] = s.trashed
	}
	if version != version2022 {
		out["is_archived"], out["is_locked"] = false, s.locked
	}
	return out
}

func (w *Workspace) propertyObject(v view) map[string]any {
	name := v.prop.kind
	out := map[string]any{"id": v.prop.id, "type": name, name: w.kinds[name].encode(v)}
	if name == "relation" {
		out["has_more"] = len(v.related()) > shownReferences
	}
	return out
}

func (ds *dataSource) asParent(version string) map[string]any {
	if version == version2022 {
		return map[string]any{"type": "database_id", "database_id": ds.db.id}
	}
	return map[string]any{"type": "data_source_id", "data_source_id": ds.id, "database_id": ds.db.id}
}

func (w *Workspace) findPage(c *call) (*page, error) {
	id, err := path("path.page_id").uuid(c.params[0])
	if err != nil {
		return nil, err
	}
	if w.folders[id] != nil {
		return nil, invalid("Page %s is outside of databases, where the sandbox keeps no values.", id)
	}
	if p := w.sharedPage(id); p != nil {
		return p, nil
	}
	return nil, w.notFound(c.version, "page", id)
}

func getPage(w *Workspace, c *call) (map[string]any, error) {
	if f := w.folderOf(c); f != nil {
		return w.folderObject(f, c.version), nil
	}
	p, err := w.findPage(c)
	if err != nil {
		return nil, err
	}
	only, err := c.shownProperties(p.source)
	if err != nil {
		return nil, err
	}
	return w.pageObject(p, p.now(), c.version, only), nil
}

// shownProperties reads filter_properties.
func (c *call) shownProperties(ds *dataSource) ([]string, error) {
	var ids []string
	for _, key := range slices.Concat(c.query["filter_properties"], c.query["filter_properties[]"]) {
		p := ds.find(key)
		if p == nil {
			return nil, invalid("Could not find property with name or id: %s", key)
		}
		ids = append(ids, p.id)
	}
	return ids, nil
}
