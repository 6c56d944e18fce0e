package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestACreatedPageReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	ada := c.w.People()[0]
	contact := c.create(crm.Contacts, object{
		"Name": object{"title": text("Ann")}, "Email": object{"email": "ann@example.com"},
		"Status": object{"status": object{"name": "New lead"}}, "Source": object{"select": object{"name": "Fair"}},
		"Last Contacted": object{"date": object{"start": "2026-11-20"}},
	})
	deal := c.create(crm.Deals, object{
		"Deal Name": object{"title": text("Big")}, "Value": object{"number": 12.5},
		"Owner": object{"people": []any{object{"id": ada.ID}}}, "Contact": object{"relation": []any{object{"id": contact["id"]}}},
	})
	got := c.ok("GET", "/v1/pages/"+deal["id"].(string), nil)["properties"]
	for _, want := range []struct {
		keys []any
		want any
	}{
		{[]any{"Value", "number"}, 12.5},
		{[]any{"Owner", "people", 0, "person", "email"}, ada.Email},
		{[]any{"Contact", "relation", 0, "id"}, contact["id"]},
		{[]any{"Contact", "has_more"}, false},
		{[]any{"Stage", "status", "name"}, "Lead"}, // never set
		{[]any{"Deal Name", "id"}, "title"},
	} {
		if diff := cmp.Diff(want.want, dig(got, want.keys...)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", want.keys, diff)
		}
	}
	row := c.w.Rows(crm.Contacts)[0]
	want := map[string]string{"Name": "Ann", "Email": "ann@example.com", "Status": "New lead", "Source": "Fair", "Last Contacted": "2026-11-20", "Company": "", "Notes": ""}
	if diff := cmp.Diff(want, row.Values); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if contact["created_by"].(object)["id"] != c.w.BotID() {
		t.Errorf("created_by: got %v, want the bot", contact["created_by"])
	}
}

func TestPropertiesAreAddressedByNameOrID(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	schema := c.ok("GET", "/v1/data_sources/"+crm.Contacts.DataSourceID, nil)["properties"]
	id := dig(schema, "Company", "id").(string)
	page := c.create(crm.Contacts, object{"title": object{"title": text("Ann")}, id: object{"rich_text": text("Acme")}})
	if dig(page, "properties", "Company", "rich_text", 0, "plain_text") != "Acme" || titleOf(page) != "Ann" {
		t.Errorf("written by id: got %v", page["properties"])
	}
	c.w.RenameProperty(crm.Contacts, "Company", "Firm")
	page = c.ok("PATCH", "/v1/pages/"+page["id"].(string), object{"properties": object{id: object{"rich_text": text("Acme & Co")}}})
	if dig(page, "properties", "Firm", "rich_text", 0, "plain_text") != "Acme & Co" || dig(page, "properties", "Firm", "id") != id {
		t.Errorf("after a rename: got %v", page["properties"])
	}
	c.invalid("PATCH", "/v1/pages/"+page["id"].(string), object{"properties": object{"Company": object{"rich_text": text("x")}}},
		"Company is not a property that exists.")
}

