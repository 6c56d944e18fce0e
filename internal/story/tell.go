package story

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// teller turns one account into a story.
type teller struct {
	ctx     context.Context //nolint:containedctx // lives as long as the one story
	state   State
	zone    *time.Location
	account store.Account
	schemas map[string]crm.Schema // by database
	people  map[string]string     // names by id
	err     error                 // the first failure to look up a name
}

func (t *teller) tell() (Story, error) {
	// Within one millisecond causes come first: each list is in the order in
	// which it was written down, and follows from the one before.
	entries := slices.Concat(t.deliveries(), t.steps(), t.changes(), t.messages())
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.At.UnixMilli(), b.At.UnixMilli()) })
	for i := range entries {
		entries[i].At = entries[i].At.In(t.zone)
	}
	s := Story{Pages: t.pages(), Entries: entries, Now: t.now(), Cut: t.account.Cut}
	if _, err := crm.ParseEmail(t.account.Key); err == nil {
		s.Email = t.account.Key
	}
	s.Name = t.name(s)
	return s, t.err
}

// name is what people call the record.
func (t *teller) name(s Story) string {
	for _, p := range s.Pages {
		if p.Title != "" {
			return p.Title
		}
	}
	for _, id := range []string{s.Email, t.account.Key} {
		if id != "" {
			return id
		}
	}
	for _, d := range t.account.Deliveries {
		return "delivery " + d.ID
	}
	for _, q := range t.account.Rejected {
		return "delivery " + q.ID
	}
	for _, p := range s.Pages {
		return "page " + p.ID
	}
	return "a record that is gone"
}

func (t *teller) pages() []Page {
	pages := []Page{}
	for _, s := range t.account.Pages {
		schema := t.schema(s.Database)
		pages = append(pages, Page{
			ID: s.Page, Title: s.Values[schema.Title().ID].String(), Database: cmp.Or(schema.Name, s.Database), URL: s.URL, Trashed: s.Trashed,
		})
	}
	slices.SortStableFunc(pages, func(a, b Page) int { return order(a.Trashed) - order(b.Trashed) })
	return pages
}

func order(trashed bool) int {
	if trashed {
		return 1
	}
	return 0
}

// schema returns the shape of a database as it was last read.
func (t *teller) schema(database string) crm.Schema {
	s, known := t.schemas[database]
	if !known {
		var err error
		s, _, err = t.state.Schema(t.ctx, database)
		t.err = cmp.Or(t.err, err)
		t.schemas[database] = s
	}
	return s
}

// person names a member of the workspace, by the id when the name is not
// known.
func (t *teller) person(id string) string {
	if id == "" {
		return "somebody"
	}
	name, known := t.people[id]
	if !known {
		p, _, err := t.state.Person(t.ctx, id)
		t.err = cmp.Or(t.err, err)
		name = cmp.Or(p.Name, "user "+short(id))
		t.people[id] = name
	}
	return name
}

func (t *teller) deliveries() []Entry {
	var found []Entry
	for _, d := range t.account.Deliveries {
		e := Entry{At: d.ReceivedAt, Kind: Delivery, Text: "by form " + d.Source + ", " + d.ID, Detail: string(d.Body), Delivery: d.ID, Page: d.Page}
		if !d.CorrectedAt.IsZero() {
			e.Detail = string(d.Original)
		}
		if d.Reason != "" {
			e.Text += ", held for review because of " + list(d.Reason)
			e.Trouble = d.State == crm.DeliveryHeld
		}
		found = append(found, e)
	}
	for _, q := range t.account.Rejected {
		e := Entry{At: q.ReceivedAt, Kind: Delivery, Text: "by form " + q.Source + ", " + q.ID + ", rejected: " + q.Reason, Detail: string(q.Body), Delivery: q.ID, Trouble: true}
		found = append(found, e)
	}
	return found
}

func (t *teller) changes() []Entry {
	var found []Entry
	for _, c := range t.account.Changes {
		e := Entry{At: c.SeenAt, Kind: Change, Text: t.change(c) + ", by " + t.author(c) + ", " + t.seen(c), Page: c.Page}
		if old, now := t.value(c.Old), t.value(c.New); len(old) > longest || len(now) > longest {
			e.Detail = "before: " + old + "\nnow: " + now
		}
		found = append(found, e)
	}
	return found
}

func (t *teller) author(c crm.Change) string {
	if c.Own {
		return "Dealbell"
	}
	return t.person(c.EditedBy)
}

// seen says how a change was seen, and when it was made where that is longer
// ago than Notion's minute and a poll explain.
func (t *teller) seen(c crm.Change) string {
	by := "seen by " + string(c.SeenBy)
	if c.SeenBy == crm.SeenWrite {
		by = "own write"
	}
	if !c.EditedAt.IsZero() && c.SeenAt.Sub(c.EditedAt) > lateSight {
		by += ", edited " + c.EditedAt.In(t.zone).Format("2006-01-02 15:04 MST")
	}
	return by
}

const lateSight = 10 * time.Minute

func (t *teller) messages() []Entry {
	var found []Entry
	for _, m := range t.account.Messages {
		if m.State == crm.MessageDraft {
			continue
		}
		if m.Change != 0 {
			found = append(found, Entry{At: m.CreatedAt, Kind: Rule, Text: m.Rule + " fires" + t.onWhat(m.Change), Page: m.Page})
		}
		e := Entry{At: m.SentAt, Kind: Message, Text: messageText(m), Detail: m.Text, Page: m.Page}
		if m.SentAt.IsZero() {
			e.At = m.CreatedAt
		}
		e.Trouble = m.State == crm.MessageMaybe || m.State == crm.MessageRefused
		found = append(found, e)
	}
	return found
}

func (t *teller) onWhat(change int64) string {
	for _, c := range t.account.Changes {
		if c.ID == change {
			return " on " + t.change(c)
		}
	}
	return ""
}
