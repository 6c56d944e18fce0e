package crm

import (
	"slices"
	"strings"
)

// Bindings resolves configured names of properties in a schema. A property
// that was renamed in Notion is followed by the id it had.
type Bindings struct {
	Schema Schema
	Known  map[string]string // name as configured, folded -> property id
}

// Property finds a property by its name now, or by the one it once had.
func (b Bindings) Property(name string) (Property, bool) {
	if p, ok := b.Schema.Property(name); ok {
		return p, true
	}
	if id, ok := b.Known[foldName(name)]; ok {
		return b.Schema.PropertyByID(id)
	}
	return Property{}, false
}

// Had reports whether the database once had a property of that name.
func (b Bindings) Had(name string) bool {
	_, ok := b.Known[foldName(name)]
	return ok
}

// Missing lists the names that the database never had.
func (b Bindings) Missing(names []string) []string {
	var found []string
	for _, name := range names {
		if _, ok := b.Property(name); name != "" && !ok && !b.Had(name) && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found
}

// Learn returns what has to be added to Known: names with their ids that are
// new or changed.
func (b Bindings) Learn(names []string) map[string]string {
	changed := map[string]string{}
	for _, name := range names {
		if p, ok := b.Schema.Property(name); ok && b.Known[foldName(name)] != p.ID {
			changed[foldName(name)] = p.ID
		}
	}
	return changed
}

func foldName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
