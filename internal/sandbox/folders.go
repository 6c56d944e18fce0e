package sandbox

import (
	"net/url"
	"strings"
	"time"
)

// folder is a page outside of databases. It holds nothing but databases.
type folder struct {
	id, title string
	created   time.Time
}

// AddPage makes a page at the top of the workspace and shares it with the
// connection, which may put databases on it.
func (w *Workspace) AddPage(title string) (pageID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := &folder{id: w.newID(), title: title, created: time.Now()}
	w.folders[f.id] = f
	return f.id
}

// folderOf returns the page outside of databases that a path names, or nil.
func (w *Workspace) folderOf(c *call) *folder {
	id, _ := parseID(c.params[0])
	return w.folders[id]
}

func (w *Workspace) folderObject(f *folder, version string) map[string]any {
	owner := partialUser(w.people[0].id)
	slug := strings.Trim(notSlug.ReplaceAllString(f.title, "-"), "-")
	out := map[string]any{
		"object": "page", "id": f.id,
		"created_time": minute(f.created), "last_edited_time": minute(f.created),
		"created_by": owner, "last_edited_by": owner, "cover": nil, "icon": nil,
		"parent": map[string]any{"type": "workspace", "workspace": true}, "in_trash": false,
		"properties": map[string]any{"title": map[string]any{"id": "title", "type": "title", "title": plainTitle(f.title)}},
		"url":        "https://www.notion.so/" + url.PathEscape(slug) + "-" + undashed(f.id), "public_url": nil,
	}
	if version != version2026 {
		out["archived"] = false
	}
	if version != version2022 {
		out["is_archived"], out["is_locked"] = false, false
	}
	return out
}

// folderBlocks shows the databases on a page, in no special order.
func (w *Workspace) folderBlocks(f *folder, version string) []any {
	var out []any
	for _, id := range sortedKeys(w.databases) {
		db := w.databases[id]
		if db.parent != f.id || db.unshared {
			continue
		}
		block := map[string]any{
			"object": "block", "id": db.id, "parent": map[string]any{"type": "page_id", "page_id": f.id},
			"created_time": minute(db.created), "last_edited_time": minute(db.edited),
			"created_by": partialUser(w.self().id), "last_edited_by": partialUser(w.self().id),
			"has_children": false, "in_trash": false,
			"type": "child_database", "child_database": map[string]any{"title": db.name},
		}
		if version != version2026 {
			block["archived"] = false
		}
		out = append(out, block)
	}
	return out
}
