package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// shownReferences is how many people or pages a property shows inline.
const shownReferences = 25

// view is one value of one page, as it is looked at.
type view struct {
	w       *Workspace
	page    *page
	state   *state
	prop    *property
	version string // "" inside the sandbox
}

func (v view) value() any { return v.state.values[v.prop.id] }

// operand is a value in the forms that conditions and sorts compare.
type operand struct {
	empty  bool
	text   string
	number float64
	flag   bool
	list   []string
	date   moment
	rank   int // position among the options of a select
}

func encodePlain(v view) any { return v.value() }

func stringOperand(v view) operand {
	s, _ := v.value().(string)
	return textual(s)
}

func anyOperand(v view) operand {
	switch x := v.value().(type) {
	case string:
		return textual(x)
	case float64:
		return numeric(x)
	case bool:
		return operand{flag: x, text: strconv.FormatBool(x)}
	default:
		return operand{empty: x == nil}
	}
}

func numeric(f float64) operand {
	return operand{number: f, text: strconv.FormatFloat(f, 'f', -1, 64)}
}

func numberOperand(v view) operand {
	if f, ok := v.value().(float64); ok {
		return numeric(f)
	}
	return operand{empty: true}
}

func encodeCheckbox(v view) any { return v.value() == true }

func checkboxOperand(v view) operand {
	on := v.value() == true
	return operand{flag: on, text: strconv.FormatBool(on)}
}

func listed(names []string) operand {
	return operand{empty: len(names) == 0, list: names, text: strings.Join(names, ", ")}
}

// related are the pages of a relation that still exist; the API shows only
// those that are shared with it.
func (v view) related() []string {
	ids, _ := v.value().([]string)
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		p := v.w.pages[id]
		return p == nil || v.version != "" && p.hidden()
	})
}

func relationOperand(v view) operand { return listed(v.related()) }

// peopleOperand compares by id and reads as names.
func peopleOperand(v view) operand {
	ids, _ := v.value().([]string)
	out := listed(ids)
	names := make([]string, 0, len(out.list))
	for _, id := range out.list {
		if u := v.w.user(id); u != nil {
			names = append(names, u.name)
		}
	}
	out.text = strings.Join(names, ", ")
	return out
}

func encodePeople(v view) any {
	out := []any{}
	ids, _ := v.value().([]string)
	for _, id := range ids[:min(len(ids), shownReferences)] {
		if u := v.w.user(id); u != nil {
			out = append(out, v.w.shown(u))
		}
	}
	return out
}

func encodeRelation(v view) any {
	out := []any{}
	ids := v.related()
	for _, id := range ids[:min(len(ids), shownReferences)] {
		out = append(out, map[string]any{"id": id})
	}
	return out
}

type file struct{ name, url string }

func encodeFiles(v view) any {
	out := []any{}
	files, _ := v.value().([]file)
	for _, f := range files {
		out = append(out, map[string]any{"name": f.name, "type": "external", "external": map[string]any{"url": f.url}})
	}
	return out
}

func filesOperand(v view) operand {
	var names []string
	files, _ := v.value().([]file)
	for _, f := range files {
		names = append(names, f.name)
	}
	return listed(names)
}

func encodeFormula(v view) any {
	switch x := v.value().(type) {
	case float64:
		return map[string]any{"type": "number", "number": x}
	case bool:
		return map[string]any{"type": "boolean", "boolean": x}
	case string:
		return map[string]any{"type": "string", "string": x}
	default:
		return map[string]any{"type": "string", "string": nil}
	}
}

// encodeRollup looks at the related pages as they are now.
func encodeRollup(v view) any {
	relation, shown := rollupParts(v.page.source, v.prop)
	var ids []string
	if relation != nil {
		ids = view{w: v.w, page: v.page, state: v.state, prop: relation, version: v.version}.related()
	}
	ids = ids[:min(len(ids), shownReferences)]
	if v.prop.function() == "count" {
		return map[string]any{"type": "number", "number": len(ids), "function": "count"}
	}
	out := []any{}
	for _, id := range ids {
		related := v.w.pages[id]
		if related == nil || shown == nil {
			continue
		}
		inner := view{v.w, related, related.now(), shown, v.version}
		out = append(out, map[string]any{"type": shown.kind, shown.kind: v.w.kinds[shown.kind].encode(inner)})
	}
	return map[string]any{"type": "array", "array": out, "function": v.prop.function()}
}

func rollupOperand(v view) operand {
	n, ok := encodeRollup(v).(map[string]any)["number"].(int)
	if !ok {
		return operand{empty: true}
	}
	return numeric(float64(n))
}

func stamp(t time.Time) operand {
	return operand{date: moment{at: t.UTC().Truncate(time.Minute)}}
}

func encodeCreatedTime(v view) any      { return minute(v.page.created) }
func createdTimeOperand(v view) operand { return stamp(v.page.created) }
func encodeEditedTime(v view) any       { return minute(v.state.edited) }
func editedTimeOperand(v view) operand  { return stamp(v.state.edited) }
func encodeCreatedBy(v view) any        { return v.w.shown(v.w.user(v.page.createdBy)) }
func createdByOperand(v view) operand   { return listed([]string{v.page.createdBy}) }
func encodeEditedBy(v view) any         { return v.w.shown(v.w.user(v.state.editedBy)) }
func editedByOperand(v view) operand    { return listed([]string{v.state.editedBy}) }
func encodeButton(view) any             { return map[string]any{} }
func uniqueIDOperand(v view) operand    { return numeric(float64(v.page.number)) }
func encodeUniqueID(v view) any {
	return map[string]any{"prefix": v.prop.prefix(), "number": v.page.number}
}
func verificationOperand(v view) operand { return textual(verificationState(v)) }

func encodeVerification(v view) any {
	return map[string]any{"state": verificationState(v), "verified_by": nil, "date": nil}
}

func verificationState(v view) string {
	if s, ok := v.value().(string); ok {
		return s
	}
	return "unverified"
}

// plain is a value as a person reads it.
func (v view) plain() string {
	o := v.w.kinds[v.prop.kind].operand(v)
	if o.text == "" && !o.date.at.IsZero() {
		return minute(o.date.at)
	}
	return o.text
}
