package notion

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// inlineLimit is how many people or relations a page shows
// (https://developers.notion.com/reference/retrieve-a-page#limits).
const inlineLimit = 25

// readProperty reads one property of a page. It is not ok when the property
// has no type, a type that is not read, or another shape than its type says.
func readProperty(raw json.RawMessage) (id string, v crm.Value, ok bool) {
	fields, ok := decode[map[string]json.RawMessage](raw)
	if !ok {
		return "", crm.Value{}, false
	}
	id, _ = decode[string](fields["id"])
	if v, ok = readValue(fields); !ok || id == "" {
		return "", crm.Value{}, false
	}
	// Relations say that the list was cut; people are cut without a word.
	more, told := decode[bool](fields["has_more"])
	v.More = more || !told && v.Kind == crm.KindPeople && len(v.IDs) >= inlineLimit
	return id, v, true
}

// readValue reads {"type":"x","x":…}, the form of properties and of the
// elements of a rollup.
func readValue(fields map[string]json.RawMessage) (crm.Value, bool) {
	name, _ := decode[crm.Kind](fields["type"])
	payload, present := fields[string(name)]
	if !present {
		return crm.Value{}, false
	}
	v, ok := crm.Value{}, false
	if name == kindRollup {
		v, ok = readRollup(payload)
	} else if k, known := kinds[name]; known {
		v, ok = k.read(payload)
	}
	v.Kind = name
	return v, ok
}

// decode reads JSON as a T. Null and nothing are not ok.
func decode[T any](raw json.RawMessage) (T, bool) {
	var v T
	if len(raw) == 0 || isNull(raw) || json.Unmarshal(raw, &v) != nil {
		var zero T
		return zero, false
	}
	return v, true
}

func isNull(raw json.RawMessage) bool { return bytes.Equal(bytes.TrimSpace(raw), []byte("null")) }

// orBlank lifts a reader to one that takes null for an empty property.
func orBlank[T any](raw json.RawMessage, read func(T) crm.Value) (crm.Value, bool) {
	if isNull(raw) {
		return crm.Value{}, true
	}
	v, ok := decode[T](raw)
	if !ok {
		return crm.Value{}, false
	}
	return read(v), true
}

type richTextItem struct {
	PlainText *string `json:"plain_text"`
	Text      struct {
		Content string `json:"content"`
	} `json:"text"`
}

func plainText(items []richTextItem) string {
	var b strings.Builder
	for _, item := range items {
		if item.PlainText != nil {
			b.WriteString(*item.PlainText)
		} else {
			b.WriteString(item.Text.Content)
		}
	}
	return b.String()
}

func readRichText(raw json.RawMessage) (crm.Value, bool) {
	return orBlank(raw, func(items []richTextItem) crm.Value { return crm.Value{Text: plainText(items)} })
}

func readString(raw json.RawMessage) (crm.Value, bool) {
	return orBlank(raw, func(s string) crm.Value { return crm.Value{Text: s} })
}

// readNumber keeps the digits: a float64 would round large numbers.
func readNumber(raw json.RawMessage) (crm.Value, bool) {
	return orBlank(raw, func(n json.Number) crm.Value { return crm.Value{Number: n} })
}

func readCheckbox(raw json.RawMessage) (crm.Value, bool) {
	return orBlank(raw, func(b bool) crm.Value { return crm.Value{Check: b} })
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func readOption(raw json.RawMessage) (crm.Value, bool) {
	return orBlank(raw, func(o named) crm.Value { return options([]named{o}) })
}

func readOptions(raw json.RawMessage) (crm.Value, bool) {
	return orBlank(raw, options)
}

// options keeps the ids of options too, which outlive a rename, if each has
// one.
func options(list []named) crm.Value {
	list = slices.DeleteFunc(list, func(o named) bool { return o.Name == "" })
	v := crm.Value{Names: names(list)}
	if slices.ContainsFunc(list, func(o named) bool { return o.ID == "" }) {
		return v
	}
	for _, o := range list {
		v.IDs = append(v.IDs, o.ID)
	}
	return v
}

func names(list []named) []string {
	var out []string
	for _, o := range list {
		if o.Name != "" {
			out = append(out, o.Name)
		}
	}
	return out
}

func readIDs(raw json.RawMessage) (crm.Value, bool) {
	return orBlank(raw, func(list []named) crm.Value {
		var ids []string
		for _, x := range list {
			if x.ID != "" {
				ids = append(ids, crm.NormalID(x.ID))
			}
		}
		return crm.Value{IDs: ids}
	})
}

func readPeople(raw json.RawMessage) (crm.Value, bool) { return readIDs(raw) }

func readUser(raw json.RawMessage) (crm.Value, bool) {
	return orBlank(raw, func(u named) crm.Value { return crm.Value{IDs: []string{crm.NormalID(u.ID)}} })
}

func readDate(raw json.RawMessage) (crm.Value, bool) {
	type date struct {
		Start string `json:"start"`
		End   string `json:"end"`
		Zone  string `json:"time_zone"`
	}
	return orBlank(raw, func(d date) crm.Value {
		if d.Start == "" {
			return crm.Value{}
		}
		return crm.Value{Date: (*crm.Date)(&d)}
	})
}

func readMoment(raw json.RawMessage) (crm.Value, bool) {
	return orBlank(raw, func(s string) crm.Value { return crm.Value{Date: &crm.Date{Start: s}} })
}
