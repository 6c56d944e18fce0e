package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// Rule is a rule that is right in itself. Whether it fits its database, Bind
// tells.
type Rule struct {
	name   string
	spec   Spec
	filter *Filter // nil: always met
	text   *Template
}

// Compile checks a rule as far as that is possible without its database. The
// error names the rule, the field and the place.
func Compile(name string, s Spec) (*Rule, error) {
	s.Database = cmp.Or(strings.TrimSpace(s.Database), defaultDatabase)
	s.Channel = cmp.Or(strings.TrimSpace(s.Channel), defaultChannel)
	r := &Rule{name: name, spec: s}
	if err := r.compile(); err != nil {
		return nil, fmt.Errorf("rule %q: %w", name, err)
	}
	return r, nil
}

func (r *Rule) compile() error {
	if r.spec.Off && len(r.spec.When.Property) == 0 {
		return crm.WithHint(fmt.Errorf("off: there is no default rule of this name"),
			didYouMean(r.name, slices.Sorted(maps.Keys(Standard())), "default rules"))
	}
	if err := r.spec.When.check(); err != nil {
		return err
	}
	if strings.TrimSpace(r.spec.If) != "" {
		filter, err := CompileFilter(r.spec.If)
		if err != nil {
			return fmt.Errorf("if: %w", err)
		}
		r.filter = filter
	}
	if strings.TrimSpace(r.spec.Text) == "" {
		return crm.WithHint(fmt.Errorf("text: is missing"), `write for example text: "*{{title}}* is now {{new}}"`)
	}
	text, err := parseTemplate("text", r.spec.Text, grammar{change: true})
	r.text = text
	return err
}

// Name returns the name of the rule.
func (r *Rule) Name() string { return r.name }

// Database returns the name of the configured database whose rows it watches.
func (r *Rule) Database() string { return r.spec.Database }

// Channel returns the channel, as configured, that its messages go to.
func (r *Rule) Channel() string { return r.spec.Channel }

// Off reports whether the rule is switched off.
func (r *Rule) Off() bool { return r.spec.Off }

// Names returns the names of the properties that the rule speaks of, as
// written.
func (r *Rule) Names() []string {
	names := slices.Concat(r.spec.When.Property, r.text.Names())
	if r.filter != nil {
		names = append(names, r.filter.Names()...)
	}
	return names
}

// check finds what is wrong with a transition in itself.
func (w When) check() error {
	const example = "write for example when: {property: Stage, becomes: Won}"
	if len(w.Property) == 0 || slices.ContainsFunc(w.Property, blankName) {
		return crm.WithHint(fmt.Errorf("when.property: is missing"), example)
	}
	if n := w.transitions(); n != 1 {
		return crm.WithHint(fmt.Errorf("when: must have exactly one of becomes, changes and is, and has %d", n), example)
	}
	if w.Is != "" && w.Is != isSet && w.Is != isCleared {
		return crm.WithHint(fmt.Errorf("when.is: must be set or cleared, and is %q", w.Is),
			"to wait for a value, write becomes")
	}
	return nil
}

func blankName(s string) bool { return strings.TrimSpace(s) == "" }
