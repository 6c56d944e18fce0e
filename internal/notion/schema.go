package notion

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/jomei/notionapi"

	"github.com/dealbell/dealbell/internal/crm"
)

// Schema returns the shape of a database as it was last read, and reads it
// when it never was. database is the id of the database or of one of its data
// sources, in any spelling, or a link.
func (c *Caller) Schema(ctx context.Context, database string) (crm.Schema, error) {
	id, err := parseID("database", database)
	if err != nil {
		return crm.Schema{}, err
	}
	if s, ok := c.client.cachedSchema(id); ok {
		return s, nil
	}
	select {
	case c.client.reading <- struct{}{}:
		defer func() { <-c.client.reading }()
	case <-ctx.Done():
		return crm.Schema{}, ctx.Err()
	}
	if s, ok := c.client.cachedSchema(id); ok { // somebody else has read it meanwhile
		return s, nil
	}
	return c.RefreshSchema(ctx, id)
}

// RefreshSchema reads the shape of a database again.
func (c *Caller) RefreshSchema(ctx context.Context, database string) (crm.Schema, error) {
	id, err := parseID("database", database)
	if err != nil {
		return crm.Schema{}, err
	}
	source, err := c.dataSource(ctx, id)
	notDatabase := errors.Is(err, crm.ErrNotFound)
	if notDatabase {
		source = id // people copy either id
	} else if err != nil {
		return crm.Schema{}, err
	}
	s, sourceErr := c.readSource(ctx, source)
	if notDatabase && errors.Is(sourceErr, crm.ErrNotFound) {
		return crm.Schema{}, err // neither: what Notion said about the database is of more use
	}
	if sourceErr != nil {
		return crm.Schema{}, sourceErr
	}
	s.Database = id
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	c.client.schemas[id] = s
	return cloneSchema(s), nil
}

// dataSource finds out which data source stands for a database
// (https://developers.notion.com/docs/upgrade-guide-2025-09-03). The one that
// was used before stays; else it is the first, which is the original.
func (c *Caller) dataSource(ctx context.Context, database string) (string, error) {
	known, _ := c.client.cachedSchema(database)
	if known.DataSource == database {
		return database, nil // it is the id of a data source
	}
	x := &exchange{op: "read database " + database, endpoint: "GET databases/{id}"}
	raw, err := c.do(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.Database.Get(ctx, notionapi.DatabaseID(database))
		return err
	})
	if err != nil {
		return "", err
	}
	sources, ok := readSources(raw)
	if !ok {
		return "", x.unreadable("the answer is not a database")
	}
	if len(sources) == 0 {
		return "", &Error{Op: x.op, kind: crm.ErrForbidden, Message: "none of its data sources is shared with the connection"}
	}
	i := max(0, slices.IndexFunc(sources, func(s named) bool { return s.ID == known.DataSource }))
	if len(sources) > 1 {
		c.client.warnSources(database, sources, sources[i])
	}
	return sources[i].ID, nil
}

func (c *Caller) readSource(ctx context.Context, id string) (crm.Schema, error) {
	x := &exchange{op: "read data source " + id, endpoint: "GET data_sources/{id}", dataSource: true}
	raw, err := c.do(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.Database.Get(ctx, notionapi.DatabaseID(id))
		return err
	})
	if err != nil {
		return crm.Schema{}, err
	}
	s, ok := readSchema(raw)
	if !ok {
		return crm.Schema{}, x.unreadable("the answer is not a data source")
	}
	return s, nil
}

func (c *Client) cachedSchema(id string) (crm.Schema, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.schemas[id]
	return cloneSchema(s), ok
}

// cloneSchema keeps callers from changing the cache.
func cloneSchema(s crm.Schema) crm.Schema {
	s.Properties = slices.Clone(s.Properties)
	return s
}

func (c *Client) warnSources(database string, sources []named, used named) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.warned[database] {
		return
	}
	c.warned[database] = true
	c.log.Warn("database has several data sources, only one is used",
		slog.String("database", database), slog.String("used", used.Name), slog.String("used_id", used.ID),
		slog.Any("all", names(sources)))
}

// readSources reads the data sources of a database
// (https://developers.notion.com/reference/database).
func readSources(raw json.RawMessage) ([]named, bool) {
	type database struct {
		Object  string  `json:"object"`
		Sources []named `json:"data_sources"`
	}
	d, ok := decode[database](raw)
	if !ok || d.Object != "database" {
		return nil, false
	}
	var sources []named
	for _, s := range d.Sources {
		if s.ID != "" {
			sources = append(sources, named{crm.NormalID(s.ID), s.Name})
		}
	}
	return sources, true
}

// readSchema reads a data source
// (https://developers.notion.com/reference/data-source).
func readSchema(raw json.RawMessage) (crm.Schema, bool) {
	type dataSource struct {
		Object     string                     `json:"object"`
		ID         string                     `json:"id"`
		Title      json.RawMessage            `json:"title"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	d, ok := decode[dataSource](raw)
	if !ok || d.Object != "data_source" && d.Object != "database" || d.ID == "" || d.Properties == nil {
		return crm.Schema{}, false
	}
	title, _ := decode[[]richTextItem](d.Title)
	s := crm.Schema{DataSource: crm.NormalID(d.ID), Name: plainText(title), ReadAt: time.Now()}
	for name, property := range d.Properties {
		if p, ok := readColumn(name, property); ok {
			s.Properties = append(s.Properties, p)
		}
	}
	slices.SortFunc(s.Properties, func(a, b crm.Property) int { return cmp.Compare(a.Name, b.Name) })
	return s, true
}

// readColumn reads {"id":…,"name":…,"type":"x","x":{"options":[…]}}.
func readColumn(key string, raw json.RawMessage) (crm.Property, bool) {
	type settings struct {
		Options []named `json:"options"`
	}
	fields, _ := decode[map[string]json.RawMessage](raw)
	id, _ := decode[string](fields["id"])
	name, _ := decode[string](fields["name"])
	kind, _ := decode[crm.Kind](fields["type"])
	if id == "" || kind == "" {
		return crm.Property{}, false
	}
	config, _ := decode[settings](fields[string(kind)])
	return crm.Property{ID: id, Name: cmp.Or(name, key), Kind: kind, Options: names(config.Options)}, true
}