func TestBadPagesAreRefusedInNotionsWords(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	all := c.w.CreateDatabase("All", everyType()...)
	long := strings.Repeat("x", 3094)
	many := make([]any, 101)
	for i := range many {
		many[i] = object{"text": object{"content": "x"}}
	}
	for _, test := range []struct {
		name    string
		db      *sandbox.Database
		key     string
		value   any
		message string
	}{
		{"an unknown property", all, "Landing Page", object{"url": "x"}, "Landing Page is not a property that exists."},
		{"another type", all, "status", object{"select": object{"name": "a"}}, "status is expected to be status."},
		{"another type by name", all, "email", object{"type": "url", "url": "x"}, "email is expected to be email."},
		{"null for a property", all, "email", nil, "body failed validation: body.properties.email should be an object, instead was `null`."},
		{"a number as text", all, "number", object{"number": "30433455"}, "body failed validation: body.properties.number.number should be a number or `null`, instead was `\"30433455\"`."},
		{"an empty email", all, "email", object{"email": ""}, "body failed validation: body.properties.email.email should be populated or `null`, instead was `\"\"`."},
		{"an empty url", all, "url", object{"url": ""}, "body failed validation: body.properties.url.url should be populated or `null`, instead was `\"\"`."},
		{"a phone as number", all, "phone_number", object{"phone_number": 1}, "body failed validation: body.properties.phone_number.phone_number should be a string or `null`, instead was `1`."},
		{"a long email", all, "email", object{"email": long[:201]}, "body failed validation: body.properties.email.email.length should be ≤ `200`, instead was `201`."},
		{"a comma in a select", all, "select", object{"select": object{"name": "Prefix, Infix"}}, "Invalid select option, commas not allowed: Prefix, Infix"},
		{"an empty select", all, "select", object{"select": object{"name": ""}}, "body failed validation: body.properties.select.select.name should be populated, instead was `\"\"`."},
		{"a long select", all, "select", object{"select": object{"name": long[:101]}}, "body failed validation: body.properties.select.select.name.length should be ≤ `100`, instead was `101`."},
		{"an unknown status", all, "status", object{"status": object{"name": "Sent"}}, `Invalid status option. Status option "Sent" does not exist".`},
		{"a long text", crm.Contacts, "Notes", object{"rich_text": text(long)}, "body failed validation: body.properties.Notes.rich_text[0].text.content.length should be ≤ `2000`, instead was `3094`."},
		{"too many texts", crm.Contacts, "Notes", object{"rich_text": many}, "body failed validation: body.properties.Notes.rich_text.length should be ≤ `100`, instead was `101`."},
		{"null for a text", crm.Contacts, "Notes", object{"rich_text": nil}, "body failed validation: body.properties.Notes.rich_text should be an array, instead was `null`."},
		{"null for a multi_select", all, "multi_select", object{"multi_select": nil}, "body failed validation: body.properties.multi_select.multi_select should be an array, instead was `null`."},
		{"null for people", all, "people", object{"people": nil}, "body failed validation: body.properties.people.people should be an array, instead was `null`."},
		{"null for a checkbox", all, "checkbox", object{"checkbox": nil}, "body failed validation: body.properties.checkbox.checkbox should be a boolean, instead was `null`."},
		{"a date with slashes", all, "date", object{"date": object{"start": "2022/01/02"}}, "body failed validation: body.properties.date.date.start should be a valid ISO 8601 date string, instead was `\"2022/01/02\"`."},
		{"a date without a start", all, "date", object{"date": object{}}, "body failed validation: body.properties.date.date.start should be defined, instead was `undefined`."},
		{"a formula", all, "formula", object{"formula": object{}}, "body failed validation: body.properties.formula.formula should be not present, instead was `{}`."},
		{"a created time", all, "created_time", object{"created_time": "2022-01-01"}, "body failed validation: body.properties.created_time.created_time should be not present, instead was `\"2022-01-01\"`."},
		{"a stray key", all, "number", object{"number": 1, "format": "euro"}, "body failed validation: body.properties.number.format should be not present, instead was `\"euro\"`."},
		{"a relation to nothing", crm.Deals, "Contact", object{"relation": []any{object{"id": "x"}}}, "body failed validation: body.properties.Contact.relation[0].id should be a valid uuid, instead was `\"x\"`."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			at := *c
			at.t = t
			at.invalid("POST", "/v1/pages", newPage(test.db, object{test.key: test.value}), test.message)
		})
	}
}

func TestMisfitsAreReportedTogether(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	c.invalid("POST", "/v1/pages", newPage(crm.Contacts, object{
		"Company": object{"email": "x"}, "Status": object{"select": object{"name": "x"}}, "Zip": object{"number": 1},
	}), "Company is expected to be rich_text. Status is expected to be status. Zip is not a property that exists.")
	if rows := c.w.Rows(crm.Contacts); len(rows) != 0 {
		t.Errorf("a refused page was kept: %v", rows)
	}
}

func TestTheShapeOfAPageRequestIsChecked(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	parent := object{"data_source_id": crm.Deals.DataSourceID}
	for _, test := range []struct {
		name    string
		body    object
		message string
	}{
		{"no parent", object{"properties": object{}}, "body failed validation: body.parent should be defined, instead was `undefined`."},
		{"no properties", object{"parent": parent}, "body failed validation: body.properties should be defined, instead was `undefined`."},
		{"null properties", object{"parent": parent, "properties": nil}, "body failed validation: body.properties should be an object, instead was `null`."},
		{"archived", object{"parent": parent, "properties": object{}, "archived": false}, "body failed validation: body.archived should be not present, instead was `false`."},
		{"a parent of the wrong type", object{"parent": object{"type": "database_id", "data_source_id": someID}, "properties": object{}}, "body failed validation: body.parent.type should be `\"data_source_id\"`, instead was `\"database_id\"`."},
		{"a page as parent", object{"parent": object{"page_id": someID}, "properties": object{}}, "body failed validation: body.parent.page_id should be not present, instead was `\"" + someID + "\"`."},
		{"too many children", object{"parent": parent, "properties": object{}, "children": make([]any, 101)}, "body failed validation: body.children.length should be ≤ `100`, instead was `101`."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			at := *c
			at.t = t
			at.invalid("POST", "/v1/pages", test.body, test.message)
		})
	}
	c.create(crm.Deals, object{}) // no values at all is fine
}

