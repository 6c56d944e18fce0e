package notion

import (
	"context"
	"errors"

	"github.com/jomei/notionapi"

	"github.com/dealbell/dealbell/internal/crm"
)

// Caller makes calls that wait in one lane. Its methods may be used by many
// goroutines at once. Their errors wrap a sentinel of package crm.
type Caller struct {
	client *Client
	lane   crm.Lane
}

// Query returns one batch of the rows of a data source.
func (c *Caller) Query(ctx context.Context, dataSource string, q crm.Query) (crm.Rows, error) {
	id, err := parseID("data source", dataSource)
	if err != nil {
		return crm.Rows{}, err
	}
	x := &exchange{op: "query data source " + id, endpoint: "POST data_sources/{id}/query", dataSource: true}
	raw, err := c.do(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.Database.Query(ctx, notionapi.DatabaseID(id), request(q))
		return err
	})
	if err != nil {
		return crm.Rows{}, err
	}
	rows, ok := readRows(raw)
	if !ok {
		return crm.Rows{}, x.unreadable("the answer is not a list of pages")
	}
	return rows, nil
}

// Page returns a page, also one in the trash
// (https://developers.notion.com/reference/retrieve-a-page).
func (c *Caller) Page(ctx context.Context, id string) (crm.Page, error) {
	id, err := parseID("page", id)
	if err != nil {
		return crm.Page{}, err
	}
	x := &exchange{op: "read page " + id, endpoint: "GET pages/{id}", page: id}
	raw, err := c.do(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.Page.Get(ctx, notionapi.PageID(id))
		return err
	})
	if err != nil {
		return crm.Page{}, err
	}
	page, whole, ok := readPage(raw)
	if !ok || !whole {
		return crm.Page{}, x.unreadable("the answer is not a page with its properties")
	}
	return page, nil
}

// Create makes a row with values by property id and text as its content
// (https://developers.notion.com/reference/post-page). It is not idempotent:
// after [crm.ErrAmbiguous] look for the row first, under the CommittedID when
// there is one.
//
// Blocks beyond the first hundred are appended by further requests. When one
// of them fails the error is ErrAmbiguous with the CommittedID of the page.
func (c *Caller) Create(ctx context.Context, dataSource string, values map[string]crm.Value, text []crm.Paragraph) (crm.Page, error) {
	id, err := parseID("data source", dataSource)
	if err != nil {
		return crm.Page{}, err
	}
	x := &exchange{op: "create page", endpoint: createEndpoint, write: true}
	properties, err := encode(values)
	if err != nil {
		return crm.Page{}, x.named(err)
	}
	children := paragraphs(text)
	first := min(len(children), mostChildren)
	page, err := c.write(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.Page.Create(ctx, &notionapi.PageCreateRequest{
			Parent:     notionapi.Parent{DatabaseID: notionapi.DatabaseID(id)}, // rewritten to a data source
			Properties: properties,
			Children:   children[:first],
		})
		return err
	})
	if err != nil {
		return crm.Page{}, err
	}
	if err := c.append(ctx, page.ID, children[first:]); err != nil {
		return crm.Page{}, &Error{
			Op: x.op, Message: "the page was made, its content is not complete: " + err.Error(),
			kind: crm.ErrAmbiguous, committed: page.ID,
		}
	}
	return page, nil
}

// Update sets values by property id and leaves all others alone
// (https://developers.notion.com/reference/patch-page). A page that was moved
// to the trash meanwhile stays there: it is returned Trashed, or the error is
// [crm.ErrTrashed]. Without values the page is only read.
func (c *Caller) Update(ctx context.Context, page string, values map[string]crm.Value) (crm.Page, error) {
	id, err := parseID("page", page)
	if err != nil {
		return crm.Page{}, err
	}
	if len(values) == 0 {
		return c.Page(ctx, id)
	}
	x := &exchange{op: "update page " + id, endpoint: "PATCH pages/{id}", page: id, write: true}
	properties, err := encode(values)
	if err != nil {
		return crm.Page{}, x.named(err)
	}
	return c.write(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.Page.Update(ctx, notionapi.PageID(id), &notionapi.PageUpdateRequest{Properties: properties})
		return err
	})
}

// Trash moves a page to the trash, where Notion keeps it for 30 days
// (https://developers.notion.com/reference/patch-page). One that is there
// already stays there.
func (c *Caller) Trash(ctx context.Context, page string) (crm.Page, error) {
	id, err := parseID("page", page)
	if err != nil {
		return crm.Page{}, err
	}
	x := &exchange{op: "trash page " + id, endpoint: "PATCH pages/{id}", page: id, write: true}
	return c.write(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.Page.Update(ctx, notionapi.PageID(id), &notionapi.PageUpdateRequest{Archived: true})
		return err
	})
}

// write makes a call that answers with a page. A partial page will do: what
// was asked for is done.
func (c *Caller) write(ctx context.Context, x *exchange, ask func(context.Context) error) (crm.Page, error) {
	raw, err := c.do(ctx, x, ask)
	if err != nil {
		return crm.Page{}, err
	}
	page, _, ok := readPage(raw)
	if !ok {
		return crm.Page{}, x.unreadable("the answer is not a page")
	}
	return page, nil
}

// Append adds blocks at the end of a page
// (https://developers.notion.com/reference/patch-block-children), a hundred
// per request. After an error some of the hundreds may be there.
func (c *Caller) Append(ctx context.Context, page string, text []crm.Paragraph) error {
	id, err := parseID("page", page)
	if err != nil {
		return err
	}
	return c.append(ctx, id, paragraphs(text))
}

func (c *Caller) append(ctx context.Context, page string, children []notionapi.Block) error {
	for len(children) > 0 {
		n := min(len(children), mostChildren)
		x := &exchange{op: "append to page " + page, endpoint: appendEndpoint, page: page, write: true}
		raw, err := c.do(ctx, x, func(ctx context.Context) error {
			_, err := c.client.api.Block.AppendChildren(ctx, notionapi.BlockID(page),
				&notionapi.AppendBlockChildrenRequest{Children: children[:n]})
			return err
		})
		if e, ok := errors.AsType[*Error](err); ok && e.saved {
			err, raw = nil, []byte(`{"object":"list","results":[]}`)
		}
		if err != nil {
			return err
		}
		if _, _, ok := readList(raw); !ok {
			return x.unreadable("the answer is not a list of blocks")
		}
		children = children[n:]
	}
	return nil
}

// Blocks returns the plain text of the blocks of a page, in order, "" for a
// block without text (https://developers.notion.com/reference/get-block-children).
// next is the cursor of the following batch, "" when there is none.
func (c *Caller) Blocks(ctx context.Context, page, cursor string) (texts []string, next string, err error) {
	raw, x, err := c.blocks(ctx, page, cursor)
	if err != nil {
		return nil, "", err
	}
	texts, next, ok := readTexts(raw)
	if !ok {
		return nil, "", x.unreadable("the answer is not a list of blocks")
	}
	return texts, next, nil
}

// blocks reads one batch of the blocks of a page.
func (c *Caller) blocks(ctx context.Context, page, cursor string) ([]byte, *exchange, error) {
	id, err := parseID("page", page)
	if err != nil {
		return nil, nil, err
	}
	x := &exchange{op: "read content of page " + id, endpoint: "GET blocks/{id}/children", page: id}
	raw, err := c.do(ctx, x, func(ctx context.Context) error {
		_, err := c.client.api.Block.GetChildren(ctx, notionapi.BlockID(id),
			&notionapi.Pagination{StartCursor: notionapi.Cursor(cursor), PageSize: largestBatch})
		return err
	})
	return raw, x, err
}
