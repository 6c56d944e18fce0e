package notion

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// Whole reads a relation or people property of a page to its end, which a
// page cuts at 25 (https://developers.notion.com/reference/retrieve-a-page-property).
// It is the whole list or an error. A property that is of another kind by now
// is [crm.ErrInvalid].
func (c *Caller) Whole(ctx context.Context, page string, property crm.Property) (crm.Value, error) {
	id, err := parseID("page", page)
	if err != nil {
		return crm.Value{}, err
	}
	v := crm.Value{Kind: property.Kind}
	op := fmt.Sprintf("read all of property %s of page %s", property.ID, id)
	for cursor, seen := "", map[string]bool{}; ; {
		x := &exchange{op: op, endpoint: "GET pages/{id}/properties/{id}", page: id}
		ids, next, err := c.items(ctx, x, id, property, cursor)
		if err != nil {
			return crm.Value{}, err
		}
		v.IDs = append(v.IDs, ids...)
		if next == "" {
			v.IDs = distinct(v.IDs)
			return v, nil
		}
		if seen[next] {
			return crm.Value{}, x.unreadable("the list comes round to where it was")
		}
		cursor, seen[next] = next, true
	}
}

// items reads one batch of the list that a property holds.
func (c *Caller) items(ctx context.Context, x *exchange, page string, p crm.Property, cursor string) (ids []string, next string, err error) {
	target, err := itemURL(page, p, cursor)
	if err != nil {
		return nil, "", x.named(err)
	}
	raw, err := c.do(ctx, x, func(ctx context.Context) error { return c.client.get(ctx, target) })
	if err != nil {
		return nil, "", err
	}
	if now := itemKind(raw); now != "" && now != p.Kind {
		return nil, "", x.named(invalid(fmt.Sprintf("the property is of type %q, not %q", word(string(now)), p.Kind)))
	}
	ids, next, ok := readItems(raw, p.Kind)
	if !ok {
		return nil, "", x.unreadable("the answer is not a list of the property's items")
	}
	return ids, next, nil
}

// itemURL puts the id of a property into the path just as Notion gave it: it
// is encoded already.
func itemURL(page string, p crm.Property, cursor string) (*url.URL, error) {
	if p.Kind != crm.KindPeople && p.Kind != crm.KindRelation {
		return nil, invalid(fmt.Sprintf("a property of type %q is not a list", p.Kind))
	}
	plain, err := url.PathUnescape(p.ID)
	if err != nil || strings.Trim(plain, ".") == "" || strings.Contains(p.ID, "/") {
		return nil, invalid("the property has no id of Notion")
	}
	query := url.Values{"page_size": {strconv.Itoa(largestBatch)}}
	if cursor != "" {
		query.Set("start_cursor", cursor)
	}
	const pages, properties = "/v1/pages/", "/properties/"
	return &url.URL{
		Path: pages + page + properties + plain, RawPath: pages + page + properties + p.ID, RawQuery: query.Encode(),
	}, nil
}

// wireItem is one element of a property, or the head of a list of them
// (https://developers.notion.com/reference/property-item-object).
type wireItem struct {
	Object string   `json:"object"`
	Type   crm.Kind `json:"type"`
}

// itemKind returns the kind of property that an answer is about, "" when it
// does not say.
func itemKind(raw json.RawMessage) crm.Kind {
	type list struct {
		Head wireItem `json:"property_item"`
	}
	if item, ok := decode[wireItem](raw); ok && item.Object == "property_item" {
		return item.Type
	}
	l, _ := decode[list](raw)
	return l.Head.Type
}

// readItems reads a list of people or relations. One that cannot be read
// spoils all: without it the list would look as if somebody had been removed.
func readItems(raw json.RawMessage, kind crm.Kind) (ids []string, next string, ok bool) {
	list, next, ok := readList(raw)
	if !ok {
		return nil, "", false
	}
	for _, item := range *list.Results {
		fields, _ := decode[map[string]json.RawMessage](item)
		of, _ := decode[crm.Kind](fields["type"])
		one, _ := decode[named](fields[string(kind)])
		if of != kind || one.ID == "" {
			return nil, "", false
		}
		ids = append(ids, crm.NormalID(one.ID))
	}
	return ids, next, true
}

// distinct keeps the first of what is there twice: a list that changes while
// it is read may show an element again.
func distinct(list []string) []string {
	seen := make(map[string]bool, len(list))
	return slices.DeleteFunc(list, func(s string) bool {
		again := seen[s]
		seen[s] = true
		return again
	})
}
