package rules

import (
	"cmp"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dealbell/dealbell/internal/crm"
)

// escape makes what is shown safe for Slack: nothing in it can ping, link or
// begin a line.
func escape(v any) markup {
	if m, ok := v.(markup); ok {
		return m
	}
	return markup(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(oneLine(text(v))))
}

// longestValue is how many characters of one value are shown.
const longestValue = 1000

// oneLine puts a text on one line and takes away what cannot be seen, such
// as marks that turn the direction of writing. The joiners stay where emoji
// and the scripts that need them use them.
func oneLine(s string) string {
	var b strings.Builder
	last, n := ' ', 0
	for _, r := range s {
		switch {
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			if r = ' '; last == ' ' {
				continue
			}
		case (r == '\u200c' || r == '\u200d') && last > '\u02ff': // joiners
		case unicode.Is(unicode.Cf, r):
			continue
		}
		if n++; n > longestValue {
			return strings.TrimSpace(b.String()) + "…"
		}
		b.WriteRune(r)
		last = r
	}
	return strings.TrimSpace(b.String())
}

// text shows anything as text that is not escaped yet.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case markup:
		return string(v)
	case cell:
		return v.text()
	}
	return fmt.Sprint(v)
}

func (c cell) text() string {
	v := c.value
	switch {
	case c.missing:
		return unknown
	case v.Date != nil:
		return c.context.dates(*v.Date)
	case v.Kind == crm.KindCheckbox:
		if v.Check {
			return "yes"
		}
		return "no"
	}
	if all := c.elements(); len(all) > 0 {
		return strings.Join(all, ", ")
	}
	return v.String()
}

// parts are the elements of a list, or what there is as one.
func parts(v any) []string {
	if c, ok := v.(cell); ok {
		if all := c.elements(); len(all) > 0 {
			return all
		}
	}
	if s := text(v); s != "" {
		return []string{s}
	}
	return nil
}

// elements are the members of a list as people know them.
func (c cell) elements() []string {
	switch v := c.value; {
	case len(v.Names) > 0:
		return v.Names
	case len(v.IDs) > 0 && v.Kind == crm.KindRelation:
		return []string{pages(len(v.IDs), v.More)}
	}
	var names []string
	for _, id := range c.value.IDs {
		names = append(names, cmp.Or(c.context.person(id), "somebody"))
	}
	return names
}

// pages stands for related pages, whose titles nobody knows here.
func pages(n int, more bool) string {
	switch {
	case more:
		return fmt.Sprintf("more than %d pages", n)
	case n == 1:
		return "1 page"
	}
	return fmt.Sprintf("%d pages", n)
}

// dates shows days as days and moments by the clock of the zone.
func (in Context) dates(d crm.Date) string {
	show := func(s string) string {
		if len(s) <= len(time.DateOnly) {
			return in.format(s, time.DateOnly)
		}
		return in.format(s, "2006-01-02 15:04")
	}
	if d.End == "" {
		return show(d.Start)
	}
	return show(d.Start) + " → " + show(d.End)
}

// format shows a day or a moment; what is neither stays as it is.
func (in Context) format(s, layout string) string {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.Format(layout)
	}
	moment, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	return moment.In(in.zone()).Format(layout)
}

// digits returns the number that v is, without an exponent; "" for none.
func digits(v any) string {
	s := text(v)
	if c, ok := v.(cell); ok {
		s = c.value.Number.String()
	}
	if _, ok := decimal(s); !ok || len(s) > longestValue {
		return ""
	}
	if strings.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return ""
		}
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strings.TrimPrefix(s, "+")
}

// money shows an amount with its sign; cents only where there are some.
func money(amount, sign string) string {
	exact, ok := new(big.Rat).SetString(amount)
	if !ok {
		return sign + unknown
	}
	shown := strings.TrimSuffix(exact.FloatString(2), ".00")
	if positive, negative := strings.CutPrefix(shown, "-"); negative && positive != "0" {
		return "-" + sign + Grouped(positive)
	}
	return sign + Grouped(strings.TrimPrefix(shown, "-"))
}

// Count shows how many there are of something: "1 lead", "1,200 leads".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Grouped(strconv.Itoa(n)) + " " + many
}

// Grouped puts commas between the thousands of a number such as -1234.5.
func Grouped(number string) string {
	minus := ""
	if rest, negative := strings.CutPrefix(number, "-"); negative {
		minus, number = "-", rest
	}
	whole, fraction, hasFraction := strings.Cut(number, ".")
	var b strings.Builder
	b.WriteString(minus)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if hasFraction {
		b.WriteString("." + fraction)
	}
	return b.String()
}
