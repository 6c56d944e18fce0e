package notion_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
)

func crmTime(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestPageReadsEveryKind(t *testing.T) {
	t.Parallel()
	people := `{"object":"user","id":"` + strings.ReplaceAll(pageID, "-", "") + `"}`
	for _, tt := range []struct {
		name, property string
		want           crm.Value
		absent         bool
	}{
		{name: "title", property: `{"type":"title","title":[{"plain_text":"A"},{"plain_text":"na"}]}`, want: crm.Text(crm.KindTitle, "Ana")},
		{name: "text without plain_text", property: `{"type":"rich_text","rich_text":[{"text":{"content":"x"}}]}`, want: crm.Text(crm.KindText, "x")},
		{name: "email null", property: `{"type":"email","email":null}`, want: crm.Value{Kind: crm.KindEmail}},
		{name: "number zero", property: `{"type":"number","number":0}`, want: crm.Value{Kind: crm.KindNumber, Number: "0"}},
		{name: "number null", property: `{"type":"number","number":null}`, want: crm.Value{Kind: crm.KindNumber}},
		{name: "large number", property: `{"type":"number","number":9007199254740993}`, want: crm.Value{Kind: crm.KindNumber, Number: "9007199254740993"}},
		{name: "select null", property: `{"type":"select","select":null}`, want: crm.Value{Kind: crm.KindSelect}},
		{
			name: "status", property: `{"type":"status","status":{"id":"1","name":"Won"}}`,
			want: crm.Value{Kind: crm.KindStatus, Names: []string{"Won"}, IDs: []string{"1"}},
		},
		{
			name: "multi_select", property: `{"type":"multi_select","multi_select":[{"id":"2","name":"b"},{"id":"3","name":""},{"id":"1","name":"a"}]}`,
			want: crm.Value{Kind: crm.KindMultiSelect, Names: []string{"b", "a"}, IDs: []string{"2", "1"}},
		},
		{
			name: "multi_select, not all with an id", property: `{"type":"multi_select","multi_select":[{"id":"1","name":"a"},{"name":"b"}]}`,
			want: crm.Choice(crm.KindMultiSelect, "a", "b"),
		},
		{name: "day", property: `{"type":"date","date":{"start":"2026-11-20","end":null,"time_zone":null}}`, want: crm.Day("2026-11-20")},
		{
			name: "moment with offset", property: `{"type":"date","date":{"start":"2026-11-20T09:00:00.000+01:00"}}`,
			want: crm.Day("2026-11-20T09:00:00.000+01:00"),
		},
		{name: "date null", property: `{"type":"date","date":null}`, want: crm.Value{Kind: crm.KindDate}},
		{name: "checkbox", property: `{"type":"checkbox","checkbox":true}`, want: crm.Value{Kind: crm.KindCheckbox, Check: true}},
		{name: "people", property: `{"type":"people","people":[` + people + `]}`, want: crm.Value{Kind: crm.KindPeople, IDs: []string{pageID}}},
		{
			name: "25 people", property: `{"type":"people","people":[` + strings.Repeat(people+",", 24) + people + `]}`,
			want: crm.Value{Kind: crm.KindPeople, IDs: repeat(pageID, 25), More: true},
		},
		{
			name: "relation with more", property: `{"type":"relation","has_more":true,"relation":[{"id":"` + pageID + `"}]}`,
			want: crm.Value{Kind: crm.KindRelation, IDs: []string{pageID}, More: true},
		},
		{
			name: "25 relations and no more", property: `{"type":"relation","has_more":false,"relation":[` + strings.Repeat(`{"id":"`+pageID+`"},`, 24) + `{"id":"` + pageID + `"}]}`,
			want: crm.Value{Kind: crm.KindRelation, IDs: repeat(pageID, 25)},
		},
		{
			name: "created_time", property: `{"type":"created_time","created_time":"2026-11-20T08:00:00.000Z"}`,
			want: crm.Value{Kind: "created_time", Date: &crm.Date{Start: "2026-11-20T08:00:00.000Z"}},
		},
		{name: "created_by", property: `{"type":"created_by","created_by":` + people + `}`, want: crm.Value{Kind: "created_by", IDs: []string{pageID}}},
		{name: "unique id", property: `{"type":"unique_id","unique_id":{"prefix":"DEAL","number":12}}`, want: crm.Text("unique_id", "DEAL-12")},
		{name: "unique id without prefix", property: `{"type":"unique_id","unique_id":{"prefix":null,"number":12}}`, want: crm.Text("unique_id", "12")},
		{name: "formula string", property: `{"type":"formula","formula":{"type":"string","string":"x"}}`, want: crm.Text("formula", "x")},
		{name: "formula number null", property: `{"type":"formula","formula":{"type":"number","number":null}}`, want: crm.Value{Kind: "formula"}},
		{name: "formula unsupported", property: `{"type":"formula","formula":{"type":"unsupported","unsupported":{}}}`, absent: true},
		{name: "rollup number", property: `{"type":"rollup","rollup":{"type":"number","number":3,"function":"count"}}`, want: crm.Value{Kind: "rollup", Number: "3"}},
		{
			name: "rollup of odd elements", property: `{"type":"rollup","rollup":{"type":"array","array":[{"type":"title","title":[{"plain_text":"a"}]},{"type":"hologram"},{},null,7,{"type":"number","number":2}]}}`,
			want: crm.Text("rollup", "a, 2"),
		},
		{name: "rollup of options", property: `{"type":"rollup","rollup":{"type":"array","array":[{"type":"status","status":{"id":"1","name":"Won"}}]}}`, want: crm.Text("rollup", "Won")},
		{name: "rollup incomplete", property: `{"type":"rollup","rollup":{"type":"incomplete","incomplete":{}}}`, absent: true},
		{name: "place", property: `{"type":"place","place":{"lat":1,"lon":2,"name":"Office","address":"Main St 1"}}`, want: crm.Text("place", "Office, Main St 1")},
		{name: "files", property: `{"type":"files","files":[{"name":"a.pdf","type":"file"}]}`, want: crm.Text("files", "a.pdf")},
		{name: "verification null", property: `{"type":"verification","verification":null}`, want: crm.Value{Kind: "verification"}},
		{name: "button", property: `{"type":"button","button":{}}`, absent: true},
		{name: "future type", property: `{"type":"hologram","hologram":{"x":1}}`, absent: true},
		{name: "no type", property: `{"title":[]}`, absent: true},
		{name: "type null", property: `{"type":null,"null":1}`, absent: true},
		{name: "type without value", property: `{"type":"title"}`, absent: true},
		{name: "wrong shape", property: `{"type":"title","title":"Ana"}`, absent: true},
		{name: "wrong element", property: `{"type":"multi_select","multi_select":[1]}`, absent: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			with := strings.Replace(tt.property, "{", `{"id":"p%3A",`, 1)
			body := pageJSON(`{"P":` + with + `,"Odd":null,"List":[],"Name":{"id":"title","type":"title","title":[{"plain_text":"kept"}]}}`)
			page, err := quick(t, &double{answer: always(200, body)}).Page(t.Context(), pageID)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]crm.Value{"title": crm.Text(crm.KindTitle, "kept")}
			if !tt.absent {
				want["p%3A"] = tt.want
			}
			if diff := cmp.Diff(want, page.Values); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

func repeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func TestPageReadsTheEnvelope(t *testing.T) {
	t.Parallel()
	page, err := quick(t, &double{answer: always(200, pageJSON(`{}`))}).Page(t.Context(), "https://www.notion.so/acme/Ana-"+strings.ReplaceAll(pageID, "-", "")+"?pvs=4")
	if err != nil {
		t.Fatal(err)
	}
	want := crm.Page{
		ID: pageID, DataSource: sourceID, Database: database, URL: "https://www.notion.so/x", CreatedBy: database, EditedBy: sourceID,
		CreatedAt: crmTime(t, "2026-11-20T08:00:00Z"), EditedAt: crmTime(t, "2026-11-20T08:01:00Z"), Values: map[string]crm.Value{},
	}
	if diff := cmp.Diff(want, page); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	for _, key := range []string{"archived", "in_trash"} {
		body := strings.Replace(pageJSON(`{}`), `"`+key+`":false`, `"`+key+`":true`, 1)
		page, err := quick(t, &double{answer: always(200, body)}).Update(t.Context(), pageID, map[string]crm.Value{"e": crm.Text(crm.KindEmail, "x")})
		if err != nil || !page.Trashed {
			t.Errorf("%s: got trashed %v and %v, want a trashed page", key, page.Trashed, err)
		}
	}
}

func TestNothingUnreadablePassesForSuccess(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"empty": "", "html": "<html>502</html>", "array": "[]", "text": `"ok"`, "null": "null", "number": "7", "empty object": "{}",
		"error with 200": errorJSON(400, "validation_error", "no"), "cut": pageJSON(`{}`)[:80],
		"wrong object": `{"object":"comment","id":"` + pageID + `"}`, "id of another type": `{"object":"page","id":7,"properties":{}}`,
		"list that goes nowhere": `{"object":"list","results":[],"has_more":true,"next_cursor":null}`,
		"list without results":   `{"object":"list","has_more":false}`, "results of another type": `{"object":"list","results":{}}`,
		"properties of another type": `{"object":"page","id":"` + pageID + `","properties":[]}`,
		"source without properties":  `{"object":"data_source","id":"` + sourceID + `"}`, "sources of another type": `{"object":"database","data_sources":3}`,
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for op, ask := range operations() {
					err := ask(t.Context(), quick(t, &double{answer: always(200, body)}))
					want := crm.ErrUnavailable
					if isWrite(op) {
						want = crm.ErrAmbiguous
					}
					if !errors.Is(err, want) {
						t.Errorf("%s: got %v, want %v", op, err, want)
					}
				}
			})
		})
	}
}

