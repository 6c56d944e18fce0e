package rules_test

import (
	"testing"

	"github.com/dealbell/dealbell/internal/rules"
)

func TestARuleIsSaidInWords(t *testing.T) {
	t.Parallel()
	stage := rules.List{"Stage"}
	for _, c := range []struct {
		spec rules.Spec
		want string
	}{
		{rules.Spec{When: rules.When{Property: stage, Becomes: rules.List{"Won"}}}, "When Stage becomes Won."},
		{rules.Spec{When: rules.When{Property: stage, Becomes: rules.List{"Won", "Lost", "Gone"}}, If: "Value > 1000"}, "When Stage becomes Won, Lost or Gone, if Value > 1000."},
		{rules.Spec{When: rules.When{Property: rules.List{"Owner", "Value"}, Changes: &rules.Changes{}}}, "When Owner or Value changes."},
		{rules.Spec{When: rules.When{Property: stage, Changes: &rules.Changes{From: rules.List{""}, To: rules.List{"Won"}}}}, "When Stage changes from nothing to Won."},
		{rules.Spec{When: rules.When{Property: rules.List{"Close Date"}, Is: "set"}}, "When Close Date is set."},
		{rules.Spec{When: rules.When{Property: rules.List{"Close Date"}, Is: "cleared"}}, "When Close Date is cleared."},
	} {
		if got := c.spec.Words(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
