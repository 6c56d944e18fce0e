package notion

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jomei/notionapi"

	"github.com/dealbell/dealbell/internal/crm"
)

// rawProperty carries our JSON through the library, whose own property types
// cannot clear a value, nor write a day without a time.
type rawProperty struct {
	kind crm.Kind
	v    any
}

// GetID implements notionapi.Property.
func (rawProperty) GetID() string { return "" }

// GetType implements notionapi.Property.
func (r rawProperty) GetType() notionapi.PropertyType { return notionapi.PropertyType(r.kind) }

// MarshalJSON implements json.Marshaler.
func (r rawProperty) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{string(r.kind): r.v})
}

// encode turns values by property id into what a write sends. A value that
// cannot be written at all fails here, before anything is sent.
func encode(values map[string]crm.Value) (notionapi.Properties, error) {
	out := notionapi.Properties{}
	for _, id := range slices.Sorted(maps.Keys(values)) {
		v := values[id]
		write := kinds[v.Kind].write
		if write == nil {
			return nil, invalid(fmt.Sprintf("property %s: type %q cannot be written", id, v.Kind))
		}
		payload, err := write(v)
		if err != nil {
			return nil, invalid(fmt.Sprintf("property %s: %v", id, err))
		}
		out[id] = rawProperty{v.Kind, payload}
	}
	return out, nil
}

func writeRichText(v crm.Value) (any, error) {
	items := richText(crm.Run{Text: v.Text})
	return items[:min(len(items), mostRuns)], nil
}

func writeString(v crm.Value) (any, error) {
	if s := strings.TrimSpace(clean(v.Text)); s != "" {
		return s, nil
	}
	return nil, nil
}

var errNotNumber = errors.New("not a number")

func writeNumber(v crm.Value) (any, error) {
	if v.Number == "" {
		return nil, nil
	}
	if _, err := json.Marshal(v.Number); err != nil {
		return nil, errNotNumber // the value is personal and not repeated
	}
	return v.Number, nil
}

func writeSelect(v crm.Value) (any, error) {
	if options := optionList(v.Names); len(options) > 0 {
		return options[0], nil
	}
	return nil, nil
}

// writeStatus sends the name untouched: a status option is never made by a
// write, it has to exist.
func writeStatus(v crm.Value) (any, error) {
	if len(v.Names) == 0 || strings.TrimSpace(v.Names[0]) == "" {
		return nil, nil
	}
	return map[string]any{"name": clean(v.Names[0])}, nil
}

func writeMultiSelect(v crm.Value) (any, error) { return optionList(v.Names), nil }

func optionList(list []string) []any {
	options := []any{}
	seen := map[string]bool{}
	for _, s := range list {
		if name := optionName(s); name != "" && !seen[name] {
			seen[name] = true
			options = append(options, map[string]any{"name": name})
		}
	}
	return options
}

func writeDate(v crm.Value) (any, error) {
	if v.Date == nil || v.Date.Start == "" {
		return nil, nil
	}
	date := map[string]any{"start": v.Date.Start}
	if v.Date.End != "" {
		date["end"] = v.Date.End
	}
	if v.Date.Zone != "" {
		date["time_zone"] = v.Date.Zone
	}
	return date, nil
}

func writeCheckbox(v crm.Value) (any, error) { return v.Check, nil }

func writePeople(v crm.Value) (any, error) {
	return references(v, func(id string) any { return map[string]any{"object": "user", "id": id} })
}

func writeRelation(v crm.Value) (any, error) {
	return references(v, func(id string) any { return map[string]any{"id": id} })
}

// references writes the whole list, as Notion wants it. A list that was cut
// when it was read would lose its rest.
func references(v crm.Value, item func(id string) any) (any, error) {
	if v.More {
		return nil, fmt.Errorf("the list was cut at %d when it was read, writing it would drop the rest", inlineLimit)
	}
	items := []any{}
	for _, id := range v.IDs {
		items = append(items, item(id))
	}
	return items, nil
}
