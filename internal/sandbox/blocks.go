package sandbox

import (
	"maps"
	"slices"
	"time"
)

// block is a child of a page. The sandbox keeps one level: blocks have no
// children of their own.
type block struct {
	id      string
	page    *page
	kind    string
	text    []run
	extra   map[string]any // what the type holds beside its text
	created time.Time
}

func blockKinds() map[string]map[string]any {
	plain := map[string]any{"color": "default"}
	heading := map[string]any{"color": "default", "is_toggleable": false}
	return map[string]map[string]any{
		"paragraph": plain, "quote": plain, "bulleted_list_item": plain, "numbered_list_item": plain,
		"heading_1": heading, "heading_2": heading, "heading_3": heading,
		"callout": {"color": "default", "icon": nil},
		"to_do":   {"color": "default", "checked": false},
		"divider": nil,
	}
}

func (w *Workspace) decodeChildren(c *call) ([]*block, error) {
	raw, ok := c.body["children"]
	if !ok {
		return nil, nil
	}
	const at = path("body.children")
	items, err := at.list(raw)
	if err != nil {
		return nil, err
	}
	var out []*block
	for i, item := range items {
		b, err := decodeBlock(at.at(i), item)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func decodeBlock(at path, raw any) (*block, error) {
	obj, err := at.object(raw)
	if err != nil {
		return nil, err
	}
	b := &block{}
	for _, key := range sortedKeys(obj) {
		if _, known := blockKinds()[key]; known && b.kind == "" {
			b.kind = key
		}
	}
	if b.kind == "" {
		return nil, at.dot("paragraph").refuse("defined", absent{})
	}
	if err := at.only(obj, "object", "type", b.kind); err != nil {
		return nil, err
	}
	if t, ok := obj["type"]; ok && t != b.kind {
		return nil, at.dot("type").refuse("`\""+b.kind+"\"`", t)
	}
	if o, ok := obj["object"]; ok && o != "block" {
		return nil, at.dot("object").refuse("`\"block\"`", o)
	}
	return b, b.decodeContent(at.dot(b.kind), obj[b.kind])
}

func (b *block) decodeContent(at path, raw any) error {
	content, err := at.object(raw)
	if err != nil {
		return err
	}
	defaults := blockKinds()[b.kind]
	b.extra = map[string]any{}
	if defaults == nil {
		return at.only(content)
	}
	if err := at.only(content, append(sortedKeys(defaults), "rich_text")...); err != nil {
		return err
	}
	for key, value := range defaults {
		b.extra[key] = value
		if sent, ok := content[key]; ok {
			b.extra[key] = sent
		}
	}
	runs, err := decodeText(nil, at.dot("rich_text"), lookup(content, "rich_text"))
	if err != nil {
		return err
	}
	b.text, _ = runs.([]run)
	return nil
}

// insertBlocks gives blocks their ids and puts them into a page.
func (w *Workspace) insertBlocks(p *page, blocks []*block, index int, at time.Time) {
	for _, b := range blocks {
		b.id, b.page, b.created = w.newID(), p, at
		w.blocks[b.id] = b
	}
	p.children = slices.Insert(p.children, index, blocks...)
}

func (w *Workspace) blockObject(b *block, version string) map[string]any {
	content := map[string]any{}
	maps.Copy(content, b.extra)
	if b.kind != "divider" {
		content["rich_text"] = runObjects(b.text)
	}
	out := map[string]any{
		"object": "block", "id": b.id, "parent": map[string]any{"type": "page_id", "page_id": b.page.id},
		"created_time": minute(b.created), "last_edited_time": minute(b.created),
		"created_by": partialUser(w.bot.id), "last_edited_by": partialUser(w.bot.id),
		"has_children": false, "in_trash": false, "type": b.kind, b.kind: content,
	}
	if version != version2026 {
		out["archived"] = false
	}
	return out
}

// pageAsBlock shows a page through the block endpoints.
func (w *Workspace) pageAsBlock(p *page, version string) map[string]any {
	s := p.now()
	title := view{w: w, page: p, state: s, prop: p.source.title()}.plain()
	out := map[string]any{
		"object": "block", "id": p.id, "parent": p.source.asParent(version),
		"created_time": minute(p.created), "last_edited_time": minute(s.edited),
		"created_by": partialUser(p.createdBy), "last_edited_by": partialUser(s.editedBy),
		"has_children": len(p.children) > 0, "in_trash": s.trashed,
		"type": "child_page", "child_page": map[string]any{"title": title},
	}
	if version != version2026 {
		out["archived"] = s.trashed
	}
	return out
}

func (w *Workspace) findBlock(c *call) (*block, *page, error) {
	id, err := path("path.block_id").uuid(c.params[0])
	if err != nil {
		return nil, nil, err
	}
	if p := w.sharedPage(id); p != nil {
		return nil, p, nil
	}
	if b := w.blocks[id]; b != nil && !b.page.hidden() {
		return b, nil, nil
	}
	return nil, nil, w.notFound(c.version, "block", id)
}

func getBlock(w *Workspace, c *call) (map[string]any, error) {
	b, p, err := w.findBlock(c)
	if err != nil {
		return nil, err
	}
	if p != nil {
		return w.pageAsBlock(p, c.version), nil
	}
	return w.blockObject(b, c.version), nil
}

func listChildren(w *Workspace, c *call) (map[string]any, error) {
	if f := w.folderOf(c); f != nil {
		return c.listOf("block", w.folderBlocks(f, c.version))
	}
	_, p, err := w.findBlock(c)
	if err != nil {
		return nil, err
	}
	var all []any
	if p != nil {
		for _, b := range p.children {
			all = append(all, w.blockObject(b, c.version))
		}
	}
	return c.listOf("block", all)
}

func appendChildren(w *Workspace, c *call) (map[string]any, error) {
	place := "after"
	if c.version == version2026 {
		place = "position"
	}
	if err := path("body").only(c.body, "children", place); err != nil {
		return nil, err
	}
	if _, ok := c.body["children"]; !ok {
		return nil, path("body.children").refuse("defined", absent{})
	}
	blocks, err := w.decodeChildren(c)
	if err != nil {
		return nil, err
	}
	_, p, err := w.findBlock(c)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, invalid("Block does not support children.")
	}
	if p.now().trashed {
		return nil, errArchived()
	}
	index, err := p.insertion(c.body)
	if err != nil {
		return nil, err
	}
	w.insertBlocks(p, blocks, index, c.now)
	w.edit(p, w.self().id, c.now, func(*state) {})
	w.tellContent(p, w.self().id, c.now, blocks)
	c.wrote = true
	var ids []string
	var shown []any
	for _, b := range blocks {
		ids = append(ids, b.id)
		shown = append(shown, w.blockObject(b, c.version))
	}
	c.committed = map[string]any{"committed_child_ids": ids}
	return envelope("block", shown), nil
}

// insertion reads where new children go: after, or position since 2026-03-11.
func (p *page) insertion(body map[string]any) (int, error) {
	at, after := path("body.after"), lookup(body, "after")
	if raw, ok := body["position"]; ok {
		at = "body.position"
		position, err := at.object(raw)
		if err != nil {
			return 0, err
		}
		switch position["type"] {
		case "start":
			return 0, nil
		case "end":
			return len(p.children), nil
		case "after_block":
			at = at.dot("after_block")
			inner, err := at.object(lookup(position, "after_block"))
			if err != nil {
				return 0, err
			}
			at, after = at.dot("id"), lookup(inner, "id")
		default:
			return 0, at.dot("type").refuse("`\"after_block\"`, `\"start\"`, or `\"end\"`", lookup(position, "type"))
		}
	}
	if _, none := after.(absent); none {
		return len(p.children), nil
	}
	id, err := at.uuid(after)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(p.children, func(b *block) bool { return b.id == id })
	if i < 0 {
		return 0, at.refuse("a child of the parent", after)
	}
	return i + 1, nil
}
