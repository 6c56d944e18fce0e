package notion_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/sandbox"
)

// TestWholeReadsWhatAPageCuts has more people and relations than a page
// shows, and more than one request gives.
func TestWholeReadsWhatAPageCuts(t *testing.T) {
	t.Parallel()
	w := sandbox.New(sandbox.Options{Token: token})
	target := w.CreateDatabase("Companies")
	db := w.CreateDatabase("Contacts", sandbox.Property{Name: "Owner", Type: "people"}, sandbox.Property{Name: "Company", Type: "relation", Target: target})
	companies := make([]string, 230)
	for i := range companies {
		companies[i] = w.AddRow(target, map[string]any{"Name": "Acme"})
	}
	for range 120 {
		w.AddPerson("Guest", "guest@example.com")
	}
	everybody := []string{}
	for _, p := range w.People() {
		everybody = append(everybody, p.ID)
	}
	id := w.AddRow(db, map[string]any{"Name": "Ana", "Owner": everybody, "Company": companies})
	c := connect(t, w)
	schema, err := c.Schema(t.Context(), db.ID)
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.Page(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"Owner": everybody, "Company": companies} {
		p, _ := schema.Property(name)
		before := len(w.Transcript())
		whole, err := c.Whole(t.Context(), id, p)
		if diff := cmp.Diff(crm.Value{Kind: p.Kind, IDs: want}, whole); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		if n, batches := len(w.Transcript())-before, (len(want)+99)/100; n != batches {
			t.Errorf("%s took %d requests, want %d", name, n, batches)
		}
		if shown := page.Values[p.ID]; !shown.Same(whole) || shown.More != (len(want) > 25) {
			t.Errorf("%s: the page shows %d, cut %v, and that is not the same as the whole", name, len(shown.IDs), shown.More)
		}
	}
}

func TestWholeAsksExactly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ id, want string }{
		{"title", "title"},
		{"%5EkIz", "%5EkIz"},
		{"a%3Ab", "a%3Ab"}, // Go would not encode the colon
		{"%2F%3F%23", "%2F%3F%23"},
		{"~ak%40", "~ak%40"},
		{"[IF?", "%5BIF%3F"}, // not as Notion gives it
	} {
		d := &double{answer: good}
		_, err := quick(t, d).Whole(t.Context(), pageID, crm.Property{ID: tt.id, Kind: crm.KindRelation})
		if want := "/v1/pages/" + pageID + "/properties/" + tt.want + "?page_size=100"; err != nil || d.transcript()[0].uri != want {
			t.Errorf("%s: asked for %s, %v; want %s", tt.id, d.transcript()[0].uri, err, want)
		}
	}
	behind := &double{answer: good}
	client := newClient(t, notion.Options{Transport: behind, Rate: fast, BaseURL: "http://127.0.0.1:9/my%2Fproxy/"})
	_, err := client.Lane(crm.Live).Whole(t.Context(), pageID, crm.Property{ID: "a%3Ab", Kind: crm.KindRelation})
	if want := "/my%2Fproxy/v1/pages/" + pageID + "/properties/a%3Ab?page_size=100"; err != nil || behind.transcript()[0].uri != want {
		t.Errorf("behind a path: asked for %s, %v; want %s", behind.transcript()[0].uri, err, want)
	}
	for _, key := range []string{"Authorization", "Notion-Version", "User-Agent"} {
		d := &double{answer: good}
		for op, ask := range operations() {
			if err := ask(t.Context(), quick(t, d)); err != nil {
				t.Fatalf("%s: %v", op, err)
			}
		}
		for _, sent := range d.transcript() {
			if want := d.transcript()[0].header.Get(key); sent.header.Get(key) != want || want == "" {
				t.Errorf("%s %s: %s is %q, want %q as everywhere", sent.method, sent.path, key, sent.header.Get(key), want)
			}
		}
	}
}

func TestWholeSendsNothingForWhatIsNoList(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]crm.Property{
		"text": {ID: "p", Kind: crm.KindText}, "no kind": {ID: "p"}, "no id": {Kind: crm.KindPeople}, "an id that is a path": {ID: "../x", Kind: crm.KindPeople},
		"an id that goes up": {ID: "%2E%2E", Kind: crm.KindPeople}, "an id with a broken escape": {ID: "%zz", Kind: crm.KindPeople},
	} {
		d := &double{answer: good}
		if _, err := quick(t, d).Whole(t.Context(), pageID, p); !errors.Is(err, crm.ErrInvalid) || d.count() != 0 {
			t.Errorf("%s: got %v after %d requests, want ErrInvalid after none", name, err, d.count())
		}
	}
}

