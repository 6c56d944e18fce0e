package notion_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestPagesIntroduceTheirPeople(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	db := w.CreateDatabase("Deals", sandbox.Property{Name: "Owner", Type: "people"},
		sandbox.Property{Name: "Maker", Type: "created_by"}, sandbox.Property{Name: "Editor", Type: "last_edited_by"})
	ada, ben := w.People()[0], w.People()[1]
	id := w.AddRow(db, map[string]any{"Name": "Acme", "Owner": []string{ben.ID, ada.ID}})
	c := connect(t, w)
	page, err := c.Update(t.Context(), id, map[string]crm.Value{"title": crm.Text(crm.KindTitle, "Acme 2")})
	if err != nil {
		t.Fatal(err)
	}
	want := []crm.Person{{ID: ada.ID, Name: ada.Name, Email: ada.Email}, {ID: ben.ID, Name: ben.Name, Email: ben.Email}, {ID: w.BotID(), Name: "Dealbell"}}
	slices.SortFunc(want, func(a, b crm.Person) int { return strings.Compare(a.ID, b.ID) })
	if diff := cmp.Diff(want, page.People); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	if page.CreatedBy != ada.ID || page.EditedBy != w.BotID() {
		t.Errorf("created by %s and edited by %s", page.CreatedBy, page.EditedBy)
	}
	for _, p := range want {
		if got, err := c.Person(t.Context(), p.ID); err != nil || got != p {
			t.Errorf("got %+v, %v; want %+v", got, err, p)
		}
	}
}

