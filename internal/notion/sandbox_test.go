package notion_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/sandbox"
)

func connect(t *testing.T, w *sandbox.Workspace) *notion.Caller {
	t.Helper()
	return newClient(t, notion.Options{Transport: w.Transport(), Rate: fast}).Lane(crm.Live)
}

// TestRowLifecycle writes every kind, reads it back, clears it, and leaves
// alone what it does not name.
func TestRowLifecycle(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	target := w.CreateDatabase("Companies")
	company := w.AddRow(target, map[string]any{"Name": "Acme"})
	db := w.CreateDatabase("Contacts",
		sandbox.Property{Name: "Text", Type: "rich_text"}, sandbox.Property{Name: "Email", Type: "email"},
		sandbox.Property{Name: "Site", Type: "url"}, sandbox.Property{Name: "Phone", Type: "phone_number"},
		sandbox.Property{Name: "Value", Type: "number"}, sandbox.Property{Name: "Source", Type: "select"},
		sandbox.Property{Name: "Status", Type: "status", Options: []string{"new lead", "won"}},
		sandbox.Property{Name: "Tags", Type: "multi_select"}, sandbox.Property{Name: "When", Type: "date"},
		sandbox.Property{Name: "Done", Type: "checkbox"}, sandbox.Property{Name: "Owner", Type: "people"},
		sandbox.Property{Name: "Company", Type: "relation", Target: target})
	c := connect(t, w)
	schema, err := c.Schema(t.Context(), db.ID)
	if err != nil {
		t.Fatal(err)
	}
	id := func(name string) string {
		p, ok := schema.Property(name)
		if !ok {
			t.Fatalf("no property %q in %+v", name, schema)
		}
		return p.ID
	}
	full := map[string]crm.Value{
		id("Name"): crm.Text(crm.KindTitle, "Ana"), id("Text"): crm.Text(crm.KindText, strings.Repeat("ñ", 4500)),
		id("Email"): crm.Text(crm.KindEmail, "ana@example.com"), id("Site"): crm.Text(crm.KindURL, "https://x.io"),
		id("Phone"): crm.Text(crm.KindPhone, "+34"), id("Value"): {Kind: crm.KindNumber, Number: "12.5"},
		id("Source"): crm.Choice(crm.KindSelect, "Fair 2026"), id("Status"): crm.Choice(crm.KindStatus, "won"),
		id("Tags"): crm.Choice(crm.KindMultiSelect, "a", "b"), id("When"): crm.Day("2026-11-20"),
		id("Done"): {Kind: crm.KindCheckbox, Check: true}, id("Owner"): {Kind: crm.KindPeople, IDs: []string{w.People()[0].ID}},
		id("Company"): {Kind: crm.KindRelation, IDs: []string{company}},
	}
	page, err := c.Create(t.Context(), schema.DataSource, full, []crm.Paragraph{{crm.Run{Text: "first"}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full, withoutOptionIDs(t, page.Values)); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if page.DataSource != schema.DataSource || page.CreatedBy != w.BotID() || page.EditedBy != w.BotID() || page.Trashed {
		t.Errorf("page is %+v", page)
	}
	blank := map[string]crm.Value{}
	for id, v := range full {
		blank[id] = crm.Value{Kind: v.Kind}
	}
	cleared := maps.Clone(blank)
	cleared[id("Status")] = crm.Choice(crm.KindStatus, "new lead") // a status without a value shows its first option
	if page, err = c.Update(t.Context(), page.ID, blank); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cleared, withoutOptionIDs(t, page.Values)); diff != "" {
		t.Errorf("cleared (-want +got):\n%s", diff)
	}
	want := maps.Clone(cleared)
	want[id("Email")] = crm.Text(crm.KindEmail, "b@x.io")
	if page, err = c.Update(t.Context(), page.ID, map[string]crm.Value{id("Email"): want[id("Email")]}); err != nil {
		t.Fatal(err)
	}
	read, err := c.Page(t.Context(), page.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, withoutOptionIDs(t, read.Values)); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if err := c.Append(t.Context(), page.ID, []crm.Paragraph{{crm.Run{Text: "sec", Bold: true}, crm.Run{Text: "ond"}}}); err != nil {
		t.Fatal(err)
	}
	texts, next, err := c.Blocks(t.Context(), page.ID, "")
	if diff := cmp.Diff([]string{"first", "second"}, texts); diff != "" || next != "" || err != nil {
		t.Errorf("blocks, next %q, %v (-want +got):\n%s", next, err, diff)
	}
	found, err := c.Query(t.Context(), schema.DataSource, crm.Query{
		Key: crm.Property{ID: id("Email"), Kind: crm.KindEmail}, KeyIs: []string{"b@x.io", "nobody@x.io"}, CreatedUntil: time.Now().Add(time.Hour),
	})
	if err != nil || len(found.Pages) != 1 || found.Pages[0].ID != page.ID {
		t.Errorf("query found %+v, %v", found, err)
	}
	for _, x := range w.Transcript() {
		if x.Version != "2025-09-03" || x.Status != 200 {
			t.Errorf("%s %s spoke version %q and got %d", x.Method, x.Path, x.Version, x.Status)
		}
	}
}

func TestATrashedPageIsThereAndInNoQuery(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	c, standard := connect(t, w), w.StandardCRM()
	ana := w.AddRow(standard.Contacts, map[string]any{"Email": "ana@example.com"})
	calls := w.AddRow(standard.Activities, map[string]any{"Name": "Call", "Contact": []string{ana}})
	w.AddRow(standard.Activities, map[string]any{"Name": "Another call"})
	schema, err := c.Schema(t.Context(), standard.Activities.ID)
	if err != nil {
		t.Fatal(err)
	}
	contact, _ := schema.Property("Contact")
	ofAna := crm.Query{Key: contact, KeyIs: []string{ana}}
	if rows, err := c.Query(t.Context(), schema.DataSource, ofAna); err != nil || len(rows.Pages) != 1 || rows.Pages[0].ID != calls {
		t.Errorf("rows that are related to Ana: %+v, %v; want her call", rows.Pages, err)
	}
	for range 2 { // what is in the trash can be put there again
		if page, err := c.Trash(t.Context(), calls); err != nil || !page.Trashed {
			t.Errorf("Trash = %+v, %v; want the page, trashed", page, err)
		}
	}
	if rows, err := c.Query(t.Context(), schema.DataSource, ofAna); err != nil || len(rows.Pages) != 0 {
		t.Errorf("after that: %+v, %v; want none", rows.Pages, err)
	}
	w.Purge(calls)
	if _, err := c.Trash(t.Context(), calls); !errors.Is(err, crm.ErrNotFound) {
		t.Errorf("Trash of a page that is gone = %v, want ErrNotFound", err)
	}
}

// withoutOptionIDs checks that each option has an id, and takes them away:
// what was written did not know them.
func withoutOptionIDs(t *testing.T, values map[string]crm.Value) map[string]crm.Value {
	t.Helper()
	values = maps.Clone(values)
	for id, v := range values {
		switch v.Kind {
		case crm.KindSelect, crm.KindStatus, crm.KindMultiSelect:
			if len(v.IDs) != len(v.Names) {
				t.Errorf("%s has the options %q with the ids %q", id, v.Names, v.IDs)
			}
			v.IDs = nil
			values[id] = v
		}
	}
	return values
}

func TestQueryReadsAllBatches(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	db := w.CreateDatabase("Contacts")
	for range 25 {
		w.AddRow(db, map[string]any{"Name": "x"})
	}
	c := connect(t, w)
	seen := map[string]bool{}
	q := crm.Query{Size: 10}
	for batches := 1; ; batches++ {
		r, err := c.Query(t.Context(), db.DataSourceID, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Pages {
			seen[p.ID] = true
		}
		if q.Cursor = r.Next; r.Next == "" {
			if batches != 3 || len(seen) != 25 || r.Cut {
				t.Errorf("%d pages in %d batches, incomplete %v", len(seen), batches, r.Cut)
			}
			return
		}
	}
}

func TestTrashedPageStaysInTheTrash(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	db := w.CreateDatabase("Contacts")
	page := w.AddRow(db, map[string]any{"Name": "Ana"})
	w.Trash(page)
	c := connect(t, w)
	p, err := c.Update(t.Context(), page, map[string]crm.Value{"title": crm.Text(crm.KindTitle, "Eva")})
	if !errors.Is(err, crm.ErrTrashed) && !p.Trashed {
		t.Errorf("got trashed %v and %v, want one or the other", p.Trashed, err)
	}
	if !w.Rows(db)[0].InTrash {
		t.Error("the update took the page out of the trash")
	}
	if p, err := c.Page(t.Context(), page); err != nil || !p.Trashed {
		t.Errorf("got trashed %v and %v, want a trashed page", p.Trashed, err)
	}
}

func TestDatabaseIDs(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	db := w.CreateDatabase("Contacts", sandbox.Property{Name: "Status", Type: "status", Options: []string{"new lead", "won"}})
	bare := strings.ReplaceAll(db.ID, "-", "")
	for _, id := range []string{
		db.ID, bare, strings.ToUpper(bare), " " + db.ID + "\n", "https://www.notion.so/acme/" + bare + "?v=" + strings.Repeat("ab", 16) + "&pvs=4",
		"https://www.notion.so/acme/Contacts-de-adbeef-" + bare, "https://acme.notion.site/" + db.ID + "/", "notion://www.notion.so/" + bare + "#x",
		db.DataSourceID, "collection://" + db.DataSourceID,
	} {
		s, err := connect(t, w).Schema(t.Context(), id)
		if err != nil {
			t.Errorf("%q: %v", id, err)
			continue
		}
		p, _ := s.Property("STATUS")
		if s.DataSource != db.DataSourceID || s.Name != "Contacts" || s.Title().Name != "Name" || !cmp.Equal(p.Options, []string{"new lead", "won"}) {
			t.Errorf("%q: schema is %+v", id, s)
		}
		if want := id == db.DataSourceID || strings.HasPrefix(id, "collection"); (s.Database == db.DataSourceID) != want {
			t.Errorf("%q: database is %s", id, s.Database)
		}
	}
	before := len(w.Transcript())
	for _, id := range []string{"", "My Contacts", "https://www.notion.so/acme", "../users/me"} {
		if _, err := connect(t, w).Schema(t.Context(), id); !errors.Is(err, crm.ErrInvalid) {
			t.Errorf("%q: got %v, want ErrInvalid", id, err)
		}
	}
	if n := len(w.Transcript()) - before; n != 0 {
		t.Errorf("%d requests for what is no id", n)
	}
	_, err := connect(t, w).Schema(t.Context(), pageID)
	if !errors.Is(err, crm.ErrNotFound) || !strings.Contains(err.Error(), "Could not find database") {
		t.Errorf("unknown id: got %v", err)
	}
}

func TestSecondDataSourceBreaksNothing(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	db := w.CreateDatabase("Contacts", sandbox.Property{Name: "Email", Type: "email"})
	log := &logbook{}
	c := newClient(t, notion.Options{Transport: w.Transport(), Rate: fast, Log: log.logger()}).Lane(crm.Live)
	before, err := c.Schema(t.Context(), db.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.AddDataSource(db, "Archive")
	for range 3 {
		after, err := c.RefreshSchema(t.Context(), db.ID)
		if err != nil || after.DataSource != before.DataSource {
			t.Fatalf("got %+v, %v; want data source %s", after, err, before.DataSource)
		}
	}
	if n := strings.Count(log.String(), "several data sources"); n != 1 || !strings.Contains(log.String(), "Archive") {
		t.Errorf("%d warnings, want one that names them:\n%s", n, log)
	}
	if s, err := connect(t, w).Schema(t.Context(), db.ID); err != nil || s.DataSource != db.DataSourceID {
		t.Errorf("a new client uses %s, %v; want the original", s.DataSource, err)
	}
	page, err := c.Create(t.Context(), before.DataSource, map[string]crm.Value{"title": crm.Text(crm.KindTitle, "Ana")}, nil)
	if err != nil || page.DataSource != before.DataSource {
		t.Errorf("create: %+v, %v", page, err)
	}
	if r, err := c.Query(t.Context(), before.DataSource, crm.Query{}); err != nil || len(r.Pages) != 1 {
		t.Errorf("query: %+v, %v", r, err)
	}
}

func TestTheDataSourceUsedBeforeStays(t *testing.T) {
	t.Parallel()
	list := `[{"id":"` + sourceID + `","name":"Contacts"}]`
	d := &double{}
	d.answer = respondSources(&list)
	c := quick(t, d)
	if _, err := c.Schema(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	list = `[{"id":"` + pageID + `","name":"New"},{"id":"` + sourceID + `","name":"Contacts"}]`
	if s, err := c.RefreshSchema(t.Context(), database); err != nil || s.DataSource != sourceID {
		t.Errorf("got %s, %v; want the one used before", s.DataSource, err)
	}
	list = `[]`
	if _, err := c.RefreshSchema(t.Context(), database); !errors.Is(err, crm.ErrForbidden) {
		t.Errorf("no data source: got %v, want ErrForbidden", err)
	}
	sent := d.count()
	if s, err := c.Schema(t.Context(), database); err != nil || s.DataSource != sourceID || d.count() != sent {
		t.Errorf("the cache lost the schema: %+v, %v", s, err)
	}
}

func TestSchemaKeepsOddProperties(t *testing.T) {
	t.Parallel()
	d := &double{answer: always(200, `{"object":"data_source","id":"`+sourceID+`","title":null,"properties":{
		"B":{"id":"b","name":"B","type":"hologram","hologram":{}},"A":{"id":"title","name":"A","type":"title","title":{}},
		"null":null,"list":[],"bare":{},"typeless":{"id":"t","name":"t"},
		"C":{"id":"c","name":"C","type":"select","select":{"options":[{"name":"x"},null,{"name":""}]}},"D":{"id":"d","name":"D","type":"status","status":7}}}`)}
	known := &double{}
	known.answer = func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/databases/") {
			return good(r)
		}
		return d.answer(r)
	}
	s, err := quick(t, known).Schema(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	want := []crm.Property{
		{ID: "title", Name: "A", Kind: crm.KindTitle},
		{ID: "b", Name: "B", Kind: "hologram"},
		{ID: "c", Name: "C", Kind: crm.KindSelect, Options: []string{"x"}},
		{ID: "d", Name: "D", Kind: crm.KindStatus},
	}
	if diff := cmp.Diff(want, s.Properties); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	s.Properties[0].Name = "changed"
	if again, _ := quick(t, known).Schema(t.Context(), database); again.Properties[0].Name != "A" {
		t.Error("a caller changed the cache")
	}
}

// TestFaultsAreToldAsTheyAre: whatever goes wrong, an error other than
// ErrAmbiguous means that nothing was written.
func TestFaultsAreToldAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, fault := range []sandbox.Fault{
		sandbox.RateLimited, sandbox.RateLimitedBare, sandbox.RateLimitedDate, sandbox.Overloaded, sandbox.InternalError,
		sandbox.BadGatewayHTML, sandbox.Unavailable, sandbox.SavedButUnavailable, sandbox.GatewayTimeout, sandbox.ResetBefore,
		sandbox.ResetAfter, sandbox.HangBefore, sandbox.HangAfter, sandbox.Truncated, sandbox.Conflict,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := sandbox.New(sandbox.Options{Token: token})
				db := w.CreateDatabase("Contacts")
				w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Fault: fault, RetryAfter: 9 * time.Second}}})
				_, err := connect(t, w).Create(t.Context(), db.DataSourceID, map[string]crm.Value{"title": crm.Text(crm.KindTitle, "Ana")}, nil)
				made := len(w.Rows(db))
				switch {
				case err == nil:
					t.Errorf("no error, %d rows", made)
				case made > 1, made == 1 && !errors.Is(err, crm.ErrAmbiguous):
					t.Errorf("%d rows and %v", made, err)
				}
				if id, ok := crm.CommittedID(err); ok != (fault == sandbox.SavedButUnavailable) || ok && id != w.Rows(db)[0].ID {
					t.Errorf("committed id is %q, %v", id, ok)
				}
			})
		})
	}
}

func respondSources(list *string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/databases/") {
			return respond(200, `{"object":"database","id":"`+database+`","data_sources":`+*list+`}`), nil
		}
		return respond(200, `{"object":"data_source","id":"`+strings.TrimPrefix(r.URL.Path, "/v1/data_sources/")+`","properties":{}}`), nil
	}
}
