package upsert

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// titleName is what the standard CRM calls the title, which every database
// has under some name.
const titleName = "Name"

// Bindings resolves configured names of properties. "Name" is the title,
// whatever its name is.
type Bindings struct{ crm.Bindings }

// Property finds a property by its configured name.
func (b Bindings) Property(name string) (crm.Property, bool) {
	p, ok := b.Bindings.Property(name)
	if !ok && crm.SameName(name, titleName) {
		return b.Schema.Title(), true
	}
	return p, ok
}

// Missing lists the names that the database never had.
func (b Bindings) Missing(names []string) []string {
	return slices.DeleteFunc(b.Bindings.Missing(names), func(name string) bool { return crm.SameName(name, titleName) })
}

// KeyKinds lists the kinds of property that can identify a row.
func KeyKinds() []crm.Kind {
	return []crm.Kind{crm.KindEmail, crm.KindTitle, crm.KindText, crm.KindURL, crm.KindPhone}
}

// Key resolves the property that identifies a row.
func (b Bindings) Key(name string) (crm.Property, error) {
	p, _ := b.Property(name)
	if !slices.Contains(KeyKinds(), p.Kind) {
		return p, errors.New(b.Explain(name, "email"))
	}
	return p, nil
}

// Explain says what is wrong with a property that has to be there, of a kind
// such as "email".
func (b Bindings) Explain(name, kind string) string {
	if p, ok := b.Property(name); ok {
		return fmt.Sprintf("database %q: property %q is of type %s, expected %s", b.Schema.Name, p.Name, p.Kind, kind)
	}
	var have []string
	for _, p := range b.Schema.Properties {
		have = append(have, p.Name)
	}
	return fmt.Sprintf("database %q has no property %q (properties: %s)", b.Schema.Name, name, strings.Join(have, ", "))
}

// Put adds what a text becomes to values, by property id, unless the property
// has a value there, or says in leftovers why it does not fit. A property that
// the database never had is passed over: that is said once, at start.
func (b Bindings) Put(values map[string]crm.Value, leftovers []crm.Leftover, property, text string) []crm.Leftover {
	p, known := b.Property(property)
	if !known && !b.Had(property) {
		return leftovers
	}
	if _, taken := values[p.ID]; known && taken {
		return leftovers
	}
	var value crm.Value
	err := error(&MisfitError{"a property of this name", "none: it is gone"})
	if known {
		value, err = Fit(p, text)
	}
	if m, ok := errors.AsType[*MisfitError](err); ok {
		return append(leftovers, crm.Leftover{
			Property: property, Value: crm.Text(crm.KindText, text), Expected: m.Expected, Got: m.Got,
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
