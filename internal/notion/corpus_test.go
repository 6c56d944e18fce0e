package notion_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
)

// recorded is one answer of the real Notion API, recorded by others.
type recorded struct {
	file   string
	status int
	body   json.RawMessage
}

func corpus(t testing.TB, part string) []recorded {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpus", part, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no recorded %s beside the repository", part)
		}
		t.Skipf("no recorded %s beside the repository", part)
	}
	var out []recorded
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var x struct {
			Response struct {
				Status int
				Body   json.RawMessage
			}
		}
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, recorded{filepath.Base(file), x.Response.Status, x.Response.Body})
	}
	return out
}

func TestRecordedPages(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, r := range corpus(t, "pages") {
		page, err := quick(t, &double{answer: always(200, string(r.body))}).Page(t.Context(), pageID)
		if err != nil {
			t.Errorf("%s: %v", r.file, err)
			continue
		}
		checked += comparePage(t, r.file, walk(t, r.body), page)
	}
	if checked < 500 {
		t.Errorf("only %d values were compared", checked)
	}
}

func TestRecordedQueries(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, r := range corpus(t, "queries") {
		result, err := quick(t, &double{answer: always(200, string(r.body))}).Query(t.Context(), sourceID, crm.Query{})
		if err != nil {
			t.Errorf("%s: %v", r.file, err)
			continue
		}
		list := walk(t, r.body)
		var pages []map[string]any
		for _, item := range list["results"].([]any) {
			if m, ok := item.(map[string]any); ok && m["object"] == "page" {
				pages = append(pages, m)
			}
		}
		if next, _ := list["next_cursor"].(string); len(pages) != len(result.Pages) || next != result.Next {
			t.Errorf("%s: %d pages and next %q, want %d and %q", r.file, len(result.Pages), result.Next, len(pages), next)
			continue
		}
		for i, m := range pages {
			checked += comparePage(t, r.file, m, result.Pages[i])
		}
	}
	if checked < 2000 {
		t.Errorf("only %d values were compared", checked)
	}
}

func walk(t testing.TB, raw []byte) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	var m map[string]any
	if err := decoder.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// comparePage checks a page against an independent walk of its JSON, and
// returns how many values it compared.
func comparePage(t *testing.T, file string, m map[string]any, page crm.Page) int {
	t.Helper()
	if page.ID != m["id"] || page.URL != field(any(m), "url") || page.Trashed != (m["archived"] == true || m["in_trash"] == true) ||
		page.EditedAt.Format("2006-01-02T15:04:05.000Z07:00") != m["last_edited_time"] ||
		page.Database != field(m["parent"], "database_id") || page.CreatedBy != field(m["created_by"], "id") || page.EditedBy != field(m["last_edited_by"], "id") {
		t.Errorf("%s: page is %+v", file, page)
	}
	if diff := cmp.Diff(shownPeople(m), page.People, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: people (-want +got):\n%s", file, diff)
	}
	n := 0
	for name, raw := range m["properties"].(map[string]any) {
		property := raw.(map[string]any)
		kind, _ := property["type"].(string)
		want, known := facts(kind, property[kind])
		if !known {
			continue
		}
		n++
		v, ok := page.Values[property["id"].(string)]
		if got := said(v); !ok || string(v.Kind) != kind || !reflect.DeepEqual(got, want) || v.More != (property["has_more"] == true) {
			t.Errorf("%s: %s (%s) is %q, want %q", file, name, kind, got, want)
		}
	}
	return n
}

// facts lists what a property says, in a form that knows nothing of crm.
func facts(kind string, raw any) ([]string, bool) {
	switch kind {
	case "title", "rich_text":
		items, isList := raw.([]any)
		var text strings.Builder
		for _, item := range items {
			text.WriteString(item.(map[string]any)["plain_text"].(string))
		}
		return some(text.String()), isList
	case "email", "url", "phone_number":
		s, _ := raw.(string)
		return some(s), true
	case "number":
		n, _ := raw.(json.Number)
		return some(n.String()), true
	case "checkbox":
		return some(map[bool]string{true: "checked"}[raw == true]), true
	case "select", "status":
		return some(field(raw, "name"), field(raw, "id")), true
	case "date":
		return some(field(raw, "start"), field(raw, "end"), field(raw, "time_zone")), true
	case "created_time", "last_edited_time":
		return some(raw.(string)), true
	case "created_by", "last_edited_by":
		return some(field(raw, "id")), true
	case "multi_select":
		names, _ := fields(raw, "name")
		ids, isList := fields(raw, "id")
		return append(names, ids...), isList
	case "people", "relation":
		return fields(raw, "id")
	case "formula":
		result := field(raw, "type")
		value := raw.(map[string]any)[result]
		switch result {
		case "string":
			return facts("email", value)
		case "number":
			return facts("number", value)
		case "boolean":
			return facts("checkbox", value)
		case "date":
			return facts("date", value)
		}
	}
	return nil, false
}

func field(raw any, key string) string {
	m, _ := raw.(map[string]any)
	s, _ := m[key].(string)
	return s
}

func fields(raw any, key string) (out []string, isList bool) {
	items, isList := raw.([]any)
	for _, item := range items {
		out = append(out, field(item, key))
	}
	return out, isList
}

