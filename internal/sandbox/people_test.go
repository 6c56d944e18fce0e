package sandbox_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestPeopleAreWholeUsersInPagesAndInTheUsersList(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	ada := c.w.People()[0]
	deal := c.w.AddRow(crm.Deals, map[string]any{"Owner": []string{ada.ID}})
	want := object{
		"object": "user", "id": ada.ID, "name": "Ada Marsh", "type": "person",
		"avatar_url": "https://sandbox.example/ada.png", "person": object{"email": "ada@example.com"},
	}
	user := c.ok("GET", "/v1/users/"+ada.ID, nil)
	delete(user, "request_id")
	first := c.ok("GET", "/v1/users?page_size=2", nil)
	for place, got := range map[string]any{
		"page":  dig(c.ok("GET", "/v1/pages/"+deal, nil), "properties", "Owner", "people", 0),
		"query": dig(c.query(crm.Deals, object{})[0], "properties", "Owner", "people", 0),
		"user":  user,
		"users": dig(first, "results", 0),
	} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", place, diff)
		}
	}
	second := c.ok("GET", "/v1/users?start_cursor="+first["next_cursor"].(string), nil)
	if n := len(list(second["results"])); first["has_more"] != true || second["has_more"] != false || n != 2 {
		t.Errorf("pages of users: has_more %v then %v, %d on the second", first["has_more"], second["has_more"], n)
	}
}

func TestManyPeopleAreCutInlineAndCompleteAsItems(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	var ids []string
	for i := range 27 {
		ids = append(ids, c.w.AddPerson(fmt.Sprintf("Person %d", i), fmt.Sprintf("p%d@example.com", i)))
	}
	deal := c.w.AddRow(crm.Deals, map[string]any{"Owner": ids})
	owner := dig(c.ok("GET", "/v1/pages/"+deal, nil), "properties", "Owner").(object)
	if _, told := owner["has_more"]; told || len(list(owner["people"])) != 25 {
		t.Errorf("inline: got %d people, has_more %v", len(list(owner["people"])), owner["has_more"])
	}
	target := "/v1/pages/" + deal + "/properties/" + owner["id"].(string)
	first := c.ok("GET", target+"?page_size=20", nil)
	next := dig(first, "property_item", "next_url")
	if first["has_more"] != true || next != "https://api.notion.com"+target+"?start_cursor="+first["next_cursor"].(string) {
		t.Errorf("first page: has_more %v, next_url %v", first["has_more"], next)
	}
	second := c.ok("GET", target+"?start_cursor="+first["next_cursor"].(string), nil)
	items := append(list(first["results"]), list(second["results"])...)
	if len(items) != 27 || dig(items[26], "people", "person", "email") != "p26@example.com" || dig(items[0], "object") != "property_item" {
		t.Errorf("items: got %d, the last %v", len(items), items[len(items)-1])
	}
}

func TestTheItemsOfARollupAreThoseOfTheRelatedPages(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	c.w.AddProperty(crm.Deals, sandbox.Property{Name: "Mail", Type: "rollup", Relation: "Contact", Rollup: "Email"})
	c.w.AddProperty(crm.Deals, sandbox.Property{Name: "Contacts", Type: "rollup", Relation: "Contact", Rollup: "Email", Function: "count"})
	ann := c.w.AddRow(crm.Contacts, map[string]any{"Email": "ann@example.com"})
	deal := c.w.AddRow(crm.Deals, map[string]any{"Contact": []string{ann}})
	page := c.ok("GET", "/v1/pages/"+deal, nil)
	item := func(name string) object {
		return c.ok("GET", "/v1/pages/"+deal+"/properties/"+dig(page, "properties", name, "id").(string), nil)
	}
	if got := item("Mail"); dig(got, "results", 0, "email") != "ann@example.com" || dig(got, "property_item", "rollup", "type") != "array" {
		t.Errorf("show_original: got %v", got)
	}
	if got := item("Contacts"); len(list(got["results"])) != 0 || dig(got, "property_item", "rollup", "number") != 1.0 {
		t.Errorf("count: got %v", got)
	}
}