// TestWholeIsAllOrNothing answers the first batch well and the second in some
// way.
func TestWholeIsAllOrNothing(t *testing.T) {
	t.Parallel()
	first := itemsJSON("people", 0, 100, "c1")
	for _, tt := range []struct {
		name   string
		second func(*http.Request) (*http.Response, error)
		want   error
		ids    int
	}{
		{"the rest", always(200, itemsJSON("people", 100, 130, "")), nil, 130},
		{"nothing more", always(200, itemsJSON("people", 0, 0, "")), nil, 100},
		{"some of the first again", always(200, itemsJSON("people", 90, 130, "")), nil, 130},
		{"a good answer at the second try", afterOne(502, itemsJSON("people", 100, 130, "")), nil, 130},
		{"the same cursor again", always(200, itemsJSON("people", 100, 130, "c1")), crm.ErrUnavailable, 0},
		{"the page is gone", always(404, errorJSON(404, "object_not_found", "Could not find page.")), crm.ErrNotFound, 0},
		{"forbidden", always(403, errorJSON(403, "restricted_resource", "no")), crm.ErrForbidden, 0},
		{"the cursor is too old", always(400, errorJSON(400, "validation_error", "The start_cursor provided is invalid.")), crm.ErrInvalid, 0},
		{"unavailable", always(503, errorJSON(503, "service_unavailable", "x")), crm.ErrUnavailable, 0},
		{"a long pause", always(429, errorJSON(429, "rate_limited", "slow"), "Retry-After", "60"), crm.ErrUnavailable, 0},
		{"cut off", cutOff, crm.ErrUnavailable, 0},
		{"no list", always(200, `{"object":"user","id":"x"}`), crm.ErrUnavailable, 0},
		{"a list that goes nowhere", always(200, strings.Replace(itemsJSON("people", 100, 130, ""), `"has_more":false`, `"has_more":true`, 1)), crm.ErrUnavailable, 0},
		{"an item without an id", always(200, strings.Replace(itemsJSON("people", 100, 130, ""), numbered(117), "", 1)), crm.ErrUnavailable, 0},
		{"an item of another kind", always(200, strings.Replace(itemsJSON("people", 100, 130, ""), `"type":"people","id"`, `"type":"title","id"`, 1)), crm.ErrUnavailable, 0},
		{"an item that is null", always(200, `{"object":"list","results":[null],"has_more":false}`), crm.ErrUnavailable, 0},
		{"a property that was retyped", always(200, `{"object":"property_item","id":"p","type":"select","select":null}`), crm.ErrInvalid, 0},
		{"a property that became another list", always(200, itemsJSON("relation", 0, 1, "")), crm.ErrInvalid, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := &double{answer: func(r *http.Request) (*http.Response, error) {
					if r.URL.Query().Get("start_cursor") == "" {
						return respond(200, first), nil
					}
					return tt.second(r)
				}}
				v, err := quick(t, d).Whole(t.Context(), pageID, crm.Property{ID: "p", Kind: crm.KindPeople})
				if !errors.Is(err, tt.want) || len(v.IDs) != tt.ids || v.More || (err == nil) != (v.Kind == crm.KindPeople) {
					t.Errorf("got %d ids and %v, want %d and %v", len(v.IDs), err, tt.ids, tt.want)
				}
			})
		})
	}
}

// afterOne answers badly once, then well.
func afterOne(status int, body string) func(*http.Request) (*http.Response, error) {
	failed := false
	return func(*http.Request) (*http.Response, error) {
		if !failed {
			failed = true
			return respond(status, ""), nil
		}
		return respond(200, body), nil
	}
}

func TestWholeStopsBetweenBatches(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	d := &double{answer: func(*http.Request) (*http.Response, error) {
		cancel()
		return respond(200, itemsJSON("people", 0, 100, "more")), nil
	}}
	if v, err := quick(t, d).Whole(ctx, pageID, crm.Property{ID: "p", Kind: crm.KindPeople}); !errors.Is(err, context.Canceled) || d.count() != 1 || len(v.IDs) != 0 {
		t.Errorf("got %d ids and %v after %d requests", len(v.IDs), err, d.count())
	}
}
