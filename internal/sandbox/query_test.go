package sandbox_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// sample is a database with three rows: a full one, an empty one and another.
func sample(c *client) *sandbox.Database {
	db := c.w.CreateDatabase("All", everyType()...)
	ada, ben := c.w.People()[0].ID, c.w.People()[1].ID
	first := c.w.AddRow(db, map[string]any{
		"title": "Ann", "rich_text": "Some Text", "number": 1, "select": "a", "status": "a", "multi_select": []string{"a", "b"},
		"date": "2026-01-02", "url": "https://a.example", "email": "Ann@Example.com", "phone_number": "1", "checkbox": true,
		"people": []string{ada}, "files": "https://a.example/f", "formula": "yes",
	})
	c.w.AddRow(db, map[string]any{"title": "Empty"})
	c.w.AddRow(db, map[string]any{
		"title": "Cy", "rich_text": "other", "number": 3, "select": "b", "status": "c", "multi_select": []string{"c"},
		"date": "2026-03-04T10:30:00+02:00", "url": "https://c.example", "email": "cy@example.com", "phone_number": "2",
		"people": []string{ben}, "relation": []string{first}, "formula": "no",
	})
	return db
}

func filtered(property, kind, condition string, value any) object {
	return object{"property": property, kind: object{condition: value}}
}

func TestFiltersKeepTheRowsThatMatch(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	db := sample(c)
	related := c.w.Rows(db)[0].ID
	schema := c.ok("GET", "/v1/data_sources/"+db.DataSourceID, nil)["properties"]
	emailID := dig(schema, "email", "id").(string)
	for _, test := range []struct {
		filter object
		want   string
	}{
		{filtered("title", "title", "equals", "Ann"), "Ann"},
		{filtered("title", "rich_text", "starts_with", "a"), "Ann"},
		{filtered("email", "email", "equals", "Ann@Example.com"), "Ann"},
		{filtered("email", "email", "equals", "ann@example.com"), ""}, // equality minds the case
		{filtered("email", "email", "contains", "EXAMPLE"), "Ann Cy"},
		{filtered(emailID, "email", "is_empty", true), "Empty"},
		{filtered("email", "email", "does_not_equal", "cy@example.com"), "Ann Empty"},
		{filtered("rich_text", "rich_text", "ends_with", "text"), "Ann"},
		{filtered("rich_text", "rich_text", "does_not_contain", "other"), "Ann Empty"},
		{filtered("url", "url", "is_not_empty", true), "Ann Cy"},
		{filtered("phone_number", "phone_number", "equals", "2"), "Cy"},
		{filtered("number", "number", "greater_than_or_equal_to", 3), "Cy"},
		{filtered("number", "number", "less_than", 3), "Ann"},
		{filtered("number", "number", "does_not_equal", 3), "Ann Empty"},
		{filtered("checkbox", "checkbox", "equals", true), "Ann"},
		{filtered("checkbox", "checkbox", "equals", false), "Cy Empty"},
		{filtered("select", "select", "equals", "a"), "Ann"},
		{filtered("select", "select", "equals", []any{"a", "b"}), "Ann Cy"},
		{filtered("select", "select", "does_not_equal", "a"), "Cy Empty"},
		{filtered("status", "status", "equals", "c"), "Cy"},
		{filtered("multi_select", "multi_select", "contains", "b"), "Ann"},
		{filtered("multi_select", "multi_select", "does_not_contain", "b"), "Cy Empty"},
		{filtered("date", "date", "equals", "2026-01-02"), "Ann"},
		{filtered("date", "date", "equals", "2026-03-04T08:30:40Z"), "Cy"},
		{filtered("date", "date", "on_or_after", "2026-03-04"), "Cy"},
		{filtered("date", "date", "after", "2026-03-04"), ""},
		{filtered("date", "date", "before", "2026-03-04T08:30:00Z"), "Ann"},
		{filtered("date", "date", "is_empty", true), "Empty"},
		{filtered("people", "people", "contains", c.w.People()[1].ID), "Cy"},
		{filtered("relation", "relation", "contains", related), "Cy"},
		{filtered("files", "files", "is_not_empty", true), "Ann"},
		{filtered("unique_id", "unique_id", "equals", 2), "Empty"},
		{object{"property": "formula", "formula": object{"string": object{"equals": "yes"}}}, "Ann"},
		{filtered("created_time", "created_time", "past_week", object{}), "Ann Cy Empty"},
		{object{"timestamp": "created_time", "created_time": object{"before": "2020-01-01"}}, ""},
		{object{"timestamp": "last_edited_time", "last_edited_time": object{"on_or_after": "2020-01-01"}}, "Ann Cy Empty"},
		{object{"or": []any{filtered("title", "title", "equals", "Ann"), filtered("title", "title", "equals", "Cy")}}, "Ann Cy"},
		{object{"and": []any{
			filtered("email", "email", "is_not_empty", true),
			object{"or": []any{filtered("number", "number", "equals", 3), filtered("title", "title", "equals", "Empty")}},
		}}, "Cy"},
	} {
		got := titles(c.query(db, object{"filter": test.filter}))
		slices.Sort(got)
		if strings.Join(got, " ") != test.want {
			t.Errorf("%v: got %v, want %s", test.filter, got, test.want)
		}
	}
}

