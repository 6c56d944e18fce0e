// Package crm is the vocabulary of Dealbell: the words of the product as Go
// types, without input or output.
//
// It owns what a database, a property value, a page, a delivery and a job are,
// how an email becomes a key, and which kinds of failure exist. Every other
// package speaks in these types; this one imports none of them.
package crm

import (
	"slices"
	"strings"
	"time"
)

// Kind is the type of a property, spelled as the Notion API spells it.
// Kinds that Dealbell does not know keep their name and are never written.
type Kind string

// The kinds that Dealbell reads or writes
// (https://developers.notion.com/reference/property-object).
const (
	KindTitle       Kind = "title"
	KindText        Kind = "rich_text"
	KindEmail       Kind = "email"
	KindURL         Kind = "url"
	KindPhone       Kind = "phone_number"
	KindNumber      Kind = "number"
	KindSelect      Kind = "select"
	KindStatus      Kind = "status"
	KindMultiSelect Kind = "multi_select"
	KindDate        Kind = "date"
	KindCheckbox    Kind = "checkbox"
	KindPeople      Kind = "people"
	KindRelation    Kind = "relation"
)

// Property is one column of a database.
type Property struct {
	ID      string   `json:"id"`   // stable across renames, URL-encoded as Notion gives it
	Name    string   `json:"name"` // Notion's own spelling
	Kind    Kind     `json:"kind"`
	Options []string `json:"options,omitempty"` // names of select, status and multi_select options
}

// Option returns Notion's own spelling of the option called name, compared
// without regard to case and surrounding space.
func (p Property) Option(name string) (string, bool) {
	i := slices.IndexFunc(p.Options, func(o string) bool { return SameName(o, name) })
	if i < 0 {
		return "", false
	}
	return p.Options[i], true
}

// Schema is the shape of one database at the time it was read.
type Schema struct {
	Database   string     `json:"database"`    // id as configured, normalised
	DataSource string     `json:"data_source"` // id that queries and new pages go to
	Name       string     `json:"name"`
	Properties []Property `json:"properties"`
	ReadAt     time.Time  `json:"read_at"`
}

// Property finds a property by name, without regard to case.
func (s Schema) Property(name string) (Property, bool) {
	i := slices.IndexFunc(s.Properties, func(p Property) bool { return SameName(p.Name, name) })
	if i < 0 {
		return Property{}, false
	}
	return s.Properties[i], true
}

// PropertyByID finds a property by id.
func (s Schema) PropertyByID(id string) (Property, bool) {
	i := slices.IndexFunc(s.Properties, func(p Property) bool { return p.ID == id })
	if i < 0 {
		return Property{}, false
	}
	return s.Properties[i], true
}

// Title returns the property that every database has.
func (s Schema) Title() Property {
	i := slices.IndexFunc(s.Properties, func(p Property) bool { return p.Kind == KindTitle })
	if i < 0 {
		return Property{ID: "title", Name: "Name", Kind: KindTitle}
	}
	return s.Properties[i]
}

// Page is one row of a database as Notion last showed it.
type Page struct {
	ID         string
	DataSource string // "" when the answer did not name it
	Database   string // that the data source is part of; likewise
	URL        string
	CreatedAt  time.Time
	CreatedBy  string    // user id
	EditedAt   time.Time // minute precision, rounded down by Notion
	EditedBy   string    // user id
	Trashed    bool
	Values     map[string]Value // by property id
	People     []Person         // whose names the page shows
}

// SameName compares names of properties and options the way people read them.
func SameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// NormalID brings a Notion id into the form 8-4-4-4-12. It takes what people
// copy: an id with or without dashes, or a link to a page or database, where
// the id ends the path, perhaps after a title, and a view's id follows as
// ?v=. What holds no id is returned as it is.
func NormalID(s string) string {
	const digits = 32 // hexadecimal
	s = strings.TrimSpace(s)
	path, _, _ := strings.Cut(s, "?")
	path, _, _ = strings.Cut(path, "#")
	path = strings.TrimRight(path, "/")
	bare := strings.ToLower(strings.ReplaceAll(path[strings.LastIndexByte(path, '/')+1:], "-", ""))
	bare = bare[max(0, len(bare)-digits):]
	if len(bare) != digits || strings.Trim(bare, "0123456789abcdef") != "" {
		return s
	}
	return bare[:8] + "-" + bare[8:12] + "-" + bare[12:16] + "-" + bare[16:20] + "-" + bare[20:]
}
