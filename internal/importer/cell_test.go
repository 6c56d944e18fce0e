package importer

import (
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// read turns the cells of one column into texts; "!" is one that does not fit.
func read(t *testing.T, p crm.Property, delimiter rune, dates string, cells ...string) []string {
	t.Helper()
	var h habit
	for _, cell := range cells {
		h.learn(p.Kind, cell)
	}
	if err := h.settle("Column", delimiter, dates); err != nil {
		return []string{err.Error()}
	}
	var got []string
	for _, cell := range cells {
		v, err := h.value(p, cell, time.FixedZone("", 3600))
		switch {
		case err != nil:
			got = append(got, "!")
		default:
			got = append(got, v.String())
		}
	}
	return got
}

func TestNumbersAreReadWithEitherSign(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		delimiter rune
		cells     []string
		want      []string
	}{
		{"plain", ',', []string{"5", "-5", "0", "007", "1e3", "1.5", "+2"}, []string{"5", "-5", "0", "7", "1e3", "1.5", "2"}},
		{"both signs tell", ',', []string{"1.234,56", "1,234.56", "1.234.567", "1,234,567"}, []string{"1234.56", "1234.56", "1234567", "1234567"}},
		{"another cell tells", ',', []string{"1,234", "0,5"}, []string{"1.234", "0.5"}},
		{"another cell tells the other way", ';', []string{"1.234", "0.5"}, []string{"1.234", "0.5"}},
		{"thousands between commas", ',', []string{"1,234", "1.234"}, []string{"1234", "1.234"}},
		{"thousands between semicolons", ';', []string{"1.234", "1,234"}, []string{"1234", "1.234"}},
		{"money", ',', []string{"€ 1.500,00", "$1,500.00", "1 500,00 €", "1'500.00 CHF", "EUR 20", "−5"}, []string{"1500.00", "1500.00", "1500.00", "1500.00", "20", "-5"}},
		{"none", ',', []string{"abc", "1,23,4", "12:30", "15%", "1.2.3"}, []string{"!", "!", "!", "!", "!"}},
	} {
		got := read(t, crm.Property{Kind: crm.KindNumber}, c.delimiter, "", c.cells...)
		for i := range c.want {
			if got[i] != c.want[i] {
				t.Errorf("%s: %q is %s, want %s", c.name, c.cells[i], got[i], c.want[i])
			}
		}
	}
}

func TestDatesAreReadWithoutGuessing(t *testing.T) {
	t.Parallel()
	p := crm.Property{Kind: crm.KindDate}
	for cell, want := range map[string]string{
		"2026-11-20": "2026-11-20", "2026/1/2": "2026-01-02", "20.11.2026": "2026-11-20", "3.4.2026": "2026-04-03",
		"20/11/2026": "2026-11-20", "11/20/2026": "2026-11-20", "5/5/2026": "2026-05-05", "November 20, 2026": "2026-11-20", "20 Nov 2026": "2026-11-20",
		"2026-11-20T10:00:00Z": "2026-11-20T10:00:00Z", "2026-11-20 10:00": "2026-11-20T10:00:00+01:00",
		"November 20, 2026 3:04 PM": "2026-11-20T15:04:00+01:00", "20.11.2026 10:00": "2026-11-20T10:00:00+01:00", "11/20/2026 3:04 PM": "2026-11-20T15:04:00+01:00",
		"2026-11-20 → 2026-11-21": "2026-11-20 → 2026-11-21",
		"2026-02-30":              "!", "tomorrow": "!", "20.13.2026": "!", "1.2.26": "!",
		"3/4/2026": `column "Column": nobody can tell the day of 3/4/2026 from its month`,
	} {
		if got := read(t, p, ',', "", cell); got[0] != want {
			t.Errorf("%q is %s, want %s", cell, got[0], want)
		}
	}
	for _, c := range []struct{ dates, other, want string }{
		{"", "20/11/2026", "2026-04-03"}, {"", "11/20/2026", "2026-03-04"}, {"dmy", "5/5/2026", "2026-04-03"}, {"mdy", "5/5/2026", "2026-03-04"},
	} {
		if got := read(t, p, ',', c.dates, "3/4/2026", c.other); got[0] != c.want {
			t.Errorf("3/4/2026 beside %s with --dates %q is %s, want %s", c.other, c.dates, got[0], c.want)
		}
	}
}

func TestOtherCellsAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind       crm.Kind
		cell, want string
	}{
		{crm.KindCheckbox, "x", "yes"},
		{crm.KindCheckbox, "Ja", "yes"},
		{crm.KindCheckbox, "TRUE", "yes"},
		{crm.KindCheckbox, "nein", ""},
		{crm.KindCheckbox, "perhaps", "!"},
		{crm.KindMultiSelect, "a; b", "a, b"},
		{crm.KindMultiSelect, "a, b", "a, b"},
		{crm.KindSelect, "won", "Won"},
		{crm.KindSelect, "Smith, Sons", "Smith Sons"},
		{crm.KindStatus, "WON", "Won"},
		{crm.KindStatus, "Hot", "!"},
		{crm.KindEmail, " Ana@Example.com ", "Ana@Example.com"},
		{crm.KindEmail, "ana", "!"},
		{crm.KindPhone, "+49 30 1", "+49 30 1"},
		{crm.KindPeople, "Ana", "!"},
	} {
		if got := read(t, crm.Property{Kind: c.kind, Options: []string{"Won"}}, ',', "", c.cell); got[0] != c.want {
			t.Errorf("%s %q is %s, want %s", c.kind, c.cell, got[0], c.want)
		}
	}
}

func FuzzCells(f *testing.F) {
	f.Add("1.234,56", "3/4/2026")
	f.Fuzz(func(t *testing.T, number, day string) {
		read(t, crm.Property{Kind: crm.KindNumber}, ',', "", number)
		read(t, crm.Property{Kind: crm.KindDate}, ',', "dmy", day)
	})
}