func TestBadQueriesAreRefusedInNotionsWords(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	db := sample(c)
	leaf := filtered("title", "title", "equals", "x")
	deep := object{"and": []any{object{"or": []any{object{"and": []any{leaf}}}}}}
	const mismatch = "The property type in the database does not match the property type of the filter provided: database property "
	for _, test := range []struct {
		name    string
		body    object
		message string
	}{
		{"status asked of a select", object{"filter": filtered("select", "status", "equals", "a")}, mismatch + "select does not match filter status"},
		{"text asked of an email", object{"filter": filtered("email", "rich_text", "equals", "a")}, mismatch + "email does not match filter rich_text"},
		{"an unknown property", object{"filter": filtered("Score", "number", "equals", 1)}, "Could not find property with name or id: Score"},
		{"an unknown sort property", object{"sorts": []any{object{"property": "Date", "direction": "ascending"}}}, "Could not find sort property with name or id: Date"},
		{"an unknown option", object{"filter": filtered("status", "status", "equals", "Sent")}, `status option "Sent" not found for property "status".`},
		{"an unknown condition", object{"filter": filtered("title", "title", "like", "x")}, "body failed validation: body.filter.title.like should be not present, instead was `\"x\"`."},
		{"a condition of the wrong type", object{"filter": filtered("number", "number", "equals", "1")}, "body failed validation: body.filter.number.equals should be a number, instead was `\"1\"`."},
		{"is_empty false", object{"filter": filtered("number", "number", "is_empty", false)}, "body failed validation: body.filter.number.is_empty should be `true`, instead was `false`."},
		{"three levels", object{"filter": deep}, "body failed validation: body.filter.and[0].or[0].and should be not present, instead was `[{\"property\":\"title\",\"title\":{\"equals\":\"x\"}}]`."},
		{"a timestamp with a property", object{"filter": object{"timestamp": "created_time", "created_time": object{"after": "2020-01-01"}, "property": "x"}}, "body failed validation: body.filter.property should be not present, instead was `\"x\"`."},
		{"an empty filter", object{"filter": object{}}, "body failed validation: body.filter.property should be a string, instead was `undefined`."},
		{"a large page", object{"page_size": 101}, "body failed validation: body.page_size should be ≤ `100` or `undefined`, instead was `101`."},
		{"a bad cursor", object{"start_cursor": "wrong_start_cursor"}, "The start_cursor provided is invalid: wrong_start_cursor"},
		{"a stray key", object{"filter_properties": []any{"ID"}}, "body failed validation: body.filter_properties should be not present, instead was `[\"ID\"]`."},
		{"in_trash", object{"in_trash": true}, "body failed validation: body.in_trash should be not present, instead was `true`."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			at := *c
			at.t = t
			at.invalid("POST", "/v1/data_sources/"+db.DataSourceID+"/query", test.body, test.message)
		})
	}
}

func TestSortsOrderRowsWithEmptyValuesLast(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	db := sample(c)
	for _, test := range []struct {
		property, direction, want string
	}{
		{"number", "ascending", "Ann Cy Empty"},
		{"number", "descending", "Cy Ann Empty"},
		{"title", "descending", "Empty Cy Ann"},
		{"date", "ascending", "Ann Cy Empty"},
		{"select", "descending", "Cy Ann Empty"},
		{"email", "ascending", "Ann Cy Empty"},
		{"unique_id", "descending", "Cy Empty Ann"},
	} {
		sorts := []any{object{"property": test.property, "direction": test.direction}}
		if got := strings.Join(titles(c.query(db, object{"sorts": sorts})), " "); got != test.want {
			t.Errorf("%s %s: got %s, want %s", test.property, test.direction, got, test.want)
		}
	}
}

