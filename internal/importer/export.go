package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/table"
)

// Archive is what is known of a database, of its people and of related pages.
type Archive interface {
	Rows(ctx context.Context, database string, visit func(crm.Snapshot) error) error
	Snapshot(ctx context.Context, page string) (crm.Snapshot, bool, error)
	Schema(ctx context.Context, database string) (crm.Schema, bool, error)
	Person(ctx context.Context, id string) (crm.Person, bool, error)
}

// export is one database on its way into a table.
type export struct {
	Archive
	names map[string]string // of people and related pages, as far as they were looked up
}

// Export writes the rows of a database as a table that the import takes back:
// the title first, then the other properties as Notion lists them, and where
// the page is.
func Export(ctx context.Context, from Archive, schema crm.Schema, to *table.Writer) (rows int, err error) {
	e := export{from, map[string]string{}}
	properties := slices.Clone(schema.Properties)
	slices.SortStableFunc(properties, func(a, b crm.Property) int {
		switch {
		case a.Kind == b.Kind:
			return 0
		case a.Kind == crm.KindTitle:
			return -1
		case b.Kind == crm.KindTitle:
			return 1
		}
		return 0
	})
	var header []string
	for _, p := range properties {
		header = append(header, p.Name)
	}
	if err := to.Write(append(header, PageColumn)...); err != nil {
		return 0, err
	}
	err = from.Rows(ctx, schema.Database, func(page crm.Snapshot) error {
		rows++
		cells := make([]string, 0, len(properties))
		for _, p := range properties {
			cell, err := e.cell(ctx, page.Values[p.ID])
			if err != nil {
				return err
			}
			cells = append(cells, cell)
		}
		return to.Write(append(cells, cmp.Or(page.URL, page.Page))...)
	})
	if err != nil {
		return rows, fmt.Errorf("read rows: %w", err)
	}
	return rows, to.Flush()
}

// cell shows a value: people and related pages by their names, where they are
// known.
func (e *export) cell(ctx context.Context, v crm.Value) (string, error) {
	switch v.Kind {
	case crm.KindCheckbox:
		if !v.Check {
			return "no", nil
		}
	case crm.KindPeople, crm.KindRelation:
		var names []string
		var errs []error
		for _, id := range v.IDs {
			name, err := e.name(ctx, v.Kind, id)
			names, errs = append(names, name), append(errs, err)
		}
		return strings.Join(names, ", "), errors.Join(errs...)
	}
	return v.String(), nil
}

// name is that of a person or of a related page; the id where there is none.
func (e *export) name(ctx context.Context, kind crm.Kind, id string) (string, error) {
	if name, known := e.names[id]; known {
		return name, nil
	}
	look := e.title
	if kind == crm.KindPeople {
		look = e.person
	}
	name, err := look(ctx, id)
	e.names[id] = cmp.Or(name, id)
	return e.names[id], err
}

func (e *export) person(ctx context.Context, id string) (string, error) {
	p, _, err := e.Person(ctx, id)
	return p.Name, err
}

func (e *export) title(ctx context.Context, id string) (string, error) {
	page, known, err := e.Snapshot(ctx, id)
	if err != nil || !known {
		return "", err
	}
	schema, _, err := e.Schema(ctx, page.Database)
	return page.Values[schema.Title().ID].Text, err
}
