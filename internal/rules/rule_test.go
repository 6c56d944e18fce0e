package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

// moved is a change of the stage.
func moved(from, to string) crm.Change {
	return crm.Change{Property: "stage", Old: stage(from), New: stage(to)}
}

func TestTheStandardTexts(t *testing.T) {
	t.Parallel()
	deal := func(name, value string, owners ...string) rules.Row {
		return rules.Row{Values: map[string]crm.Value{
			"title": crm.Text(crm.KindTitle, name), "value": number(value), "owner": people(owners...),
		}}
	}
	for _, c := range []struct {
		rule string
		row  rules.Row
		want string
	}{
		{"won", deal("Acme", "12000"), "🎉 Deal won: *Acme* — $12,000"},
		{"won", deal("Acme", ""), "🎉 Deal won: *Acme* — $?"},
		{"lost", deal("A & B", "0"), "💔 Deal lost: *A &amp; B* — $0"},
		{"negotiation", deal("Acme", "1234.5", ana), "🤝 In negotiation: *Acme* — $1,234.50 <@" + ana + ">"},
		{"negotiation", deal("Acme", "1234.5", ana, bob), "🤝 In negotiation: *Acme* — $1,234.50 <@" + ana + "> <@" + bob + ">"},
		{"negotiation", deal("Acme", "-5"), "🤝 In negotiation: *Acme* — -$5"},
	} {
		b := bind(t, c.rule, rules.Standard()[c.rule])
		got, err := b.Text(crm.Change{}, c.row, context(t))
		if err != nil || got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.rule, got, err, c.want)
		}
	}
}

func TestTheStandardRulesFireOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		want     string
	}{
		{"Negotiation", "Won", "won"},
		{"Won", "Won", ""},
		{"Won", "won", ""},
		{"Won", "LOST", "lost"},
		{"Lead", "negotiation", "negotiation"},
		{"Won", "Lead", ""},
	} {
		var fired []string
		for name, s := range rules.Standard() {
			if bind(t, name, s).Fires(moved(c.from, c.to), acme(), context(t)) {
				fired = append(fired, name)
			}
		}
		if got := strings.Join(fired, " "); got != c.want {
			t.Errorf("%s to %s fires %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

func TestTheStandardTextTakesTheTitleWhateverItsName(t *testing.T) {
	t.Parallel()
	schema := crm.Schema{Name: "Geschäfte", Properties: []crm.Property{
		{ID: "t", Name: "Geschäft", Kind: crm.KindTitle},
		{ID: "s", Name: "stage", Kind: crm.KindSelect, Options: []string{"won", "negotiation"}},
	}}
	b, mistakes := compile(t, "negotiation", rules.Standard()["negotiation"]).Bind(schema, nil)
	if len(mistakes) != 2 || mistakes[0].Stops || mistakes[1].Stops {
		t.Errorf("mistakes %v", mistakes)
	}
	row := rules.Row{Values: map[string]crm.Value{"t": crm.Text(crm.KindTitle, "Acme")}}
	change := crm.Change{Property: "s", New: crm.Choice(crm.KindSelect, "Negotiation")}
	if !b.Fires(change, row, context(t)) {
		t.Error("does not fire")
	}
	if got, err := b.Text(change, row, context(t)); err != nil || got != "🤝 In negotiation: *Acme* — $?" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestARuleFires(t *testing.T) {
	t.Parallel()
	spec := when(rules.When{Property: rules.List{"Stage", "Owner"}, Changes: &rules.Changes{}})
	spec.If = `Value > 10000 and Source != "spam"`
	b := bind(t, "x", spec)
	poor := acme()
	poor.Values["value"] = number("")
	own := moved("Lead", "Won")
	own.Own = true
	for name, c := range map[string]struct {
		change crm.Change
		row    rules.Row
		want   bool
	}{
		"when a watched property changes":     {moved("Lead", "Won"), acme(), true},
		"when another one does":               {crm.Change{Property: "owner", New: people(ana)}, acme(), true},
		"not when nothing watched does":       {crm.Change{Property: "value", New: number("3")}, acme(), false},
		"not when the condition is not met":   {moved("Lead", "Won"), poor, false},
		"not for what Dealbell wrote":         {own, acme(), false},
		"not when people call the value same": {crm.Change{Property: "owner", Old: people(ana, bob), New: people(bob, ana)}, acme(), false},
	} {
		if got := b.Fires(c.change, c.row, context(t)); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	spec.Off = true
	if bind(t, "x", spec).Fires(moved("Lead", "Won"), acme(), context(t)) {
		t.Error("fires although it is off")
	}
}

func TestOneSightFiresOnce(t *testing.T) {
	t.Parallel()
	b := bind(t, "x", when(rules.When{Property: rules.List{"Stage", "Owner"}, Changes: &rules.Changes{}}))
	changes := []crm.Change{
		{ID: 1, Property: "value", New: number("1")},
		{ID: 2, Property: "owner", New: people(ana)},
		{ID: 3, Property: "stage", New: stage("Won")},
	}
	if c, ok := b.FiresAny(changes, acme(), context(t)); !ok || c.ID != 2 {
		t.Errorf("got change %d, %v", c.ID, ok)
	}
	if _, ok := b.FiresAny(changes[:1], acme(), context(t)); ok {
		t.Error("fires without a change")
	}
}

func TestATextTellsTheChange(t *testing.T) {
	t.Parallel()
	spec := when(rules.When{Property: rules.List{"Stage"}, Changes: &rules.Changes{}})
	spec.Text = `{{title}}: {{old}} → {{new}} by {{by}}{{if eq new "won"}}!{{end}}`
	got, err := bind(t, "x", spec).Text(moved("Lead", "Won"), acme(), context(t))
	if want := "Acme: Lead → Won by Bob &lt;!here&gt;!"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestWhatARuleLooksAt(t *testing.T) {
	t.Parallel()
	spec := when(rules.When{Property: rules.List{"Stage"}, Is: "set"})
	spec.If, spec.Text = `prop("close date") < today()`, `{{prop "Value"}} {{prop "Stage"}}`
	b := bind(t, "x", spec)
	if got := b.Properties(); !slices.Equal(got, []string{"close", "stage", "value"}) {
		t.Errorf("properties %v", got)
	}
	if got := b.Rule().Names(); !slices.Equal(got, []string{"Stage", "Value", "Stage", "close date"}) {
		t.Errorf("names %q", got)
	}
	if r := b.Rule(); r.Name() != "x" || r.Database() != "deals" || r.Channel() != "default" || r.Off() {
		t.Errorf("rule %q of %q to %q", r.Name(), r.Database(), r.Channel())
	}
}

func TestRulesThatAreWrongInThemselves(t *testing.T) {
	t.Parallel()
	won := func(change func(*rules.Spec)) rules.Spec {
		s := rules.Standard()["won"]
		change(&s)
		return s
	}
	for _, c := range []struct {
		spec          rules.Spec
		problem, hint string
	}{
		{won(func(s *rules.Spec) { s.When.Property = nil }), `rule "wno": when.property: is missing`, "when: {property: Stage, becomes: Won}"},
		{won(func(s *rules.Spec) { s.When.Property = rules.List{"Stage", " "} }), `when.property: is missing`, ""},
		{won(func(s *rules.Spec) { s.When.Becomes = nil }), `when: must have exactly one of becomes, changes and is, and has 0`, ""},
		{won(func(s *rules.Spec) { s.When.Is = "set" }), `when: must have exactly one of becomes, changes and is, and has 2`, ""},
		{won(func(s *rules.Spec) { s.When.Becomes, s.When.Is = nil, "won" }), `when.is: must be set or cleared, and is "won"`, "write becomes"},
		{won(func(s *rules.Spec) { s.If = "Value >" }), `rule "wno": if: 1:7: unexpected token EOF`, ""},
		{won(func(s *rules.Spec) { s.Text = "" }), `rule "wno": text: is missing`, "{{title}}"},
		{won(func(s *rules.Spec) { s.Text = "{{titel}}" }), `rule "wno": text: 1:3: unknown function "titel"`, `did you mean "title"?`},
		{rules.Spec{Off: true}, `rule "wno": off: there is no default rule of this name`, `did you mean "won"? (default rules: lost, negotiation, won)`},
	} {
		_, err := rules.Compile("wno", c.spec)
		checkError(t, c.problem, err, c.problem, c.hint)
	}
}

func TestRulesThatDoNotFitTheDatabase(t *testing.T) {
	t.Parallel()
	in := func(property string, becomes ...string) rules.Spec {
		return when(rules.When{Property: rules.List{property}, Becomes: becomes})
	}
	with := func(condition, text string) rules.Spec {
		s := in("Stage", "Won")
		s.If, s.Text = condition, text
		return s
	}
	for _, c := range []struct {
		spec          rules.Spec
		problem, hint string
		fires         bool
	}{
		{in("Stagee", "Won"), `rule "won": property "Stagee" is not in database "Deals"`, `did you mean "Stage"? (properties: Deal Name, Stage, `, false},
		{in("Stage", "wonn", "Won"), `rule "won": property "Stage" has no option "wonn" (options: Lead, Negotiation, Won, Lost)`, `did you mean "Won"?`, true},
		{in("Value", "abc"), `rule "won": property "Value" is a number, and "abc" is none`, "without thousands separators", false},
		{in("Paid", "maybe"), `property "Paid" is a checkbox, and cannot be "maybe"`, "true or false", false},
		{in("Date", "tomorrow"), `property "Date" is a date, and "tomorrow" is none`, "2026-12-31", false},
		{when(rules.When{Property: rules.List{"Stage"}, Changes: &rules.Changes{From: rules.List{"Negotiations"}}}), `has no option "Negotiations"`, `did you mean "Negotiation"?`, false},
		{with("Valeu > 1", "x"), `rule "won": if: property "Valeu" is not in database "Deals"`, `did you mean "Value"?`, false},
		{with(`Value > "abc"`, "x"), `rule "won": if: 1:7: invalid operation: > (mismatched types number and text)`, "", false},
		{with(`Source != "spma" and Source in ["Website", "x"]`, "x"), `rule "won": if: property "Source" has no option "x"`, "", true},
		{with("", `{{prop "Valeu"}}`), `rule "won": text: property "Valeu" is not in database "Deals"`, `did you mean "Value"?`, true},
	} {
		b, mistakes := compile(t, "won", c.spec).Bind(deals(), nil)
		if len(mistakes) != 1 {
			t.Errorf("%s: mistakes %v", c.problem, mistakes)
			continue
		}
		checkError(t, c.problem, mistakes[0].Err(), c.problem, c.hint)
		if got := b.Fires(moved("Lead", "Won"), acme(), context(t)); got != c.fires || mistakes[0].Stops && c.fires {
			t.Errorf("%s: fires %v", c.problem, got)
		}
	}
}

func TestAWantedValueNeedsToFitOneOfSeveralProperties(t *testing.T) {
	t.Parallel()
	bind(t, "x", when(rules.When{Property: rules.List{"Stage", "Source", "Value"}, Becomes: rules.List{"Won", "spam", "5", ""}}))
}

func TestARuleFollowsARenamedProperty(t *testing.T) {
	t.Parallel()
	spec := when(rules.When{Property: rules.List{"Phase"}, Becomes: rules.List{"Won"}})
	spec.Text = `{{prop "phase"}}`
	b, mistakes := compile(t, "x", spec).Bind(deals(), func(string) (crm.Property, bool) { return deals().PropertyByID("stage") })
	if len(mistakes) > 0 || !b.Fires(moved("Lead", "Won"), acme(), context(t)) {
		t.Errorf("mistakes %v", mistakes)
	}
	if got, err := b.Text(moved("Lead", "Won"), acme(), context(t)); err != nil || got != "Won" {
		t.Errorf("got %q, %v", got, err)
	}
}
