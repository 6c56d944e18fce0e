package sandbox_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// integrationName is the only part of a refusal that differs by workspace.
var integrationName = regexp.MustCompile(`integration "[^"]*"`)

func TestRecordedRefusalsAreRepeatedWordForWord(t *testing.T) {
	t.Parallel()
	skipped := map[string]string{
		"errors/004.json": "a revoked token, which has a test of its own",
		"errors/014.json": "an early wording of 2025-09-03, which later said data_source",
		"errors/017.json": "a linked database without data sources",
		"errors/018.json": "a formula of unknown type",
	}
	n := 0
	for _, r := range corpus(t, "errors") {
		known := slices.Contains(versions(), r.Request.Version)
		if r.Request.Method == "" || !known || skipped[r.file] != "" || strings.Contains(r.Request.URL, "/U/") {
			continue
		}
		n++
		c := newClient(t, sandbox.Options{}).on(r.Request.Version)
		var body any
		if r.Request.Body != nil {
			body = r.Request.Body
		}
		status, got := c.do(r.Request.Method, r.Request.URL, body)
		want := r.Response.Body.(object)
		wantText := integrationName.ReplaceAllString(want["message"].(string), `integration "Dealbell"`)
		if status != r.Response.Status || got["code"] != want["code"] || got["message"] != wantText {
			t.Errorf("%s: got %d %v %v\nwant %d %v %v", r.file, status, got["code"], got["message"], r.Response.Status, want["code"], wantText)
		}
	}
	if n < 10 {
		t.Errorf("got %d recorded refusals to repeat, want at least 10", n)
	}
}

// replayable are the types whose written values do not point elsewhere.
var replayable = []string{
	"title", "rich_text", "number", "select", "multi_select", "status", "date", "checkbox",
	"url", "email", "phone_number", "place",
}

func TestRecordedWritesGiveTheRecordedValues(t *testing.T) {
	t.Parallel()
	n := 0
	for _, r := range corpus(t, "pages") {
		sent, _ := r.Request.Body["properties"].(object)
		page, _ := r.Response.Body.(object)
		answered, _ := page["properties"].(object)
		if len(sent) == 0 || r.Source.Provenance != "recorded" || !slices.Contains(versions(), r.Request.Version) {
			continue
		}
		c := newClient(t, sandbox.Options{}).on(r.Request.Version)
		db, write := tableFor(c, sent, answered)
		if len(write) == 0 {
			continue
		}
		n++
		status, got := c.do("POST", "/v1/pages", newPage(db, write))
		if status != 200 {
			t.Errorf("%s: got %d %v for\n%v", r.file, status, got["message"], write)
			continue
		}
		for name := range write {
			want, have := plainValue(answered[name]), plainValue(dig(got, "properties", name))
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("%s: %s (-recorded +sandbox):\n%s", r.file, name, diff)
			}
		}
	}
	if n < 100 {
		t.Errorf("got %d recorded writes to repeat, want at least 100", n)
	}
}

// tableFor makes a database in which a recorded write is possible, and the part
// of the write that stands for itself.
func tableFor(c *client, sent, answered object) (*sandbox.Database, object) {
	var props []sandbox.Property
	write := object{}
	for name, value := range answered {
		kind, _ := dig(value, "type").(string)
		if !slices.Contains(replayable, kind) {
			continue
		}
		p := sandbox.Property{Name: name, Type: kind}
		if option, ok := dig(value, kind, "name").(string); ok && kind == "status" {
			p.Options = []string{option}
		}
		props = append(props, p)
		if v, ok := sent[name]; ok {
			write[name] = withoutOptionIDs(v, kind)
		}
	}
	return c.w.CreateDatabase("Recorded", props...), write
}

