package lead

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
	"github.com/dealbell/dealbell/internal/upsert"
)

// Workspace is what an Eraser needs of the client.
type Workspace interface {
	Schema(ctx context.Context, database string) (crm.Schema, error)
	Query(ctx context.Context, dataSource string, q crm.Query) (crm.Rows, error)
	Page(ctx context.Context, id string) (crm.Page, error)
	Trash(ctx context.Context, page string) (crm.Page, error)
}

// Names tells which properties names were bound to.
type Names interface {
	Bindings(ctx context.Context, database string) (map[string]string, error)
}

// Eraser takes a person out of Notion again.
type Eraser struct {
	Notion     Workspace
	Names      Names
	Contacts   string // database id
	Activities string // database id; "" for none
	Mapping    Mapping
}

// Known is what the state directory knows of a person.
type Known struct {
	Email      crm.Email
	Spellings  []string // of the address
	Pages      []string // that carried it when they were seen
	Deliveries []string
}

// Traces are the pages of a person in Notion that are not in the trash.
type Traces struct {
	Contacts   []string `json:"contacts"`
	Activities []string `json:"activities"`
}

// Find looks for a person: contacts that carry the address, and activities
// that are related to one of them or came of one of the deliveries.
func (e Eraser) Find(ctx context.Context, k Known) (Traces, error) {
	var t Traces
	contacts, err := e.bind(ctx, e.Contacts)
	if err != nil {
		return t, err
	}
	key, err := contacts.Key(e.Mapping.Key)
	if err != nil {
		return t, fmt.Errorf("%w: %w", crm.ErrInvalid, err)
	}
	own := func(page crm.Page) bool { return !page.Trashed && observe.Key(page.Values[key.ID]) == k.Email.Key }
	for chunk := range slices.Chunk(k.Spellings, fewValues) {
		if err := e.query(ctx, contacts, crm.Query{Key: key, KeyIs: chunk}, own, &t.Contacts); err != nil {
			return t, fmt.Errorf("look up contact: %w", err)
		}
	}
	if err := e.query(ctx, contacts, crm.Query{Key: key, KeyHas: k.Email.Key}, own, &t.Contacts); err != nil {
		return t, fmt.Errorf("look up contact: %w", err)
	}
	for _, id := range k.Pages {
		page, err := e.Notion.Page(ctx, id)
		switch {
		case errors.Is(err, crm.ErrNotFound):
		case err != nil:
			return t, fmt.Errorf("read contact: %w", err)
		case own(page) && !slices.Contains(t.Contacts, page.ID):
			t.Contacts = append(t.Contacts, page.ID)
		}
	}
	if e.Activities != "" {
		err = e.activities(ctx, &t, k)
	}
	return t, err
}

func (e Eraser) activities(ctx context.Context, t *Traces, k Known) error {
	b, err := e.bind(ctx, e.Activities)
	if err != nil {
		return err
	}
	for _, by := range []struct {
		name   string
		values []string
	}{
		// A contact may be in the trash already, its activities not.
		{e.Mapping.Activity.Contact, slices.Concat(t.Contacts, k.Pages)},
		{e.Mapping.Activity.ID, k.Deliveries},
	} {
		p, ok := b.Property(by.name)
		if !ok || p.Kind != crm.KindRelation && p.Kind != crm.KindText {
			continue // then none was ever written
		}
		for chunk := range slices.Chunk(by.values, fewValues) {
			alive := func(page crm.Page) bool { return !page.Trashed }
			if err := e.query(ctx, b, crm.Query{Key: p, KeyIs: chunk}, alive, &t.Activities); err != nil {
				return fmt.Errorf("look up activities: %w", err)
			}
		}
	}
	return nil
}

func (e Eraser) bind(ctx context.Context, database string) (upsert.Bindings, error) {
	schema, err := e.Notion.Schema(ctx, database)
	if err != nil {
		return upsert.Bindings{}, upsert.SetUp(database, err)
	}
	known, err := e.Names.Bindings(ctx, schema.Database)
	return upsert.Bindings{Bindings: crm.Bindings{Schema: schema, Known: known}}, err
}

// fewValues is how many conditions one query asks.
const fewValues = 20

// query adds the pages that a query lists and that are wanted.
func (e Eraser) query(ctx context.Context, b upsert.Bindings, q crm.Query, wanted func(crm.Page) bool, found *[]string) error {
	for {
		rows, err := e.Notion.Query(ctx, b.Schema.DataSource, q)
		if err != nil {
			return err
		}
		for _, page := range rows.Pages {
			if wanted(page) && !slices.Contains(*found, page.ID) {
				*found = append(*found, page.ID)
			}
		}
		if q.Cursor = rows.Next; q.Cursor == "" {
			return nil
		}
	}
}

// Erase moves the pages to the trash, activities first: they are found by
// their contact. It goes on after an error and returns what is not in the
// trash.
func (e Eraser) Erase(ctx context.Context, t Traces) (left Traces, err error) {
	var errs []error
	trash := func(pages []string) (failed []string) {
		for _, id := range pages {
			if err := e.trash(ctx, id); err != nil {
				failed, errs = append(failed, id), append(errs, err)
			}
		}
		return failed
	}
	left.Activities = trash(t.Activities)
	left.Contacts = trash(t.Contacts)
	return left, errors.Join(errs...)
}

// trash moves one page to the trash. Nothing is lost by doing it twice.
func (e Eraser) trash(ctx context.Context, id string) error {
	_, err := e.Notion.Trash(ctx, id)
	if errors.Is(err, crm.ErrAmbiguous) || errors.Is(err, crm.ErrConflict) {
		_, err = e.Notion.Trash(ctx, id)
	}
	if errors.Is(err, crm.ErrNotFound) || errors.Is(err, crm.ErrTrashed) {
		return nil
	}
	return err
}
