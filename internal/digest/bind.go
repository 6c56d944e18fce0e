package digest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

// Bound is a digest that knows its database.
type Bound struct {
	*Digest
	filter *rules.BoundFilter // nil takes all
	sort   []order
	head   *rules.BoundTemplate
	line   *rules.BoundTemplate
	moved  *rules.BoundTemplate
	stuck  *rules.BoundTemplate
	owner  crm.Property
	stage  crm.Property
	value  crm.Property
	names  []string // of properties, as configured
}

// Bind finds the properties and options that a digest names. While there are
// mistakes with Stops, it cannot be made.
func (d *Digest) Bind(to crm.Bindings) (*Bound, []rules.Mistake) {
	in := &binding{Bindings: to, digest: d.name}
	b := &Bound{Digest: d}
	if d.filter != nil {
		filter, wrong := d.filter.Bind(to.Schema, in.find)
		b.filter = filter
		in.note("filter", wrong...)
	}
	for _, o := range d.sort {
		b.sort = append(b.sort, in.order(o))
	}
	b.head, b.line = in.template("text", d.head), in.template("line", d.line)
	b.moved, b.stuck = in.template("moved", d.moved), in.template("stuck", d.stuck)
	b.owner = in.property("owner", d.spec.Owner, crm.KindPeople, "created_by", "last_edited_by")
	b.stage = in.property("stage", d.spec.Stage, crm.KindSelect, crm.KindStatus)
	b.value = in.property("value", d.spec.Value, crm.KindNumber, "formula", "rollup")
	if b.stage.ID != "" {
		in.condition("closed", fmt.Sprintf("prop(%q) in [%s]", d.spec.Stage, quoted(d.spec.Closed)))
	}
	b.names = in.names
	return b, in.mistakes
}

// binding collects what binding a digest brings up.
type binding struct {
	crm.Bindings
	digest   string
	names    []string
	mistakes []rules.Mistake
}

func (in *binding) find(name string) (crm.Property, bool) {
	in.names = append(in.names, name)
	return in.Property(name)
}

func (in *binding) note(field string, wrong ...rules.Mistake) {
	for _, m := range wrong {
		m.Text = fmt.Sprintf("digest %q: %s: %s", in.digest, field, m.Text)
		in.mistakes = append(in.mistakes, m)
	}
}

func (in *binding) template(field string, t *rules.Template) *rules.BoundTemplate {
	bound, wrong := t.Bind(in.Schema, in.find)
	in.note(field, wrong...)
	return bound
}

// condition notes what is wrong with a condition that nobody wrote: so the
// names in other fields get the same answers as those in conditions.
func (in *binding) condition(field, expression string) {
	f, err := rules.CompileFilter(expression)
	if err != nil {
		in.note(field, rules.Mistake{Text: err.Error(), Stops: true})
		return
	}
	_, wrong := f.Bind(in.Schema, in.find)
	in.note(field, wrong...)
}

// property finds a property of certain kinds; "" asks for none.
func (in *binding) property(field, name string, kinds ...crm.Kind) crm.Property {
	if name == "" {
		return crm.Property{}
	}
	p, ok := in.find(name)
	switch {
	case !ok:
		in.condition(field, fmt.Sprintf("blank(prop(%q))", name))
	case len(kinds) > 0 && !slices.Contains(kinds, p.Kind):
		in.note(field, rules.Mistake{
			Text:  fmt.Sprintf("property %q is a %s, and cannot be the %s", p.Name, words(p.Kind), field),
			Hint:  "name a property of the kind " + words(kinds[0]),
			Stops: true,
		})
	}
	return p
}

func (in *binding) order(o order) order {
	o.properties = nil
	for _, name := range o.names {
		p := crm.Property{Name: createdName}
		if name != createdName {
			p = in.property("sort", name)
		}
		o.properties = append(o.properties, p)
	}
	return o
}

func words(k crm.Kind) string { return strings.ReplaceAll(string(k), "_", " ") }

func quoted(texts []string) string {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = strconv.Quote(t)
	}
	return strings.Join(all, ", ")
}
