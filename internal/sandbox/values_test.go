package sandbox_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestValuesOfEachTypeComeBack(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	db := c.w.CreateDatabase("All", everyType()...)
	bold := object{
		"type": "text", "text": object{"content": "Ann", "link": object{"url": "https://a.example"}},
		"annotations": object{"bold": true, "italic": false, "strikethrough": false, "underline": false, "code": false, "color": "red"},
	}
	answered := object{"plain_text": "Ann", "href": "https://a.example"}
	maps.Copy(answered, bold)
	place := object{"lat": 1.5, "lon": 2.0, "name": nil, "address": "x", "aws_place_id": nil, "google_place_id": nil}
	for _, test := range []struct {
		kind     string
		in, want any
	}{
		{"rich_text", []any{bold}, []any{answered}},
		{"rich_text", append(text(""), text("")...), []any{}}, // empty runs vanish
		{"number", 9007199254740991.0, 9007199254740991.0},
		{"checkbox", true, true},
		{"url", "https://a.example", "https://a.example"},
		{"files", []any{object{"name": "a", "external": object{"url": "https://a.example/f"}}}, []any{object{"name": "a", "type": "external", "external": object{"url": "https://a.example/f"}}}},
		{"place", object{"lat": 1.5, "lon": 2, "address": "x"}, place},
		{"verification", object{"state": "verified"}, object{"state": "verified", "verified_by": nil, "date": nil}},
	} {
		page := c.create(db, object{test.kind: object{test.kind: test.in}})
		if diff := cmp.Diff(test.want, dig(page, "properties", test.kind, test.kind)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.kind, diff)
		}
	}
	page := c.create(db, object{"title": text("short form")})
	if titleOf(page) != "short form" {
		t.Errorf("title without its type: got %q", titleOf(page))
	}
	if got := dig(page, "properties", "unique_id", "unique_id"); !cmp.Equal(got, object{"prefix": "ABC", "number": 9.0}) {
		t.Errorf("unique_id of the ninth row: got %v", got)
	}
}

func TestBadDetailsOfValuesAreRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	db := c.w.CreateDatabase("All", everyType()...)
	link := func(url string) []any {
		return []any{object{"text": object{"content": "x", "link": object{"url": url}}}}
	}
	for _, test := range []struct {
		kind    string
		in      any
		message string // its start
	}{
		{"rich_text", []any{object{"type": "mention"}}, "body failed validation: body.properties.rich_text.rich_text[0].type should be"},
		{"rich_text", []any{object{"plain_text": "x"}}, "body failed validation: body.properties.rich_text.rich_text[0].text should be defined"},
		{"rich_text", []any{object{"text": object{}}}, "body failed validation: body.properties.rich_text.rich_text[0].text.content should be a string, instead was `undefined`."},
		{"rich_text", link("nowhere"), "Invalid URL for link."},
		{"rich_text", link("https://x/" + strings.Repeat("x", 2000)), "body failed validation: body.properties.rich_text.rich_text[0].text.link.url.length should be ≤ `2000`, instead was `2010`."},
		{"rich_text", text(strings.Repeat("😀", 1001)), "body failed validation: body.properties.rich_text.rich_text[0].text.content.length should be ≤ `2000`, instead was `2002`."},
		{"select", object{"name": "a", "color": "loud"}, "body failed validation: body.properties.select.select.color should be a known color"},
		{"select", object{}, "body failed validation: body.properties.select.select.name should be defined, instead was `undefined`."},
		{"select", "a", "body failed validation: body.properties.select.select should be an object, instead was `\"a\"`."},
		{"multi_select", make([]any, 101), "body failed validation: body.properties.multi_select.multi_select.length should be ≤ `100`, instead was `101`."},
		{"people", []any{object{"id": someID}}, "Could not find user with ID: " + someID},
		{"relation", []any{object{"id": someID}}, "Could not find page with ID: " + someID},
		{"files", []any{object{"name": "a"}}, "body failed validation: body.properties.files.files[0].external should be defined"},
		{"place", object{"lat": 1}, "body failed validation: body.properties.place.place.lon should be a number, instead was `undefined`."},
		{"date", object{"start": "2026-01-02", "end": "2026-01-01"}, "body failed validation: body.properties.date.date.end should be"},
		{"date", object{"start": "2026-01-02T10:00:00", "time_zone": "Mars/Base"}, "body failed validation: body.properties.date.date.time_zone should be a valid IANA time zone or `null`"},
		{"date", object{"start": "2026-01-02T10:00:00+01:00", "time_zone": "Europe/Berlin"}, "body failed validation: body.properties.date.date.start should be"},
		{"verification", object{"state": "maybe"}, "body failed validation: body.properties.verification.verification.state should be"},
	} {
		status, out := c.do("POST", "/v1/pages", newPage(db, object{test.kind: object{test.kind: test.in}}))
		got, _ := out["message"].(string)
		if status != 400 && status != 404 || !strings.HasPrefix(got, test.message) {
			t.Errorf("%s %v:\n got %d %s\nwant %s", test.kind, test.in, status, got, test.message)
		}
	}
}

func TestARelationTakesPagesOfItsTargetOnly(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	deal := c.w.AddRow(crm.Deals, nil)
	c.invalid("POST", "/v1/pages", newPage(crm.Deals, object{"Contact": object{"relation": []any{object{"id": deal}}}}),
		"Page with ID "+deal+" is not in the data source that Contact relates to.")
}