func some(list ...string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

func said(v crm.Value) []string {
	list := []string{v.Text, v.Number.String(), map[bool]string{true: "checked"}[v.Check]}
	if v.Date != nil {
		list = append(list, v.Date.Start, v.Date.End, v.Date.Zone)
	}
	out := some(append(append(list, v.Names...), v.IDs...)...)
	if len(out) == 0 && (v.Kind == crm.KindMultiSelect || v.Kind == crm.KindPeople || v.Kind == crm.KindRelation) {
		return nil
	}
	return out
}

func TestRecordedDatabases(t *testing.T) {
	t.Parallel()
	columns := 0
	for _, r := range corpus(t, "databases") {
		m := walk(t, r.body)
		want, ok := m["properties"].(map[string]any)
		if !ok {
			continue // a container since 2025-09-03
		}
		// Examples of the documentation leave ids out, Notion does not.
		maps.DeleteFunc(want, func(_ string, p any) bool { return field(p, "id") == "" })
		d := &double{answer: func(req *http.Request) (*http.Response, error) {
			if strings.Contains(req.URL.Path, "/databases/") {
				return respond(404, errorJSON(404, "object_not_found", "no")), nil
			}
			return respond(200, string(r.body)), nil
		}}
		s, err := quick(t, d).Schema(t.Context(), database)
		if err != nil || len(s.Properties) != len(want) || s.DataSource != m["id"] {
			t.Errorf("%s: %d properties of %d, %v", r.file, len(s.Properties), len(want), err)
			continue
		}
		for name, raw := range want {
			columns++
			kind := field(raw, "type")
			p, ok := s.Property(name)
			if !ok || p.ID != field(raw, "id") || string(p.Kind) != kind {
				t.Errorf("%s: property %q is %+v", r.file, name, p)
			}
			settings, _ := raw.(map[string]any)[kind].(map[string]any)
			options, _ := settings["options"].([]any)
			for _, o := range options {
				if _, ok := p.Option(field(o, "name")); !ok {
					t.Errorf("%s: property %q lost option %q", r.file, name, field(o, "name"))
				}
			}
		}
	}
	if columns < 500 {
		t.Errorf("only %d properties were compared", columns)
	}
}

func TestRecordedErrors(t *testing.T) {
	t.Parallel()
	for _, r := range corpus(t, "errors") {
		t.Run(r.file, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := operations()["write update"](t.Context(), quick(t, &double{answer: always(r.status, string(r.body))}))
				want := map[int]error{
					400: crm.ErrInvalid, 401: crm.ErrForbidden, 403: crm.ErrForbidden, 404: crm.ErrNotFound, 409: crm.ErrConflict,
					429: crm.ErrUnavailable, 500: crm.ErrAmbiguous, 502: crm.ErrAmbiguous, 503: crm.ErrAmbiguous, 504: crm.ErrAmbiguous,
				}[r.status]
				if r.file == "029.json" || r.file == "030.json" {
					want = crm.ErrTrashed
				}
				e, ok := errors.AsType[*notion.Error](err)
				if !ok || !errors.Is(err, want) || e.Code != field(any(walk(t, r.body)), "code") || e.Status != r.status {
					t.Errorf("got %v, want %v", err, want)
				}
			})
		})
	}
}

// FuzzDecodePage feeds any bytes as a page, a list and a schema: no panic, no
// request that is repeated, and the same answer twice.
func FuzzDecodePage(f *testing.F) {
	for _, seed := range []string{pageJSON(`{}`), `{"object":"list","results":[{}]}`, `{"object":"page","id":"x","properties":{"P":{"id":"p","type":"rollup","rollup":{"type":"array","array":[null]}}}}`} {
		f.Add([]byte(seed))
	}
	for _, part := range []string{"pages", "queries", "databases", "property_items", "users"} {
		files, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpus", part, "*1.json"))
		for _, file := range files {
			var x struct {
				Response struct{ Body json.RawMessage }
			}
			if raw, err := os.ReadFile(file); err == nil && json.Unmarshal(raw, &x) == nil {
				f.Add([]byte(x.Response.Body))
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		synctest.Test(t, func(t *testing.T) {
			c := quick(t, &double{answer: always(200, string(body))})
			page, err := c.Page(t.Context(), pageID)
			again, err2 := c.Page(t.Context(), pageID)
			if (err == nil) != (err2 == nil) || !reflect.DeepEqual(page, again) {
				t.Errorf("decoded twice: %+v, %v and %+v, %v", page, err, again, err2)
			}
			if err == nil {
				stored(t, page)
			}
			_, _ = c.Query(t.Context(), sourceID, crm.Query{})
			_, _ = c.RefreshSchema(t.Context(), database)
			_, _, _ = c.Blocks(t.Context(), pageID, "")
			_, _ = c.Person(t.Context(), pageID)
			if v, err := c.Whole(t.Context(), pageID, crm.Property{ID: "p", Kind: crm.KindPeople}); err == nil && v.More {
				t.Errorf("a whole list goes on: %+v", v)
			}
		})
	})
}

// stored checks that every value survives being stored as JSON.
func stored(t *testing.T, page crm.Page) {
	t.Helper()
	for id, v := range page.Values {
		raw, err := json.Marshal(v)
		var back crm.Value
		if err != nil || json.Unmarshal(raw, &back) != nil || !v.Equal(back) {
			t.Errorf("%s: %+v came back as %+v, %v", id, v, back, err)
		}
	}
}