func TestOddRowsCostOnlyThemselves(t *testing.T) {
	t.Parallel()
	body := `{"object":"list","has_more":true,"next_cursor":"more","request_status":{"type":"incomplete"},"results":[null,7,[],{},
		{"object":"data_source","id":"` + sourceID + `"},{"object":"page"},{"object":"page","id":"` + pageID + `"},` + pageJSON(`{}`) + `]}`
	got, err := quick(t, &double{answer: always(200, body)}).Query(t.Context(), sourceID, crm.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Pages) != 1 || got.Next != "more" || !got.Cut {
		t.Errorf("got %d pages, next %q, incomplete %v; want 1, more, true", len(got.Pages), got.Next, got.Cut)
	}
}

func TestBlocksAreReadInOrder(t *testing.T) {
	t.Parallel()
	body := `{"object":"list","has_more":false,"results":[{"type":"paragraph","paragraph":{"rich_text":[{"plain_text":"a"},{"plain_text":"b"}]}},
		{"type":"divider","divider":{}},null,{"type":"to_do","to_do":{"rich_text":[{"plain_text":"c"}]}}]}`
	d := &double{answer: always(200, body)}
	texts, next, err := quick(t, d).Blocks(t.Context(), pageID, "cur")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ab", "", "", "c"}, texts); diff != "" || next != "" {
		t.Errorf("next %q, texts (-want +got):\n%s", next, diff)
	}
}
