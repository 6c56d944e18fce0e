package crm

import (
	"encoding/json"
	"slices"
	"strings"
)

// Value is what a property holds, as Notion wrote it. The zero of each field
// means "nothing there"; a number 0 is not the same as no number.
type Value struct {
	Kind   Kind        `json:"kind"`
	Text   string      `json:"text,omitempty"`   // title, rich_text, email, url, phone_number: plain text
	Number json.Number `json:"number,omitempty"` // number: the digits as Notion sent them, "" for none
	Names  []string    `json:"names,omitempty"`  // select, status (0 or 1), multi_select: option names
	Date   *Date       `json:"date,omitempty"`
	Check  bool        `json:"check,omitempty"`
	IDs    []string    `json:"ids,omitempty"`  // people, relation: normalised ids; options: theirs, in the order of Names
	More   bool        `json:"more,omitempty"` // Notion cut the list (25 people or relations)
}

// Date is a day or a moment, or a range of either, in ISO 8601 as Notion
// writes it. A day without a time stays a day.
type Date struct {
	Start string `json:"start"`
	End   string `json:"end,omitempty"`
	Zone  string `json:"zone,omitempty"`
}

// Text returns a value of one of the plain-text kinds.
func Text(kind Kind, s string) Value { return Value{Kind: kind, Text: s} }

// Choice returns a select, status or multi_select value.
func Choice(kind Kind, names ...string) Value { return Value{Kind: kind, Names: names} }

// Day returns a date value that starts at a day (YYYY-MM-DD) or a moment.
func Day(start string) Value { return Value{Kind: KindDate, Date: &Date{Start: start}} }

// Blank reports whether the property holds nothing, as a person would see it.
// An unticked checkbox is not blank: somebody may have unticked it. Nor is a
// list that Notion cut to nothing.
func (v Value) Blank() bool {
	return strings.TrimSpace(v.Text) == "" && v.Number == "" && len(v.Names) == 0 && len(v.IDs) == 0 &&
		(v.Date == nil || *v.Date == Date{}) && !v.Check && !v.More && v.Kind != KindCheckbox
}

// Equal reports whether two values are the same in every letter; [Value.Same]
// asks what a person would say.
func (v Value) Equal(w Value) bool {
	return v.Kind == w.Kind && v.Text == w.Text && v.Number == w.Number && v.Check == w.Check &&
		v.More == w.More && slices.Equal(v.Names, w.Names) && slices.Equal(v.IDs, w.IDs) &&
		(v.Date == w.Date || v.Date != nil && w.Date != nil && *v.Date == *w.Date)
}

// String shows the value as text, for messages to people.
func (v Value) String() string {
	switch {
	case v.Text != "":
		return v.Text
	case v.Number != "":
		return v.Number.String()
	case len(v.Names) > 0:
		return strings.Join(v.Names, ", ")
	case v.Date != nil && v.Date.End != "":
		return v.Date.Start + " → " + v.Date.End
	case v.Date != nil:
		return v.Date.Start
	case len(v.IDs) > 0:
		return strings.Join(v.IDs, ", ")
	case v.Check:
		return "yes"
	}
	return ""
}
