package rules

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// Mistake is something in a rule, condition or text that does not fit the
// database.
type Mistake struct {
	Rule  string // name of the rule; "" where the condition or text belongs to none
	Text  string
	Hint  string // the operator's next step; may be ""
	Stops bool   // the rule does not fire, or the condition keeps nothing, until it is mended
}

// String says it in one line, without the hint.
func (m Mistake) String() string {
	if m.Rule == "" {
		return m.Text
	}
	return fmt.Sprintf("rule %q: %s", m.Rule, m.Text)
}

// Err returns the mistake as an error with its hint.
func (m Mistake) Err() error {
	err := errors.New(m.String())
	if m.Hint == "" {
		return err
	}
	return crm.WithHint(err, m.Hint)
}

// binder looks properties up.
type binder struct {
	schema crm.Schema
	find   func(string) (crm.Property, bool)
}

func (b binder) property(name string) (crm.Property, bool) {
	if b.find != nil {
		return b.find(name)
	}
	return b.schema.Property(name)
}

// missing reports the names that are no property.
func (b binder) missing(names []string, stops bool) []Mistake {
	var mistakes []Mistake
	var told []string
	for _, name := range names {
		if _, ok := b.property(name); ok || slices.Contains(told, name) {
			continue
		}
		told = append(told, name)
		var properties []string
		for _, p := range b.schema.Properties {
			properties = append(properties, p.Name)
		}
		mistakes = append(mistakes, Mistake{
			Text:  fmt.Sprintf("property %q is not in database %q", name, cmp.Or(b.schema.Name, b.schema.Database)),
			Hint:  didYouMean(name, properties, "properties"),
			Stops: stops,
		})
	}
	return mistakes
}

func isChoice(k crm.Kind) bool {
	return k == crm.KindSelect || k == crm.KindStatus || k == crm.KindMultiSelect
}

// misfit reports a wanted value that the property can never have.
func misfit(p crm.Property, want string) (m Mistake, wrong bool) {
	want = strings.TrimSpace(want)
	m.Stops = true
	if want == "" {
		return m, false
	}
	switch p.Kind {
	case crm.KindSelect, crm.KindStatus, crm.KindMultiSelect:
		_, ok := p.Option(want)
		m.Stops = false // the option may come with the next edit in Notion
		m.Text = fmt.Sprintf("property %q has no option %q (options: %s)", p.Name, want, list(p.Options))
		if near := crm.Nearest(want, p.Options); near != "" {
			m.Hint = fmt.Sprintf("did you mean %q?", near)
		}
		return m, !ok
	case crm.KindNumber:
		_, ok := decimal(want)
		m.Text = fmt.Sprintf("property %q is a number, and %q is none", p.Name, want)
		m.Hint = "write a number without thousands separators and currency signs"
		return m, !ok
	case crm.KindCheckbox:
		_, ok := yesOrNo(want)
		m.Text = fmt.Sprintf("property %q is a checkbox, and cannot be %q", p.Name, want)
		m.Hint = "write true or false"
		return m, !ok
	case crm.KindDate, kindCreatedTime, kindEditedTime:
		_, dayErr := time.Parse(time.DateOnly, want)
		_, momentErr := time.Parse(time.RFC3339, want)
		m.Text = fmt.Sprintf("property %q is a date, and %q is none", p.Name, want)
		m.Hint = "write a day as 2026-12-31, or a moment as 2026-12-31T09:00:00Z"
		return m, dayErr != nil && momentErr != nil
	}
	return m, false
}

// misfits reports the wanted values that none of the properties can have.
func (w When) misfits(properties []crm.Property) []Mistake {
	wanted := slices.Clone(w.Becomes)
	if w.Changes != nil {
		wanted = slices.Concat(w.Changes.From, w.Changes.To)
	}
	var mistakes []Mistake
	for _, want := range wanted {
		fits := slices.ContainsFunc(properties, func(p crm.Property) bool { _, wrong := misfit(p, want); return !wrong })
		if !fits && len(properties) > 0 {
			m, _ := misfit(properties[0], want)
			mistakes = append(mistakes, m)
		}
	}
	return mistakes
}

// hintOf returns the hint of an error; "" for none.
func hintOf(err error) string {
	hint, _ := crm.Hint(err)
	return hint
}
