package setup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// Slot is a place of the standard CRM that a property, or an option of one,
// can take: "contacts.Company", "deals.Won".
type Slot string

// The slots.
const (
	SlotEmail   Slot = "contacts.Email"
	SlotName    Slot = "contacts.Name"
	SlotCompany Slot = "contacts.Company"
	SlotStatus  Slot = "contacts.Status"
	SlotNewLead Slot = "contacts.New lead"
	SlotSource  Slot = "contacts.Source"
	SlotTouched Slot = "contacts.Last Contacted"
	SlotNotes   Slot = "contacts.Notes"

	SlotStage       Slot = "deals.Stage"
	SlotWon         Slot = "deals.Won"
	SlotLost        Slot = "deals.Lost"
	SlotNegotiation Slot = "deals.Negotiation"
	SlotValue       Slot = "deals.Value"
	SlotOwner       Slot = "deals.Owner"

	SlotType       Slot = "activities.Type"
	SlotAt         Slot = "activities.At"
	SlotDetails    Slot = "activities.Details"
	SlotContact    Slot = "activities.Contact"
	SlotDealbellID Slot = "activities.Dealbell ID"
)

// Name is what the standard CRM calls the property or option.
func (s Slot) Name() string {
	_, name, _ := strings.Cut(string(s), ".")
	return name
}

// Role is the role of the database that the slot belongs to.
func (s Slot) Role() Role {
	role, _, _ := strings.Cut(string(s), ".")
	return Role(role)
}

// Mapping is what takes each slot, "" for nothing.
type Mapping map[Slot]string

// definition says what can take a slot.
type definition struct {
	slot  Slot
	kinds []crm.Kind // the likeliest first
	words string
	alone []crm.Kind // a property whose name says nothing will do when it is the only one of this kind
	of    Slot       // for an option: the slot of its property
}

var (
	stageKinds = []crm.Kind{crm.KindStatus, crm.KindSelect}
	emailKinds = []crm.Kind{crm.KindEmail, crm.KindText, crm.KindTitle, crm.KindURL, crm.KindPhone}
	wordKinds  = []crm.Kind{crm.KindText, crm.KindSelect, crm.KindMultiSelect}
)

var slots = map[Role][]definition{
	Contacts: {
		{slot: SlotEmail, kinds: emailKinds, words: emailWords, alone: []crm.Kind{crm.KindEmail}},
		{slot: SlotName, kinds: []crm.Kind{crm.KindTitle, crm.KindText}, words: nameWords, alone: []crm.Kind{crm.KindTitle}},
		{slot: SlotCompany, kinds: wordKinds, words: companyWords},
		{slot: SlotStatus, kinds: stageKinds, words: statusWords, alone: []crm.Kind{crm.KindStatus}},
		{slot: SlotNewLead, words: newLeadWords, of: SlotStatus},
		{slot: SlotSource, kinds: []crm.Kind{crm.KindSelect, crm.KindMultiSelect, crm.KindText}, words: sourceWords},
		{slot: SlotTouched, kinds: []crm.Kind{crm.KindDate}, words: touchedWords},
		{slot: SlotNotes, kinds: []crm.Kind{crm.KindText}, words: notesWords},
	},
	Deals: {
		{slot: SlotStage, kinds: stageKinds, words: stageWords, alone: stageKinds},
		{slot: SlotWon, words: wonWords, of: SlotStage},
		{slot: SlotLost, words: lostWords, of: SlotStage},
		{slot: SlotNegotiation, words: negotiationWords, of: SlotStage},
		{slot: SlotValue, kinds: []crm.Kind{crm.KindNumber, "formula", "rollup"}, words: valueWords, alone: []crm.Kind{crm.KindNumber}},
		{slot: SlotOwner, kinds: []crm.Kind{crm.KindPeople}, words: ownerWords, alone: []crm.Kind{crm.KindPeople}},
	},
	Activities: {
		{slot: SlotType, kinds: wordKinds, words: kindWords},
		{slot: SlotAt, kinds: []crm.Kind{crm.KindDate}, words: whenWords, alone: []crm.Kind{crm.KindDate}},
		{slot: SlotDetails, kinds: []crm.Kind{crm.KindText}, words: detailsWords},
		{slot: SlotContact, kinds: []crm.Kind{crm.KindRelation}, words: contactWords, alone: []crm.Kind{crm.KindRelation}},
		{slot: SlotDealbellID, kinds: []crm.Kind{crm.KindText}, words: dealbellWords},
	},
}

// Slots lists the slots of a role; options follow their property.
func Slots(role Role) []Slot {
	var all []Slot
	for _, d := range slots[role] {
		all = append(all, d.slot)
	}
	return all
}

// Of returns the slot whose property an option belongs to, "" for a property.
func (s Slot) Of() Slot { return s.definition().of }

func (s Slot) definition() definition {
	for _, role := range Roles() {
		for _, d := range slots[role] {
			if d.slot == s {
				return d
			}
		}
	}
	return definition{slot: s}
}

// ParseSlot finds a slot by what somebody wrote: contacts.Company, or Company
// where only one slot is called so.
func ParseSlot(text string) (Slot, error) {
	var found, all []Slot
	for _, role := range Roles() {
		for _, slot := range Slots(role) {
			all = append(all, slot)
			if crm.SameName(text, string(slot)) || crm.SameName(text, slot.Name()) {
				found = append(found, slot)
			}
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	var names []string
	for _, slot := range all {
		names = append(names, string(slot))
	}
	return "", fmt.Errorf("%q names no part of the standard CRM (parts: %s)", text, strings.Join(names, ", "))
}

// Choices lists what can take a slot: properties of a fitting type, or the
// options of the property that has the slot the option belongs to.
func Choices(slot Slot, s crm.Schema, m Mapping) []string {
	d := slot.definition()
	if d.of != "" {
		p, _ := s.Property(m[d.of])
		return p.Options
	}
	var names []string
	for _, k := range d.kinds {
		for _, p := range s.Properties {
			if p.Kind == k {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// Set puts a property or an option into a slot, in Notion's spelling. Other
// options of a property are proposed anew.
func (m Mapping) Set(slot Slot, name string, s crm.Schema) error {
	if name = strings.TrimSpace(name); name == "" {
		m[slot] = ""
		m.dropOptions(slot)
		return nil
	}
	choices := Choices(slot, s, m)
	i := slices.IndexFunc(choices, func(c string) bool { return crm.SameName(c, name) })
	if i < 0 {
		what := "no fitting property"
		if slot.Of() != "" {
			what = "no option"
		}
		err := fmt.Errorf("%s: database %q has %s %q (there are: %s)", slot, s.Name, what, name, strings.Join(choices, ", "))
		if near := crm.Nearest(name, choices); near != "" {
			err = crm.WithHint(err, fmt.Sprintf("did you mean %q?", near))
		}
		return err
	}
	m[slot] = choices[i]
	if slot.Of() == "" {
		m.dropOptions(slot)
		m.proposeOptions(slot, s)
	}
	return nil
}

func (m Mapping) dropOptions(of Slot) {
	for _, role := range Roles() {
		for _, d := range slots[role] {
			if d.of == of {
				m[d.slot] = ""
			}
		}
	}
}
