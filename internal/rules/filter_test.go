package rules_test

import (
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

func TestConditionsOverAcme(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string]bool{
		`Value > 10000 and Source != "spam"`:           true,
		`Value > 12_000`:                               false,
		`value >= 12e3`:                                true,
		`prop("deal name") == "ACME"`:                  true,
		`Stage == "won"`:                               true,
		`Stage in ["lost", "WON"]`:                     true,
		`Stage not in ["lost"]`:                        true,
		`"vip" in Tags`:                                true,
		`"new" in Tags`:                                false,
		`"ana lima" in Owner`:                          true,
		`Paid`:                                         true,
		`not Paid or Value < 0`:                        false,
		`Paid == false`:                                false,
		`Notes contains "CALL"`:                        true,
		`Notes startsWith "back"`:                      false,
		`Notes endsWith "Back"`:                        true,
		`Notes matches "^call"`:                        true,
		`Notes matches "^CALL"`:                        false,
		`prop("Close Date") == date("2026-11-20")`:     true,
		`prop("Close Date") < today()`:                 true,
		`days_since(prop("Close Date")) == 31`:         true,
		`days_since(prop("Close Date")) > 31`:          false,
		`Date == date("2026-11-20")`:                   true, // the day in Berlin
		`Value / 2 - 1000 == 5000`:                     true,
		`-Value < 0`:                                   true,
		`(Value > 1 ? "a" : "b") == "a"`:               true,
		`Notes + "!" == "call back!"`:                  true,
		`Score > 5`:                                    true,
		`Score == "7"`:                                 false, // the formula gave a number
		`Contact == nil and blank(Contact)`:            true,
		`Value != nil and not blank(Value)`:            true,
		`if Value > 1 { true } else { false }`:         true,
		`Value > 1 && Value < 20000 || Stage == "x y"`: true,
		`Tags == ["old", "vip"] and Tags != ["vip"]`:   true,
		`created() == date("2026-11-02")`:              true, // in Berlin
		`days_since(nil ?? created()) == 49`:           true,
		`Tags in [Tags]`:                               true,
		`Value * 2 + 1 > 24000 and +Value > 0`:         true,
		`Score < "x"`:                                  false,
		`prop("Made by") == nil`:                       false,
		`Value | blank() == false`:                     true,
	} {
		if got := keeps(t, condition, acme()); got != want {
			t.Errorf("%s: got %v", condition, got)
		}
	}
}

func TestBlanksInConditions(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string]bool{
		`days_since(prop("Close Date") ?? created()) >= 0`: false, `created() == nil`: true,
		`Value > 0`: false, `Value <= 0`: false, `Value == 0`: false, `Value != 5`: true,
		`not (Value > 0)`: true, `Value > 0 or Stage == nil`: true,
		`Value == nil`: true, `Stage == ""`: true, `Stage == nil`: true, `Stage != "spam"`: true,
		`Value * 2 > 1`: false, `Value + 1 == nil`: true, `-Value == nil`: true, `Value / 0 == nil`: true,
		`(Value ?? 7) == 7`: true, `(Source ?? "none") == "none"`: true,
		`days_since(prop("Close Date")) >= 30`: false, `prop("Close Date") == nil`: true,
		`prop("Close Date") < today()`: false, `"VIP" in Tags`: false, `Tags == nil`: true, `Stage in ["won", ""]`: true,
		`Paid`: false, `not Paid`: true, `Paid == false`: true, `Notes contains "x"`: false, `Notes matches "x"`: false,
		`Score and Score`: false, `Score == false`: true, `Score > 1`: false, `Notes + "x" == "x"`: true,
	} {
		if got := keeps(t, condition, rules.Row{}); got != want {
			t.Errorf("%s on an empty row: got %v", condition, got)
		}
	}
}

func keeps(t *testing.T, condition string, row rules.Row) bool {
	t.Helper()
	f, err := rules.CompileFilter(condition)
	if err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
	b, mistakes := f.Bind(deals(), nil)
	for _, m := range mistakes {
		if m.Stops {
			t.Fatalf("%s: %v", condition, m)
		}
	}
	return b.Keeps(row, context(t))
}

func TestConditionsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ condition, problem, hint string }{
		{`Value >`, "1:7: unexpected token EOF", "write for example"},
		{`Value = 5`, `1:7: unexpected token Operator("=")`, "compare with =="},
		{`Deal Name == "x"`, "1:6: unexpected token Identifier", `prop("Deal Name")`},
		{`len(Notes) > 3`, `1:1: unknown function "len"`, "functions: blank, created, date"},
		{`day_since(Date) > 3`, `1:1: unknown function "day_since"`, `did you mean "days_since"?`},
		{`any(Tags, true)`, `unknown function "any"`, "functions"},
		{`Notes.foo`, "1:7: dots and brackets", `prop("…")`},
		{`Tags[0] == "x"`, "dots and brackets", ""},
		{`Date.Year() > 3`, "only functions can be called", ""},
		{`1..1000000 == nil`, "the operator .. is not available", "operators: and"},
		{`2 ** 100 > Value`, "the operator ** is not available", ""},
		{`let x = 1; x == 1`, "more than a condition may hold", ""},
		{`{a: 1} == nil`, "more than a condition may hold", ""},
		{`Notes matches Source`, "matches needs a pattern in quotes", ""},
		{`prop(Notes) == "x"`, "prop takes a text in quotes", ""},
		{`prop("a", "b") == "x"`, "prop takes 1 arguments, not 2", ""},
		{`Date < date("2026-13-01")`, `"2026-13-01" is no date`, "2026-12-31"},
		{"Value > 1 and\n  nope(1)", "2:3: unknown function", ""},
		{strings.Repeat("(", 5000), "longer than 4000", ""},
	} {
		_, err := rules.CompileFilter(c.condition)
		checkError(t, c.condition, err, c.problem, c.hint)
	}
}

func checkError(t *testing.T, what string, err error, problem, hint string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	got, _ := crm.Hint(err)
	if !strings.Contains(err.Error(), problem) || !strings.Contains(got, hint) {
		t.Errorf("%s:\n got %q, hint %q\nwant %q, hint %q", what, err, got, problem, hint)
	}
}

func TestConditionsThatDoNotFitTheDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		condition, problem, hint string
		lives                    bool
	}{
		{condition: `Valu > 1`, problem: `property "Valu" is not in database "Deals"`, hint: `did you mean "Value"? (properties: Deal Name, Stage`},
		{condition: `Value > "abc"`, problem: `1:7: invalid operation: > (mismatched types number and text)`, hint: "without quotes"},
		{condition: `Stage == 3`, problem: `1:7: invalid operation: == (mismatched types text and number)`},
		{condition: `Tags == "VIP"`, problem: "mismatched types list and text", hint: `"…" in it`},
		{condition: `prop("Close Date") < "2026-01-01"`, problem: "mismatched types date and text", hint: `date("2026-12-31")`},
		{condition: `Date - date("2026-01-01") > 3`, problem: "there is no - for dates", hint: "days_since"},
		{condition: `days_since(Value) > 3`, problem: "cannot use number as argument (type date)"},
		{condition: `Value`, problem: "expected yes/no, but got number"},
		{condition: `Value and Paid`, problem: "mismatched types number and yes/no"},
		{condition: `Stage == "wonn"`, problem: `property "Stage" has no option "wonn" (options: Lead, Negotiation, Won, Lost)`, hint: `did you mean "Won"?`, lives: true},
		{condition: `Source in ["sapm"]`, problem: `property "Source" has no option "sapm"`, lives: true},
		{condition: `"vipp" in Tags`, problem: `property "Tags" has no option "vipp"`, lives: true},
	} {
		f, err := rules.CompileFilter(c.condition)
		if err != nil {
			t.Fatalf("%s: %v", c.condition, err)
		}
		b, mistakes := f.Bind(deals(), nil)
		if len(mistakes) != 1 {
			t.Errorf("%s: mistakes %v", c.condition, mistakes)
			continue
		}
		checkError(t, c.condition, mistakes[0].Err(), c.problem, c.hint)
		if mistakes[0].Stops == c.lives || b.Keeps(acme(), context(t)) {
			t.Errorf("%s: stops %v", c.condition, mistakes[0].Stops)
		}
	}
}

func TestAConditionFollowsARenamedProperty(t *testing.T) {
	t.Parallel()
	f, err := rules.CompileFilter(`Amount > 1 and amount < 20000`)
	if err != nil {
		t.Fatal(err)
	}
	b, mistakes := f.Bind(deals(), func(name string) (crm.Property, bool) {
		return deals().Property(strings.ReplaceAll(strings.ToLower(name), "amount", "Value"))
	})
	if len(mistakes) > 0 || !b.Keeps(acme(), context(t)) {
		t.Errorf("mistakes %v", mistakes)
	}
	if got := strings.Join(f.Names(), " "); got != "Amount amount" {
		t.Errorf("names %q", got)
	}
	if got := b.Properties(); len(got) != 1 || got[0] != "value" {
		t.Errorf("properties %v", got)
	}
}
