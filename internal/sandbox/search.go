package sandbox

import (
	"strings"
	"time"
)

// search covers what a client needs to find its databases: titles, the filter
// by object, and pages of results. What is new is missing for SearchLag.
func search(w *Workspace, c *call) (map[string]any, error) {
	if err := path("body").only(c.body, "query", "filter", "sort", "start_cursor", "page_size"); err != nil {
		return nil, err
	}
	container, listType := "data_source", "page_or_data_source"
	if c.version == version2022 {
		container, listType = "database", "page_or_database"
	}
	only, err := searchFilter(c.body, container)
	if err != nil {
		return nil, err
	}
	size, err := pageSize("body.page_size", lookup(c.body, "page_size"))
	if err != nil {
		return nil, err
	}
	words, ok := c.body["query"].(string)
	if _, sent := c.body["query"]; sent && !ok {
		return nil, path("body.query").refuse("a string or `undefined`", c.body["query"])
	}
	var all []any
	if only != "page" {
		all = w.searchTables(c, words)
	}
	if only != container {
		all = append(all, w.searchFolders(c, words)...)
		all = append(all, w.searchPages(c, words)...)
	}
	start := 0
	if cursor, ok := c.body["start_cursor"]; ok {
		s, _ := cursor.(string)
		if start = cursorPosition(s); start < 0 || start > len(all) {
			return nil, invalidCursor(cursor)
		}
	}
	end := min(start+size, len(all))
	out := envelope(listType, all[start:end])
	if end < len(all) {
		out["has_more"], out["next_cursor"] = true, positionCursor(end)
	}
	return out, nil
}

func searchFilter(body map[string]any, container string) (string, error) {
	raw, ok := body["filter"]
	if !ok {
		return "", nil
	}
	const at = path("body.filter")
	filter, err := at.object(raw)
	if err != nil {
		return "", err
	}
	if err := at.only(filter, "property", "value"); err != nil {
		return "", err
	}
	if filter["property"] != "object" {
		return "", at.dot("property").refuse("`\"object\"`", lookup(filter, "property"))
	}
	value, _ := filter["value"].(string)
	if value != "page" && value != container {
		return "", at.dot("value").refuse("`\"page\"` or `\""+container+"\"`", lookup(filter, "value"))
	}
	return value, nil
}

func matches(title, words string) bool { return fold(strings.Contains, title, words) }

// searchTables leaves out databases that the version cannot show.
func (w *Workspace) searchTables(c *call, words string) []any {
	var out []any
	version := c.version
	for _, id := range sortedKeys(w.sources) {
		ds := w.sources[id]
		switch {
		case ds.db.unshared || !matches(ds.name, words) || w.unlisted(c, ds.created):
		case version != version2022:
			out = append(out, w.sourceObject(ds, version))
		case len(ds.db.sources) == 1:
			out = append(out, w.oldDatabaseObject(ds))
		}
	}
	return out
}

// unlisted says whether search does not know yet what was made then.
func (w *Workspace) unlisted(c *call, made time.Time) bool {
	return c.now.Before(made.Add(w.opts.SearchLag))
}

func (w *Workspace) searchFolders(c *call, words string) []any {
	var out []any
	for _, id := range sortedKeys(w.folders) {
		if f := w.folders[id]; matches(f.title, words) && !w.unlisted(c, f.created) {
			out = append(out, w.folderObject(f, c.version))
		}
	}
	return out
}

func (w *Workspace) searchPages(c *call, words string) []any {
	var out []any
	version := c.version
	for _, id := range sortedKeys(w.pages) {
		p := w.pages[id]
		s := p.now()
		hidden := version == version2022 && len(p.source.db.sources) > 1
		if !s.trashed && !hidden && !p.hidden() && !w.unlisted(c, p.created) && matches(view{w: w, page: p, state: s, prop: p.source.title()}.plain(), words) {
			out = append(out, w.pageObject(p, s, version, nil))
		}
	}
	return out
}
