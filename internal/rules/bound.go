package rules

import (
	"slices"

	"github.com/dealbell/dealbell/internal/crm"
)

// Bound is a rule that knows its database.
type Bound struct {
	rule    *Rule
	watched []string // ids of the properties of its transition
	filter  *BoundFilter
	text    *BoundTemplate
	stopped bool // by mistakes
}

// Bind finds the properties and options that a rule names. A nil find asks
// the schema. A rule with a mistake in its transition or condition does not
// fire; one in its text shows as "?".
func (r *Rule) Bind(schema crm.Schema, find func(string) (crm.Property, bool)) (*Bound, []Mistake) {
	b := binder{schema, find}
	bound := &Bound{rule: r}
	mistakes := bound.watch(b)
	if r.filter != nil {
		filter, wrong := r.filter.Bind(schema, find)
		bound.filter = filter
		mistakes = append(mistakes, inField("if", wrong)...)
	}
	text, wrong := r.text.Bind(schema, find)
	bound.text = text
	mistakes = append(mistakes, inField("text", wrong)...)
	bound.stopped = slices.ContainsFunc(mistakes, func(m Mistake) bool { return m.Stops })
	for i := range mistakes {
		mistakes[i].Rule = r.name
	}
	return bound, mistakes
}

// watch finds the properties of the transition.
func (b *Bound) watch(in binder) []Mistake {
	w := b.rule.spec.When
	var properties []crm.Property
	for _, name := range w.Property {
		if p, ok := in.property(name); ok {
			properties = append(properties, p)
			b.watched = append(b.watched, p.ID)
		}
	}
	return append(in.missing(w.Property, true), w.misfits(properties)...)
}

// inField names the field of a rule in mistakes that give a place in it.
func inField(field string, mistakes []Mistake) []Mistake {
	for i := range mistakes {
		mistakes[i].Text = field + ": " + mistakes[i].Text
	}
	return mistakes
}

// Rule returns the rule.
func (b *Bound) Rule() *Rule { return b.rule }

// Properties returns the ids of all properties that the rule looks at, sorted.
func (b *Bound) Properties() []string {
	ids := slices.Concat(b.watched, b.text.Properties())
	if b.filter != nil {
		ids = append(ids, b.filter.Properties()...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Fires reports whether a change of a row of the rule's database fires the
// rule. What Dealbell wrote itself fires nothing.
func (b *Bound) Fires(c crm.Change, row Row, in Context) bool {
	if b.stopped || b.rule.spec.Off || c.Own || !slices.Contains(b.watched, c.Property) {
		return false
	}
	return b.rule.spec.When.happened(c.Old, c.New, in) && (b.filter == nil || b.filter.Keeps(row, in))
}

// FiresAny returns the first of the changes that one sight of a row brought
// which fires the rule: however many do, it is one message.
func (b *Bound) FiresAny(changes []crm.Change, row Row, in Context) (crm.Change, bool) {
	i := slices.IndexFunc(changes, func(c crm.Change) bool { return b.Fires(c, row, in) })
	if i < 0 {
		return crm.Change{}, false
	}
	return changes[i], true
}

// Text renders the message about a change, in Slack's mrkdwn: escaped, with
// people as <@id> of Notion.
func (b *Bound) Text(c crm.Change, row Row, in Context) (string, error) {
	return b.text.render(scene{row: row, change: c, context: in}, nil)
}
