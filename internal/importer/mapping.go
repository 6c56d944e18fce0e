package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/upsert"
)

// The columns that our own files have besides: those of rejected rows, and
// those of an export.
const (
	LineColumn   = "Rejected line"
	ReasonColumn = "Rejected because"
	PageColumn   = "Notion page"
)

func isOurs(column string) bool {
	return column == LineColumn || column == ReasonColumn || column == PageColumn
}

// Column says where a column of the file goes.
type Column struct {
	Name     string `json:"column"`
	Property string `json:"property,omitempty"` // "" leaves it out
	Note     string `json:"note,omitempty"`     // why it is left out

	to crm.Property
}

// joined are the kinds that take what several columns say.
var joined = []crm.Kind{crm.KindTitle, crm.KindText}

// mapColumns gives columns their properties: those that somebody wishes as
// "Column=Property", or "Column=" for none, and guessed ones for the rest.
func mapColumns(header []string, schema crm.Schema, key crm.Property, wishes []string) ([]Column, error) {
	columns := make([]Column, len(header))
	for i, name := range header {
		columns[i].Name = name
	}
	settled := map[int]bool{}
	for _, wish := range wishes {
		i, p, err := parseWish(wish, header, schema)
		if err != nil {
			return nil, err
		}
		if other := slices.IndexFunc(columns, func(c Column) bool { return p.ID != "" && c.to.ID == p.ID }); other >= 0 && !slices.Contains(joined, p.Kind) {
			return nil, fmt.Errorf("--map %s: %q takes one column, and has %q", wish, p.Name, columns[other].Name)
		}
		columns[i].Property, columns[i].to, settled[i] = p.Name, p, true
		if p.ID == "" {
			columns[i].Note = "as you said"
		}
	}
	guessAll(columns, settled, schema)
	for i, c := range columns {
		if settled[i] || c.to.ID == "" {
			continue
		}
		if !upsert.Takes(c.to.Kind) {
			columns[i] = Column{Name: c.Name, Note: leftOut(c.to)}
		}
	}
	if !slices.ContainsFunc(columns, func(c Column) bool { return c.to.ID == key.ID }) {
		return nil, crm.WithHint(fmt.Errorf("no column holds %q, which identifies a row (columns: %s)", key.Name, strings.Join(header, ", ")),
			fmt.Sprintf("say which one does: --map 'Column=%s'", key.Name))
	}
	return columns, nil
}

func leftOut(p crm.Property) string {
	switch p.Kind {
	case crm.KindRelation, crm.KindPeople:
		return fmt.Sprintf("%q is of type %s, which is not imported", p.Name, p.Kind)
	}
	return fmt.Sprintf("%q is of type %s, which Notion sets itself", p.Name, p.Kind)
}

// parseWish reads "Column=Property". Either name may hold a =.
func parseWish(wish string, header []string, schema crm.Schema) (column int, p crm.Property, err error) {
	for at := strings.IndexByte(wish, '='); at >= 0; {
		name, property := strings.TrimSpace(wish[:at]), strings.TrimSpace(wish[at+1:])
		column = slices.IndexFunc(header, func(h string) bool { return crm.SameName(h, name) })
		p, known := schema.Property(property)
		if column >= 0 && (known || property == "") {
			if known && !upsert.Takes(p.Kind) {
				return 0, p, fmt.Errorf("--map %s: %s", wish, leftOut(p))
			}
			return column, p, nil
		}
		next := strings.IndexByte(wish[at+1:], '=')
		if next < 0 {
			return 0, p, noWish(wish, name, property, column >= 0, header, schema)
		}
		at += 1 + next
	}
	return 0, p, crm.WithHint(fmt.Errorf("--map %s: there is no = in it", wish), "write --map 'Column=Property', or --map 'Column=' to leave it out")
}

func noWish(wish, column, property string, columnThere bool, header []string, schema crm.Schema) error {
	if !columnThere {
		return lacks(fmt.Sprintf("--map %s: the file has no column %q", wish, column), column, "columns", header)
	}
	return lacks(fmt.Sprintf("--map %s: database %q has no property %q", wish, schema.Name, property), property, "properties", propertyNames(schema))
}

func propertyNames(schema crm.Schema) []string {
	var names []string
	for _, p := range schema.Properties {
		names = append(names, p.Name)
	}
	return names
}

func lacks(problem, name, what string, names []string) error {
	hint := what + ": " + strings.Join(names, ", ")
	if near := crm.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return crm.WithHint(fmt.Errorf("%s", problem), hint)
}

// guessAll gives the columns that nobody spoke of their properties. Each
// property goes to one column, but the title may be joined of two names.
func guessAll(columns []Column, settled map[int]bool, schema crm.Schema) {
	free := slices.DeleteFunc(slices.Clone(schema.Properties), func(p crm.Property) bool {
		return slices.ContainsFunc(columns, func(c Column) bool { return c.to.ID == p.ID })
	})
	take := func(i int, p crm.Property) {
		columns[i].Property, columns[i].to, settled[i] = p.Name, p, true
		free = slices.DeleteFunc(free, func(f crm.Property) bool { return f.ID == p.ID })
		if !upsert.Takes(p.Kind) {
			columns[i] = Column{Name: columns[i].Name, Note: leftOut(p)}
		}
	}
	for _, sure := range []bool{true, false} { // names that are the same go first
		for i, c := range columns {
			if settled[i] || isOurs(c.Name) {
				continue
			}
			p, found := guess(c.Name, free)
			if found && (!sure || fold(p.Name) == fold(c.Name)) {
				take(i, p)
			}
		}
	}
	joinNames(columns, settled, free, schema)
	for i := range columns {
		if !settled[i] && !isOurs(columns[i].Name) {
			columns[i].Note = "there is no property like it"
		}
	}
}

// joinNames makes the title of a first and a last name.
func joinNames(columns []Column, settled map[int]bool, free []crm.Property, schema crm.Schema) {
	title := schema.Title()
	if !slices.ContainsFunc(free, func(p crm.Property) bool { return p.ID == title.ID }) {
		return
	}
	for _, names := range []string{firstNames, lastNames} {
		if i := slices.IndexFunc(columns, func(c Column) bool { return c.to.ID == "" && isOneOf(c.Name, names) }); i >= 0 && !settled[i] {
			columns[i].Property, columns[i].to, settled[i] = title.Name, title, true
		}
	}
}
