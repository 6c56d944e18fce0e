package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func newDatabase(parent string, properties object) object {
	return object{
		"parent": object{"type": "page_id", "page_id": parent}, "title": text("Leads"),
		"initial_data_source": object{"properties": properties},
	}
}

func TestADatabaseIsMadeOnAPage(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	home := c.w.AddPage("CRM")
	contacts := c.w.CreateDatabase("Contacts")
	made := c.ok("POST", "/v1/databases", newDatabase(home, object{
		"Who":   object{"title": object{}},
		"Stage": object{"select": object{"options": []object{{"name": "New"}, {"name": "Won", "color": "green"}}}},
		"State": object{"type": "status", "status": object{}},
		"Worth": object{"number": object{"format": "euro"}},
		"Whose": object{"relation": object{"data_source_id": contacts.DataSourceID, "single_property": object{}}},
	}))
	source := c.ok("GET", "/v1/data_sources/"+dig(made, "data_sources", 0, "id").(string), nil)
	var got []string
	for name, p := range source["properties"].(object) {
		kind := dig(p, "type").(string)
		line := name + " " + kind
		if options, ok := dig(p, kind).(object)["options"].([]any); ok {
			for _, o := range options {
				line += " " + dig(o, "name").(string)
			}
		}
		got = append(got, line)
	}
	slices.Sort(got)
	want := []string{"Stage select New Won", "State status Not started In progress Done", "Who title", "Whose relation", "Worth number"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	blocks := c.ok("GET", "/v1/blocks/"+home+"/children", nil)["results"].([]any)
	if len(blocks) != 1 || dig(blocks[0], "id") != made["id"] || dig(blocks[0], "child_database", "title") != "Leads" {
		t.Errorf("the page shows %v, want the database", blocks)
	}
	if of := dig(source, "database_parent", "page_id"); of != home {
		t.Errorf("the database is on page %v, want %s", of, home)
	}
}

func TestWhatIsNoDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	home := c.w.AddPage("CRM")
	contacts := c.w.CreateDatabase("Contacts")
	title := object{"title": object{}}
	for name, properties := range map[string]object{
		"no title":                 {"A": object{"rich_text": object{}}},
		"two titles":               {"A": title, "B": title},
		"an unknown type":          {"A": title, "B": object{"colour": object{}}},
		"another type than is set": {"A": title, "B": object{"type": "date", "email": object{}}},
		"a setting too many":       {"A": title, "B": object{"email": object{"format": "x"}}},
		"a comma in an option":     {"A": title, "B": object{"select": object{"options": []object{{"name": "a,b"}}}}},
		"a relation to a database": {"A": title, "B": object{"relation": object{"database_id": contacts.ID, "single_property": object{}}}},
		"a relation without a way": {"A": title, "B": object{"relation": object{"data_source_id": contacts.DataSourceID}}},
	} {
		if status, out := c.do("POST", "/v1/databases", newDatabase(home, properties)); status != 400 || out["code"] != "validation_error" {
			t.Errorf("%s: %d %v, want a refusal", name, status, out["message"])
		}
	}
	if status, out := c.do("POST", "/v1/databases", newDatabase(someID, object{"A": title})); status != 404 {
		t.Errorf("a page that is not shared: %d %v, want 404", status, out["message"])
	}
	if status, _ := c.on("2022-06-28").do("POST", "/v1/databases", newDatabase(home, object{"A": title})); status != 400 {
		t.Errorf("2022-06-28: %d, want 400", status)
	}
	if left := c.w.Databases(home); len(left) != 0 {
		t.Errorf("refused databases are there: %v", left)
	}
}

func TestTheRecordedDatabasesCanBeMade(t *testing.T) {
	t.Parallel()
	known, made := learned(t), 0
	for _, r := range corpus(t, "databases") {
		if r.Request.Method != "POST" || r.Request.Version != "2025-09-03" || r.Request.URL != "/v1/databases" {
			continue
		}
		c := newClient(t, sandbox.Options{}).on(r.Request.Version)
		r.Request.Body["parent"] = object{"type": "page_id", "page_id": c.w.AddPage("Home")}
		answer := c.ok("POST", "/v1/databases", r.Request.Body)
		known.check(t, r.Request.Version, answer)
		made++
	}
	if made < 3 {
		t.Errorf("only %d databases were made", made)
	}
}

func TestAMissingCapabilityIsRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	db, home := c.w.CreateDatabase("Contacts"), c.w.AddPage("CRM")
	row := c.w.AddRow(db, map[string]any{"Name": "Ana"})
	for _, tc := range []struct {
		missing      sandbox.Capability
		method, path string
		body         any
	}{
		{sandbox.ReadContent, "POST", "/v1/search", object{}},
		{sandbox.ReadContent, "GET", "/v1/pages/" + row, nil},
		{sandbox.UpdateContent, "PATCH", "/v1/pages/" + row, object{"properties": object{}}},
		{sandbox.InsertContent, "POST", "/v1/pages", newPage(db, object{})},
		{sandbox.InsertContent, "POST", "/v1/databases", newDatabase(home, object{"A": object{"title": object{}}})},
		{sandbox.ReadUsers, "GET", "/v1/users", nil},
	} {
		c.w.Withhold(tc.missing)
		c.refused(tc.method, tc.path, tc.body, 403, "restricted_resource", "Insufficient permissions for this endpoint.")
		c.w.Withhold()
		c.ok(tc.method, tc.path, tc.body)
	}
	c.w.Withhold(sandbox.ReadEmails)
	people := fmt.Sprint(c.ok("GET", "/v1/users", nil)["results"], c.ok("GET", "/v1/pages/"+row, nil))
	if strings.Contains(people, "ada@example.com") {
		t.Errorf("addresses are shown: %s", people)
	}
	c.w.Withhold(sandbox.ReadContent, sandbox.ReadUsers)
	c.ok("GET", "/v1/users/me", nil)
}

func TestAPersonalTokenIsThePersons(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{Personal: true})
	if me := c.ok("GET", "/v1/users/me", nil); me["type"] != "person" || me["id"] != c.w.People()[0].ID {
		t.Errorf("the token belongs to %v", me)
	}
}

func TestSearchLearnsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, sandbox.Options{SearchLag: time.Minute})
		c.w.AddRow(c.w.CreateDatabase("Contacts"), map[string]any{"Name": "Ana"})
		c.w.AddPage("CRM")
		found := func() int { return len(c.ok("POST", "/v1/search", object{})["results"].([]any)) }
		if n := found(); n != 0 {
			t.Errorf("at once %d are found, want none", n)
		}
		time.Sleep(time.Minute)
		if n := found(); n != 3 {
			t.Errorf("a minute later %d are found, want 3", n)
		}
	})
}
