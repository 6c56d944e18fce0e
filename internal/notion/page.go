package notion

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// wirePage is a page as Notion sends it
// (https://developers.notion.com/reference/page). Fields that may be null or
// odd are kept raw.
type wirePage struct {
	Object     string                     `json:"object"`
	ID         string                     `json:"id"`
	URL        json.RawMessage            `json:"url"`
	Created    json.RawMessage            `json:"created_time"`
	CreatedBy  json.RawMessage            `json:"created_by"`
	Edited     json.RawMessage            `json:"last_edited_time"`
	EditedBy   json.RawMessage            `json:"last_edited_by"`
	Archived   json.RawMessage            `json:"archived"`
	InTrash    json.RawMessage            `json:"in_trash"`
	Parent     json.RawMessage            `json:"parent"`
	Properties map[string]json.RawMessage `json:"properties"`
}

// readPage reads a page object. whole is false for the partial object that
// Notion sends to a connection without the right to read: it has an id and no
// properties, which must not pass for a page whose values are all empty.
func readPage(raw json.RawMessage) (page crm.Page, whole, ok bool) {
	w, ok := decode[wirePage](raw)
	if !ok || w.Object != "page" || w.ID == "" {
		return crm.Page{}, false, false
	}
	page = crm.Page{
		ID:        crm.NormalID(w.ID),
		CreatedAt: readTime(w.Created),
		EditedAt:  readTime(w.Edited),
		Values:    make(map[string]crm.Value, len(w.Properties)),
	}
	page.DataSource, page.Database = readParent(w.Parent)
	page.URL, _ = decode[string](w.URL)
	page.CreatedBy, page.EditedBy = readAuthor(w.CreatedBy), readAuthor(w.EditedBy)
	archived, _ := decode[bool](w.Archived)
	inTrash, _ := decode[bool](w.InTrash)
	page.Trashed = archived || inTrash
	shown := people{}
	shown.add(w.CreatedBy)
	shown.add(w.EditedBy)
	for _, name := range slices.Sorted(maps.Keys(w.Properties)) {
		property := w.Properties[name]
		if id, v, readable := readProperty(property); readable {
			page.Values[id] = v
			shown.addProperty(v.Kind, property)
		}
	}
	page.People = shown.list()
	return page, w.Properties != nil, true
}

func readAuthor(raw json.RawMessage) string {
	type author struct {
		ID string `json:"id"`
	}
	by, _ := decode[author](raw)
	return crm.NormalID(by.ID)
}

// readParent returns the data source that a page is a row of and the database
// of that, "" for none. Versions before 2025-09-03 name the database alone.
func readParent(raw json.RawMessage) (dataSource, database string) {
	type parent struct {
		DataSource string `json:"data_source_id"`
		Database   string `json:"database_id"`
	}
	p, _ := decode[parent](raw)
	return crm.NormalID(p.DataSource), crm.NormalID(p.Database)
}

func readTime(raw json.RawMessage) time.Time {
	t, _ := decode[time.Time](raw)
	return t.UTC()
}

// wireList is a page of results
// (https://developers.notion.com/reference/intro#pagination).
type wireList struct {
	Object  string             `json:"object"`
	Results *[]json.RawMessage `json:"results"`
	HasMore bool               `json:"has_more"`
	Next    *string            `json:"next_cursor"`
	Status  struct {
		Type string `json:"type"`
	} `json:"request_status"`
}

// readList reads a list. A list that says it goes on but not where is not ok:
// it would pass for complete.
func readList(raw json.RawMessage) (list wireList, next string, ok bool) {
	list, ok = decode[wireList](raw)
	if !ok || list.Object != "list" || list.Results == nil {
		return wireList{}, "", false
	}
	if !list.HasMore {
		return list, "", true
	}
	if list.Next == nil || *list.Next == "" {
		return wireList{}, "", false
	}
	return list, *list.Next, true
}

func readRows(raw json.RawMessage) (crm.Rows, bool) {
	list, next, ok := readList(raw)
	if !ok {
		return crm.Rows{}, false
	}
	out := crm.Rows{Next: next, Cut: list.Status.Type == "incomplete"}
	for _, item := range *list.Results {
		if page, whole, ok := readPage(item); ok && whole {
			out.Pages = append(out.Pages, page)
		}
	}
	return out, true
}

// readTexts returns the plain text of each block of a list, "" for a block
// without text.
func readTexts(raw json.RawMessage) (texts []string, next string, ok bool) {
	list, next, ok := readList(raw)
	if !ok {
		return nil, "", false
	}
	for _, item := range *list.Results {
		texts = append(texts, blockText(item))
	}
	return texts, next, true
}

func blockText(raw json.RawMessage) string {
	type content struct {
		RichText []richTextItem `json:"rich_text"`
	}
	fields, _ := decode[map[string]json.RawMessage](raw)
	name, _ := decode[string](fields["type"])
	body, _ := decode[content](fields[name])
	return plainText(body.RichText)
}
