package sandbox

// getPropertyItem shows one property without the limits of page objects.
func getPropertyItem(w *Workspace, c *call) (map[string]any, error) {
	p, err := w.findPage(c)
	if err != nil {
		return nil, err
	}
	prop := p.source.byID(c.params[1])
	if prop == nil || prop.hidden() {
		return nil, w.notFound(c.version, "property", c.params[1])
	}
	v := view{w, p, p.now(), prop, c.version}
	if !w.kinds[prop.kind].paged {
		return propertyItem(prop, w.kinds[prop.kind].encode(v)), nil
	}
	out, err := c.listOf("property_item", v.items())
	if err != nil {
		return nil, err
	}
	head := map[string]any{"id": prop.id, "next_url": nil, "type": prop.kind, prop.kind: map[string]any{}}
	if prop.kind == "rollup" {
		head["rollup"] = rollupHead(v)
	}
	if next, ok := out["next_cursor"].(string); ok {
		head["next_url"] = "https://api.notion.com/v1/pages/" + p.id + "/properties/" + prop.id + "?start_cursor=" + next
	}
	out["property_item"] = head
	return out, nil
}

func propertyItem(p *property, value any) map[string]any {
	return map[string]any{"object": "property_item", "id": p.id, "type": p.kind, p.kind: value}
}

// items are the elements of a paged property as items of their own.
func (v view) items() []any {
	if v.prop.kind == "rollup" {
		return v.rolled()
	}
	var out []any
	for _, part := range v.parts() {
		out = append(out, propertyItem(v.prop, part))
	}
	return out
}

// rolled are the values that a rollup shows, as items of their own property.
func (v view) rolled() []any {
	relation, shown := rollupParts(v.page.source, v.prop)
	if relation == nil || shown == nil || v.prop.function() == "count" {
		return nil
	}
	var out []any
	for _, id := range (view{v.w, v.page, v.state, relation, v.version}).related() {
		related := v.w.pages[id]
		inner := view{v.w, related, related.now(), shown, v.version}
		out = append(out, propertyItem(shown, v.w.kinds[shown.kind].encode(inner)))
	}
	return out
}

// rollupHead is the result of a rollup beside its items.
func rollupHead(v view) any {
	out, _ := encodeRollup(v).(map[string]any)
	if _, ok := out["array"]; ok {
		out["array"] = []any{}
	}
	return out
}

// parts are the elements of a paged property, all of them.
func (v view) parts() []any {
	if runs, ok := v.value().([]run); ok {
		return runObjects(runs)
	}
	var out []any
	if v.prop.kind == "relation" {
		for _, id := range v.related() {
			out = append(out, map[string]any{"id": id})
		}
		return out
	}
	ids, _ := v.value().([]string)
	for _, id := range ids {
		if u := v.w.user(id); u != nil {
			out = append(out, v.w.shown(u))
		}
	}
	return out
}
