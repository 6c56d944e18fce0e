package setup

import (
	"slices"

	"github.com/dealbell/dealbell/internal/crm"
)

// Propose says which property or option takes each slot of a role: by name,
// in any of the languages of this package, of the types that fit; and where
// no name says anything, by being the only one of its type. Nothing takes two
// slots, and what nobody can guess is left open.
func Propose(role Role, s crm.Schema) Mapping {
	m := Mapping{}
	taken := map[string]bool{}
	take := func(d definition, p crm.Property) {
		m[d.slot], taken[p.Name] = p.Name, true
	}
	for _, d := range slots[role] {
		m[d.slot] = ""
	}
	for level := 4; level > 0; level-- { // what is certain first
		for _, d := range slots[role] {
			if d.of == "" && m[d.slot] == "" {
				if p, ok := best(d, s, taken, level); ok {
					take(d, p)
				}
			}
		}
	}
	for _, d := range slots[role] {
		if p, ok := onlyOne(d, s, taken); ok && m[d.slot] == "" {
			take(d, p)
		}
	}
	for _, d := range slots[role] {
		m.proposeOptions(d.slot, s)
	}
	return m
}

// best finds the property that fits a slot as well as level says: 4 has the
// standard name, then as of closeness.
func best(d definition, s crm.Schema, taken map[string]bool, level int) (crm.Property, bool) {
	for _, k := range d.kinds {
		for _, p := range s.Properties {
			if p.Kind != k || taken[p.Name] || k == crm.KindTitle && d.slot == SlotEmail && level < 3 {
				continue // a title that merely speaks of mail is a name
			}
			fit := closeness(p.Name, d.words)
			if crm.SameName(p.Name, d.slot.Name()) {
				fit = 4
			}
			if d.slot == SlotName && k == crm.KindTitle {
				fit = max(fit, 3) // what people see as the name of the page
			}
			if fit == level {
				return p, true
			}
		}
	}
	return crm.Property{}, false
}

// onlyOne finds the property that is the only one of a kind that is left.
func onlyOne(d definition, s crm.Schema, taken map[string]bool) (crm.Property, bool) {
	for _, k := range d.alone {
		var left []crm.Property
		for _, p := range s.Properties {
			if p.Kind == k && !taken[p.Name] {
				left = append(left, p)
			}
		}
		if len(left) == 1 || len(left) > 1 && k == crm.KindEmail {
			return left[0], true
		}
	}
	return crm.Property{}, false
}

// proposeOptions fills the slots of a property's options.
func (m Mapping) proposeOptions(of Slot, s crm.Schema) {
	p, ok := s.Property(m[of])
	if !ok || m[of] == "" {
		return
	}
	var taken []string
	for level := 4; level > 1; level-- {
		for _, role := range Roles() {
			for _, d := range slots[role] {
				if d.of != of || m[d.slot] != "" {
					continue
				}
				if name, ok := bestOption(d, p, taken, level); ok {
					m[d.slot] = name
					taken = append(taken, name)
				}
			}
		}
	}
}

func bestOption(d definition, p crm.Property, taken []string, level int) (string, bool) {
	for _, name := range p.Options {
		fit := closeness(name, d.words)
		if crm.SameName(name, d.slot.Name()) {
			fit = 4
		}
		if fit == level && !slices.Contains(taken, name) {
			return name, true
		}
	}
	return "", false
}