func TestNullAndEmptyArraysClear(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	db := c.w.CreateDatabase("All", everyType()...)
	id := c.w.AddRow(db, map[string]any{
		"title": "x", "rich_text": "x", "number": 1, "select": "a", "status": "a", "multi_select": []string{"a", "b"},
		"date": "2026-01-02", "url": "https://x", "email": "a@b.c", "phone_number": "1", "checkbox": true,
	})
	properties := object{"checkbox": object{"checkbox": false}}
	for _, kind := range []string{"number", "select", "status", "date", "url", "email", "phone_number"} {
		properties[kind] = object{kind: nil}
	}
	for _, kind := range []string{"title", "rich_text", "multi_select", "people", "relation", "files"} {
		properties[kind] = object{kind: []any{}}
	}
	c.ok("PATCH", "/v1/pages/"+id, object{"properties": properties})
	for name, value := range c.w.Rows(db)[0].Values {
		if _, cleared := properties[name]; cleared && name != "checkbox" && name != "status" && value != "" {
			t.Errorf("%s: got %q, want it cleared", name, value)
		}
	}
}

func TestAStatusThatWasNeverSetIsItsFirstOptionExceptOnTheOldVersion(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	id := c.w.AddRow(crm.Contacts, map[string]any{"Status": "Customer"})
	page := c.ok("PATCH", "/v1/pages/"+id, object{"properties": object{"Status": object{"status": nil}}})
	if got := dig(page, "properties", "Status", "status", "name"); got != "New lead" {
		t.Errorf("cleared: got %v, want New lead", got)
	}
	old := c.on("2022-06-28").ok("GET", "/v1/pages/"+id, nil)
	if got := dig(old, "properties", "Status", "status"); got != nil {
		t.Errorf("on 2022-06-28: got %v, want null", got)
	}
	if n := len(c.query(crm.Contacts, object{"filter": filtered("Status", "status", "equals", "New lead")})); n != 1 {
		t.Errorf("filter: got %d rows, want 1", n)
	}
}

func TestUnknownSelectOptionsJoinTheSchemaOnlyWhenTheWriteIsAccepted(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	options := func() string {
		var names []string
		schema := c.ok("GET", "/v1/data_sources/"+crm.Contacts.DataSourceID, nil)
		for _, o := range list(dig(schema, "properties", "Source", "select", "options")) {
			names = append(names, dig(o, "name").(string))
		}
		return strings.Join(names, "|")
	}
	fair := object{"select": object{"name": "Fair"}}
	c.do("POST", "/v1/pages", newPage(crm.Contacts, object{"Source": fair, "Email": object{"email": ""}}))
	if got := options(); got != "Website|Referral" {
		t.Errorf("after a refused write: got %s", got)
	}
	page := c.create(crm.Contacts, object{"Source": fair})
	if got := options(); got != "Website|Referral|Fair" {
		t.Errorf("after an accepted write: got %s", got)
	}
	again := c.create(crm.Contacts, object{"Source": object{"select": object{"id": dig(page, "properties", "Source", "select", "id")}}})
	if dig(again, "properties", "Source", "select", "name") != "Fair" || options() != "Website|Referral|Fair" {
		t.Errorf("by id: got %v, options %s", dig(again, "properties", "Source"), options())
	}
}

