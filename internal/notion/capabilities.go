package notion

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jomei/notionapi"

	"github.com/dealbell/dealbell/internal/crm"
)

// Capabilities is what the settings of a connection let it do
// (https://developers.notion.com/reference/capabilities).
type Capabilities struct {
	Read, Update, Insert bool // content
	Users                bool // names of people
	Emails               bool // and their addresses
}

// Lacks lists what the connection would have to be allowed besides, as Notion
// calls it.
func (c Capabilities) Lacks() []string {
	var lacks []string
	for _, one := range []struct {
		may  bool
		what string
	}{{c.Read, "Read content"}, {c.Update, "Update content"}, {c.Insert, "Insert content"}} {
		if !one.may {
			lacks = append(lacks, one.what)
		}
	}
	return lacks
}

// nowhere is the id of nothing.
const nowhere = "dea1be11-0000-4000-8000-000000000000"

// codeRestricted is the error of a capability that is missing.
const codeRestricted = "restricted_resource"

// Capabilities finds out what the connection may do, since no call of Notion
// tells: it asks for each, the writes for a page that does not exist. Without
// the capability the answer is 403, with it 404. Nothing is written.
func (c *Caller) Capabilities(ctx context.Context) (Capabilities, error) {
	var found Capabilities
	for _, probe := range []struct {
		into *bool
		x    exchange
		ask  func(context.Context) error
	}{
		{&found.Read, exchange{op: "search", endpoint: "POST search"}, func(ctx context.Context) error {
			_, err := c.client.api.Search.Do(ctx, &notionapi.SearchRequest{
				Filter: notionapi.SearchFilter{Property: "object", Value: "data_source"}, PageSize: 1,
			})
			return err
		}},
		{&found.Update, exchange{op: "update a page that does not exist", endpoint: "PATCH pages/{id}", write: true}, func(ctx context.Context) error {
			_, err := c.client.api.Page.Update(ctx, nowhere, &notionapi.PageUpdateRequest{Properties: notionapi.Properties{}})
			return err
		}},
		{&found.Insert, exchange{op: "create a page nowhere", endpoint: "POST pages", write: true}, func(ctx context.Context) error {
			_, err := c.client.api.Page.Create(ctx, &notionapi.PageCreateRequest{
				Parent: notionapi.Parent{DatabaseID: nowhere}, Properties: notionapi.Properties{},
			})
			return err
		}},
	} {
		_, err := c.do(ctx, &probe.x, probe.ask)
		if *probe.into, err = permitted(err); err != nil {
			return Capabilities{}, err
		}
	}
	err := c.lookAtUsers(ctx, &found)
	return found, err
}

// permitted tells a missing capability from every other outcome. An answer
// about the request itself proves that it was allowed.
func permitted(err error) (bool, error) {
	e, refused := errors.AsType[*Error](err)
	refused = refused && e.Code == codeRestricted
	if refused && e.Reason == "" { // a full workspace gives a reason
		return false, nil
	}
	if err == nil || refused || errors.Is(err, crm.ErrNotFound) || errors.Is(err, crm.ErrInvalid) {
		return true, nil
	}
	return false, err
}

func (c *Caller) lookAtUsers(ctx context.Context, found *Capabilities) error {
	x := &exchange{op: "list users", endpoint: "GET users"}
	raw, err := c.do(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.User.List(ctx, &notionapi.Pagination{PageSize: largestBatch})
		return err
	})
	allowed, err := permitted(err)
	if !allowed || err != nil {
		return err
	}
	list, _, ok := readList(raw)
	if !ok {
		return x.unreadable("the answer is not a list of users")
	}
	found.Users, found.Emails = true, showsEmails(*list.Results)
	return nil
}

// showsEmails is true where nobody is listed whose address could be missing.
func showsEmails(users []json.RawMessage) bool {
	people := 0
	for _, raw := range users {
		u, _ := decode[wireUser](raw)
		if u.Person.Email != "" {
			return true
		}
		if u.Type == "person" {
			people++
		}
	}
	return people == 0
}
