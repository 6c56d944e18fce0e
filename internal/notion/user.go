package notion

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/jomei/notionapi"

	"github.com/dealbell/dealbell/internal/crm"
)

// Bot is the connection that the token belongs to.
type Bot struct {
	ID        string // user id: the author of our own edits
	Name      string
	Workspace string
	Person    bool // the token is a person's own: their edits cannot be told from ours
}

// wireUser is a user as Notion sends it
// (https://developers.notion.com/reference/user). Only the object and the id
// are always there.
type wireUser struct {
	Object string `json:"object"`
	ID     string `json:"id"`
	Type   string `json:"type"`
	Name   string `json:"name"`
	Person struct {
		Email string `json:"email"`
	} `json:"person"`
	Bot struct {
		Workspace string `json:"workspace_name"`
	} `json:"bot"`
}

func (u wireUser) person() crm.Person {
	return crm.Person{ID: crm.NormalID(u.ID), Name: u.Name, Email: u.Person.Email}
}

// Me returns who the token belongs to
// (https://developers.notion.com/reference/get-self). It needs no capability:
// [crm.ErrForbidden] is about the token itself, and any other error about now.
func (c *Caller) Me(ctx context.Context) (Bot, error) {
	x := &exchange{op: "read own user", endpoint: "GET users/me"}
	u, err := c.user(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.User.Me(ctx)
		return err
	})
	if err != nil {
		return Bot{}, err
	}
	return Bot{ID: crm.NormalID(u.ID), Name: u.Name, Workspace: u.Bot.Workspace, Person: u.Type == "person"}, nil
}

// Person returns a user, person or bot, with the email if Notion shows it
// (https://developers.notion.com/reference/get-user). To a connection without
// the capability to read users Notion says [crm.ErrForbidden], or that there
// is no such user: [crm.ErrNotFound]. Either is about this call alone.
func (c *Caller) Person(ctx context.Context, id string) (crm.Person, error) {
	id, err := parseID("user", id)
	if err != nil {
		return crm.Person{}, err
	}
	x := &exchange{op: "read user " + id, endpoint: "GET users/{id}"}
	u, err := c.user(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.User.Get(ctx, notionapi.UserID(id))
		return err
	})
	if err != nil {
		return crm.Person{}, err
	}
	return u.person(), nil
}

func (c *Caller) user(ctx context.Context, x *exchange, ask func(context.Context) error) (wireUser, error) {
	raw, err := c.do(ctx, x, ask)
	if err != nil {
		return wireUser{}, err
	}
	u, ok := decode[wireUser](raw)
	if !ok || u.Object != "user" || u.ID == "" {
		return wireUser{}, x.unreadable("the answer is not a user")
	}
	return u, nil
}

// people collects whom a page shows, by id.
type people map[string]crm.Person

// add takes a user object, unless it is a bare id.
func (all people) add(raw json.RawMessage) {
	u, ok := decode[wireUser](raw)
	p := u.person()
	if !ok || p.ID == "" || p.Name == "" && p.Email == "" {
		return
	}
	known := all[p.ID]
	all[p.ID] = crm.Person{ID: p.ID, Name: cmp.Or(known.Name, p.Name), Email: cmp.Or(known.Email, p.Email)}
}

// addProperty takes what a property of a given kind shows.
func (all people) addProperty(kind crm.Kind, raw json.RawMessage) {
	switch kind {
	case kindCreatedBy, kindLastEditedBy, crm.KindPeople:
	default:
		return
	}
	fields, _ := decode[map[string]json.RawMessage](raw)
	list, ok := decode[[]json.RawMessage](fields[string(kind)])
	if !ok {
		list = []json.RawMessage{fields[string(kind)]}
	}
	for _, user := range list {
		all.add(user)
	}
}

func (all people) list() []crm.Person {
	return slices.SortedFunc(maps.Values(all), func(a, b crm.Person) int { return cmp.Compare(a.ID, b.ID) })
}