func TestOptionsOfTheSchemaHoldAgainstContradictions(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	schema := c.ok("GET", "/v1/data_sources/"+crm.Contacts.DataSourceID, nil)
	option := dig(schema, "properties", "Source", "select", "options", 0).(object)
	write := func(v object) (int, object) {
		return c.do("POST", "/v1/pages", newPage(crm.Contacts, object{"Source": object{"select": v}}))
	}
	color := "red"
	if option["color"] == color {
		color = "blue"
	}
	for name, v := range map[string]object{
		"an unknown id":       {"id": someID},
		"an id and its rival": {"id": option["id"], "name": "Referral"},
		"another color":       {"name": option["name"], "color": color},
	} {
		if status, out := write(v); status != 400 {
			t.Errorf("%s: got %d %v", name, status, out["message"])
		}
	}
	if status, out := write(object{"id": option["id"], "name": option["name"], "color": option["color"]}); status != 200 {
		t.Errorf("all that the schema says: got %d %v", status, out["message"])
	}
	status := "Status is expected to be status."
	c.invalid("POST", "/v1/pages", newPage(crm.Contacts, object{"Status": object{"select": nil}}), status)
}

func TestTheAPIReplacesTheOptionsOfASelect(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	target := "/v1/data_sources/" + crm.Contacts.DataSourceID
	out := c.ok("PATCH", target, object{"properties": object{"Source": object{"select": object{"options": []any{
		object{"name": "Referral"}, object{"name": "Fair", "color": "green"},
	}}}}})
	options := list(dig(out, "properties", "Source", "select", "options"))
	if len(options) != 2 || dig(options, 0, "name") != "Referral" || dig(options, 1, "color") != "green" {
		t.Errorf("options: got %v", options)
	}
	c.invalid("PATCH", target, object{"properties": object{"Name": nil}}, "Cannot delete the title property.")
	c.invalid("PATCH", target, object{"properties": object{"Email": object{"name": "Name"}}}, `Property name "Name" already exists.`)
	c.invalid("PATCH", target, object{"properties": object{"Zip": object{"name": "x"}}}, "Zip is not a property that exists.")
}

func TestIconsCoversAndLocksArePartOfAPage(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	id := c.w.AddRow(crm.Contacts, nil)
	page := c.ok("PATCH", "/v1/pages/"+id, object{
		"icon": object{"emoji": "🔥"}, "cover": object{"external": object{"url": "https://a.example/c"}}, "is_locked": true,
	})
	if dig(page, "icon", "type") != "emoji" || dig(page, "cover", "type") != "external" || page["is_locked"] != true {
		t.Errorf("got %v %v %v", page["icon"], page["cover"], page["is_locked"])
	}
	if page = c.ok("PATCH", "/v1/pages/"+id, object{"icon": nil}); page["icon"] != nil {
		t.Errorf("cleared icon: got %v", page["icon"])
	}
	c.invalid("PATCH", "/v1/pages/"+id, object{"cover": "x"}, "body failed validation: body.cover should be an object, instead was `\"x\"`.")
	c.invalid("PATCH", "/v1/pages/"+id, object{"in_trash": "yes"}, "body failed validation: body.in_trash should be a boolean or `undefined`, instead was `\"yes\"`.")
}

func TestWhatPeopleTypeIsConverted(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	db := c.w.CreateDatabase("All", everyType()...)
	id := c.w.AddRow(db, map[string]any{
		"number": 3, "checkbox": true, "select": "new one", "multi_select": []string{"a", "b"}, "formula": 4,
		"date": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "last_visited_time": "2026-01-02", "files": "https://a.example/f",
	})
	c.w.EditRow(id, map[string]any{"number": "4.5", "checkbox": "false", "email": "a@b.c", "select": nil})
	got := c.w.Rows(db)[0].Values
	want := map[string]string{
		"number": "4.5", "checkbox": "false", "select": "", "multi_select": "a, b", "formula": "4",
		"date": "2026-01-02T03:04:00.000+00:00", "last_visited_time": "2026-01-02", "email": "a@b.c",
		"files": "https://a.example/f", "status": "a", "unique_id": "1", "verification": "unverified",
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: got %q, want %q", name, got[name], value)
		}
	}
}

func TestMistakesOfTheCallerPanicWithTheirReason(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	for want, do := range map[string]func(){
		`there is no property "Zip"`: func() { c.w.AddRow(crm.Contacts, map[string]any{"Zip": 1}) },
		`cannot hold soon`:           func() { c.w.AddRow(crm.Contacts, map[string]any{"Last Contacted": "soon"}) },
		`cannot hold Sent`:           func() { c.w.AddRow(crm.Contacts, map[string]any{"Status": "Sent"}) },
		`there is no page`:           func() { c.w.Trash(someID) },
		`unknown type "rate"`:        func() { c.w.CreateDatabase("x", sandbox.Property{Name: "x", Type: "rate"}) },
	} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, want) {
					t.Errorf("got panic %q, want %q", got, want)
				}
			}()
			do()
		}()
	}
	c.ok("GET", "/v1/users/me", nil) // the workspace is not left locked
}

func TestTheSameSeedGivesTheSameWorkspace(t *testing.T) {
	t.Parallel()
	ids := func(seed uint64) []string {
		c := newClient(t, sandbox.Options{Seed: seed})
		crm := c.w.StandardCRM()
		return []string{c.w.BotID(), crm.Contacts.ID, c.w.AddRow(crm.Deals, nil)}
	}
	if diff := cmp.Diff(ids(1), ids(1)); diff != "" {
		t.Errorf("the same seed:\n%s", diff)
	}
	if cmp.Equal(ids(1), ids(2)) {
		t.Error("another seed gives the same ids")
	}
}
