package lead

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/upsert"
)

// Mapping names the properties of Contacts that every lead has to do with,
// whatever form it came in by.
type Mapping struct {
	Key      string // holds the email and identifies a contact
	Touch    string // date of the last submission; "" for none
	Activity Activity
}

// Activity names the properties of the Activities database, where each
// message becomes a row.
type Activity struct{ Type, At, Details, Contact, ID string }

// StandardMapping is the CRM that a workspace without configuration has.
func StandardMapping() Mapping {
	return Mapping{
		Key: "Email", Touch: "Last Contacted",
		Activity: Activity{Type: "Type", At: "At", Details: "Details", Contact: "Contact", ID: "Dealbell ID"},
	}
}

// plan is what a group of leads of one contact wants Notion to hold.
type plan struct {
	key       crm.Property
	typed     string               // the email as it was typed first
	create    map[string]crm.Value // by property id, for a new contact
	fill      map[string]crm.Value // by property id, for blanks of a known one
	touch     map[string]crm.Value // by property id, for every contact
	leftovers []crm.Leftover       // what does not fit; Page and Database are still to be set
	onCreate  []crm.Leftover       // the same, of the initial values
}

// draft folds leads, oldest first, into one plan: the first value of a
// property counts, because later ones only fill blanks.
func (m Mapping) draft(b upsert.Bindings, leads []lead, zone *time.Location) (plan, error) {
	key, err := b.Key(m.Key)
	if err != nil {
		return plan{}, fmt.Errorf("%w: %w", crm.ErrInvalid, err)
	}
	p := plan{key: key, typed: leads[0].email.Typed, fill: map[string]crm.Value{}, touch: map[string]crm.Value{}}
	for _, l := range leads {
		p.fillFrom(b, l, zone)
	}
	if m.Touch != "" {
		day := leads[len(leads)-1].delivery.ReceivedAt.In(zone).Format(time.DateOnly)
		p.leftovers = b.Put(p.touch, p.leftovers, m.Touch, day)
	}
	p.create = map[string]crm.Value{}
	maps.Copy(p.create, p.touch)
	maps.Copy(p.create, p.fill)
	p.create[key.ID] = crm.Text(key.Kind, p.typed)
	for _, l := range leads {
		for _, property := range slices.Sorted(maps.Keys(l.form.Values)) {
			p.onCreate = b.Put(p.create, p.onCreate, property, l.form.Values[property])
		}
	}
	return p, nil
}

// fillFrom adds what one lead says to what fills blanks.
func (p *plan) fillFrom(b upsert.Bindings, l lead, zone *time.Location) {
	for _, property := range slices.Sorted(maps.Values(l.form.Fields)) {
		if text := l.text(property); text != "" {
			p.leftovers = b.Put(p.fill, p.leftovers, property, text)
		}
	}
	if l.form.SubmittedAt != "" {
		p.leftovers = b.Put(p.fill, p.leftovers, l.form.SubmittedAt, l.when().In(zone).Format(time.RFC3339))
	}
}

// text is what a property gets: the first answer among those of the fields
// that are mapped to it.
func (l lead) text(property string) string {
	for _, field := range slices.Sorted(maps.Keys(l.form.Fields)) {
		if text := cmp.Or(l.Value(field), l.meant(field)); text != "" && crm.SameName(l.form.Fields[field], property) {
			return text
		}
	}
	return ""
}

// meant is what the vendor knows as a field of that name, without a field
// being called so.
func (l lead) meant(field string) string {
	if crm.SameName(field, "name") {
		return l.Name
	}
	return ""
}