// withoutOptionIDs drops what names an option of the recorded workspace.
func withoutOptionIDs(v any, kind string) any {
	obj, ok := v.(object)
	if !ok {
		return v
	}
	out := object{}
	for key, value := range obj {
		if key != "id" {
			out[key] = value
		}
	}
	if option, ok := out[kind].(object); ok && (kind == "select" || kind == "status") {
		out[kind] = object{"name": option["name"]}
	}
	if kind == "multi_select" {
		names := []any{}
		for _, option := range list(out[kind]) {
			names = append(names, object{"name": dig(option, "name")})
		}
		out[kind] = names
	}
	return out
}

// plainValue is a property value without ids and colors, which are drawn.
func plainValue(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for key, value := range v {
			if key != "id" && (key != "color" || v["bold"] != nil) {
				out[key] = plainValue(value)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, plainValue(item))
		}
		return out
	default:
		return v
	}
}

// TestRecordedQueriesFindTheRowsThatTheyFound fills a table with the recorded
// results and asks again: no row may get lost, and sorts must agree.
func TestRecordedQueriesFindTheRowsThatTheyFound(t *testing.T) {
	t.Parallel()
	n := 0
	for _, r := range corpus(t, "queries") {
		body := r.Request.Body
		results := list(dig(r.Response.Body, "results"))
		asked := askedProperties(body)
		if len(asked) == 0 || len(results) == 0 || !allReplayable(asked, results[0]) {
			continue
		}
		n++
		c := newClient(t, sandbox.Options{}).on(r.Request.Version)
		answered := dig(results[0], "properties").(object)
		db, _ := tableFor(c, object{}, withOptions(answered, results))
		var want []string
		for _, row := range results {
			write := object{}
			for name, value := range dig(row, "properties").(object) {
				kind, _ := dig(value, "type").(string)
				if (kind == "title" || slices.Contains(asked, name)) && dig(value, kind) != nil {
					write[name] = withoutOptionIDs(object{kind: dig(value, kind)}, kind)
				}
			}
			want = append(want, titleOf(c.create(db, write)))
		}
		addAskedOptions(c.w, db, body)
		target := "/v1/data_sources/" + db.DataSourceID + "/query"
		if r.Request.Version == "2022-06-28" {
			target = "/v1/databases/" + db.ID + "/query"
		}
		var got []string
		for _, row := range list(c.ok("POST", target, body)["results"]) {
			got = append(got, titleOf(row.(object)))
		}
		if body["sorts"] == nil {
			slices.Sort(want)
			slices.Sort(got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %v (-recorded +sandbox):\n%s", r.file, body, diff)
		}
	}
	if n < 20 {
		t.Errorf("got %d recorded queries to repeat, want at least 20", n)
	}
}

// addAskedOptions adds the options that a query names although no row has them.
func addAskedOptions(w *sandbox.Workspace, db *sandbox.Database, body object) {
	conditions, _ := dig(body, "filter", "select").(object)
	for _, value := range conditions {
		for _, option := range append(list(value), value) {
			if name, ok := option.(string); ok {
				w.AddOption(db, dig(body, "filter", "property").(string), name)
			}
		}
	}
}

// askedProperties are the properties that a query filters or sorts by.
func askedProperties(body object) []string {
	var asked []string
	if name, ok := dig(body, "filter", "property").(string); ok {
		asked = append(asked, name)
	}
	for _, s := range list(body["sorts"]) {
		name, _ := dig(s, "property").(string)
		asked = append(asked, name)
	}
	if dig(body, "filter", "and") != nil {
		return nil // about the week of the recording
	}
	return asked
}

func allReplayable(names []string, row any) bool {
	for _, name := range names {
		kind, _ := dig(row, "properties", name, "type").(string)
		if !slices.Contains(replayable, kind) {
			return false
		}
	}
	return true
}

// withOptions gives status properties the option of a row that has one.
func withOptions(answered object, rows []any) object {
	out := object{}
	for name, value := range answered {
		out[name] = value
		for _, row := range rows {
			if other := dig(row, "properties", name); dig(other, "type") == "status" && dig(other, "status") != nil {
				out[name] = other
			}
		}
	}
	return out
}
