package lead

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/upsert"
)

// Needs lists the properties that leads and other submissions are written to.
func (o Options) Needs() []upsert.Need {
	text := upsert.TextKinds()
	m := o.Mapping
	needs := []upsert.Need{
		{Database: o.Contacts, Property: m.Key, Use: "identifies a contact by the address", Kinds: upsert.KeyKinds(), Required: true, Where: "lead: key:"},
		{Database: o.Contacts, Property: m.Touch, Use: "gets the day of the latest submission", Kinds: []crm.Kind{crm.KindDate, crm.KindText, crm.KindTitle}, Where: "lead: last_contacted:"},
	}
	for _, name := range slices.Sorted(maps.Keys(o.Forms)) {
		needs = append(needs, o.Forms[name].needs(o.Contacts, text)...)
	}
	if o.Activities != "" {
		activity := func(property, use string, kinds ...crm.Kind) {
			needs = append(needs, upsert.Need{Database: o.Activities, Property: property, Use: use, Kinds: kinds, Where: "lead: activity:"})
		}
		activity(m.Activity.Type, "says that it came by form", text...)
		activity(m.Activity.At, "gets the time of the message", crm.KindDate, crm.KindText)
		activity(m.Activity.Details, "gets the message", crm.KindText)
		activity(m.Activity.Contact, "leads to the contact", crm.KindRelation)
		activity(m.Activity.ID, "gets the delivery's id, by which a row is found before it is made again", crm.KindText)
	}
	return distinct(needs)
}

func (f Form) needs(contacts string, text []crm.Kind) (needs []upsert.Need) {
	database, where := f.Database, "forms: "+f.Name+":"
	if database == "" {
		database = contacts
	}
	if f.Name == Website {
		where = "lead:"
	}
	add := func(property, use, value string, kinds []crm.Kind) {
		needs = append(needs, upsert.Need{Database: database, Property: property, Use: use, Kinds: kinds, Value: value, Where: where})
	}
	for _, field := range slices.Sorted(maps.Keys(f.Fields)) {
		add(f.Fields[field], fmt.Sprintf("takes the field %q", field), "", text)
	}
	for _, property := range slices.Sorted(maps.Keys(f.Values)) {
		add(property, fmt.Sprintf("starts as %q", f.Values[property]), f.Values[property], text)
	}
	add(f.SubmittedAt, "gets the time of the submission", "", []crm.Kind{crm.KindDate, crm.KindText})
	add(f.Submitter, "says who submitted", "", text)
	add(f.ID, "gets the delivery's id, by which a row is found before it is made again", "", []crm.Kind{crm.KindText})
	return needs
}

// distinct drops what is not named, and what several forms need alike.
func distinct(needs []upsert.Need) []upsert.Need {
	var kept []upsert.Need
	for _, n := range needs {
		same := func(k upsert.Need) bool {
			return k.Database == n.Database && crm.SameName(k.Property, n.Property) && k.Value == n.Value
		}
		if n.Property != "" && !slices.ContainsFunc(kept, same) {
			kept = append(kept, n)
		}
	}
	return kept
}
