package upsert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// Need is a property that Dealbell uses.
type Need struct {
	Database string     // as configured
	Property string     // name as configured
	Use      string     // what for, such as `takes the form's field "company"`
	Kinds    []crm.Kind // those that will do
	Value    string     // a text that is written to it; "" when it is not known before
	Required bool       // nothing works without it
	Where    string     // the key of the configuration file that names it
}

// Misfit says what is wrong with a property, and what to do about it.
type Misfit struct {
	Text string
	Next string
	Gone bool // or was never there: nothing is written there
}

// Fit compares a need with a database. It returns nil when all is well.
func (n Need) Fit(b Bindings) *Misfit {
	p, found := b.Property(n.Property)
	switch {
	case !found && b.Had(n.Property):
		return &Misfit{
			Gone: true, Text: fmt.Sprintf("property %q is gone; it %s", n.Property, n.Use),
			Next: "restore it in Notion, or name another one under " + n.Where,
		}
	case !found:
		return &Misfit{
			Gone: true, Text: fmt.Sprintf("there is no property %q; it %s%s", n.Property, n.Use, n.meant(b)),
			Next: "add it in Notion, or name another one under " + n.Where,
		}
	case !slices.Contains(n.Kinds, p.Kind):
		return &Misfit{
			Text: fmt.Sprintf("property %q is of type %s, want %s; it %s", p.Name, p.Kind, oneOf(n.Kinds), n.Use),
			Next: "change its type in Notion, or name another one under " + n.Where,
		}
	case p.Kind == crm.KindStatus && n.Value != "":
		if _, ok := p.Option(n.Value); !ok {
			return &Misfit{
				Text: fmt.Sprintf("property %q has no option %q (options: %s)", p.Name, n.Value, strings.Join(p.Options, ", ")),
				Next: "add the option in Notion, where only people can, or write another one under " + n.Where,
			}
		}
	}
	return nil
}

// meant names the property that may take the place of one that is not there:
// one that is spelled alike, else the only one of a kind that will do. One that
// another name is bound to has a place.
func (n Need) meant(b Bindings) string {
	bound := slices.Collect(maps.Values(b.Known))
	var fitting []string
	for _, p := range b.Schema.Properties {
		if slices.Contains(n.Kinds, p.Kind) && !slices.Contains(bound, p.ID) {
			fitting = append(fitting, p.Name)
		}
	}
	switch near := crm.Nearest(n.Property, fitting); {
	case near != "":
		return fmt.Sprintf(" (did you mean %q?)", near)
	case len(fitting) == 1 && len(n.Kinds) == 1:
		return fmt.Sprintf(" (did you mean %q? it is the only one of type %s)", fitting[0], n.Kinds[0])
	}
	return ""
}

func oneOf(kinds []crm.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
