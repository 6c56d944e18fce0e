package lead

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
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

// keyKinds are the kinds of property that can hold an email.
var keyKinds = []crm.Kind{crm.KindEmail, crm.KindTitle, crm.KindText, crm.KindURL, crm.KindPhone}

// draft folds leads, oldest first, into one plan: the first value of a
// property counts, because later ones only fill blanks.
func (m Mapping) draft(b bindings, leads []lead, zone *time.Location) (plan, error) {
	key, err := b.key(m.Key)
	if err != nil {
		return plan{}, fmt.Errorf("%w: %w", crm.ErrInvalid, err)
	}
	p := plan{key: key, typed: leads[0].email.Typed, fill: map[string]crm.Value{}, touch: map[string]crm.Value{}}
	for _, l := range leads {
		p.fillFrom(b, l, zone)
	}
	if m.Touch != "" {
		day := leads[len(leads)-1].delivery.ReceivedAt.In(zone).Format(time.DateOnly)
		p.leftovers = put(b, p.touch, p.leftovers, m.Touch, day)
	}
	p.create = map[string]crm.Value{}
	maps.Copy(p.create, p.touch)
	maps.Copy(p.create, p.fill)
	p.create[key.ID] = crm.Text(key.Kind, p.typed)
	for _, l := range leads {
		for _, property := range slices.Sorted(maps.Keys(l.form.Values)) {
			p.onCreate = put(b, p.create, p.onCreate, property, l.form.Values[property])
		}
	}
	return p, nil
}

// fillFrom adds what one lead says to what fills blanks.
func (p *plan) fillFrom(b bindings, l lead, zone *time.Location) {
	for _, property := range slices.Sorted(maps.Values(l.form.Fields)) {
		if text := l.text(property); text != "" {
			p.leftovers = put(b, p.fill, p.leftovers, property, text)
		}
	}
	if l.form.SubmittedAt != "" {
		p.leftovers = put(b, p.fill, p.leftovers, l.form.SubmittedAt, l.when().In(zone).Format(time.RFC3339))
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

// put adds a value to values unless the property has one, or says why it does
// not fit. A property that the database never had is passed over: that is
// said once, at start.
func put(b bindings, values map[string]crm.Value, leftovers []crm.Leftover, property, text string) []crm.Leftover {
	p, known := b.property(property)
	if !known && !b.Had(property) {
		return leftovers
	}
	if _, taken := values[p.ID]; known && taken {
		return leftovers
	}
	var value crm.Value
	err := error(&misfit{"a property of this name", "none: it is gone"})
	if known {
		value, err = fit(p, text)
	}
	if m, ok := errors.AsType[*misfit](err); ok {
		return append(leftovers, crm.Leftover{
			Property: property, Value: crm.Text(crm.KindText, text), Expected: m.expected, Got: m.got,
		})
	}
	values[p.ID] = value
	return leftovers
}

// blanks returns those values whose property holds nothing on the page.
func blanks(wanted, present map[string]crm.Value) map[string]crm.Value {
	found := map[string]crm.Value{}
	for id, v := range wanted {
		if have, ok := present[id]; !ok || have.Blank() {
			found[id] = v
		}
	}
	return found
}

// later keeps those dates that move the page's forward. A later date, and the
// same day with a time or an end, were set by a person.
func later(touch, present map[string]crm.Value) map[string]crm.Value {
	kept := map[string]crm.Value{}
	for id, v := range touch {
		have := present[id]
		if have.Date != nil && v.Date != nil && *have.Date != *v.Date && have.Date.Start >= v.Date.Start {
			continue
		}
		kept[id] = v
	}
	return kept
}

// titleName is what the standard CRM calls the title, which every database
// has under some name.
const titleName = "Name"

// bindings resolves the names of a mapping.
type bindings struct{ crm.Bindings }

// property finds a property; "Name" is the title, whatever its name is.
func (b bindings) property(name string) (crm.Property, bool) {
	p, ok := b.Property(name)
	if !ok && crm.SameName(name, titleName) {
		return b.Schema.Title(), true
	}
	return p, ok
}

// missing lists the names that the database never had.
func (b bindings) missing(names []string) []string {
	return slices.DeleteFunc(b.Missing(names), func(name string) bool { return crm.SameName(name, titleName) })
}

// key resolves the property that identifies a row.
func (b bindings) key(name string) (crm.Property, error) {
	p, _ := b.property(name)
	if !slices.Contains(keyKinds, p.Kind) {
		return p, errors.New(b.explain(name, "email"))
	}
	return p, nil
}

// explain says what is wrong with a property that has to be there.
func (b bindings) explain(name, kind string) string {
	if p, ok := b.property(name); ok {
		return fmt.Sprintf("database %q: property %q is of type %s, expected %s", b.Schema.Name, p.Name, p.Kind, kind)
	}
	var have []string
	for _, p := range b.Schema.Properties {
		have = append(have, p.Name)
	}
	return fmt.Sprintf("database %q has no property %q (properties: %s)", b.Schema.Name, name, strings.Join(have, ", "))
}
