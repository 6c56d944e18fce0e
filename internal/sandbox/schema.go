package sandbox

import (
	"net/url"
	"slices"
	"time"
)

// Property describes a property of a new database. Name and Type are needed,
// the rest belongs to single types.
type Property struct {
	Name string
	Type string // "title", "rich_text", "select", … as in the API
	// Options of select, multi_select and status, in their order.
	Options []string
	// Format of number. Default "number".
	Format string
	// Prefix of unique_id. Default none.
	Prefix string
	// Target of relation. Default the database itself.
	Target *Database
	// Expression of formula. It is shown, never evaluated: AddRow and EditRow
	// give the result.
	Expression string
	// Relation and Rollup name the relation of a rollup and the property that
	// it shows; Function is "count" or "show_original" (the default).
	Relation, Rollup, Function string
}

type property struct {
	id, name, kind string
	options        []*option
	setting        Property
	target         *dataSource
}

type option struct{ id, name, color string }

func (p *property) optionNamed(name string) *option {
	for _, o := range p.options {
		if o.name == name {
			return o
		}
	}
	return nil
}

func (p *property) optionByID(id string) *option {
	for _, o := range p.options {
		if o.id == id {
			return o
		}
	}
	return nil
}

type database struct {
	id, name        string
	created, edited time.Time
	sources         []*dataSource
	parent          string // page
	unshared        bool   // kept from the connection
}

type dataSource struct {
	id, name        string
	db              *database
	created, edited time.Time
	props           []*property
	rows            []*page // in order of creation
	ranked          []*page // in the order of queries without sorts
	lastNumber      int     // of unique_id
}

// find looks a property up by name, then by id, encoded or not.
func (ds *dataSource) find(key string) *property {
	p := ds.named(key)
	if p == nil {
		p = ds.byID(key)
	}
	if p == nil || p.hidden() {
		return nil
	}
	return p
}

func (ds *dataSource) named(name string) *property {
	for _, p := range ds.props {
		if p.name == name {
			return p
		}
	}
	return nil
}

func (ds *dataSource) byID(id string) *property {
	for _, p := range ds.props {
		if p.id == id || p.id == url.QueryEscape(id) {
			return p
		}
	}
	return nil
}

func (ds *dataSource) title() *property {
	i := slices.IndexFunc(ds.props, func(p *property) bool { return p.kind == "title" })
	return ds.props[i]
}

// addProperty puts a property into a schema.
func (w *Workspace) addProperty(ds *dataSource, in Property) {
	p := &property{name: in.Name, kind: in.Type, setting: in, id: "title"}
	if in.Type != "title" {
		p.id = w.newPropertyID(func(id string) bool { return ds.byID(id) != nil })
	}
	for _, name := range in.Options {
		p.options = append(p.options, w.newOption(name, ""))
	}
	if in.Type == "relation" {
		p.target = ds
		if in.Target != nil {
			p.target = w.sources[in.Target.DataSourceID]
		}
	}
	ds.props = append(ds.props, p)
}

func colors() []string {
	return []string{"default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red"}
}

func (w *Workspace) newOption(name, color string) *option {
	if color == "" {
		all := colors()
		color = all[w.rng.IntN(len(all))]
	}
	return &option{id: w.newID(), name: name, color: color}
}

// schemaObject shows a schema as the API does.
func (w *Workspace) schemaObject(ds *dataSource, version string) map[string]any {
	out := map[string]any{}
	for _, p := range ds.shown() {
		obj := map[string]any{"id": p.id, "name": p.name, "type": p.kind, p.kind: w.kinds[p.kind].config(ds, p, version)}
		if version != version2022 {
			obj["description"] = nil
		}
		out[p.name] = obj
	}
	return out
}

func noConfig(*dataSource, *property, string) any { return map[string]any{} }

func numberConfig(_ *dataSource, p *property, _ string) any {
	format := p.setting.Format
	if format == "" {
		format = "number"
	}
	return map[string]any{"format": format}
}

func (p *property) optionObjects() []any {
	out := []any{}
	for _, o := range p.options {
		out = append(out, map[string]any{"id": o.id, "name": o.name, "color": o.color, "description": nil})
	}
	return out
}

func optionsConfig(_ *dataSource, p *property, _ string) any {
	return map[string]any{"options": p.optionObjects()}
}

// statusConfig puts the first option into the first group, the last into the
// last one and the others between them, as a new status property has it.
func statusConfig(_ *dataSource, p *property, _ string) any {
	ids := [3][]string{{}, {}, {}}
	for i, o := range p.options {
		group := 1
		switch i {
		case 0:
			group = 0
		case len(p.options) - 1:
			group = 2
		}
		ids[group] = append(ids[group], o.id)
	}
	var groups []any
	for i, g := range [][2]string{{"To-do", "gray"}, {"In progress", "blue"}, {"Complete", "green"}} {
		groups = append(groups, map[string]any{"id": derivedID(p.id, i), "name": g[0], "color": g[1], "option_ids": ids[i]})
	}
	return map[string]any{"options": p.optionObjects(), "groups": groups}
}

func relationConfig(_ *dataSource, p *property, version string) any {
	out := map[string]any{"database_id": p.target.db.id, "type": "single_property", "single_property": map[string]any{}}
	if version != version2022 {
		out["data_source_id"] = p.target.id
	}
	return out
}

func formulaConfig(_ *dataSource, p *property, _ string) any {
	return map[string]any{"expression": p.setting.Expression}
}

func rollupConfig(ds *dataSource, p *property, _ string) any {
	relation, shown := rollupParts(ds, p)
	out := map[string]any{
		"function": p.function(), "relation_property_name": p.setting.Relation, "relation_property_id": "",
		"rollup_property_name": p.setting.Rollup, "rollup_property_id": "",
	}
	if relation != nil {
		out["relation_property_id"] = relation.id
	}
	if shown != nil {
		out["rollup_property_id"] = shown.id
	}
	return out
}

func (p *property) function() string {
	if p.setting.Function == "" {
		return "show_original"
	}
	return p.setting.Function
}

// rollupParts finds the relation and the property behind a rollup.
func rollupParts(ds *dataSource, p *property) (relation, shown *property) {
	relation = ds.named(p.setting.Relation)
	if relation == nil || relation.target == nil {
		return nil, nil
	}
	return relation, relation.target.named(p.setting.Rollup)
}

func uniqueIDConfig(_ *dataSource, p *property, _ string) any {
	return map[string]any{"prefix": p.prefix()}
}

func (p *property) prefix() any {
	if p.setting.Prefix == "" {
		return nil
	}
	return p.setting.Prefix
}
