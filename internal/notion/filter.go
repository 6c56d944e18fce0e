package notion

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/jomei/notionapi"

	"github.com/dealbell/dealbell/internal/crm"
)

// largestBatch is the most rows or blocks that Notion gives at once.
const largestBatch = 100

// filter picks rows of a data source
// (https://developers.notion.com/reference/filter-data-source-entries). nil
// picks all. Notion takes at most two levels of "and" and "or".
type filter map[string]any

func equals(p crm.Property, s string) filter {
	if p.Kind == crm.KindRelation {
		return contains(p, s)
	}
	return property(p, "equals", s)
}

// contains picks nothing out for "".
func contains(p crm.Property, s string) filter {
	if s == "" {
		return nil
	}
	return property(p, "contains", s)
}

func property(p crm.Property, condition, s string) filter {
	return filter{"property": p.ID, cmp.Or(kinds[p.Kind].filter, string(p.Kind)): map[string]any{condition: s}}
}

// when compares a timestamp that every row has: created_time, which never
// changes, or last_edited_time, which Notion rounds down to the minute.
func when(timestamp, condition string, t time.Time) filter {
	if t.IsZero() {
		return nil
	}
	at := t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return filter{"timestamp": timestamp, timestamp: map[string]any{condition: at}}
}

func compound(operator string, filters ...filter) filter {
	var parts []filter
	for _, f := range filters {
		if f != nil {
			parts = append(parts, f)
		}
	}
	switch len(parts) {
	case 0:
		return nil
	case 1:
		return parts[0]
	}
	return filter{operator: parts}
}

// rawFilter passes our JSON through the library, whose own filters know
// neither email nor url nor title. Embedding the interface provides its
// unexported method.
type rawFilter struct {
	notionapi.Filter `json:"-"`
	json             filter
}

// MarshalJSON implements json.Marshaler.
func (f rawFilter) MarshalJSON() ([]byte, error) { return json.Marshal(f.json) }

// request turns a query into Notion's
// (https://developers.notion.com/reference/query-a-data-source). Rows come in
// the order of their creation: that order never changes, so that reading in
// it skips no row.
func request(q crm.Query) *notionapi.DatabaseQueryRequest {
	var keys []filter
	for _, s := range q.KeyIs {
		keys = append(keys, equals(q.Key, s))
	}
	picked := compound("and",
		compound("or", keys...),
		contains(q.Key, q.KeyHas),
		when("last_edited_time", "on_or_after", q.EditedSince),
		when("created_time", "on_or_after", q.CreatedSince),
		when("created_time", "before", q.CreatedUntil))
	direction := notionapi.SortOrder("ascending")
	if q.Newest {
		direction = "descending"
	}
	r := &notionapi.DatabaseQueryRequest{
		StartCursor: notionapi.Cursor(q.Cursor),
		PageSize:    cmp.Or(min(max(q.Size, 0), largestBatch), largestBatch),
		Sorts:       []notionapi.SortObject{{Timestamp: "created_time", Direction: direction}},
	}
	if picked != nil {
		r.Filter = rawFilter{json: picked}
	}
	return r
}
