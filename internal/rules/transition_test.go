package rules_test

import (
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

func TestTransitions(t *testing.T) {
	t.Parallel()
	becomes := func(options ...string) rules.When { return rules.When{Becomes: options} }
	changes := func(from, to rules.List) rules.When { return rules.When{Changes: &rules.Changes{From: from, To: to}} }
	tags := func(names ...string) crm.Value { return crm.Choice(crm.KindMultiSelect, names...) }
	none := crm.Value{}
	moment := crm.Day("2026-11-19T23:30:00.000+00:00") // the 20th in Berlin
	cut := people(bob)
	cut.More = true
	for _, c := range []struct {
		name, property string
		when           rules.When
		from, to       crm.Value
		want           bool
	}{
		{"a new page is won", "Stage", becomes("Won"), none, stage("Won"), true},
		{"one of several", "Stage", becomes("Won", "Lost"), stage("Lead"), stage("Lost"), true},
		{"from one of several to another", "Stage", becomes("Won", "Lost"), stage("Won"), stage("Lost"), true},
		{"a tag more", "Tags", becomes("vip"), tags("Old"), tags("Old", "VIP"), true},
		{"another tag more", "Tags", becomes("vip"), tags("VIP"), tags("Old", "VIP"), false},
		{"a person more, by id", "Owner", becomes(ana), people(bob), people(bob, ana), true},
		{"a person more, by name", "Owner", becomes("ana lima"), people(bob), people(bob, ana), true},
		{"a person of a list that was cut", "Owner", becomes(ana), cut, people(bob, ana), false},
		{"a number written otherwise", "Value", becomes("10000"), number("1"), number("1e4"), true},
		{"a number that was the same", "Value", becomes("10000"), number("10000.0"), number("1e4"), false},
		{"ticked", "Paid", becomes("yes"), ticked(false), ticked(true), true},
		{"unticked", "Paid", becomes("false"), ticked(true), ticked(false), true},
		{"made unticked", "Paid", becomes("no"), none, ticked(false), false},
		{"the same day", "Date", becomes("2026-11-20"), none, moment, true},
		{"the same moment", "Date", becomes("2026-11-20T00:30:00+01:00"), none, moment, true},
		{"another moment", "Date", becomes("2026-11-20T00:30:00Z"), none, moment, false},
		{"another time of that day", "Date", becomes("2026-11-20"), crm.Day("2026-11-20"), moment, false},
		{"a text", "Notes", becomes(" Call Back "), none, crm.Text(crm.KindText, "call back"), true},
		{"becomes blank", "Notes", becomes(""), crm.Text(crm.KindText, "x"), crm.Text(crm.KindText, " "), true},
		{"changes", "Stage", changes(nil, nil), stage("Lead"), stage("Lost"), true},
		{"changes from blank", "Stage", changes(nil, nil), none, stage("Lost"), true},
		{"changes to blank", "Stage", changes(nil, nil), stage("Lost"), crm.Choice(crm.KindStatus), true},
		{"from and to", "Stage", changes(rules.List{"negotiation"}, rules.List{"lost", "Won"}), stage("Negotiation"), stage("Lost"), true},
		{"from another", "Stage", changes(rules.List{"negotiation"}, rules.List{"lost"}), stage("Lead"), stage("Lost"), false},
		{"to another", "Stage", changes(rules.List{"negotiation"}, rules.List{"lost"}), stage("Negotiation"), stage("Won"), false},
		{"from alone", "Stage", changes(rules.List{"Won"}, nil), stage("Won"), stage("Lead"), true},
		{"to alone", "Stage", changes(nil, rules.List{"Won"}), stage("Won"), stage("Lead"), false},
		{"from blank", "Stage", changes(rules.List{""}, nil), none, stage("Lead"), true},
		{"from blank, which it was not", "Stage", changes(rules.List{""}, nil), stage("Won"), stage("Lead"), false},
		{"set", "Owner", rules.When{Is: "set"}, people(), people(ana), true},
		{"set again", "Owner", rules.When{Is: "set"}, people(bob), people(ana), false},
		{"cleared", "Owner", rules.When{Is: "cleared"}, people(bob), people(), true},
		{"nothing to clear", "Owner", rules.When{Is: "cleared"}, none, people(), false},
		{"a checkbox set", "Paid", rules.When{Is: "set"}, ticked(false), ticked(true), true},
		{"a checkbox cleared", "Paid", rules.When{Is: "cleared"}, ticked(true), ticked(false), true},
		{"a number set to zero", "Value", rules.When{Is: "set"}, number(""), number("0"), true},
	} {
		c.when.Property = rules.List{c.property}
		b := bind(t, "x", when(c.when))
		p, _ := deals().Property(c.property)
		if got := b.Fires(crm.Change{Property: p.ID, Old: c.from, New: c.to}, acme(), context(t)); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

// Every pair of values that Notion or a bug could bring.
func TestTransitionsAgreeWithEachOther(t *testing.T) {
	t.Parallel()
	values := []crm.Value{
		{},
		stage("Won"), stage("won"), crm.Choice(crm.KindStatus),
		{Kind: crm.KindStatus, Names: []string{"Gewonnen"}, IDs: []string{"o"}},
		{Kind: crm.KindStatus, Names: []string{"Won"}, IDs: []string{"o"}},
		crm.Choice(crm.KindMultiSelect, "Won", "Lost"),
		crm.Choice(crm.KindMultiSelect, "Lost", "Won"), number(""), number("0"), number("1"), number("1.0"), number("x"),
		ticked(true), ticked(false), people(), people(ana), people(ana, bob),
		{Kind: crm.KindPeople, IDs: []string{ana}, More: true},
		crm.Day("2026-11-20"), crm.Day("2026-11-20T09:00:00Z"), crm.Day("2026-11-20T10:00:00+01:00"), crm.Day(""),
		{Kind: crm.KindDate},
		crm.Text(crm.KindText, "Won"), crm.Text(crm.KindText, " "), crm.Text(crm.KindTitle, "1"),
		{Kind: "formula", Check: true},
	}
	bound := func(w rules.When) *rules.Bound {
		w.Property = rules.List{"Notes"}
		return bind(t, "x", when(w))
	}
	changes, set, cleared := bound(rules.When{Changes: &rules.Changes{}}), bound(rules.When{Is: "set"}), bound(rules.When{Is: "cleared"})
	becomes := bound(rules.When{Becomes: rules.List{"Won", "1", "yes", "no", "2026-11-20", ana, ""}})
	for _, from := range values {
		for _, to := range values {
			fires := func(b *rules.Bound) bool {
				return b.Fires(crm.Change{Property: "notes", Old: from, New: to}, acme(), context(t))
			}
			if fires(changes) == from.Same(to) {
				t.Errorf("%+v to %+v: changes %v", from, to, fires(changes))
			}
			if (fires(becomes) || fires(set) || fires(cleared)) && !fires(changes) {
				t.Errorf("%+v to %+v: a transition without a change", from, to)
			}
			if fires(set) && fires(cleared) {
				t.Errorf("%+v to %+v: set and cleared", from, to)
			}
		}
	}
}
