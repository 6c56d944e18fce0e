package sandbox

import "slices"

// test says whether a row passes a filter.
type test func(*page, *state) bool

// maxNesting is how deep and/or may be nested.
const maxNesting = 2

// compiler turns the filter of one query into a test.
type compiler struct {
	w  *Workspace
	ds *dataSource
	c  *call
}

func (w *Workspace) compileFilter(ds *dataSource, c *call) (test, error) {
	raw, ok := c.body["filter"]
	if !ok {
		return func(*page, *state) bool { return true }, nil
	}
	return compiler{w, ds, c}.filter("body.filter", raw, 0)
}

func (f compiler) filter(at path, raw any, depth int) (test, error) {
	obj, err := at.object(raw)
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"and", "or"} {
		if items, ok := obj[key]; ok {
			return f.compound(at, obj, key, items, depth)
		}
	}
	if name, ok := obj["timestamp"]; ok {
		return f.timestamp(at, obj, name)
	}
	return f.property(at, obj)
}

func (f compiler) compound(at path, obj map[string]any, key string, raw any, depth int) (test, error) {
	if depth >= maxNesting {
		return nil, at.dot(key).refuse("not present", raw)
	}
	if err := at.only(obj, key); err != nil {
		return nil, err
	}
	items, err := at.dot(key).list(raw)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, at.dot(key).dot("length").refuse("≥ `1`", 0)
	}
	var tests []test
	for i, item := range items {
		t, err := f.filter(at.dot(key).at(i), item, depth+1)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	all := key == "and"
	return func(p *page, s *state) bool {
		for _, t := range tests {
			if t(p, s) != all {
				return !all
			}
		}
		return all
	}, nil
}

func (f compiler) timestamp(at path, obj map[string]any, raw any) (test, error) {
	name, _ := raw.(string)
	if name != "created_time" && name != "last_edited_time" {
		return nil, at.dot("timestamp").refuse("`\"created_time\"` or `\"last_edited_time\"`", raw)
	}
	if err := at.only(obj, "timestamp", name); err != nil {
		return nil, err
	}
	cond, err := f.condition(at.dot(name), name, nil, lookup(obj, name))
	if err != nil {
		return nil, err
	}
	look := f.w.kinds[name].operand
	return func(p *page, s *state) bool { return cond(look(view{w: f.w, page: p, state: s})) }, nil
}

func (f compiler) property(at path, obj map[string]any) (test, error) {
	name, ok := obj["property"].(string)
	if !ok {
		return nil, at.dot("property").refuse("a string", lookup(obj, "property"))
	}
	var key string
	for _, k := range sortedKeys(obj) {
		if k == "property" || k == "type" {
			continue
		}
		if key != "" || !knownFilter(k) {
			return nil, at.dot(k).refuse("not present", obj[k])
		}
		key = k
	}
	if key == "" {
		return nil, at.dot("title").refuse("defined", absent{})
	}
	prop := f.ds.find(name)
	if prop == nil {
		return nil, invalid("Could not find property with name or id: %s", name)
	}
	k := f.w.kinds[prop.kind]
	if !k.reads(key) {
		return nil, invalid("The property type in the database does not match the property type of the filter provided: database property %s does not match filter %s", prop.kind, key)
	}
	cond, err := f.condition(at.dot(key), key, prop, obj[key])
	if err != nil {
		return nil, err
	}
	return func(p *page, s *state) bool { return cond(k.operand(view{w: f.w, page: p, state: s, prop: prop})) }, nil
}

func knownFilter(key string) bool {
	_, ok := conditions()[key]
	return ok || key == "formula"
}

// condition reads {"equals": …} for one kind of filter. A formula wraps the
// condition of its result.
func (f compiler) condition(at path, key string, prop *property, raw any) (condition, error) {
	obj, err := at.object(raw)
	if err != nil {
		return nil, err
	}
	names := sortedKeys(obj)
	if len(names) != 1 {
		return nil, at.refuse("an object with one condition", raw)
	}
	name := names[0]
	if key == "formula" {
		inner := map[string]string{"string": "rich_text", "number": "number", "checkbox": "checkbox", "date": "date"}[name]
		if inner == "" {
			return nil, at.dot(name).refuse("not present", obj[name])
		}
		return f.condition(at.dot(name), inner, prop, obj[name])
	}
	compile := conditions()[key][name]
	if compile == nil {
		return nil, at.dot(name).refuse("not present", obj[name])
	}
	return compile(argument{f, at.dot(name), prop, obj[name]})
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }
