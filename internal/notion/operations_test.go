package notion_test

import (
	"context"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
)

// operations is every call that sends something.
func operations() map[string]func(context.Context, *notion.Caller) error {
	values := map[string]crm.Value{"mail": crm.Text(crm.KindEmail, email)}
	return map[string]func(context.Context, *notion.Caller) error{
		"read me": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.Me(ctx)
			return err
		},
		"read schema": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.RefreshSchema(ctx, database)
			return err
		},
		"read query": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.Query(ctx, sourceID, crm.Query{Key: crm.Property{ID: "mail", Kind: crm.KindEmail}, KeyIs: []string{email}})
			return err
		},
		"read page": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.Page(ctx, pageID)
			return err
		},
		"read blocks": func(ctx context.Context, c *notion.Caller) error {
			_, _, err := c.Blocks(ctx, pageID, "")
			return err
		},
		"read whole": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.Whole(ctx, pageID, crm.Property{ID: "p%3A", Kind: crm.KindRelation})
			return err
		},
		"read person": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.Person(ctx, pageID)
			return err
		},
		"read databases": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.Databases(ctx)
			return err
		},
		"read pages": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.Pages(ctx)
			return err
		},
		"read databases on": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.DatabasesOn(ctx, pageID)
			return err
		},
		"write database": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.CreateDatabase(ctx, pageID, "Contacts", nil, nil)
			return err
		},
		"write create": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.Create(ctx, sourceID, values, nil)
			return err
		},
		"write update": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.Update(ctx, pageID, values)
			return err
		},
		"write trash": func(ctx context.Context, c *notion.Caller) error {
			_, err := c.Trash(ctx, pageID)
			return err
		},
		"write append": func(ctx context.Context, c *notion.Caller) error {
			return c.Append(ctx, pageID, []crm.Paragraph{{crm.Run{Text: email}}})
		},
	}
}

func isWrite(op string) bool { return strings.HasPrefix(op, "write ") }
