package crm_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
)

func number(s string) crm.Value { return crm.Value{Kind: crm.KindNumber, Number: json.Number(s)} }

func checkbox(ticked bool) crm.Value { return crm.Value{Kind: crm.KindCheckbox, Check: ticked} }

func tags(names ...string) crm.Value { return crm.Choice(crm.KindMultiSelect, names...) }

func local(start, zone string) crm.Value {
	return crm.Value{Kind: crm.KindDate, Date: &crm.Date{Start: start, Zone: zone}}
}

func until(start, end string) crm.Value {
	return crm.Value{Kind: crm.KindDate, Date: &crm.Date{Start: start, End: end}}
}

// option is a select with the id of its option.
func option(id, name string) crm.Value { return withIDs(crm.Choice(crm.KindSelect, name), id) }

func withIDs(v crm.Value, ids ...string) crm.Value {
	v.IDs = ids
	return v
}

func people(ids ...string) crm.Value { return crm.Value{Kind: crm.KindPeople, IDs: ids} }

func links(ids ...string) crm.Value { return crm.Value{Kind: crm.KindRelation, IDs: ids} }

func cut(v crm.Value) crm.Value {
	v.More = true
	return v
}

// many is the first n of a long list of ids.
func many(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("id-%02d", i)
	}
	return ids
}

type pair struct {
	name string
	a, b crm.Value
}

func TestAPersonWouldCallTheseTheSame(t *testing.T) {
	t.Parallel()
	text, stage, tag := crm.KindText, crm.KindStatus, crm.KindMultiSelect
	for _, tt := range []pair{
		{"no text and no text", crm.Text(text, ""), crm.Value{Kind: text}},
		{"no text and only spaces", crm.Text(text, ""), crm.Text(text, " \n\u00a0")},
		{"no tags, null or empty", tags(), crm.Value{Kind: tag, Names: []string{}}},
		{"nobody, null or empty", people(), crm.Value{Kind: crm.KindPeople, IDs: []string{}}},
		{"no date and a date without a start", crm.Day(""), crm.Value{Kind: crm.KindDate}},
		{"a property that was not there and one that holds nothing", crm.Value{}, crm.Text(crm.KindEmail, "")},
		{"a property that was not there and an unticked box", crm.Value{}, checkbox(false)},

		{"1000 and 1000.0", number("1000"), number("1000.0")},
		{"1000 and 1e3", number("1000"), number("1e3")},
		{"1000 and 10E+2", number("1000"), number("10E+2")},
		{"0.001 and 1e-3", number("0.001"), number("1e-3")},
		{"0.5 and 5e-1", number("0.50"), number("5e-1")},
		{"0 and -0.0", number("0"), number("-0.0")},
		{"0 and 0e9", number("0"), number("0e9")},
		{"-12.5 and -1.25e1", number("-12.5"), number("-1.25e1")},
		{"2^53+1, written twice", number("9007199254740993"), number("9007199254740993.0")},
		{"a huge number, written twice", number("1e2000000000"), number("10e1999999999")},

		{"one moment in Madrid and in Greenwich", crm.Day("2026-11-20T09:00:00.000+01:00"), crm.Day("2026-11-20T08:00:00.000Z")},
		{"one moment on two days", crm.Day("2026-11-20T23:30:00-05:00"), crm.Day("2026-11-21T05:30:00+01:00")},
		{"one moment as Z and as +00:00", crm.Day("2026-11-20T08:00:00Z"), crm.Day("2026-11-20T08:00:00.000+00:00")},
		{
			"one range with two offsets",
			until("2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00"), until("2026-11-20T08:00:00Z", "2026-11-20T09:00:00Z"),
		},
		{"one day with two zones", local("2026-11-20", "Europe/Madrid"), local("2026-11-20", "")},
		{"one moment with two zones", local("2026-11-20T08:00:00Z", "Europe/Madrid"), local("2026-11-20T08:00:00Z", "")},

		{"tags in another order", tags("a", "b", "c"), tags("c", "a", "b")},
		{"people in another order", people("x", "y"), people("y", "x")},
		{"relations in another order", links("x", "y", "z"), links("z", "y", "x")},
		{"a relation that is listed twice", links("x", "y", "x"), links("x", "y")},

		{"an option that was renamed", option("1", "Won"), option("1", "Closed won")},
		{"an option that was made again under its name", option("1", "Won"), option("2", "Won")},
		{"an option that was made again in capitals", option("1", "won"), option("2", " Won ")},
		{"an option of an older snapshot, without its id", crm.Choice(crm.KindSelect, "Won"), option("1", "Won")},
		{"tags, one renamed", withIDs(tags("a", "b"), "1", "2"), withIDs(tags("b", "aa"), "2", "1")},
		{"tags, one renamed and one made again", withIDs(tags("a", "b"), "1", "2"), withIDs(tags("b", "aa"), "3", "1")},
		{"tags that exchanged their names by way of new ones", withIDs(tags("a", "b"), "1", "2"), withIDs(tags("b", "a"), "1", "3")},
		{"tags of an older snapshot", tags("a", "b"), withIDs(tags("b", "a"), "2", "1")},

		{"a cut list and the whole that it was cut from", cut(links(many(25)...)), links(many(40)...)},
		{"a cut list and a whole that holds no more", cut(people(many(25)...)), people(many(25)...)},
		{"a cut list that shows nothing and any whole", cut(links()), links("x")},
		{"a cut list and itself in another order", cut(links("x", "y")), cut(links("y", "x"))},

		{"a status that became a select", crm.Choice(stage, "Won"), option("1", "Won")},
		{"a select that became a multi-select", option("1", "Won"), withIDs(tags("Won"), "1")},
		{"a text that became a select", crm.Text(text, "Won "), crm.Choice(crm.KindSelect, "Won")},
		{"tags that became a text", tags("a", "b"), crm.Text(text, "a, b")},
		{"a text that became a number", crm.Text(text, "12.5"), number("12.5")},
		{"a text that became a date", crm.Text(text, "2026-11-20"), crm.Day("2026-11-20")},
		{"an empty text that became an empty number", crm.Text(text, ""), number("")},

		{"a ticked box and a ticked box", checkbox(true), checkbox(true)},
		{"a formula that is false and one that says nothing", crm.Value{Kind: "formula"}, crm.Value{Kind: "formula", Check: false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if !tt.a.Same(tt.b) || !tt.b.Same(tt.a) {
				t.Errorf("%#v and %#v are not the same", tt.a, tt.b)
			}
		})
	}
}

