package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// typed converts values by property name into values by property id.
func (w *Workspace) typed(ds *dataSource, by string, now time.Time, values map[string]any) map[string]any {
	out := map[string]any{}
	var grown []schemaChange
	for _, name := range sortedKeys(values) {
		p := ds.named(name)
		if p == nil {
			panic(fmt.Sprintf("sandbox: edit row of %q: there is no property %q", ds.name, name))
		}
		hand := w.kinds[p.kind].hand
		if values[name] == nil {
			out[p.id] = nil
			continue
		}
		if hand == nil {
			panic(fmt.Sprintf("sandbox: edit row of %q: nobody can type into %q, a %s", ds.name, name, p.kind))
		}
		options := len(p.options)
		v, ok := hand(w, p, values[name])
		if !ok {
			panic(fmt.Sprintf("sandbox: edit row of %q: %q, a %s, cannot hold %v", ds.name, name, p.kind, values[name]))
		}
		out[p.id] = v
		if len(p.options) > options {
			grown = append(grown, schemaChange{p, actionUpdated})
		}
	}
	w.tellSchema(ds, by, now, grown...)
	return out
}

func handText(_ *Workspace, _ *property, v any) (any, bool) {
	s, ok := v.(string)
	if !ok || s == "" {
		return []run{}, ok
	}
	return []run{{content: s, marks: marks{Color: "default"}}}, true
}

func handString(_ *Workspace, _ *property, v any) (any, bool) {
	s, ok := v.(string)
	if s == "" {
		return nil, ok
	}
	return s, true
}

func handAny(_ *Workspace, p *property, v any) (any, bool) {
	if n, ok := handNumber(nil, p, v); ok {
		if _, text := v.(string); !text {
			return n, true
		}
	}
	return v, true
}

func handNumber(_ *Workspace, _ *property, v any) (any, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case string:
		f, err := strconv.ParseFloat(n, 64)
		return f, err == nil
	default:
		return nil, false
	}
}

func handCheckbox(_ *Workspace, _ *property, v any) (any, bool) {
	switch b := v.(type) {
	case bool:
		return b, true
	case string:
		on, err := strconv.ParseBool(b)
		return on, err == nil
	default:
		return nil, false
	}
}

// handSelect adds an option that is typed for the first time, as the app does.
func handSelect(w *Workspace, p *property, v any) (any, bool) {
	name, ok := v.(string)
	if !ok {
		return nil, false
	}
	o := p.optionNamed(name)
	if o == nil {
		o = w.newOption(name, "")
		p.options = append(p.options, o)
	}
	return o.id, true
}

func handStatus(_ *Workspace, p *property, v any) (any, bool) {
	name, _ := v.(string)
	if o := p.optionNamed(name); o != nil {
		return o.id, true
	}
	return nil, false
}

func handStrings(v any) ([]string, bool) {
	switch s := v.(type) {
	case []string:
		return append([]string{}, s...), true
	case string:
		return strings.Split(s, ", "), true
	default:
		return nil, false
	}
}

func handOptions(w *Workspace, p *property, v any) (any, bool) {
	names, ok := handStrings(v)
	ids := []string{}
	for _, name := range names {
		id, _ := handSelect(w, p, name)
		ids = append(ids, id.(string))
	}
	return ids, ok
}

// handIDs takes ids of people or pages that exist.
func handIDs(w *Workspace, p *property, v any) (any, bool) {
	ids, ok := handStrings(v)
	for _, id := range ids {
		if p.kind == "people" {
			ok = ok && w.user(id) != nil
		} else {
			ok = ok && w.pages[id] != nil
		}
	}
	return ids, ok
}

func handFiles(_ *Workspace, _ *property, v any) (any, bool) {
	links, ok := handStrings(v)
	out := []file{}
	for _, link := range links {
		out = append(out, file{link, link})
	}
	return out, ok
}

func handDate(_ *Workspace, _ *property, v any) (any, bool) {
	switch d := v.(type) {
	case time.Time:
		return dateRange{start: moment{at: d}}, true
	case string:
		m, ok := parseMoment(d, time.UTC)
		return dateRange{start: m}, ok
	default:
		return nil, false
	}
}
