package notion

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jomei/notionapi"

	"github.com/dealbell/dealbell/internal/crm"
)

// CreateDatabase makes a database on a page
// (https://developers.notion.com/reference/create-database). Of the properties
// the name, the kind and the options count; relations names the data source
// that each relation leads to, by the property's name. It is not idempotent:
// after [crm.ErrAmbiguous] look for it with DatabasesOn first, or under the
// CommittedID when there is one. The schema that is returned has no properties.
func (c *Caller) CreateDatabase(ctx context.Context, page, name string, properties []crm.Property, relations map[string]string) (crm.Schema, error) {
	parent, err := parseID("page", page)
	if err != nil {
		return crm.Schema{}, err
	}
	x := &exchange{op: fmt.Sprintf("create database %q", name), endpoint: "POST databases", write: true}
	columns := notionapi.PropertyConfigs{}
	for _, p := range properties {
		if columns[p.Name], err = newColumn(p, relations[p.Name]); err != nil {
			return crm.Schema{}, x.named(err)
		}
	}
	raw, err := c.do(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.Database.Create(ctx, &notionapi.DatabaseCreateRequest{
			Parent:     notionapi.Parent{Type: notionapi.ParentTypePageID, PageID: notionapi.PageID(parent)},
			Title:      []notionapi.RichText{{Type: notionapi.ObjectTypeText, Text: &notionapi.Text{Content: name}}},
			Properties: columns, // rewritten to those of the first data source
		})
		return err
	})
	if err != nil {
		return crm.Schema{}, err
	}
	made, _ := decode[named](raw)
	sources, ok := readSources(raw)
	if !ok || made.ID == "" || len(sources) != 1 {
		return crm.Schema{}, x.unreadable("the answer is not a database")
	}
	return crm.Schema{Database: crm.NormalID(made.ID), DataSource: sources[0].ID, Name: name}, nil
}

// column is a property of a new database as it is sent; the library has no
// relations of data sources.
type column struct {
	kind     crm.Kind
	settings map[string]any
}

// GetType implements notionapi.PropertyConfig.
func (c column) GetType() notionapi.PropertyConfigType {
	return notionapi.PropertyConfigType(c.kind)
}

// GetID implements notionapi.PropertyConfig.
func (column) GetID() notionapi.PropertyID { return "" }

// MarshalJSON implements json.Marshaler.
func (c column) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{string(c.kind): c.settings})
}

// newColumn is a property in the words of
// https://developers.notion.com/reference/property-object.
func newColumn(p crm.Property, target string) (column, error) {
	settings := map[string]any{}
	switch p.Kind {
	case crm.KindRelation:
		id, err := parseID("data source", target)
		if err != nil {
			return column{}, err
		}
		settings["data_source_id"], settings["type"], settings["single_property"] = id, "single_property", map[string]any{}
	case crm.KindSelect, crm.KindMultiSelect, crm.KindStatus:
		options := []any{}
		for _, o := range p.Options {
			options = append(options, map[string]any{"name": o})
		}
		settings["options"] = options
	}
	return column{p.Kind, settings}, nil
}