func TestPagesOfAQueryCoverEachRowOnceInAnOrderThatIsNotThatOfCreation(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{Seed: 7})
	db := c.w.CreateDatabase("Many")
	var created []string
	for range 250 {
		created = append(created, c.w.AddRow(db, nil))
	}
	target := "/v1/data_sources/" + db.DataSourceID + "/query"
	var seen []string
	body := object{}
	for range 3 {
		out := c.ok("POST", target, body)
		for _, row := range list(out["results"]) {
			seen = append(seen, dig(row, "id").(string))
		}
		if out["has_more"] != true {
			break
		}
		body["start_cursor"] = out["next_cursor"]
	}
	if slices.Equal(seen, created) {
		t.Error("rows come in the order of creation")
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(created)), slices.Sorted(slices.Values(seen))); diff != "" {
		t.Errorf("rows (-created +seen):\n%s", diff)
	}
	body["filter"] = filtered("Name", "title", "is_empty", true)
	if status, out := c.do("POST", target, body); status != 400 {
		t.Errorf("a cursor of another query: got %d %v, want 400", status, out["message"])
	}
}

func TestAQueryReachesTenThousandRows(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	db := c.w.CreateDatabase("Huge")
	for range 10_001 {
		c.w.AddRow(db, nil)
	}
	target := "/v1/data_sources/" + db.DataSourceID + "/query?filter_properties=title"
	body, n := object{}, 0
	for {
		out := c.ok("POST", target, body)
		n += len(list(out["results"]))
		if out["has_more"] == true {
			body["start_cursor"] = out["next_cursor"]
			continue
		}
		if n != 10_000 || dig(out, "request_status", "incomplete_reason") != "query_result_limit_reached" {
			t.Errorf("end of the query: got %d rows, request_status %v", n, out["request_status"])
		}
		break
	}
}

func TestFilterPropertiesLeavesTheOthersOut(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	db := sample(c)
	out := c.ok("POST", "/v1/data_sources/"+db.DataSourceID+"/query?filter_properties=email&filter_properties[]=title", object{})
	if got := len(dig(out, "results", 0, "properties").(object)); got != 2 {
		t.Errorf("got %d properties, want 2", got)
	}
}

func TestSearchFindsWhatTheVersionKnows(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	c.w.AddRow(crm.Contacts, map[string]any{"Name": "Deals Ann"})
	out := c.ok("POST", "/v1/search", object{"query": "deals", "filter": object{"property": "object", "value": "data_source"}})
	if len(list(out["results"])) != 1 || dig(out, "results", 0, "id") != crm.Deals.DataSourceID {
		t.Errorf("data sources named deals: got %v", out["results"])
	}
	out = c.ok("POST", "/v1/search", object{"query": "deals"})
	if n := len(list(out["results"])); n != 2 {
		t.Errorf("anything named deals: got %d, want 2", n)
	}
	c.on("2022-06-28").invalid("POST", "/v1/search", object{"filter": object{"property": "object", "value": "data_source"}},
		"body failed validation: body.filter.value should be `\"page\"` or `\"database\"`, instead was `\"data_source\"`.")
}

func TestTheSchemaCanBeChangedByTheAPIAndInTheApp(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	id := c.w.AddRow(crm.Contacts, map[string]any{"Name": "Ann", "Company": "Acme", "Source": "Website", "Status": "New lead"})
	target := "/v1/data_sources/" + crm.Contacts.DataSourceID
	out := c.ok("PATCH", target, object{"properties": object{"Company": object{"name": "Firm"}, "Notes": nil}})
	if dig(out, "properties", "Firm") == nil || dig(out, "properties", "Notes") != nil {
		t.Errorf("after PATCH: got %v", out["properties"])
	}
	c.w.RetypeProperty(crm.Contacts, "Firm", "select")
	c.w.AddOption(crm.Contacts, "Status", "Lost touch")
	c.w.DropOption(crm.Contacts, "Status", "New lead")
	c.w.RenameOption(crm.Contacts, "Source", "Website", "Web")
	c.w.DropProperty(crm.Contacts, "Last Contacted")
	page := c.ok("GET", "/v1/pages/"+id, nil)
	want := map[string]string{"Name": "Ann", "Email": "", "Firm": "Acme", "Source": "Web", "Status": "Contacted"}
	if diff := cmp.Diff(want, c.w.Rows(crm.Contacts)[0].Values); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if dig(page, "properties", "Firm", "select", "name") != "Acme" || dig(page, "properties", "Status", "status", "name") != "Contacted" {
		t.Errorf("page: got %v", page["properties"])
	}
}