func TestPeopleOfOddPages(t *testing.T) {
	t.Parallel()
	bare := strings.ReplaceAll(pageID, "-", "")
	owner := func(users string) string { return `{"Owner":{"id":"o","type":"people","people":[` + users + `]}}` }
	for _, tt := range []struct {
		name, properties string
		want             []crm.Person
	}{
		{"without the capability to see them", owner(`{"object":"user","id":"` + pageID + `"}`), nil},
		{"without the capability to see emails", owner(`{"id":"` + bare + `","name":"Ana","person":{}}`), []crm.Person{{ID: pageID, Name: "Ana"}}},
		{"an email and no name", owner(`{"id":"` + pageID + `","name":null,"person":{"email":"` + email + `"}}`), []crm.Person{{ID: pageID, Email: email}}},
		{"one twice, each time half", owner(`{"id":"` + pageID + `","name":"Ana"},{"id":"` + bare + `","person":{"email":"` + email + `"}}`), []crm.Person{{ID: pageID, Name: "Ana", Email: email}}},
		{"a bot of a person", owner(`{"id":"` + pageID + `","name":"Bell","bot":{"owner":{"user":{"person":{"email":"` + email + `"}}}}}`), []crm.Person{{ID: pageID, Name: "Bell"}}},
		{"a group", owner(`{"object":"group","id":"` + pageID + `","name":"Sales"}`), []crm.Person{{ID: pageID, Name: "Sales"}}},
		{"odd ones beside a good one", owner(`{"id":"` + sourceID + `","name":"X","person":7},{"name":"nobody"},{"id":"` + pageID + `","name":"Ana"}`), []crm.Person{{ID: pageID, Name: "Ana"}}},
		{"a creator", `{"By":{"id":"b","type":"created_by","created_by":{"id":"` + pageID + `","name":"Ana"}}}`, []crm.Person{{ID: pageID, Name: "Ana"}}},
		{"a creator that is null", `{"By":{"id":"b","type":"created_by","created_by":null}}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			page, err := quick(t, &double{answer: always(200, pageJSON(tt.properties))}).Page(t.Context(), pageID)
			if diff := cmp.Diff(tt.want, page.People); err != nil || diff != "" {
				t.Errorf("%v, people (-want +got):\n%s", err, diff)
			}
		})
	}
	for key, id := range map[string]string{"created_by": database, "last_edited_by": sourceID} {
		whole := strings.Replace(pageJSON(`{}`), `"`+key+`":{`, `"`+key+`":{"name":"Ana","person":{"email":"`+email+`"},`, 1)
		page, err := quick(t, &double{answer: always(200, whole)}).Page(t.Context(), pageID)
		if diff := cmp.Diff([]crm.Person{{ID: id, Name: "Ana", Email: email}}, page.People); err != nil || diff != "" {
			t.Errorf("a whole %s: %v, people (-want +got):\n%s", key, err, diff)
		}
	}
}

func TestOptionIDsOutliveARename(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	db := w.CreateDatabase("Deals", sandbox.Property{Name: "Stage", Type: "status", Options: []string{"Lead", "Won"}},
		sandbox.Property{Name: "Source", Type: "select"}, sandbox.Property{Name: "Tags", Type: "multi_select"})
	values := map[string]any{"Name": "Acme", "Stage": "Won", "Source": "Fair", "Tags": []string{"a", "b"}}
	id := w.AddRow(db, values)
	c := connect(t, w)
	look := func() map[string]crm.Value {
		page, err := c.Page(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return page.Values
	}
	before := look()
	w.RenameOption(db, "Stage", "Won", "Closed")
	w.RenameOption(db, "Source", "Fair", "Fair 2026")
	w.RenameOption(db, "Tags", "b", "bb")
	renamed := look()
	w.DropOption(db, "Source", "Fair 2026")
	w.EditRow(id, map[string]any{"Source": "Fair 2026"})
	again := look()
	for _, p := range slices.Sorted(maps.Keys(before)) {
		b, r, a := before[p], renamed[p], again[p]
		if !b.Same(r) || !r.Same(b) || !cmp.Equal(b.IDs, r.IDs) || !r.Same(a) {
			t.Errorf("%#v became %#v and then %#v: not the same", b, r, a)
		}
		if b.Kind == crm.KindSelect && (cmp.Equal(r.IDs, a.IDs) || b.Same(a)) {
			t.Errorf("%#v, renamed and made again as %#v", b, a)
		}
	}
	w.EditRow(id, map[string]any{"Stage": "Lead"})
	for p, v := range look() {
		if v.Kind == crm.KindStatus && v.Same(before[p]) {
			t.Errorf("%#v is the same as %#v", v, before[p])
		}
	}
}

// TestRefusedPersonStopsNothing: a capability that one endpoint wants is not
// about the token, so that nothing else waits.
func TestRefusedPersonStopsNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		code   string
		want   error
	}{
		{403, "restricted_resource", crm.ErrForbidden}, {404, "object_not_found", crm.ErrNotFound}, {400, "validation_error", crm.ErrInvalid},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &double{answer: always(tt.status, errorJSON(tt.status, tt.code, "Insufficient permissions for this endpoint."))}
			client := newClient(t, notion.Options{Transport: d, Rate: fast, Burst: 1000})
			c := client.Lane(crm.Notify)
			for range 10 {
				_, err := c.Person(t.Context(), pageID)
				if at, timed := crm.RetryAt(err); !errors.Is(err, tt.want) || timed {
					t.Errorf("%d: got %v to be tried again at %v, want %v and no time", tt.status, err, at, tt.want)
				}
			}
			if s := client.State(); s.Open || s.Refused || d.count() != 10 {
				t.Errorf("%d: state is %+v after %d requests", tt.status, s, d.count())
			}
		})
	}
	if _, err := quick(t, &double{answer: good}).Person(t.Context(), "Ana Marsh"); !errors.Is(err, crm.ErrInvalid) {
		t.Errorf("a name: got %v, want ErrInvalid", err)
	}
}

// TestMeAtStart is what a start meets: all is well, a token that is refused,
// a pause from before, no network.
func TestMeAtStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := sandbox.New(sandbox.Options{Token: token})
		client := newClient(t, notion.Options{Transport: w.Transport(), Rate: fast})
		c := client.Lane(crm.Live)
		want := notion.Bot{ID: w.BotID(), Name: "Dealbell", Workspace: "Sandbox"}
		if bot, err := c.Me(t.Context()); err != nil || bot != want {
			t.Errorf("got %+v, %v; want %+v", bot, err, want)
		}
		w.SetUnreachable(true)
		if _, err := c.Me(t.Context()); !errors.Is(err, crm.ErrUnavailable) {
			t.Errorf("no network: got %v, want ErrUnavailable", err)
		}
		w.SetUnreachable(false)
		w.SetToken("another")
		_, err := c.Me(t.Context())
		if _, timed := crm.RetryAt(err); !errors.Is(err, crm.ErrForbidden) || !timed || !client.State().Refused {
			t.Errorf("refused token: got %v, timed %v, want ErrForbidden and a time", err, timed)
		}
		paused := newClient(t, notion.Options{Transport: w.Transport(), Rate: fast, Pauses: &memory{until: time.Now().Add(time.Hour)}})
		_, err = paused.Lane(crm.Live).Me(t.Context())
		if at, timed := crm.RetryAt(err); !errors.Is(err, crm.ErrUnavailable) || !timed || time.Until(at) != time.Hour {
			t.Errorf("paused: got %v to be tried again at %v", err, at)
		}
	})
}
