package sandbox

import (
	"slices"
	"strings"
)

// This file is select, multi_select and status.

func (o *option) object() any {
	return map[string]any{"id": o.id, "name": o.name, "color": o.color}
}

func encodeOption(v view) any {
	id, _ := v.value().(string)
	if o := v.prop.optionByID(id); o != nil {
		return o.object()
	}
	return nil
}

func optionOperand(v view) operand {
	id, _ := v.value().(string)
	for i, o := range v.prop.options {
		if o.id == id {
			return operand{text: o.name, rank: i}
		}
	}
	return operand{empty: true}
}

// status is the option of a status property. One that was never set, or whose
// option is gone, has the first option: recordings of one page read null on
// 2022-06-28 and the first option on later versions.
func (v view) status() *option {
	id, _ := v.value().(string)
	if o := v.prop.optionByID(id); o != nil || v.version == version2022 || len(v.prop.options) == 0 {
		return o
	}
	return v.prop.options[0]
}

func encodeStatus(v view) any {
	if o := v.status(); o != nil {
		return o.object()
	}
	return nil
}

func statusOperand(v view) operand {
	o := v.status()
	if o == nil {
		return operand{empty: true}
	}
	return operand{text: o.name, rank: slices.Index(v.prop.options, o)}
}

func encodeOptions(v view) any {
	out := []any{}
	ids, _ := v.value().([]string)
	for _, id := range ids {
		if o := v.prop.optionByID(id); o != nil {
			out = append(out, o.object())
		}
	}
	return out
}

func optionsOperand(v view) operand {
	var names []string
	ids, _ := v.value().([]string)
	for _, id := range ids {
		if o := v.prop.optionByID(id); o != nil {
			names = append(names, o.name)
		}
	}
	return listed(names)
}

// optionKeys reads the part that all references to options share.
func optionKeys(at path, raw any) (id, name, color string, err error) {
	obj, err := at.object(raw)
	if err != nil {
		return "", "", "", err
	}
	if err := at.only(obj, "id", "name", "color", "description"); err != nil {
		return "", "", "", err
	}
	for key, into := range map[string]*string{"id": &id, "name": &name, "color": &color} {
		value, ok := obj[key]
		if !ok || value == nil && key == "color" {
			continue
		}
		s, isString := value.(string)
		if !isString {
			return "", "", "", at.dot(key).refuse("a string", value)
		}
		if s == "" {
			return "", "", "", at.dot(key).refuse("populated", value)
		}
		*into = s
	}
	if id == "" && name == "" {
		return "", "", "", at.dot("name").refuse("defined", absent{})
	}
	if color != "" && !slices.Contains(colors(), color) {
		return "", "", "", at.dot("color").refuse("a known color", color)
	}
	return id, name, color, at.dot("name").dot("length").atMost(100, codeUnits(name))
}

// known finds an option of the property by id or name.
func (d *decoder) known(id, name, color string) (*option, error) {
	found := d.prop.optionNamed(name)
	if id != "" {
		found = d.prop.optionByID(id)
	}
	for _, g := range d.grown {
		if found == nil && id == "" && g.prop == d.prop && g.opt.name == name {
			found = g.opt
		}
	}
	switch {
	case found == nil && id != "":
		return nil, invalid("%s is an invalid select option %q.", d.prop.id, id)
	case found != nil && id != "" && name != "" && found.name != name:
		return nil, invalid("%s is an invalid select option %q.", d.prop.id, name)
	case found != nil && color != "" && found.color != color:
		return nil, invalid("Select option color doesn't match existing")
	}
	return found, nil
}

// choose returns the id of an option of select or multi_select, adding the
// option to the schema when the write is accepted.
func (d *decoder) choose(at path, raw any) (string, error) {
	id, name, color, err := optionKeys(at, raw)
	if err != nil {
		return "", err
	}
	if strings.Contains(name, ",") {
		return "", invalid("Invalid select option, commas not allowed: %s", name)
	}
	found, err := d.known(id, name, color)
	if err != nil {
		return "", err
	}
	if found == nil {
		found = d.w.newOption(name, color)
		d.grown = append(d.grown, newOption{d.prop, found})
	}
	return found.id, nil
}

func decodeSelect(d *decoder, at path, raw any) (any, error) {
	if raw == nil {
		return nil, nil
	}
	return d.choose(at, raw)
}

func decodeMultiSelect(d *decoder, at path, raw any) (any, error) {
	items, err := at.list(raw)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for i, item := range items {
		id, err := d.choose(at.at(i), item)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// decodeStatus differs from a select: its options cannot be added by a write.
func decodeStatus(d *decoder, at path, raw any) (any, error) {
	if raw == nil {
		return nil, nil
	}
	id, name, color, err := optionKeys(at, raw)
	if err != nil {
		return nil, err
	}
	found, err := d.known(id, name, color)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, invalid("Invalid status option. Status option \"%s\" does not exist\".", name)
	}
	return found.id, nil
}