func TestAPersonWouldTellTheseApart(t *testing.T) {
	t.Parallel()
	text := crm.KindText
	for _, tt := range []pair{
		{"a text and no text", crm.Text(text, "x"), crm.Text(text, "")},
		{"a text and the text in capitals", crm.Text(text, "won"), crm.Text(text, "Won")},
		{"no number and 0", number(""), number("0")},
		{"a box that is ticked and one that is not", checkbox(true), checkbox(false)},
		{"no property and a ticked box", crm.Value{}, checkbox(true)},
		{"a formula that is true and one that is false", crm.Value{Kind: "formula", Check: true}, crm.Value{Kind: "formula"}},

		{"2^53+1 and 2^53", number("9007199254740993"), number("9007199254740992")},
		{"2^53+1 and 2^53 with an exponent", number("9007199254740993"), number("9007199254740992e0")},
		{"1000 and 100", number("1000"), number("100")},
		{"1000 and -1000", number("1000"), number("-1e3")},
		{"0.1 and 0.01", number("0.1"), number("0.01")},
		{"1.0 and 10", number("1.0"), number("10")},
		{"numbers beyond a float64", number("1e400"), number("1e401")},
		{"what is not a number and 0", number("-"), number("0")},
		{"an exponent that is none and 1", number("1e"), number("1")},
		{"an endless exponent and 0", number("0e99999999999"), number("0")},

		{"a day and its midnight", crm.Day("2026-11-20"), crm.Day("2026-11-20T00:00:00Z")},
		{"a day and the next", crm.Day("2026-11-20"), crm.Day("2026-11-21")},
		{"one clock time at two offsets", crm.Day("2026-11-20T09:00:00+01:00"), crm.Day("2026-11-20T09:00:00Z")},
		{"one clock time in two zones", local("2026-11-20T09:00:00", "Europe/Madrid"), local("2026-11-20T09:00:00", "America/Lima")},
		{"a day and a range from it", crm.Day("2026-11-20"), until("2026-11-20", "2026-11-21")},
		{"a date and none", crm.Day("2026-11-20"), crm.Value{Kind: crm.KindDate}},

		{"an option and none", option("1", "Won"), crm.Value{Kind: crm.KindSelect}},
		{"an option and another", option("1", "Won"), option("2", "Lost")},
		{"an option of an older snapshot and another", crm.Choice(crm.KindSelect, "Won"), option("2", "Lost")},
		{"tags and one more", withIDs(tags("a"), "1"), withIDs(tags("a", "b"), "1", "2")},
		{"tags and one less, renamed", withIDs(tags("a", "b"), "1", "2"), withIDs(tags("aa"), "1")},
		{"tags and one of them twice", tags("a", "b"), tags("a", "a")},
		{"tags, one renamed and one exchanged", withIDs(tags("a", "b"), "1", "2"), withIDs(tags("aa", "c"), "1", "3")},

		{"somebody and somebody else", people("x"), people("y")},
		{"somebody and nobody", people("x"), people()},
		{"a whole list and one more", links(many(24)...), links(many(25)...)},
		{"a cut list and a whole without one of its elements", cut(links(many(25)...)), links(many(40)[1:]...)},
		{"a list of 24 and the cut list that it grew into", people(many(24)...), cut(people(many(25)...))},
		{"two cut lists that show other elements", cut(links(many(25)...)), cut(links(many(26)[1:]...))},

		{"a text that became another option", crm.Text(text, "Won"), crm.Choice(crm.KindSelect, "Lost")},
		{"a status that became another select", withIDs(crm.Choice(crm.KindStatus, "Won"), "1"), option("2", "Lost")},
		{"a text that became an empty number", crm.Text(text, "12 or so"), number("")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.a.Same(tt.b) || tt.b.Same(tt.a) {
				t.Errorf("%#v and %#v are the same", tt.a, tt.b)
			}
		})
	}
}

