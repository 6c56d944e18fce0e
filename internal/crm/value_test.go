package crm_test

import (
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
)

func TestBlankAndTextOfValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		value crm.Value
		text  string
		blank bool
	}{
		{"nothing at all", crm.Value{}, "", true},
		{"spaces", crm.Text(crm.KindText, " \t"), " \t", true},
		{"a text", crm.Text(crm.KindText, "Ana"), "Ana", false},
		{"zero", number("0"), "0", false},
		{"no number", number(""), "", true},
		{"an option shows its name, not its id", option("1", "Won"), "Won", false},
		{"tags show their names", withIDs(tags("a", "b"), "1", "2"), "a, b", false},
		{"no option", crm.Value{Kind: crm.KindSelect}, "", true},
		{"a day", crm.Day("2026-11-20"), "2026-11-20", false},
		{"a range", until("2026-11-20", "2026-11-21"), "2026-11-20 → 2026-11-21", false},
		{"a date without a start", crm.Day(""), "", true},
		{"people", people("x", "y"), "x, y", false},
		{"a list that was cut to nothing", cut(links()), "", false},
		{"a ticked box", checkbox(true), "yes", false},
		{"a box that somebody may have unticked", checkbox(false), "", false},
		{"a formula that is true", crm.Value{Kind: "formula", Check: true}, "yes", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.value.String(); got != tt.text {
				t.Errorf("text = %q, want %q", got, tt.text)
			}
			if got := tt.value.Blank(); got != tt.blank {
				t.Errorf("blank = %v, want %v", got, tt.blank)
			}
		})
	}
}
