package sandbox

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// maxResults is how many rows one query can reach, over all its pages.
const maxResults = 10_000

func queryDatabase(w *Workspace, c *call) (map[string]any, error) {
	ds, err := w.soleSource(c)
	if err != nil {
		return nil, err
	}
	return w.query(ds, c, "page_or_database")
}

func queryDataSource(w *Workspace, c *call) (map[string]any, error) {
	ds, err := w.findSource(c)
	if err != nil {
		return nil, err
	}
	return w.query(ds, c, "page_or_data_source")
}

// found is a row as a query sees it: possibly in an older state.
type found struct {
	page  *page
	state *state
}

func (w *Workspace) query(ds *dataSource, c *call, listType string) (map[string]any, error) {
	if err := path("body").only(c.body, "filter", "sorts", "start_cursor", "page_size"); err != nil {
		return nil, err
	}
	size, err := pageSize("body.page_size", lookup(c.body, "page_size"))
	if err != nil {
		return nil, err
	}
	only, err := c.shownProperties(ds)
	if err != nil {
		return nil, err
	}
	keep, err := w.compileFilter(ds, c)
	if err != nil {
		return nil, err
	}
	order, err := w.compileSorts(ds, c.body)
	if err != nil {
		return nil, err
	}
	rows := w.visible(ds, c.now, keep)
	if order != nil {
		slices.SortStableFunc(rows, order)
	}
	mark := fingerprint(ds, c.body)
	start, err := startOf(rows, c.body, mark)
	if err != nil {
		return nil, err
	}
	end := min(start+size, len(rows), maxResults)
	results := []any{}
	for _, r := range rows[min(start, end):end] {
		results = append(results, w.pageObject(r.page, r.state, c.version, only))
	}
	out := envelope(listType, results)
	switch {
	case end < len(rows) && end == maxResults:
		out["request_status"] = map[string]any{"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
	case end < len(rows):
		out["has_more"], out["next_cursor"] = true, newCursor(mark, end, rows[end].page.id)
	}
	return out, nil
}

// visible lists the rows that a query may return, in the state that has
// reached the index. Rows in the trash are out at once.
func (w *Workspace) visible(ds *dataSource, now time.Time, keep test) []found {
	var out []found
	for _, p := range ds.ranked {
		s := p.asOf(now.Add(-w.opts.QueryLag))
		if s == nil || s.trashed || p.now().trashed || p.hidden() {
			continue
		}
		if keep(p, s) {
			out = append(out, found{p, s})
		}
	}
	return out
}

// A cursor names the first row of the next page, as Notion's do, and carries
// the position and a fingerprint of the query in what looks like another id.

func fingerprint(ds *dataSource, body map[string]any) uint64 {
	b, _ := json.Marshal([]any{ds.id, body["filter"], body["sorts"]})
	h := fnv.New64a()
	_, _ = h.Write(b)
	return h.Sum64()
}

func newCursor(mark uint64, position int, id string) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], mark)
	binary.BigEndian.PutUint64(b[8:], uint64(position))
	return "s:" + dashed(hex.EncodeToString(b[:])) + ":" + id
}

// startOf finds where a page of results begins. When the row that the cursor
// names has left the results, its old position serves.
func startOf(rows []found, body map[string]any, mark uint64) (int, error) {
	raw, ok := body["start_cursor"]
	if !ok {
		return 0, nil
	}
	cursor, _ := raw.(string)
	parts := strings.Split(cursor, ":")
	if len(parts) != 3 || parts[0] != "s" {
		return 0, invalidCursor(raw)
	}
	b, err := hex.DecodeString(undashed(parts[1]))
	if err != nil || len(b) != 16 || binary.BigEndian.Uint64(b[:8]) != mark {
		return 0, invalidCursor(raw)
	}
	i := slices.IndexFunc(rows, func(f found) bool { return f.page.id == parts[2] })
	if i < 0 {
		i = min(int(binary.BigEndian.Uint64(b[8:])), len(rows))
	}
	return i, nil
}

// compileSorts returns an order for a stable sort, nil without sorts: ties keep
// an order that means nothing.
func (w *Workspace) compileSorts(ds *dataSource, body map[string]any) (func(a, b found) int, error) {
	var orders []func(a, b found) int
	if raw, ok := body["sorts"]; ok {
		items, err := path("body.sorts").list(raw)
		if err != nil {
			return nil, err
		}
		for i, item := range items {
			order, err := w.compileSort(ds, path("body.sorts").at(i), item)
			if err != nil {
				return nil, err
			}
			orders = append(orders, order)
		}
	}
	if orders == nil {
		return nil, nil
	}
	return func(a, b found) int {
		for _, order := range orders {
			if c := order(a, b); c != 0 {
				return c
			}
		}
		return 0
	}, nil
}

func (w *Workspace) compileSort(ds *dataSource, at path, raw any) (func(a, b found) int, error) {
	obj, err := at.object(raw)
	if err != nil {
		return nil, err
	}
	if err := at.only(obj, "property", "timestamp", "direction"); err != nil {
		return nil, err
	}
	descending := obj["direction"] == "descending"
	if !descending && obj["direction"] != "ascending" {
		return nil, at.dot("direction").refuse("`\"ascending\"` or `\"descending\"`", lookup(obj, "direction"))
	}
	look, err := w.sortKey(ds, at, obj)
	if err != nil {
		return nil, err
	}
	return func(a, b found) int {
		x, y := look(a), look(b)
		if x.empty || y.empty { // empty values come last either way
			return cmp.Compare(boolRank(x.empty), boolRank(y.empty))
		}
		c := compareOperands(x, y)
		if descending {
			return -c
		}
		return c
	}, nil
}

func (w *Workspace) sortKey(ds *dataSource, at path, obj map[string]any) (func(found) operand, error) {
	if stampName, ok := obj["timestamp"]; ok {
		if _, both := obj["property"]; both {
			return nil, at.dot("property").refuse("not present", obj["property"])
		}
		if stampName != "created_time" && stampName != "last_edited_time" {
			return nil, at.dot("timestamp").refuse("`\"created_time\"` or `\"last_edited_time\"`", stampName)
		}
		k := w.kinds[stampName.(string)]
		return func(f found) operand { return k.operand(view{w: w, page: f.page, state: f.state}) }, nil
	}
	name, ok := obj["property"].(string)
	if !ok {
		return nil, at.dot("property").refuse("a string", lookup(obj, "property"))
	}
	p := ds.find(name)
	if p == nil {
		return nil, invalid("Could not find sort property with name or id: %s", name)
	}
	k := w.kinds[p.kind]
	return func(f found) operand { return k.operand(view{w: w, page: f.page, state: f.state, prop: p}) }, nil
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func compareOperands(x, y operand) int {
	return cmp.Or(
		cmp.Compare(boolRank(x.flag), boolRank(y.flag)),
		cmp.Compare(x.rank, y.rank),
		cmp.Compare(x.number, y.number),
		x.date.at.Compare(y.date.at),
		strings.Compare(textKey(x), textKey(y)),
	)
}

// textKey is the text of values that are nothing but text.
func textKey(o operand) string {
	if o.number != 0 || !o.date.at.IsZero() || o.rank != 0 {
		return ""
	}
	return strings.ToLower(o.text)
}
