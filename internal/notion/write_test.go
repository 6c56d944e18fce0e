package notion_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
)

// TestUpdateSendsExactly is the golden JSON of every write and every clear.
func TestUpdateSendsExactly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		value crm.Value
		want  string
	}{
		{"title", crm.Text(crm.KindTitle, "Ana"), `{"title":[{"type":"text","text":{"content":"Ana"}}]}`},
		{"title cleared", crm.Value{Kind: crm.KindTitle}, `{"title":[]}`},
		{"text keeps newline and tab", crm.Text(crm.KindText, "a\r\nb\tc\x00\x1b\rd"), `{"rich_text":[{"type":"text","text":{"content":"a\nb\tc\nd"}}]}`},
		{"text with bad bytes", crm.Text(crm.KindText, "a\xffb"), `{"rich_text":[{"type":"text","text":{"content":"a\ufffdb"}}]}`},
		{"text cleared", crm.Value{Kind: crm.KindText}, `{"rich_text":[]}`},
		{"email", crm.Text(crm.KindEmail, " ana@example.com "), `{"email":"ana@example.com"}`},
		{"email cleared", crm.Value{Kind: crm.KindEmail}, `{"email":null}`},
		{"url", crm.Text(crm.KindURL, "https://x.io/?a=1&b=<2>"), `{"url":"https://x.io/?a=1&b=<2>"}`},
		{"url cleared", crm.Value{Kind: crm.KindURL}, `{"url":null}`},
		{"phone", crm.Text(crm.KindPhone, "+34 600"), `{"phone_number":"+34 600"}`},
		{"phone cleared", crm.Value{Kind: crm.KindPhone}, `{"phone_number":null}`},
		{"number keeps its digits", crm.Value{Kind: crm.KindNumber, Number: "9007199254740993.10"}, `{"number":9007199254740993.10}`},
		{"number zero", crm.Value{Kind: crm.KindNumber, Number: "0"}, `{"number":0}`},
		{"number cleared", crm.Value{Kind: crm.KindNumber}, `{"number":null}`},
		{"select loses commas", crm.Choice(crm.KindSelect, "Fair, Berlin,2026 "), `{"select":{"name":"Fair Berlin 2026"}}`},
		{"select is cut", crm.Choice(crm.KindSelect, strings.Repeat("é", 120)), `{"select":{"name":"` + strings.Repeat("é", 100) + `"}}`},
		{"select of commas only", crm.Choice(crm.KindSelect, ",,"), `{"select":null}`},
		{"select cleared", crm.Value{Kind: crm.KindSelect}, `{"select":null}`},
		{"select by name although the id is known", crm.Value{Kind: crm.KindSelect, Names: []string{"a"}, IDs: []string{"1"}}, `{"select":{"name":"a"}}`},
		{
			"multi_select by name although the ids are known",
			crm.Value{Kind: crm.KindMultiSelect, Names: []string{"a", "b"}, IDs: []string{"1", "2"}},
			`{"multi_select":[{"name":"a"},{"name":"b"}]}`,
		},
		{"status", crm.Choice(crm.KindStatus, "In progress"), `{"status":{"name":"In progress"}}`},
		{"status cleared", crm.Value{Kind: crm.KindStatus}, `{"status":null}`},
		{"multi_select", crm.Choice(crm.KindMultiSelect, "a,b", "c", "c", ""), `{"multi_select":[{"name":"a b"},{"name":"c"}]}`},
		{"multi_select cleared", crm.Value{Kind: crm.KindMultiSelect}, `{"multi_select":[]}`},
		{"day", crm.Day("2026-11-20"), `{"date":{"start":"2026-11-20"}}`},
		{
			"range with zone",
			crm.Value{Kind: crm.KindDate, Date: &crm.Date{Start: "2026-11-20T09:00:00", End: "2026-11-20T10:00:00", Zone: "Europe/Madrid"}},
			`{"date":{"start":"2026-11-20T09:00:00","end":"2026-11-20T10:00:00","time_zone":"Europe/Madrid"}}`,
		},
		{"date cleared", crm.Value{Kind: crm.KindDate}, `{"date":null}`},
		{"checkbox", crm.Value{Kind: crm.KindCheckbox, Check: true}, `{"checkbox":true}`},
		{"checkbox unticked", crm.Value{Kind: crm.KindCheckbox}, `{"checkbox":false}`},
		{"people", crm.Value{Kind: crm.KindPeople, IDs: []string{pageID}}, `{"people":[{"object":"user","id":"` + pageID + `"}]}`},
		{"people cleared", crm.Value{Kind: crm.KindPeople}, `{"people":[]}`},
		{"relation", crm.Value{Kind: crm.KindRelation, IDs: []string{pageID}}, `{"relation":[{"id":"` + pageID + `"}]}`},
		{"relation cleared", crm.Value{Kind: crm.KindRelation}, `{"relation":[]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := &double{answer: good}
			if _, err := quick(t, d).Update(t.Context(), pageID, map[string]crm.Value{"%5EkIz": tt.value}); err != nil {
				t.Fatal(err)
			}
			want := `{"properties":{"%5EkIz":` + tt.want + `}}`
			if diff := cmp.Diff(exact(t, want), exact(t, d.transcript()[0].body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

// exact reads JSON without rounding numbers.
func exact(t *testing.T, s string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return v
}

func TestCreateSendsExactly(t *testing.T) {
	t.Parallel()
	d := &double{answer: good}
	_, err := quick(t, d).Create(t.Context(), sourceID, map[string]crm.Value{"title": crm.Text(crm.KindTitle, "Ana")}, []crm.Paragraph{
		{{Text: "20 Nov", Gray: true}, {Text: " hello", Bold: true}}, {},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := d.transcript()[0]
	want := `{"parent":{"type":"data_source_id","data_source_id":"` + sourceID + `"},
		"properties":{"title":{"title":[{"type":"text","text":{"content":"Ana"}}]}},
		"children":[{"object":"block","type":"paragraph","paragraph":{"rich_text":[
			{"type":"text","text":{"content":"20 Nov"},"annotations":{"color":"gray"}},
			{"type":"text","text":{"content":" hello"},"annotations":{"bold":true}}]}},
			{"object":"block","type":"paragraph","paragraph":{"rich_text":[]}}]}`
	if diff := cmp.Diff(exact(t, want), exact(t, got.body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if got.method != "POST" || got.path != "/v1/pages" {
		t.Errorf("got %s %s", got.method, got.path)
	}
	behind := &double{answer: func(*http.Request) (*http.Response, error) { return respond(200, pageJSON(`{}`)), nil }}
	client := newClient(t, notion.Options{Transport: behind, Rate: fast, BaseURL: "http://127.0.0.1:9/notion/"})
	if _, err := client.Lane(crm.Live).Page(t.Context(), pageID); err != nil || behind.transcript()[0].path != "/notion/v1/pages/"+pageID {
		t.Errorf("behind a path: got %s, %v", behind.transcript()[0].path, err)
	}
	for key, want := range map[string]string{"Authorization": "Bearer " + token, "Notion-Version": "2025-09-03", "Content-Type": "application/json"} {
		if got := got.header.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

func TestCreateWithoutValuesSendsAnEmptyObject(t *testing.T) {
	t.Parallel()
	d := &double{answer: good}
	if _, err := quick(t, d).Create(t.Context(), sourceID, nil, nil); err != nil {
		t.Fatal(err)
	}
	want := `{"parent":{"type":"data_source_id","data_source_id":"` + sourceID + `"},"properties":{}}`
	if diff := cmp.Diff(exact(t, want), exact(t, d.transcript()[0].body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestLongTextIsSplitWhereNotionCounts(t *testing.T) {
	t.Parallel()
	family := "👨‍👩‍👧‍👦" // one character, 11 code units
	for _, tt := range []struct{ name, text string }{
		{"ascii", strings.Repeat("a", 4001)},
		{"surrogate pairs", "a" + strings.Repeat("😀", 2001)},
		{"clusters", "a" + strings.Repeat(family, 400)},
		{"combining", "a" + strings.Repeat("e\u0301", 2001)},
		{"flags", "a" + strings.Repeat("🇪🇸 ", 900)},
		{"one endless cluster", "e" + strings.Repeat("\u0301", 4500)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pieces := sentText(t, tt.text)
			if got := strings.Join(pieces, ""); got != tt.text {
				t.Fatalf("joined pieces differ from the text: %d bytes, want %d", len(got), len(tt.text))
			}
			for i, p := range pieces {
				if n := len(utf16.Encode([]rune(p))); n > 2000 || n == 0 {
					t.Errorf("piece %d has %d code units", i, n)
				}
				if tt.name == "clusters" && strings.HasPrefix(p, "\u200d") {
					t.Errorf("piece %d begins inside a character", i)
				}
				if tt.name == "combining" && strings.HasPrefix(p, "\u0301") {
					t.Errorf("piece %d begins with an accent", i)
				}
			}
		})
	}
	if n := len(sentText(t, strings.Repeat("a", 250_000))); n != 100 {
		t.Errorf("a text of 125 pieces was sent in %d, want 100", n)
	}
}

func sentText(t *testing.T, text string) []string {
	t.Helper()
	d := &double{answer: good}
	if _, err := quick(t, d).Update(t.Context(), pageID, map[string]crm.Value{"n": crm.Text(crm.KindText, text)}); err != nil {
		t.Fatal(err)
	}
	var body struct {
		Properties struct {
			N struct {
				RichText []struct{ Text struct{ Content string } } `json:"rich_text"`
			}
		}
	}
	if err := json.Unmarshal([]byte(d.transcript()[0].body), &body); err != nil {
		t.Fatal(err)
	}
	var pieces []string
	for _, item := range body.Properties.N.RichText {
		pieces = append(pieces, item.Text.Content)
	}
	return pieces
}

func TestWhatCannotBeWrittenIsNotSent(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]crm.Value{
		"formula":        {Kind: "formula", Text: "x"},
		"unknown kind":   {Kind: "hologram"},
		"no kind":        {},
		"not a number":   {Kind: crm.KindNumber, Number: "12,5 " + email},
		"null as number": {Kind: crm.KindNumber, Number: "null"},
		"cut relation":   {Kind: crm.KindRelation, IDs: []string{pageID}, More: true},
		"cut people":     {Kind: crm.KindPeople, More: true},
	} {
		d := &double{answer: good}
		c := quick(t, d)
		_, err := c.Update(t.Context(), pageID, map[string]crm.Value{"p": v})
		_, err2 := c.Create(t.Context(), sourceID, map[string]crm.Value{"p": v}, nil)
		for _, err := range []error{err, err2} {
			if !errors.Is(err, crm.ErrInvalid) || d.count() != 0 || strings.Contains(err.Error(), email) {
				t.Errorf("%s: got %v after %d requests, want ErrInvalid after none", name, err, d.count())
			}
		}
	}
}

func TestQuerySendsExactly(t *testing.T) {
	t.Parallel()
	at := crmTime(t, "2026-11-20T09:30:00+01:00")
	is := func(k crm.Kind, texts ...string) crm.Query {
		return crm.Query{Key: crm.Property{ID: "a%3Ab", Kind: k}, KeyIs: texts}
	}
	everything := is(crm.KindEmail, "a", "b")
	everything.EditedSince, everything.CreatedSince, everything.CreatedUntil = at, at, at
	for _, tt := range []struct {
		name  string
		query crm.Query
		want  string // without the order, which is always that of creation
	}{
		{"everything", crm.Query{}, `{}`},
		{"size and cursor", crm.Query{Size: 7, Cursor: "c"}, `{"page_size":7,"start_cursor":"c"}`},
		{"too large a size", crm.Query{Size: 1000}, `{}`},
		{"newest first", crm.Query{Newest: true}, `{"sorts":[{"timestamp":"created_time","direction":"descending"}]}`},
		{"email key", is(crm.KindEmail, "a@x.io"), `{"filter":{"property":"a%3Ab","email":{"equals":"a@x.io"}}}`},
		{"title key", is(crm.KindTitle, "x"), `{"filter":{"property":"a%3Ab","title":{"equals":"x"}}}`},
		{"text key", is(crm.KindText, "x"), `{"filter":{"property":"a%3Ab","rich_text":{"equals":"x"}}}`},
		{"url key", is(crm.KindURL, "x"), `{"filter":{"property":"a%3Ab","url":{"equals":"x"}}}`},
		{"phone key", is(crm.KindPhone, "x"), `{"filter":{"property":"a%3Ab","phone_number":{"equals":"x"}}}`},
		{"relation", is(crm.KindRelation, pageID), `{"filter":{"property":"a%3Ab","relation":{"contains":"` + pageID + `"}}}`},
		{
			"part of a key",
			crm.Query{Key: crm.Property{ID: "a%3Ab", Kind: crm.KindEmail}, KeyHas: "ana@"},
			`{"filter":{"property":"a%3Ab","email":{"contains":"ana@"}}}`,
		},
		{"several keys", is(crm.KindEmail, "a", "b"), `{"filter":{"or":[
			{"property":"a%3Ab","email":{"equals":"a"}},{"property":"a%3Ab","email":{"equals":"b"}}]}}`},
		{"everything at once", everything, `{"filter":{"and":[
			{"or":[{"property":"a%3Ab","email":{"equals":"a"}},{"property":"a%3Ab","email":{"equals":"b"}}]},
			{"timestamp":"last_edited_time","last_edited_time":{"on_or_after":"2026-11-20T08:30:00.000Z"}},
			{"timestamp":"created_time","created_time":{"on_or_after":"2026-11-20T08:30:00.000Z"}},
			{"timestamp":"created_time","created_time":{"before":"2026-11-20T08:30:00.000Z"}}]}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := &double{answer: good}
			if _, err := quick(t, d).Query(t.Context(), sourceID, tt.query); err != nil {
				t.Fatal(err)
			}
			got := d.transcript()[0]
			if got.method != "POST" || got.path != "/v1/data_sources/"+sourceID+"/query" {
				t.Errorf("got %s %s", got.method, got.path)
			}
			want := map[string]any{"page_size": json.Number("100"), "sorts": exact(t, `[{"timestamp":"created_time","direction":"ascending"}]`)}
			maps.Copy(want, exact(t, tt.want).(map[string]any))
			if diff := cmp.Diff(any(want), exact(t, got.body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTrashSendsExactly(t *testing.T) {
	t.Parallel()
	d := &double{answer: good}
	if _, err := quick(t, d).Trash(t.Context(), pageID); err != nil {
		t.Fatal(err)
	}
	got := d.transcript()[0]
	if got.method != "PATCH" || got.path != "/v1/pages/"+pageID || strings.TrimSpace(got.body) != `{"in_trash":true}` {
		t.Errorf("got %s %s %s", got.method, got.path, got.body)
	}
}

func TestManyBlocksGoInHundreds(t *testing.T) {
	t.Parallel()
	d := &double{answer: good}
	blocks := make([]crm.Paragraph, 150)
	for i := range blocks {
		blocks[i] = crm.Paragraph{{Text: "x"}}
	}
	if _, err := quick(t, d).Create(t.Context(), sourceID, nil, blocks); err != nil {
		t.Fatal(err)
	}
	var counts []int
	for _, c := range d.transcript() {
		counts = append(counts, strings.Count(c.body, `"paragraph":`))
	}
	if diff := cmp.Diff([]int{100, 50}, counts); diff != "" {
		t.Errorf("blocks per request (-want +got):\n%s", diff)
	}
	long := &double{answer: good}
	if err := quick(t, long).Append(t.Context(), pageID, []crm.Paragraph{{{Text: strings.Repeat("a", 2000*101)}}}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(long.transcript()[0].body, `"paragraph":`); n != 2 {
		t.Errorf("101 runs went in %d blocks, want 2", n)
	}
}
