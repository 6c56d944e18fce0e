package rules_test

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/rules"
)

func decode(text string) (map[string]rules.Spec, error) {
	var specs map[string]rules.Spec
	err := yaml.NewDecoder(strings.NewReader(text), yaml.DisallowUnknownField()).Decode(&specs)
	return specs, err
}

func TestRulesAreReadFromYAML(t *testing.T) {
	t.Parallel()
	got, err := decode(`
won:
  database: deals
  when: {property: Stage, becomes: Won}
  if: 'Value > 10000 and Source != "spam"'
  channel: sales
  text: '🎉 *{{prop "Deal Name"}}*'
handover: {when: {property: [Stage, Owner], changes: true}}
late: {when: {property: Stage, changes: {from: Negotiation, to: [Lost, ""]}}}
owner: {when: {property: Owner, is: set}}
paid: {when: {property: Paid, becomes: true}}
big: {when: {property: Value, becomes: [10000, 1.5]}}
day: {when: {property: Date, becomes: 2026-12-31}}
lost: {off: true}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]rules.Spec{
		"won": {
			Database: "deals", When: rules.When{Property: rules.List{"Stage"}, Becomes: rules.List{"Won"}},
			If: `Value > 10000 and Source != "spam"`, Channel: "sales", Text: `🎉 *{{prop "Deal Name"}}*`,
		},
		"handover": {When: rules.When{Property: rules.List{"Stage", "Owner"}, Changes: &rules.Changes{}}},
		"late": {When: rules.When{
			Property: rules.List{"Stage"},
			Changes:  &rules.Changes{From: rules.List{"Negotiation"}, To: rules.List{"Lost", ""}},
		}},
		"owner": {When: rules.When{Property: rules.List{"Owner"}, Is: "set"}},
		"paid":  {When: rules.When{Property: rules.List{"Paid"}, Becomes: rules.List{"true"}}},
		"big":   {When: rules.When{Property: rules.List{"Value"}, Becomes: rules.List{"10000", "1.5"}}},
		"day":   {When: rules.When{Property: rules.List{"Date"}, Becomes: rules.List{"2026-12-31"}}},
		"lost":  {Off: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("specs (-want +got):\n%s", diff)
	}
}

func TestRulesThatYAMLCannotHold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`won: {when: {property: {a: b}}}`:                    "must be one name or a list of names",
		`won: {when: {property: Stage, changes: false}}`:     "changes: must be true, or {from: …, to: …}",
		`won: {when: {property: Stage, changes: {form: a}}}`: `unknown field "form"`,
		`won: {wen: {property: Stage}}`:                      `unknown field "wen"`,
	} {
		if _, err := decode(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestTheOperatorsFieldsReplaceTheStandardOnes(t *testing.T) {
	t.Parallel()
	own, err := decode(`
won: {channel: sales}
lost: {off: true}
negotiation: {when: {property: Phase}, if: Value > 1}
handover: {when: {property: Owner, is: set}, text: x}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := rules.Standard()
	won, lost, negotiation := want["won"], want["lost"], want["negotiation"]
	won.Channel, lost.Off = "sales", true
	negotiation.When.Property, negotiation.If = rules.List{"Phase"}, "Value > 1"
	want["won"], want["lost"], want["negotiation"], want["handover"] = won, lost, negotiation, own["handover"]
	if diff := cmp.Diff(want, rules.Merge(rules.Standard(), own)); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	changes := rules.Spec{When: rules.When{Changes: &rules.Changes{}}}.Over(want["won"])
	if diff := cmp.Diff(rules.When{Property: rules.List{"Stage"}, Changes: &rules.Changes{}}, changes.When); diff != "" {
		t.Errorf("another transition (-want +got):\n%s", diff)
	}
	if len(rules.Merge[rules.Spec](nil, nil)) != 0 {
		t.Error("nothing merged with nothing is something")
	}
}
