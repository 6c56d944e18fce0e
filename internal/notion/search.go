package notion

import (
	"context"
	"encoding/json"

	"github.com/jomei/notionapi"

	"github.com/dealbell/dealbell/internal/crm"
)

// mostSearched is how many batches of a search are read. Rows of databases
// are pages, too: in a large workspace they would never end.
const mostSearched = 10

// Databases lists the data sources that are shared with the connection, as far
// as Notion's search knows them: it learns late and promises no completeness
// (https://developers.notion.com/reference/post-search). Schema.Database is the
// id of the database, or that of the data source where a database has several.
func (c *Caller) Databases(ctx context.Context) ([]crm.Schema, error) {
	var found []crm.Schema
	sources := map[string]int{}
	err := c.search(ctx, "data_source", func(raw json.RawMessage) {
		s, ok := readSchema(raw)
		if !ok {
			return
		}
		_, s.Database = readSourceParent(raw)
		sources[s.Database]++
		found = append(found, s)
	})
	for i, s := range found {
		if s.Database == "" || sources[s.Database] > 1 {
			found[i].Database = s.DataSource
		}
	}
	return found, err
}

// Pages lists the pages outside of databases that are shared with the
// connection, with the limits of Databases. Their title is the value of the
// property with the id "title".
func (c *Caller) Pages(ctx context.Context) ([]crm.Page, error) {
	var found []crm.Page
	err := c.search(ctx, "page", func(raw json.RawMessage) {
		if p, whole, ok := readPage(raw); ok && whole && p.DataSource == "" && p.Database == "" && !p.Trashed {
			found = append(found, p)
		}
	})
	return found, err
}

// search hands every object of a kind to take.
func (c *Caller) search(ctx context.Context, object string, take func(json.RawMessage)) error {
	cursor := ""
	for range mostSearched {
		x := &exchange{op: "search for what is shared", endpoint: "POST search"}
		raw, err := c.do(ctx, x, func(ctx context.Context) error {
			_, err := c.client.api.Search.Do(ctx, &notionapi.SearchRequest{
				Filter:      notionapi.SearchFilter{Property: "object", Value: object},
				StartCursor: notionapi.Cursor(cursor), PageSize: largestBatch,
			})
			return err
		})
		if err != nil {
			return err
		}
		list, next, ok := readList(raw)
		if !ok {
			return x.unreadable("the answer is not a list")
		}
		for _, item := range *list.Results {
			take(item)
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
	return nil
}

// readSourceParent returns the database that a data source is part of.
func readSourceParent(raw json.RawMessage) (dataSource, database string) {
	fields, _ := decode[map[string]json.RawMessage](raw)
	return readParent(fields["parent"])
}

// DatabasesOn lists the databases on a page by id and name, without their
// properties. Unlike a search it sees them at once.
func (c *Caller) DatabasesOn(ctx context.Context, page string) ([]crm.Schema, error) {
	var found []crm.Schema
	for cursor := ""; ; {
		raw, x, err := c.blocks(ctx, page, cursor)
		if err != nil {
			return nil, err
		}
		list, next, ok := readList(raw)
		if !ok {
			return nil, x.unreadable("the answer is not a list of blocks")
		}
		for _, item := range *list.Results {
			if s, ok := readChildDatabase(item); ok {
				found = append(found, s)
			}
		}
		if next == "" || next == cursor {
			return found, nil
		}
		cursor = next
	}
}

// readChildDatabase reads the block that stands for a database
// (https://developers.notion.com/reference/block#child-database).
func readChildDatabase(raw json.RawMessage) (crm.Schema, bool) {
	type block struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		InTrash  bool   `json:"in_trash"`
		Database struct {
			Title string `json:"title"`
		} `json:"child_database"`
	}
	b, ok := decode[block](raw)
	return crm.Schema{Database: crm.NormalID(b.ID), Name: b.Database.Title}, ok && b.Type == "child_database" && b.ID != "" && !b.InTrash
}
