package upsert

import (
	"context"
	"errors"
	"fmt"

	"github.com/dealbell/dealbell/internal/crm"
)

// Schemas tells the shape of databases.
type Schemas interface {
	Schema(ctx context.Context, database string) (crm.Schema, error)
	RefreshSchema(ctx context.Context, database string) (crm.Schema, error)
}

// Names remembers which properties names were bound to.
type Names interface {
	Bindings(ctx context.Context, database string) (map[string]string, error)
	SaveBindings(ctx context.Context, database string, names map[string]string) error
}

// Schema returns the shape of a database. Its errors are those of [SetUp].
func (w Writer) Schema(ctx context.Context, database string) (crm.Schema, error) {
	schema, err := w.Notion.Schema(nobodys(ctx), database)
	return schema, SetUp(database, err)
}

// Refresh reads the shape of a database anew. Its errors are those of [SetUp].
func (w Writer) Refresh(ctx context.Context, database string) (crm.Schema, error) {
	schema, err := w.Notion.RefreshSchema(nobodys(ctx), database)
	return schema, SetUp(database, err)
}

// SetUp returns the error of a schema that cannot be read. That is about the
// set-up, never about a row: it stops the lane and does not bury the job.
func SetUp(database string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, crm.ErrInvalid) {
		err = fmt.Errorf("%w: %s", crm.ErrForbidden, err) //nolint:errorlint // it must not count as refused values
	}
	return fmt.Errorf("read schema of database %s: %w", database, err)
}

// WithSchema does something that depends on the shape of a database. When
// Notion refuses it although it fits the cached schema, or the data source is
// gone, the schema is read again and it is tried once more.
func (w Writer) WithSchema(ctx context.Context, database string, try func(crm.Schema) (crm.Commit, error)) (crm.Commit, error) {
	schema, err := w.Schema(ctx, database)
	if err != nil {
		return crm.Commit{}, err
	}
	commit, err := try(schema)
	if !errors.Is(err, crm.ErrInvalid) && !errors.Is(err, crm.ErrNotFound) {
		return commit, err
	}
	// What is known now has to be kept, such as that nothing was created.
	commit.Steps = crm.Noted(ctx)
	if err := w.State.Apply(ctx, commit); err != nil {
		return crm.Commit{}, err
	}
	if schema, err = w.Refresh(ctx, database); err != nil {
		return crm.Commit{}, err
	}
	return try(schema)
}

// Bind resolves names in a schema, and remembers the ids of those it finds.
func (w Writer) Bind(ctx context.Context, schema crm.Schema, names []string) (Bindings, error) {
	known, err := w.State.Bindings(ctx, schema.Database)
	if err != nil {
		return Bindings{}, err
	}
	b := Bindings{crm.Bindings{Schema: schema, Known: known}}
	changed := b.Learn(names)
	if len(changed) == 0 {
		return b, nil
	}
	if err := w.State.SaveBindings(ctx, schema.Database, changed); err != nil {
		return Bindings{}, err
	}
	b.Known, err = w.State.Bindings(ctx, schema.Database)
	return b, err
}