// FuzzSame builds two values from bytes, of few letters so that they often
// meet: each is the same as itself, neither comes first, and what is equal is
// the same.
func FuzzSame(f *testing.F) {
	for _, seed := range [][]byte{nil, {0}, {4, 1, 2, 9, 4, 1, 2, 9}, []byte("select 1 and 2, dates and tags"), {255, 254, 253, 3, 3, 3, 7, 7, 7, 1, 0, 2}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := source(data)
		a, b := in.value(), in.value()
		if !a.Same(a) || !b.Same(b) {
			t.Errorf("not the same as itself: %#v or %#v", a, b)
		}
		if a.Same(b) != b.Same(a) {
			t.Errorf("%#v and %#v: one way only", a, b)
		}
		if a.Equal(b) && !a.Same(b) {
			t.Errorf("%#v and %#v are equal and not the same", a, b)
		}
		raw, err := json.Marshal(a.IDs)
		var ids []string
		if err != nil || json.Unmarshal(raw, &ids) != nil {
			t.Fatal(err)
		}
		slices.Reverse(ids)
		if c := withIDs(a, ids...); (a.Kind == crm.KindPeople || a.Kind == crm.KindRelation) && !a.Same(c) {
			t.Errorf("%#v is not the same in another order", a)
		}
	})
}

// source makes values from bytes; when they run out all is zero.
type source []byte

func (s *source) pick(n int) int {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return int(b) % n
}

func (s *source) oneOf(list ...string) string { return list[s.pick(len(list))] }

func (s *source) some(list ...string) []string {
	var out []string
	for range s.pick(4) {
		out = append(out, s.oneOf(list...))
	}
	return out
}

func (s *source) value() crm.Value {
	kinds := []crm.Kind{
		"", crm.KindText, crm.KindNumber, crm.KindSelect, crm.KindStatus, crm.KindMultiSelect,
		crm.KindDate, crm.KindCheckbox, crm.KindPeople, crm.KindRelation, "formula",
	}
	v := crm.Value{
		Kind: kinds[s.pick(len(kinds))], Text: s.oneOf("", "", " ", "a", "A", "1", "a, b"),
		Number: json.Number(s.oneOf("", "", "0", "-0", "1", "1.0", "1e0", "10e-1", "-", "1e", "9007199254740993", "9007199254740992e0")),
		Names:  s.some("a", "A ", "b", "\xff"), IDs: s.some("1", "2", "3"),
		Check: s.pick(4) == 3, More: s.pick(4) == 3,
	}
	moments := []string{"", "2026-11-20", "2026-11-20T00:00:00Z", "2026-11-20T01:00:00+01:00", "2026-11-20T00:00:00", "x"}
	if s.pick(2) == 1 {
		v.Date = &crm.Date{Start: s.oneOf(moments...), End: s.oneOf(moments...), Zone: s.oneOf("", "Europe/Madrid")}
	}
	return v
}
