package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/sandbox"
)

const someID = "21b974f3-b388-81f1-a873-de214517763b"

func TestEveryRequestNeedsATokenAVersionAndAKnownURL(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	stranger := *c
	stranger.token = "other"
	stranger.refused("GET", "/v1/users/me", nil, 401, "unauthorized", "API token is invalid.")
	c.on("").refused("GET", "/v1/users/me", nil, 400, "missing_version",
		"Notion-Version header failed validation: Notion-Version header should be defined, instead was `undefined`.")
	if status, out := c.on("2021-01-01").do("GET", "/v1/users/me", nil); status != 400 || out["code"] != "validation_error" {
		t.Errorf("an unknown version: got %d %v, want 400 validation_error", status, out["code"])
	}
	for _, target := range []string{"/v1/invalid", "/v2/users/me", "/v1/pages/", "/v1/users/me/x"} {
		c.refused("GET", target, nil, 400, "invalid_request_url", "Invalid request URL.")
	}
	c.refused("DELETE", "/v1/users/me", nil, 400, "invalid_request_url", "Invalid request URL.")
}

func TestEachVersionHasItsOwnURLs(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	for _, version := range []string{"2025-09-03", "2026-03-11"} {
		c.on(version).ok("GET", "/v1/data_sources/"+crm.Deals.DataSourceID, nil)
		c.on(version).refused("POST", "/v1/databases/"+crm.Deals.ID+"/query", object{}, 400, "invalid_request_url", "Invalid request URL.")
	}
	old := c.on("2022-06-28")
	old.ok("POST", "/v1/databases/"+crm.Deals.ID+"/query", object{})
	old.refused("GET", "/v1/data_sources/"+crm.Deals.DataSourceID, nil, 400, "invalid_request_url", "Invalid request URL.")
	old.refused("POST", "/v1/data_sources/"+crm.Deals.DataSourceID+"/query", nil, 400, "invalid_request_url", "Invalid request URL.")
}

func TestBodiesMustBeSmallJSONObjects(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	c.refused("POST", "/v1/pages", "{", 400, "invalid_json", "Error parsing JSON body.")
	c.invalid("POST", "/v1/pages", "[]", "body failed validation: body should be an object, instead was `[]`.")
	huge := `{"x":"` + strings.Repeat("a", 500_000) + `"}`
	if status, _ := c.do("POST", "/v1/pages", huge); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over 500 KB: got %d, want 413", status)
	}
}

func TestAnswersCarryARequestID(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	for _, target := range []string{"/v1/users/me", "/v1/invalid"} {
		res, raw, err := c.send("GET", target, nil)
		if err != nil {
			t.Fatal(err)
		}
		id := res.Header.Get("X-Notion-Request-Id")
		if id == "" || !strings.Contains(string(raw), `"request_id":"`+id+`"`) {
			t.Errorf("%s: header %q is not the request_id of %s", target, id, raw)
		}
	}
}

func TestIDsAreTakenWithAndWithoutDashesButMustBeUUIDs(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	id := c.w.AddRow(crm.Contacts, nil)
	c.ok("GET", "/v1/pages/"+strings.ReplaceAll(id, "-", ""), nil)
	c.ok("GET", "/v1/pages/"+strings.ToUpper(id), nil)
	c.invalid("GET", "/v1/pages/AAA", nil, "path failed validation: path.page_id should be a valid uuid, instead was `\"AAA\"`.")
	c.invalid("GET", "/v1/databases/AAA", nil, "path failed validation: path.database_id should be a valid uuid, instead was `\"AAA\"`.")
	c.invalid("GET", "/v1/data_sources/AAA", nil, "path failed validation: path.data_source_id should be a valid uuid, instead was `\"AAA\"`.")
	c.invalid("GET", "/v1/blocks/AAA", nil, "path failed validation: path.block_id should be a valid uuid, instead was `\"AAA\"`.")
	c.invalid("GET", "/v1/pages/12345678-1234-1234-1234-123456789abc", nil,
		"path failed validation: path.page_id should be a valid uuid, instead was `\"12345678-1234-1234-1234-123456789abc\"`.")
}

