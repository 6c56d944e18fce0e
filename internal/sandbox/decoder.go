package sandbox

import (
	"errors"
	"strings"
	"time"
)

// decoder checks the properties of one write. Nothing of the workspace changes
// before the whole write has been accepted: options to be added wait here.
type decoder struct {
	w       *Workspace
	version string
	prop    *property
	grown   []newOption
}

type newOption struct {
	prop *property
	opt  *option
}

// commit adds the options that an accepted write asked for.
func (d *decoder) commit(ds *dataSource, now time.Time) {
	var told []schemaChange
	for _, g := range d.grown {
		g.prop.options = append(g.prop.options, g.opt)
		told = append(told, schemaChange{g.prop, actionUpdated})
	}
	d.w.tellSchema(ds, d.w.self().id, now, told...)
}

// properties decodes the properties of a create or an update, keyed by name or
// id, into values by property id. Unknown names and wrong types are reported
// together, as Notion does.
func (d *decoder) properties(ds *dataSource, raw map[string]any) (map[string]any, error) {
	out := map[string]any{}
	var misfits []string
	var first error
	for _, key := range sortedKeys(raw) {
		d.prop = ds.find(key)
		if d.prop == nil {
			misfits = append(misfits, key+" is not a property that exists.")
			continue
		}
		value, err := d.property(path("body.properties").dot(key), raw[key])
		var wrong typeError
		switch {
		case errors.As(err, &wrong):
			misfits = append(misfits, key+" is expected to be "+d.prop.kind+".")
		case err != nil && first == nil:
			first = err
		}
		out[d.prop.id] = value
	}
	if first != nil {
		return nil, first
	}
	if len(misfits) > 0 {
		return nil, invalid("%s", strings.Join(misfits, " "))
	}
	return out, nil
}

// typeError says that a value is of another type than its property.
type typeError struct{}

func (typeError) Error() string { return "the value is of another type" }

func (d *decoder) property(at path, raw any) (any, error) {
	if list, ok := raw.([]any); ok && d.prop.kind == "title" {
		return decodeText(d, at, list) // the short form, which only titles have
	}
	obj, err := at.object(raw)
	if err != nil {
		return nil, err
	}
	name := d.prop.kind
	if t, ok := obj["type"]; ok && t != name {
		return nil, typeError{}
	}
	value, ok := obj[name]
	if !ok {
		return nil, typeError{}
	}
	decode := d.w.kinds[name].decode
	if decode == nil {
		return nil, at.dot(name).refuse("not present", value)
	}
	known := []string{"id", "type", "name", name}
	if name == "relation" {
		known = append(known, "has_more")
	}
	if err := at.only(obj, known...); err != nil {
		return nil, err
	}
	return decode(d, at.dot(name), value)
}
