package notion_test

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
)

// shownPeople walks the JSON of a page for whole user objects.
func shownPeople(page map[string]any) []crm.Person {
	found := map[string]crm.Person{}
	see := func(raw any) {
		user, _ := raw.(map[string]any)
		if name := field(raw, "name"); name != "" {
			found[field(raw, "id")] = crm.Person{ID: field(raw, "id"), Name: name, Email: field(user["person"], "email")}
		}
	}
	for _, raw := range page["properties"].(map[string]any) {
		property := raw.(map[string]any)
		switch property["type"] {
		case "created_by", "last_edited_by":
			see(property[property["type"].(string)])
		case "people":
			for _, user := range property["people"].([]any) {
				see(user)
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b crm.Person) int { return cmp.Compare(a.ID, b.ID) })
}

func TestRecordedUsers(t *testing.T) {
	t.Parallel()
	people := 0
	for _, r := range corpus(t, "users") {
		m := walk(t, r.body)
		if m["object"] != "user" {
			continue
		}
		c := quick(t, &double{answer: always(200, string(r.body))})
		bot, err := c.Me(t.Context())
		if err != nil || bot.ID != m["id"] || bot.Name != field(any(m), "name") || bot.Workspace != field(m["bot"], "workspace_name") || bot.Person != (m["type"] == "person") {
			t.Errorf("%s: got %+v, %v", r.file, bot, err)
		}
		want := crm.Person{ID: field(any(m), "id"), Name: field(any(m), "name"), Email: field(m["person"], "email")}
		if got, err := c.Person(t.Context(), want.ID); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", r.file, got, err)
		}
		if want.Email != "" {
			people++
		}
	}
	if people < 5 {
		t.Errorf("only %d people had an email", people)
	}
}

// TestRecordedPropertyItems reads every recorded property as a list of people
// and as one of relations: what is one gives its ids, what is not is refused.
func TestRecordedPropertyItems(t *testing.T) {
	t.Parallel()
	lists := 0
	for _, r := range corpus(t, "property_items") {
		m := walk(t, r.body)
		head := m
		if m["object"] == "list" {
			head = m["property_item"].(map[string]any)
		}
		for _, kind := range []crm.Kind{crm.KindPeople, crm.KindRelation} {
			c := quick(t, &double{answer: always(200, string(r.body))})
			v, err := c.Whole(t.Context(), pageID, crm.Property{ID: "%3CnJT", Kind: kind})
			if head["type"] != string(kind) {
				if !errors.Is(err, crm.ErrInvalid) {
					t.Errorf("%s: a %s was read as %s: %+v, %v", r.file, head["type"], kind, v, err)
				}
				continue
			}
			lists++
			var want []string
			for _, item := range m["results"].([]any) {
				want = append(want, field(item.(map[string]any)[string(kind)], "id"))
			}
			if diff := gocmp.Diff(crm.Value{Kind: kind, IDs: want}, v); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", r.file, err, diff)
			}
		}
	}
	if lists < 15 {
		t.Errorf("only %d lists were compared", lists)
	}
}
