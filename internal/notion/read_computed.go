package notion

import (
	"encoding/json"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// readUniqueID reads what Notion shows: the prefix, a dash and the number.
func readUniqueID(raw json.RawMessage) (crm.Value, bool) {
	type uniqueID struct {
		Prefix string      `json:"prefix"`
		Number json.Number `json:"number"`
	}
	return orBlank(raw, func(u uniqueID) crm.Value {
		if u.Prefix != "" && u.Number != "" {
			return crm.Value{Text: u.Prefix + "-" + u.Number.String()}
		}
		return crm.Value{Text: u.Number.String()}
	})
}

// readFormula reads the result of a formula. "unsupported" and whatever may
// come are left out: they are not blank, they are unknown
// (https://developers.notion.com/reference/page-property-values#formula).
func readFormula(raw json.RawMessage) (crm.Value, bool) {
	fields, ok := decode[map[string]json.RawMessage](raw)
	if !ok {
		return crm.Value{}, false
	}
	result, _ := decode[string](fields["type"])
	switch payload := fields[result]; result {
	case "string":
		return readString(payload)
	case "number":
		return readNumber(payload)
	case "boolean":
		return readCheckbox(payload)
	case "date":
		return readDate(payload)
	}
	return crm.Value{}, false
}

// readRollup reads the result of a rollup; a list becomes the text of its
// elements. "unsupported" and "incomplete" are unknown and left out.
func readRollup(raw json.RawMessage) (crm.Value, bool) {
	fields, ok := decode[map[string]json.RawMessage](raw)
	if !ok {
		return crm.Value{}, false
	}
	result, _ := decode[string](fields["type"])
	switch payload := fields[result]; result {
	case "number":
		return readNumber(payload)
	case "date":
		return readDate(payload)
	case "array":
		return orBlank(payload, joinElements)
	}
	return crm.Value{}, false
}

func joinElements(elements []json.RawMessage) crm.Value {
	var texts []string
	for _, raw := range elements {
		fields, _ := decode[map[string]json.RawMessage](raw)
		// A rollup of rollups does not exist; following one would let an
		// answer choose the depth of our stack.
		if name, _ := decode[crm.Kind](fields["type"]); name == kindRollup {
			continue
		}
		if v, ok := readValue(fields); ok {
			if s := v.String(); s != "" {
				texts = append(texts, s)
			}
		}
	}
	return crm.Value{Text: strings.Join(texts, ", ")}
}

// readFiles keeps the names only: links to hosted files expire in an hour.
func readFiles(raw json.RawMessage) (crm.Value, bool) {
	return orBlank(raw, func(files []named) crm.Value { return crm.Value{Text: strings.Join(names(files), ", ")} })
}

func readPlace(raw json.RawMessage) (crm.Value, bool) {
	type place struct {
		Name    string `json:"name"`
		Address string `json:"address"`
	}
	return orBlank(raw, func(p place) crm.Value {
		if p.Name != "" && p.Address != "" && p.Name != p.Address {
			return crm.Value{Text: p.Name + ", " + p.Address}
		}
		return crm.Value{Text: p.Name + p.Address}
	})
}

func readVerification(raw json.RawMessage) (crm.Value, bool) {
	type verification struct {
		State string `json:"state"`
	}
	return orBlank(raw, func(v verification) crm.Value { return crm.Value{Text: v.State} })
}
