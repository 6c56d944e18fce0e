package importer

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/upsert"
)

// habit is how the cells of one column write numbers and dates.
type habit struct {
	decimal  rune // sign before the fraction
	points   bool // some cell can only be read with a decimal point
	commas   bool // some cell can only be read with a decimal comma
	dayFirst bool // some date can only be read with the day first
	dayLast  bool // some date can only be read with the month first
	doubtful string
}

// learn takes in what one cell tells.
func (h *habit) learn(kind crm.Kind, cell string) {
	switch kind {
	case crm.KindNumber:
		sign, sure := decimalSign(bareNumber(cell))
		h.points = h.points || sure && sign == '.'
		h.commas = h.commas || sure && sign == ','
	case crm.KindDate:
		for part := range strings.SplitSeq(cell, arrow) {
			d := numericDate.FindStringSubmatch(strings.TrimSpace(part))
			if d == nil || d[2] == "." || d[1] == d[3] {
				continue
			}
			first, second := len(d[1]) == 2 && d[1] > "12", len(d[3]) == 2 && d[3] > "12"
			h.dayFirst, h.dayLast = h.dayFirst || first, h.dayLast || second
			if !first && !second {
				h.doubtful = part
			}
		}
	}
}

// settle decides what the cells leave open.
func (h *habit) settle(column string, delimiter rune, dates string) error {
	h.decimal = '.'
	if h.commas && !h.points || delimiter == ';' && h.commas == h.points {
		h.decimal = ','
	}
	switch dates {
	case "dmy":
		h.dayFirst, h.dayLast = true, false
	case "mdy":
		h.dayFirst, h.dayLast = false, true
	}
	if h.doubtful != "" && h.dayFirst == h.dayLast {
		return crm.WithHint(fmt.Errorf("column %q: nobody can tell the day of %s from its month", column, strings.TrimSpace(h.doubtful)),
			"say which comes first: --dates dmy or --dates mdy")
	}
	return nil
}

// value turns a cell into what its property holds.
func (h habit) value(p crm.Property, cell string, zone *time.Location) (crm.Value, error) {
	switch p.Kind {
	case crm.KindNumber:
		if number, ok := h.number(cell); ok {
			cell = number
		}
	case crm.KindDate:
		return h.date(p, cell, zone)
	case crm.KindCheckbox:
		cell = checkWord(cell)
	case crm.KindMultiSelect:
		if !strings.Contains(cell, ",") {
			cell = strings.ReplaceAll(cell, ";", ",")
		}
	case crm.KindSelect:
		if _, there := p.Option(cell); !there { // Notion takes no commas
			cell = strings.Join(strings.FieldsFunc(cell, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }), " ")
		}
	case crm.KindEmail:
		email, err := crm.ParseEmail(cell)
		if err != nil {
			return crm.Value{}, err
		}
		cell = email.Typed
	}
	return upsert.Fit(p, cell)
}

// bareNumber takes off what surrounds the digits: spaces between thousands,
// currency signs, the name of a currency.
func bareNumber(cell string) string {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Sc, r) || strings.ContainsRune("'’", r) {
			return -1
		}
		return r
	}, cell)
	return strings.ReplaceAll(currency.ReplaceAllString(digits, "$1$2"), "−", "-")
}

var currency = regexp.MustCompile(`^(-?)(?:[A-Z]{3})?([^A-Za-z]*)(?:[A-Z]{3})?$`)

// decimalSign tells which sign of a number stands before its fraction; "" for
// none of them. It is not sure where three digits follow the only sign.
func decimalSign(number string) (sign rune, sure bool) {
	last := strings.LastIndexAny(number, ".,")
	if last < 0 {
		return 0, false
	}
	sign = rune(number[last])
	other := map[rune]string{'.': ",", ',': "."}[sign]
	before := strings.TrimLeft(number[:last], "-+")
	switch {
	case strings.Contains(number, other):
		return sign, true
	case strings.Count(number, string(sign)) > 1:
		return rune(other[0]), true // it parts thousands
	}
	thousands := len(number)-last-1 == 3 && before != "" && before != "0" && len(before) <= 3
	return sign, !thousands
}

var plainNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// number writes a number as JSON does.
func (h habit) number(cell string) (string, bool) {
	digits := bareNumber(cell)
	sign, sure := decimalSign(digits)
	if !sure && sign != 0 {
		sign = h.decimal
	}
	whole, fraction, split := digits, "", false
	if at := strings.LastIndexByte(digits, byte(sign)); sign != 0 && at >= 0 {
		whole, fraction, split = digits[:at], digits[at+1:], true
	}
	groups := strings.FieldsFunc(whole, func(r rune) bool { return r == '.' || r == ',' })
	for _, group := range groups[min(1, len(groups)):] {
		if len(group) != 3 {
			return "", false
		}
	}
	number := strings.TrimPrefix(strings.Join(groups, ""), "+")
	if number == "" || number == "-" {
		number += "0"
	}
	if split {
		number += "." + fraction
	}
	number = unpadded.ReplaceAllString(number, "$1$2")
	return number, plainNumber.MatchString(number)
}

// unpadded are zeros that JSON does not take before a number.
var unpadded = regexp.MustCompile(`^(-?)0+([0-9])`)

// checkWord turns what people tick a box with into yes or no.
func checkWord(cell string) string {
	switch strings.ToLower(cell) {
	case "x", "✓", "✔", "☑", "y", "t", "sí", "si", "s", "ja", "j", "oui", "o", "sim", "wahr", "verdadero", "vrai", "checked":
		return "yes"
	case "-", "☐", "n", "f", "nein", "non", "não", "nao", "nee", "falsch", "falso", "faux", "unchecked":
		return "no"
	}
	return cell
}