func TestDatesAreKeptToTheMinuteWithTheirOffset(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	for _, test := range []struct {
		name string
		in   object
		want object
	}{
		{"a day", object{"start": "2024-01-01"}, object{"start": "2024-01-01", "end": nil, "time_zone": nil}},
		{"an instant", object{"start": "2024-01-09T17:32:57.479545+01:00"}, object{"start": "2024-01-09T17:32:00.000+01:00", "end": nil, "time_zone": nil}},
		{"UTC", object{"start": "2023-12-23T20:10:00Z"}, object{"start": "2023-12-23T20:10:00.000+00:00", "end": nil, "time_zone": nil}},
		{"no offset", object{"start": "2024-01-07T17:32:33.329917"}, object{"start": "2024-01-07T17:32:00.000+00:00", "end": nil, "time_zone": nil}},
		{"a zone", object{"start": "2023-06-23T15:30:35.088715", "time_zone": "Europe/Berlin"}, object{"start": "2023-06-23T15:30:00.000+02:00", "end": nil, "time_zone": nil}},
		{"a range", object{"start": "2024-01-01", "end": "2024-01-03"}, object{"start": "2024-01-01", "end": "2024-01-03", "time_zone": nil}},
	} {
		page := c.create(crm.Contacts, object{"Last Contacted": object{"date": test.in}})
		if diff := cmp.Diff(test.want, dig(page, "properties", "Last Contacted", "date")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestTrashedPagesAreReadableButNotEditable(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	id := c.w.AddRow(crm.Contacts, map[string]any{"Name": "Ann"})
	target := "/v1/pages/" + id
	rename := object{"properties": object{"Name": object{"title": text("Bob")}}}
	const archived = "Can't edit block that is archived. You must unarchive the block before editing."
	c.w.Trash(id)
	if got := c.on("2025-09-03").ok("GET", target, nil); got["in_trash"] != true || got["archived"] != true {
		t.Errorf("trashed page: got in_trash %v, archived %v", got["in_trash"], got["archived"])
	}
	if rows := c.query(crm.Contacts, object{}); len(rows) != 0 {
		t.Errorf("a query shows a trashed row: %v", titles(rows))
	}
	c.invalid("PATCH", target, rename, archived)
	c.invalid("PATCH", "/v1/blocks/"+id+"/children", object{"children": []any{paragraph("x")}}, archived)
	c.invalid("PATCH", target, object{"archived": false}, "body failed validation: body.archived should be not present, instead was `false`.")
	rename["archived"] = false
	got := c.on("2022-06-28").ok("PATCH", target, rename) // un-trashes, whoever trashed it
	if got["in_trash"] != false || titleOf(got) != "Bob" {
		t.Errorf("un-trashed by archived:false: got %v %s", got["in_trash"], titleOf(got))
	}
	c.ok("PATCH", target, object{"in_trash": true})
	c.w.Restore(id)
	if rows := c.query(crm.Contacts, object{}); len(rows) != 1 {
		t.Errorf("restored: got %d rows, want 1", len(rows))
	}
}

func TestLongReferencesAreCutInlineAndCompleteAsPropertyItems(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	var ids []string
	for i := range 30 {
		ids = append(ids, c.w.AddRow(crm.Contacts, map[string]any{"Name": fmt.Sprint(i)}))
	}
	deal := c.w.AddRow(crm.Deals, map[string]any{"Contact": ids})
	page := c.ok("GET", "/v1/pages/"+deal, nil)
	contact := dig(page, "properties", "Contact").(object)
	if len(list(contact["relation"])) != 25 || contact["has_more"] != true {
		t.Errorf("inline: got %d, has_more %v", len(list(contact["relation"])), contact["has_more"])
	}
	for n, more := range map[int]bool{25: false, 26: true} {
		c.w.EditRow(deal, map[string]any{"Contact": ids[:n]})
		got := c.ok("GET", "/v1/pages/"+deal, nil)
		if dig(got, "properties", "Contact", "has_more") != more {
			t.Errorf("%d references: has_more is not %v", n, more)
		}
	}
	c.w.EditRow(deal, map[string]any{"Contact": ids})
	target := "/v1/pages/" + deal + "/properties/" + contact["id"].(string)
	first := c.ok("GET", target+"?page_size=20", nil)
	second := c.ok("GET", target+"?start_cursor="+first["next_cursor"].(string), nil)
	if n := len(list(first["results"])) + len(list(second["results"])); n != 30 {
		t.Errorf("as items: got %d, want 30", n)
	}
	if got := c.ok("GET", "/v1/pages/"+deal+"/properties/title", nil); got["type"] != "property_item" {
		t.Errorf("title item: got %v", got["type"])
	}
	value := dig(page, "properties", "Value", "id").(string)
	if got := c.ok("GET", "/v1/pages/"+deal+"/properties/"+value, nil); got["object"] != "property_item" || got["number"] != nil {
		t.Errorf("number item: got %v", got)
	}
}

func TestAPurgedRowIsNotFoundAndLeavesRelations(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	contact := c.w.AddRow(crm.Contacts, nil)
	deal := c.w.AddRow(crm.Deals, map[string]any{"Contact": []string{contact}})
	c.w.Purge(contact)
	if status, out := c.do("PATCH", "/v1/pages/"+contact, object{}); status != 404 || out["code"] != "object_not_found" {
		t.Errorf("purged page: got %d %v", status, out["code"])
	}
	got := c.ok("GET", "/v1/pages/"+deal, nil)
	if n := len(list(dig(got, "properties", "Contact", "relation"))) + len(c.query(crm.Contacts, object{})); n != 0 {
		t.Errorf("got %d traces of the purged row", n)
	}
}

// everyType has one property of each type, named after the type.
func everyType() []sandbox.Property {
	var out []sandbox.Property
	for _, kind := range []string{
		"title", "rich_text", "number", "select", "multi_select", "status", "date", "people", "files", "checkbox",
		"url", "email", "phone_number", "relation", "formula", "rollup", "created_time", "created_by",
		"last_edited_time", "last_edited_by", "unique_id", "button", "place", "verification", "last_visited_time",
	} {
		out = append(out, sandbox.Property{
			Name: kind, Type: kind, Options: []string{"a", "b", "c"}, Prefix: "ABC",
			Expression: "1 + 1", Relation: "relation", Rollup: "title",
		})
	}
	return out
}
