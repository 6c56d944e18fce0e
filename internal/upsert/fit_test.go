package upsert

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
)

func TestFit(t *testing.T) {
	t.Parallel()
	options, many := []string{"New lead", "Won"}, make([]string, 101)
	for i := range many {
		many[i] = strconv.Itoa(i)
	}
	for _, tc := range []struct {
		kind     crm.Kind
		text     string
		want     crm.Value
		expected string // of the misfit, where it does not fit
	}{
		{crm.KindText, "hello", crm.Text(crm.KindText, "hello"), ""},
		{crm.KindTitle, "hello", crm.Text(crm.KindTitle, "hello"), ""},
		{crm.KindURL, strings.Repeat("x", 2000), crm.Text(crm.KindURL, strings.Repeat("x", 2000)), ""},
		{crm.KindURL, strings.Repeat("x", 2001), crm.Value{}, "at most 2000 characters"},
		{crm.KindText, strings.Repeat("é", 195_000), crm.Text(crm.KindText, strings.Repeat("é", 195_000)), ""},
		{crm.KindText, strings.Repeat("x", 195_001), crm.Value{}, "at most 195000 characters"},
		{crm.KindTitle, strings.Repeat("😀", 97_501), crm.Value{}, "at most 195000 characters"},
		{crm.KindPhone, strings.Repeat("1", 201), crm.Value{}, "at most 200 characters"},
		{crm.KindSelect, "won", crm.Choice(crm.KindSelect, "Won"), ""},
		{crm.KindSelect, "brand new", crm.Choice(crm.KindSelect, "brand new"), ""},
		{crm.KindMultiSelect, " WON ", crm.Choice(crm.KindMultiSelect, "Won"), ""},
		{crm.KindMultiSelect, "won, Lost,, WON", crm.Choice(crm.KindMultiSelect, "Won", "Lost"), ""},
		{crm.KindMultiSelect, "New, lead", crm.Choice(crm.KindMultiSelect, "New lead"), ""},
		{crm.KindMultiSelect, strings.Join(many[:100], ","), crm.Choice(crm.KindMultiSelect, many[:100]...), ""},
		{crm.KindMultiSelect, strings.Join(many, ","), crm.Value{}, "at most 100 options"},
		{crm.KindStatus, "new LEAD", crm.Choice(crm.KindStatus, "New lead"), ""},
		{crm.KindStatus, "Hot", crm.Value{}, "one of the options New lead, Won"},
		{crm.KindNumber, "1500.50", crm.Value{Kind: crm.KindNumber, Number: "1500.50"}, ""},
		{crm.KindNumber, "0", crm.Value{Kind: crm.KindNumber, Number: "0"}, ""},
		{crm.KindNumber, "1,500", crm.Value{}, "a number"},
		{crm.KindNumber, "NaN", crm.Value{}, "a number"},
		{crm.KindNumber, "0x10", crm.Value{}, "a number"},
		{crm.KindDate, "2026-11-20", crm.Day("2026-11-20"), ""},
		{crm.KindDate, "2026-11-20T10:00:00Z", crm.Day("2026-11-20T10:00:00Z"), ""},
		{crm.KindDate, "20.11.2026", crm.Value{}, "a date such as 2026-11-20"},
		{crm.KindDate, "2026-02-30", crm.Value{}, "a date such as 2026-11-20"},
		{crm.KindCheckbox, "On", crm.Value{Kind: crm.KindCheckbox, Check: true}, ""},
		{crm.KindCheckbox, "no", crm.Value{Kind: crm.KindCheckbox}, ""},
		{crm.KindCheckbox, "perhaps", crm.Value{}, "yes or no"},
		{crm.KindPeople, "Ana", crm.Value{}, "a property that takes text"},
		{"formula", "1+1", crm.Value{}, "a property that takes text"},
	} {
		got, err := Fit(crm.Property{Kind: tc.kind, Options: options}, tc.text)
		if tc.expected != "" {
			if m, ok := errors.AsType[*MisfitError](err); !ok || m.Expected != tc.expected || m.Got == "" {
				t.Errorf("%s %.20q: %v, want a misfit that expects %s", tc.kind, tc.text, err, tc.expected)
			}
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s %.20q: %v (-want +got):\n%s", tc.kind, tc.text, err, diff)
		}
	}
}

func TestTouchingNeverTurnsAContactBack(t *testing.T) {
	t.Parallel()
	touch := map[string]crm.Value{"d": crm.Day("2026-11-20")}
	for present, kept := range map[string]bool{
		"2026-11-19": true, "2026-11-20": true, "2026-11-21": false, "2026-11-20T23:00:00.000+01:00": false, "2026-11-19T23:00:00Z": true, "2026-11-21T01:00:00Z": false, "": true,
	} {
		page := map[string]crm.Value{}
		if present != "" {
			page["d"] = crm.Day(present)
		}
		if got := len(later(touch, page)) == 1; got != kept {
			t.Errorf("with %q on the page the touch is kept: %v, want %v", present, got, kept)
		}
	}
}
