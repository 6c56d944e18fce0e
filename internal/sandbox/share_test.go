package sandbox_test

import (
	"testing"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestAnUnsharedRowIsNotFoundAndVanishesFromLists(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	ann := c.create(crm.Contacts, object{"Name": object{"title": text("Ann")}})["id"].(string)
	deal := c.w.AddRow(crm.Deals, map[string]any{"Contact": []string{ann}})
	block := dig(c.ok("PATCH", "/v1/blocks/"+ann+"/children", object{"children": []any{paragraph("x")}}), "results", 0, "id").(string)
	s, in := subscribe(c.w, sandbox.SubscriptionOptions{})
	contacts := func() int {
		return len(list(dig(c.ok("GET", "/v1/pages/"+deal, nil), "properties", "Contact", "relation"))) +
			len(c.query(crm.Contacts, object{})) + len(list(c.ok("POST", "/v1/search", object{"query": "Ann"})["results"]))
	}
	if n := contacts(); n != 3 {
		t.Fatalf("shared: got %d traces, want 3", n)
	}
	c.w.Unshare(ann)
	c.w.EditRow(ann, map[string]any{"Name": "Anne"})
	for _, request := range [][2]string{
		{"GET", "/v1/pages/" + ann},
		{"PATCH", "/v1/pages/" + ann},
		{"GET", "/v1/blocks/" + ann + "/children"},
		{"GET", "/v1/blocks/" + block},
		{"GET", "/v1/pages/" + ann + "/properties/title"},
	} {
		if status, out := c.do(request[0], request[1], nil); status != 404 || out["code"] != "object_not_found" {
			t.Errorf("%v: got %d %v, want 404 object_not_found", request, status, out["code"])
		}
	}
	relate := object{"properties": object{"Contact": object{"relation": []any{object{"id": ann}}}}}
	if status, _ := c.do("PATCH", "/v1/pages/"+deal, relate); status != 404 {
		t.Errorf("a relation to it: got %d, want 404", status)
	}
	if n := contacts(); n != 0 {
		t.Errorf("unshared: got %d traces", n)
	}
	if got := c.w.Rows(crm.Deals)[0].Values["Contact"]; got != ann {
		t.Errorf("people see %q in the relation, want %s", got, ann)
	}
	c.w.Share(ann)
	if n := contacts(); n != 3 {
		t.Errorf("shared again: got %d traces", n)
	}
	if s.Deliver(t.Context()); len(in.seen()) != 0 {
		t.Errorf("events of an unshared row: %v", in.seen())
	}
}

func TestAnUnsharedDatabaseTakesItsRowsAndRelationsAlong(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	ann := c.w.AddRow(crm.Contacts, nil)
	deal := c.w.AddRow(crm.Deals, map[string]any{"Contact": []string{ann}})
	relation := dig(c.ok("GET", "/v1/pages/"+deal, nil), "properties", "Contact", "id").(string)
	c.w.UnshareDatabase(crm.Contacts)
	create := newPage(crm.Contacts, object{})
	for _, request := range []struct {
		method, target string
		body           any
	}{
		{"GET", "/v1/databases/" + crm.Contacts.ID, nil},
		{"GET", "/v1/data_sources/" + crm.Contacts.DataSourceID, nil},
		{"POST", "/v1/data_sources/" + crm.Contacts.DataSourceID + "/query", object{}},
		{"POST", "/v1/pages", create},
		{"POST", "/v1/pages", object{"parent": object{"database_id": crm.Contacts.ID}, "properties": object{}}},
		{"GET", "/v1/pages/" + ann, nil},
		{"GET", "/v1/pages/" + deal + "/properties/" + relation, nil},
	} {
		if status, out := c.do(request.method, request.target, request.body); status != 404 || out["code"] != "object_not_found" {
			t.Errorf("%s %s: got %d %v, want 404 object_not_found", request.method, request.target, status, out["code"])
		}
	}
	if got := dig(c.ok("GET", "/v1/pages/"+deal, nil), "properties", "Contact"); got != nil {
		t.Errorf("the relation to it is still shown: %v", got)
	}
	if got := dig(c.ok("GET", "/v1/data_sources/"+crm.Deals.DataSourceID, nil), "properties", "Contact"); got != nil {
		t.Errorf("the relation to it is still in the schema: %v", got)
	}
	if got := list(c.ok("POST", "/v1/search", object{"query": "contacts"})["results"]); len(got) != 0 {
		t.Errorf("search finds it: %v", got)
	}
	c.w.ShareDatabase(crm.Contacts)
	c.ok("POST", "/v1/pages", create)
}

func TestAMovedRowKeepsWhatFitsAndLeavesItsDatabase(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	lost := c.w.CreateDatabase("Old deals",
		sandbox.Property{Name: "Title", Type: "title"},
		sandbox.Property{Name: "Stage", Type: "status", Options: []string{"Open", "Won"}},
		sandbox.Property{Name: "Value", Type: "rich_text"},
		sandbox.Property{Name: "Owner", Type: "people"},
	)
	id := c.w.AddRow(crm.Deals, map[string]any{
		"Deal Name": "Cutter", "Stage": "Won", "Value": 5, "Owner": []string{c.w.People()[1].ID},
	})
	s, in := subscribe(c.w, sandbox.SubscriptionOptions{})
	c.w.MoveRow(id, lost)
	got := c.ok("GET", "/v1/pages/"+id, nil)
	if dig(got, "parent", "data_source_id") != lost.DataSourceID || titleOf(got) != "Cutter" {
		t.Errorf("got %v in %v", titleOf(got), got["parent"])
	}
	if row := c.w.Rows(lost)[0]; row.Values["Stage"] != "Won" || row.Values["Owner"] != "Ben Otieno" || row.Values["Value"] != "" {
		t.Errorf("values: got %v", row.Values)
	}
	if len(c.query(crm.Deals, object{})) != 0 || len(c.query(lost, object{})) != 1 {
		t.Error("queries do not follow the row")
	}
	s.Deliver(t.Context())
	wantSeen(t, in, "page.moved")
	if dig(in.last(), "data", "parent", "data_source_id") != lost.DataSourceID {
		t.Errorf("parent: got %v, want the new one", dig(in.last(), "data", "parent"))
	}
}

func TestEditRowAsNamesTheEditor(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	id, ben := c.w.AddRow(crm.Deals, nil), c.w.People()[1].ID
	c.w.EditRowAs(ben, id, map[string]any{"Stage": "Won"})
	if got := c.ok("GET", "/v1/pages/"+id, nil); dig(got, "last_edited_by", "id") != ben || dig(got, "properties", "Stage", "status", "name") != "Won" {
		t.Errorf("got %v", got)
	}
}
