// Package story tells what happened to a record: where a lead is, and why.
//
// It puts together what the store knows of one contact, page or delivery, and
// says it in words, in the order in which it happened, and where it stands
// now. It promises to leave nothing out that is stored about the record, to
// put causes before effects, and to name the next command when a person has
// to act. It asks nobody but the store and changes nothing.
package story

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// State is what the package needs of the store.
type State interface {
	Account(ctx context.Context, w store.Whose) (store.Account, error)
	Keys(ctx context.Context, visit func(key string) error) error
	Schema(ctx context.Context, database string) (s crm.Schema, ok bool, err error)
	Person(ctx context.Context, id string) (p crm.Person, found bool, err error)
}

// Kind is the kind of an entry.
type Kind string

// The kinds of entries.
const (
	Delivery Kind = "delivery" // something came in
	Decision Kind = "decision" // what Dealbell, or a person in front of it, made of it
	Request  Kind = "request"  // one request to Notion
	Change   Kind = "change"   // a property went from one value to another
	Rule     Kind = "rule"     // a rule fired on a change
	Message  Kind = "message"  // what became of its message
)

// Entry is one thing that happened.
type Entry struct {
	At      time.Time `json:"at"`
	Kind    Kind      `json:"kind"`
	Text    string    `json:"text"`              // in one line, of plain text
	Detail  string    `json:"detail,omitempty"`  // what it said, word for word; "" when Text says all
	Trouble bool      `json:"trouble,omitempty"` // it did not go as it should

	Delivery string `json:"delivery,omitempty"` // id
	Page     string `json:"page,omitempty"`     // id
	Job      int64  `json:"job,omitempty"`
	Asked    *Asked `json:"asked,omitempty"` // of a request
}

// Asked is a request to Notion.
type Asked struct {
	Endpoint  string `json:"endpoint"`             // a method and a path without ids
	Status    int    `json:"status"`               // 0 when no whole answer came
	TookMS    int64  `json:"took_ms"`              // until then
	RequestID string `json:"request_id,omitempty"` // for Notion's support
}

// Page is a page of the record in Notion.
type Page struct {
	ID       string `json:"id"`
	Title    string `json:"title,omitempty"`
	Database string `json:"database"` // its name
	URL      string `json:"url,omitempty"`
	Trashed  bool   `json:"trashed,omitempty"` // or gone
}

// Now is where a record stands.
type Now struct {
	Text  string `json:"text"`
	Stuck bool   `json:"stuck"`          // it goes on only when a person acts
	Next  string `json:"next,omitempty"` // the command to run then, "" for none
}

// Story is what happened to a record.
type Story struct {
	Name    string  `json:"name"`            // as people call it
	Email   string  `json:"email,omitempty"` // the contact's key
	Pages   []Page  `json:"pages"`           // those that are not in the trash first
	Entries []Entry `json:"entries"`         // oldest first
	Now     Now     `json:"now"`
	Cut     bool    `json:"cut,omitempty"` // the oldest entries are left out
}

// UnknownError says that nothing is known of what was asked for.
type UnknownError struct {
	What string   // as it was asked
	Near []string // keys of contacts that may have been meant
}

// Error implements error.
func (e *UnknownError) Error() string { return "nothing is known about " + e.What }

// Hint returns what to try instead.
func (e *UnknownError) Hint() string {
	if len(e.Near) > 0 {
		return "did you mean " + strings.Join(e.Near, " or ") + "?"
	}
	return "give an address, the link or id of a page in Notion, or the id of a delivery; a contact that was never seen here may still be in Notion"
}

// Tell tells the story of a contact by its address, or of the record that a
// page (id or link) or a delivery (id) belongs to. The error is an
// *UnknownError when there is none. Times are told in a zone.
func Tell(ctx context.Context, state State, zone *time.Location, what string) (Story, error) {
	what = strings.TrimSpace(what)
	whose := asked(what)
	account, err := state.Account(ctx, whose)
	if err != nil {
		return Story{}, fmt.Errorf("read the story: %w", err)
	}
	if account.Empty() {
		return Story{}, unknown(ctx, state, what, whose)
	}
	t := &teller{ctx: ctx, state: state, zone: zone, account: account, schemas: map[string]crm.Schema{}, people: map[string]string{}}
	s, err := t.tell()
	if err != nil {
		return Story{}, fmt.Errorf("read the story: %w", err)
	}
	return s, nil
}

// asked turns what a person typed or pasted into what the store looks for.
func asked(what string) store.Whose {
	const dashes = 4
	if email, err := crm.ParseEmail(what); err == nil {
		return store.Whose{Key: email.Key}
	}
	if id := crm.NormalID(what); strings.Count(id, "-") == dashes && !strings.Contains(id, "/") {
		return store.Whose{Page: id}
	}
	return store.Whose{Delivery: strings.ToLower(what)}
}
