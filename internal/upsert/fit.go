package upsert

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/dealbell/dealbell/internal/crm"
)

// MisfitError says why a text cannot become the value of a property. Got may quote
// it.
type MisfitError struct{ Expected, Got string }

func (m *MisfitError) Error() string { return fmt.Sprintf("expected %s, got %s", m.Expected, m.Got) }

// Takes reports whether a text can become the value of a property of the kind.
func Takes(kind crm.Kind) bool { return conversions[kind] != nil }

// TextKinds lists the kinds of property that take a text.
func TextKinds() []crm.Kind { return slices.Sorted(maps.Keys(conversions)) }

// Fit turns a text into a value of the property's kind. The error is a
// [*MisfitError]. What it accepts, Notion accepts.
func Fit(p crm.Property, text string) (crm.Value, error) {
	convert, ok := conversions[p.Kind]
	if !ok {
		return crm.Value{}, &MisfitError{"a property that takes text", "one of type " + string(p.Kind)}
	}
	return convert(p, text)
}

var conversions = map[crm.Kind]func(crm.Property, string) (crm.Value, error){
	crm.KindTitle: plain, crm.KindText: plain, crm.KindEmail: plain, crm.KindURL: plain, crm.KindPhone: plain,
	crm.KindSelect:      option,
	crm.KindMultiSelect: options,
	crm.KindStatus:      existingOption,
	crm.KindNumber:      number,
	crm.KindDate:        date,
	crm.KindCheckbox:    checkbox,
}

// longest is how much Notion takes, in UTF-16 code units
// (https://developers.notion.com/reference/request-limits). A text goes in 100
// pieces of 2,000; they are not cut inside of what is seen as one character,
// so that some are a little shorter.
var longest = map[crm.Kind]int{
	crm.KindTitle: 195_000, crm.KindText: 195_000, crm.KindURL: 2000, crm.KindEmail: 200, crm.KindPhone: 200,
}

// plain fits everything up to what Notion takes.
func plain(p crm.Property, text string) (crm.Value, error) {
	units := len(text) // in bytes, of which each unit has one at least
	if units > longest[p.Kind] {
		units = len(utf16.Encode([]rune(text)))
	}
	if units > longest[p.Kind] {
		return crm.Value{}, &MisfitError{fmt.Sprintf("at most %d characters", longest[p.Kind]), strconv.Itoa(units)}
	}
	return crm.Text(p.Kind, text), nil
}

// option uses Notion's spelling of an option that exists; another one is made
// by Notion when it is written.
func option(p crm.Property, text string) (crm.Value, error) {
	if name, ok := p.Option(text); ok {
		text = name
	}
	return crm.Choice(p.Kind, text), nil
}

// mostOptions is how many options one write may name.
const mostOptions = 100

// options takes several answers, which come joined by commas. Notion allows no
// comma in an option: one answer that has some is an option without them, if
// there is such an option.
func options(p crm.Property, text string) (crm.Value, error) {
	if name, ok := p.Option(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }), " ")); ok {
		return crm.Choice(p.Kind, name), nil
	}
	v := crm.Value{Kind: p.Kind}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if name, ok := p.Option(part); ok {
			part = name
		}
		if !slices.ContainsFunc(v.Names, func(have string) bool { return crm.SameName(have, part) }) {
			v.Names = append(v.Names, part)
		}
	}
	if n := len(v.Names); n > mostOptions {
		return crm.Value{}, &MisfitError{fmt.Sprintf("at most %d options", mostOptions), strconv.Itoa(n)}
	}
	return v, nil
}

// existingOption is for status, whose options only people can make.
func existingOption(p crm.Property, text string) (crm.Value, error) {
	name, ok := p.Option(text)
	if !ok {
		return crm.Value{}, &MisfitError{"one of the options " + strings.Join(p.Options, ", "), strconv.Quote(text)}
	}
	return crm.Choice(p.Kind, name), nil
}

func number(p crm.Property, text string) (crm.Value, error) {
	text = strings.TrimSpace(text)
	if _, err := strconv.ParseFloat(text, 64); err != nil || !json.Valid([]byte(text)) {
		return crm.Value{}, &MisfitError{"a number", strconv.Quote(text)}
	}
	return crm.Value{Kind: p.Kind, Number: json.Number(text)}, nil
}

func date(_ crm.Property, text string) (crm.Value, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if _, err := time.Parse(layout, text); err == nil {
			return crm.Day(text), nil
		}
	}
	return crm.Value{}, &MisfitError{"a date such as 2026-11-20", strconv.Quote(text)}
}

func checkbox(p crm.Property, text string) (crm.Value, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return crm.Value{Kind: p.Kind, Check: true}, nil
	case "false", "no", "off", "0":
		return crm.Value{Kind: p.Kind}, nil
	}
	return crm.Value{}, &MisfitError{"yes or no", strconv.Quote(text)}
}