func TestMissingObjectsAreNotFoundInTheWordsOfTheVersion(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	const tail = "Make sure the relevant pages and databases are shared with your integration"
	c.on("2022-06-28").refused("GET", "/v1/pages/"+someID, nil, 404, "object_not_found",
		"Could not find page with ID: "+someID+". "+tail+".")
	out := c.refused("GET", "/v1/data_sources/"+crm.Deals.ID, nil, 404, "object_not_found",
		"Could not find data_source with ID: "+crm.Deals.ID+". "+tail+` "Dealbell".`)
	if dig(out, "additional_data", "integration_id") != c.w.BotID() {
		t.Errorf("additional_data: got %v, want the integration id", out["additional_data"])
	}
	c.refused("GET", "/v1/databases/"+crm.Deals.DataSourceID, nil, 404, "object_not_found",
		"Could not find database with ID: "+crm.Deals.DataSourceID+". "+tail+` "Dealbell".`)
	if status, _ := c.do("GET", "/v1/users/"+someID, nil); status != 404 {
		t.Errorf("an unknown user: got %d, want 404", status)
	}
}

func TestARevokedTokenIsRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{Token: "first"})
	c.token = "first"
	c.ok("GET", "/v1/users/me", nil)
	c.w.SetToken("second")
	c.refused("GET", "/v1/users/me", nil, 401, "unauthorized", "API token is invalid.")
}

func TestUsersListTheBotAndThePeople(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	me := c.ok("GET", "/v1/users/me", nil)
	if me["type"] != "bot" || me["id"] != c.w.BotID() || dig(me, "bot", "owner", "type") != "workspace" {
		t.Errorf("users/me: got %v", me)
	}
	ada := c.w.People()[0]
	if got := c.ok("GET", "/v1/users/"+ada.ID, nil); dig(got, "person", "email") != ada.Email {
		t.Errorf("a person: got %v, want email %s", got, ada.Email)
	}
	first := c.ok("GET", "/v1/users?page_size=3", nil)
	next, _ := first["next_cursor"].(string)
	rest := c.ok("GET", "/v1/users?page_size=3&start_cursor="+next, nil)
	if len(list(first["results"])) != 3 || first["has_more"] != true || len(list(rest["results"])) != 1 || rest["has_more"] != false {
		t.Errorf("pages of users: got %d then %d", len(list(first["results"])), len(list(rest["results"])))
	}
	c.invalid("GET", "/v1/users?page_size=101", nil, "query failed validation: query.page_size should be ≤ `100` or `undefined`, instead was `101`.")
}

func TestASecondDataSourceBreaksTheOldVersion(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	crm := c.w.StandardCRM()
	old := c.on("2022-06-28")
	if got := old.ok("GET", "/v1/databases/"+crm.Contacts.ID, nil); dig(got, "properties", "Email", "type") != "email" {
		t.Fatalf("2022-06-28: got no inline properties: %v", got["properties"])
	}
	second := c.w.AddDataSource(crm.Contacts, "Archive")
	const message = "Databases with multiple data sources are not supported in this API version."
	properties := object{"Name": object{"title": text("x")}}
	byDatabase := object{"parent": object{"database_id": crm.Contacts.ID}, "properties": properties}
	deal := object{"parent": object{"database_id": crm.Deals.ID}, "properties": object{"Contact": object{"relation": []any{}}}}
	out := old.refused("GET", "/v1/databases/"+crm.Contacts.ID, nil, 400, "validation_error", message)
	if got := len(list(dig(out, "additional_data", "child_data_source_ids"))); got != 2 {
		t.Errorf("child_data_source_ids: got %d, want 2", got)
	}
	old.refused("POST", "/v1/databases/"+crm.Contacts.ID+"/query", object{}, 400, "validation_error", message)
	old.refused("POST", "/v1/pages", byDatabase, 400, "validation_error", message)
	old.refused("POST", "/v1/pages", deal, 400, "validation_error", message)
	c.refused("POST", "/v1/pages", byDatabase, 400, "validation_error", message)
	old.create(crm.Contacts, properties) // by data source id, on any version
	container := c.ok("GET", "/v1/databases/"+crm.Contacts.ID, nil)
	if dig(container, "data_sources", 1, "id") != second.DataSourceID {
		t.Errorf("data_sources: got %v", container["data_sources"])
	}
}

func TestTheHandlerServesTheSameOverASocket(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	server := newServer(t, c.w)
	req := c.request("GET", "/v1/users/me", nil)
	res, err := server.get(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		t.Errorf("over a socket: got %d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
}
