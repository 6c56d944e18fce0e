package setup

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/dealbell/dealbell/internal/crm"
)

// places are where a configuration file says what takes a slot.
var places = map[Slot]string{
	SlotEmail: "lead.key", SlotName: "lead.fields.name", SlotCompany: "lead.fields.company", SlotNotes: "lead.fields.message",
	SlotSource: "lead.fields.utm_source", SlotTouched: "lead.last_contacted",
	SlotStage: "rules.won.when.property", SlotWon: "rules.won.when.becomes", SlotLost: "rules.lost.when.becomes",
	SlotNegotiation: "rules.negotiation.when.becomes", SlotValue: "digests.pipeline.value",
	SlotType: "lead.activity.type", SlotAt: "lead.activity.at", SlotDetails: "lead.activity.details",
	SlotContact: "lead.activity.contact", SlotDealbellID: "lead.activity.id",
}

// mentioned finds the property in {{mention (prop "Owner")}}.
var mentioned = regexp.MustCompile(`mention \(prop ("(?:[^"\\]|\\.)*")\)`)

// Written is what a configuration file says about the slots; those that it
// says nothing about are missing. Keys compare without regard to case.
func Written(content string) Mapping {
	var root any
	if yaml.Unmarshal([]byte(content), &root) != nil {
		return Mapping{}
	}
	m := Mapping{}
	for slot, place := range places {
		if s, ok := at(root, strings.Split(place, ".")).(string); ok {
			m[slot] = s
		}
	}
	if text, ok := at(root, []string{"rules", "negotiation", "text"}).(string); ok {
		if found := mentioned.FindStringSubmatch(text); found != nil {
			m[SlotOwner], _ = strconv.Unquote(found[1])
		}
	}
	if initial, ok := at(root, []string{"lead", "initial"}).(map[string]any); ok {
		for _, property := range slices.Backward(slices.Sorted(maps.Keys(initial))) { // the first one stays
			if option, ok := initial[property].(string); ok && option != "" {
				m[SlotStatus], m[SlotNewLead] = property, option
			}
		}
	}
	return m
}

// WrittenDatabase returns the id of a role's database that a configuration
// file names, "" for none. It overrides the environment.
func WrittenDatabase(content string, role Role) string {
	var root any
	_ = yaml.Unmarshal([]byte(content), &root)
	id, _ := at(root, []string{string(role), "id"}).(string)
	return id
}

func at(v any, path []string) any {
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = nil
		for k, inner := range m {
			if strings.EqualFold(k, key) {
				v = inner
			}
		}
	}
	return v
}

// Keep puts what a file says over a proposal, as far as the database still
// has it.
func (m Mapping) Keep(role Role, written Mapping, s crm.Schema) {
	for _, slot := range Slots(role) {
		if name, ok := written[slot]; ok {
			_ = m.Set(slot, name, s) // what is gone stays as proposed
		}
	}
}
