package notion_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestWhatIsSharedIsFound(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	contacts := w.CreateDatabase("Contacts", sandbox.Property{Name: "Email", Type: "email"}, sandbox.Property{Name: "Stage", Type: "select", Options: []string{"New"}})
	two := w.CreateDatabase("Two", sandbox.Property{Name: "A", Type: "date"})
	second := w.AddDataSource(two, "Second")
	hidden := w.CreateDatabase("Hidden")
	w.UnshareDatabase(hidden)
	home := w.AddPage("Our CRM")
	for range 120 { // more than a batch, and pages as well
		w.AddRow(contacts, map[string]any{"Name": "Ana"})
	}
	c := connect(t, w)

	found, err := c.Databases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, s := range found {
		names[s.Database] = s.Name
	}
	want := map[string]string{contacts.ID: "Contacts", two.DataSourceID: "Two", second.DataSourceID: "Second"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("databases (-want +got):\n%s", diff)
	}
	i := slices.IndexFunc(found, func(s crm.Schema) bool { return s.Name == "Contacts" })
	if p, ok := found[i].Property("stage"); !ok || len(p.Options) != 1 || found[i].DataSource != contacts.DataSourceID {
		t.Errorf("contacts is %+v", found[i])
	}
	pages, err := c.Pages(t.Context())
	if err != nil || len(pages) != 1 || pages[0].ID != home || pages[0].Values["title"].Text != "Our CRM" {
		t.Errorf("pages: %+v, %v; want the one outside of databases", pages, err)
	}
}

func TestADatabaseIsMadeAndSeenAtOnce(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	home, people := w.AddPage("CRM"), w.CreateDatabase("People")
	c := connect(t, w)
	properties := []crm.Property{
		{Name: "Who", Kind: crm.KindTitle},
		{Name: "Mail", Kind: crm.KindEmail},
		{Name: "Worth", Kind: crm.KindNumber},
		{Name: "Stage", Kind: crm.KindSelect, Options: []string{"New", "Won"}},
		{Name: "Whose", Kind: crm.KindRelation},
	}
	made, err := c.CreateDatabase(t.Context(), home, "Deals & more", properties, map[string]string{"Whose": people.DataSourceID})
	if err != nil {
		t.Fatal(err)
	}
	schema, err := c.Schema(t.Context(), made.Database)
	if err != nil || schema.DataSource != made.DataSource || schema.Name != "Deals & more" || len(schema.Properties) != len(properties) {
		t.Errorf("made %+v, read %+v, %v", made, schema, err)
	}
	for _, want := range properties {
		if got, ok := schema.Property(want.Name); !ok || got.Kind != want.Kind || !slices.Equal(got.Options, want.Options) {
			t.Errorf("property %q is %+v", want.Name, got)
		}
	}
	on, err := c.DatabasesOn(t.Context(), home)
	if diff := cmp.Diff([]crm.Schema{{Database: made.Database, Name: "Deals & more"}}, on); diff != "" || err != nil {
		t.Errorf("on the page, %v (-want +got):\n%s", err, diff)
	}
}

func TestADatabaseWhoseAnswerIsLostIsInDoubt(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	home := w.AddPage("CRM")
	w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Fault: sandbox.ResetAfter, Nth: 1}}})
	c := connect(t, w)
	_, err := c.CreateDatabase(t.Context(), home, "Contacts", []crm.Property{{Name: "Name", Kind: crm.KindTitle}}, nil)
	if !errors.Is(err, crm.ErrAmbiguous) {
		t.Errorf("got %v, want doubt", err)
	}
	if on, err := c.DatabasesOn(t.Context(), home); err != nil || len(on) != 1 {
		t.Errorf("on the page: %+v, %v; want one, made once", on, err)
	}
	if _, err := c.CreateDatabase(t.Context(), home, "X", []crm.Property{{Name: "R", Kind: crm.KindRelation}}, nil); !errors.Is(err, crm.ErrInvalid) {
		t.Errorf("a relation to nowhere: %v, want it refused before it is sent", err)
	}
}

func TestCapabilitiesAreToldApart(t *testing.T) {
	t.Parallel()
	all := notion.Capabilities{Read: true, Update: true, Insert: true, Users: true, Emails: true}
	for _, tc := range []struct {
		name    string
		missing []sandbox.Capability
		want    func(*notion.Capabilities)
	}{
		{"all", nil, func(*notion.Capabilities) {}},
		{"not read", []sandbox.Capability{sandbox.ReadContent}, func(c *notion.Capabilities) { c.Read = false }},
		{"not update", []sandbox.Capability{sandbox.UpdateContent}, func(c *notion.Capabilities) { c.Update = false }},
		{"not insert", []sandbox.Capability{sandbox.InsertContent}, func(c *notion.Capabilities) { c.Insert = false }},
		{"no addresses", []sandbox.Capability{sandbox.ReadEmails}, func(c *notion.Capabilities) { c.Emails = false }},
		{"no people", []sandbox.Capability{sandbox.ReadUsers}, func(c *notion.Capabilities) { c.Users, c.Emails = false, false }},
	} {
		w := sandbox.New(sandbox.Options{Token: token})
		db := w.CreateDatabase("Contacts")
		w.Withhold(tc.missing...)
		want := all
		tc.want(&want)
		if got, err := connect(t, w).Capabilities(t.Context()); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", tc.name, got, err, want)
		}
		if len(w.Rows(db)) != 0 {
			t.Errorf("%s: something was written", tc.name)
		}
	}
}

func TestCapabilitiesOfAnOddNotion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   error // nil for all of them
	}{
		{"a revoked token", 401, errorJSON(401, "unauthorized", "API token is invalid."), crm.ErrForbidden},
		{"an outage", 502, "<html>", crm.ErrUnavailable},
		{"a full workspace", 403, errorJSON(403, "restricted_resource", "no", `{"block_limit":"block_creation"}`), nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			got, err := quick(t, &double{answer: always(tc.status, tc.body)}).Capabilities(t.Context())
			if tc.want == nil {
				if !got.Insert || !got.Update {
					t.Errorf("%s: %+v, %v", tc.name, got, err)
				}
				return
			}
			if !errors.Is(err, tc.want) {
				t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
			}
		})
	}
}
