// Package rules decides what to do about a change: whether it fires a rule
// ("Stage becomes Won") and which text is said about it.
//
// It owns the grammar of rules, the conditions over a row and the templates
// of messages; digests use the last two. It promises that a rule fires on a
// transition and never on a state, that names of properties and options
// compare as people read them, that every mistake is told with its place and
// a suggestion, and that no value of a row can ping, link or break a line in
// Slack. It is pure: the clock, the zone and the names of people are handed
// in. It refuses loops, calls and whatever else could make a text or a
// condition run away.
package rules

import (
	"errors"
	"fmt"
	"maps"
)

// Spec is one rule as the operator writes it.
type Spec struct {
	Database string `yaml:"database"` // name of a configured database; "" is deals
	When     When   `yaml:"when"`
	If       string `yaml:"if"`      // condition on the row; "" is always met
	Channel  string `yaml:"channel"` // "" is default
	Text     string `yaml:"text"`    // template of the message
	Off      bool   `yaml:"off"`
}

// When is the transition that fires a rule: exactly one of Becomes, Changes
// and Is, of any of the properties.
type When struct {
	Property List     `yaml:"property"`
	Becomes  List     `yaml:"becomes"`
	Changes  *Changes `yaml:"changes"`
	Is       string   `yaml:"is"` // set or cleared
}

// The transitions that When.Is names.
const (
	isSet     = "set"
	isCleared = "cleared"
)

// List is one name or several; in YAML a text or a list of texts.
type List []string

// UnmarshalYAML reads a text or a list of texts.
func (l *List) UnmarshalYAML(decode func(any) error) error {
	var one string
	if decode(&one) == nil {
		*l = List{one}
		return nil
	}
	var many []string
	if err := decode(&many); err != nil {
		return fmt.Errorf("must be one name or a list of names: %w", err)
	}
	*l = many
	return nil
}

// Changes is a change from any of some values to any of some others; in YAML
// true, or from and to. An empty list stands for every value, the value ""
// for none.
type Changes struct {
	From List `yaml:"from"`
	To   List `yaml:"to"`
}

// UnmarshalYAML reads true, or a mapping with from and to.
func (c *Changes) UnmarshalYAML(decode func(any) error) error {
	var yes bool
	if decode(&yes) == nil {
		if !yes {
			return errors.New("changes: must be true, or {from: …, to: …}")
		}
		*c = Changes{}
		return nil
	}
	type plain Changes
	return decode((*plain)(c))
}

// Over puts the fields that s sets over those of base. The kind of
// transition (becomes, changes, is) is replaced as a whole.
func (s Spec) Over(base Spec) Spec {
	put(&base.Database, s.Database)
	put(&base.If, s.If)
	put(&base.Channel, s.Channel)
	put(&base.Text, s.Text)
	base.Off = s.Off
	if len(s.When.Property) > 0 {
		base.When.Property = s.When.Property
	}
	if s.When.transitions() > 0 {
		s.When.Property = base.When.Property
		base.When = s.When
	}
	return base
}

func put(target *string, value string) {
	if value != "" {
		*target = value
	}
}

// transitions counts the kinds of transition that are given.
func (w When) transitions() int {
	n := 0
	for _, given := range []bool{len(w.Becomes) > 0, w.Changes != nil, w.Is != ""} {
		if given {
			n++
		}
	}
	return n
}

// Merge puts what the operator wrote over base, name by name and, by Over,
// field by field.
func Merge[S interface{ Over(base S) S }](base, own map[string]S) map[string]S {
	merged := map[string]S{}
	maps.Copy(merged, base)
	for name, s := range own {
		merged[name] = s.Over(base[name])
	}
	return merged
}
