package crm

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Same reports whether a person would call two values of one property the
// same, however Notion spells them: the order of people, relations and tags
// does not count, nor does how a number or a moment is written. An option is
// the same after it was renamed, and after it was made anew under its name.
// A list that Notion cut is the same as a whole one that holds all it shows.
// A property that was given another type is the same if it reads the same.
func (v Value) Same(w Value) bool {
	switch {
	case v.Blank() && w.Blank():
		return true
	case v.Kind.hasOptions() && w.Kind.hasOptions():
		return sameOptions(v, w)
	case v.Kind != w.Kind:
		return strings.TrimSpace(v.String()) == strings.TrimSpace(w.String())
	}
	return v.Text == w.Text && v.Check == w.Check && sameNumber(v.Number, w.Number) && sameDate(v.Date, w.Date) &&
		sameNames(v.Names, w.Names) && sameList(v, w)
}

func (k Kind) hasOptions() bool {
	return k == KindSelect || k == KindStatus || k == KindMultiSelect
}

// sameOptions takes away the options that both sides know by id, and compares
// the names of the rest. Without the ids, which older snapshots lack, the
// names decide alone.
func sameOptions(v, w Value) bool {
	if len(v.Names) != len(w.Names) {
		return false
	}
	if sameNames(v.Names, w.Names) {
		return true
	}
	return len(v.IDs) == len(v.Names) && len(w.IDs) == len(w.Names) && sameNames(v.namesBesides(w.IDs), w.namesBesides(v.IDs))
}

// namesBesides returns the names of the options whose ids are not given.
func (v Value) namesBesides(ids []string) []string {
	var names []string
	for i, name := range v.Names {
		if !slices.Contains(ids, v.IDs[i]) {
			names = append(names, name)
		}
	}
	return names
}

func sameNames(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	rest := slices.Clone(b)
	for _, name := range a {
		i := slices.IndexFunc(rest, func(s string) bool { return SameName(name, s) })
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return true
}

func sameList(v, w Value) bool {
	a, b := set(v.IDs), set(w.IDs)
	switch {
	case v.More == w.More:
		return slices.Equal(a, b)
	case v.More:
		return contains(b, a)
	}
	return contains(a, b)
}

func set(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// contains reports whether a sorted list holds all of another.
func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool {
		_, found := slices.BinarySearch(all, s)
		return !found
	})
}

func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, okX := parseDecimal(a)
	y, okY := parseDecimal(b)
	return okX && okY && x == y
}

func sameDate(a, b *Date) bool {
	if a == nil || b == nil {
		return a == b
	}
	return sameMoment(a.Start, a.Zone, b.Start, b.Zone) && sameMoment(a.End, a.Zone, b.End, b.Zone)
}

// sameMoment compares moments as moments, and else what is written: a day is
// not the midnight it begins with, and a time without an offset needs its zone.
func sameMoment(a, zoneA, b, zoneB string) bool {
	x, errX := time.Parse(time.RFC3339, a)
	y, errY := time.Parse(time.RFC3339, b)
	if errX == nil && errY == nil {
		return x.Equal(y)
	}
	return a == b && (zoneA == zoneB || len(a) <= len(time.DateOnly))
}

// decimal is a number in a form that equal numbers share, exact whatever its
// size: ±0.digits × 10^exponent, without zeros at either end.
type decimal struct {
	negative bool
	digits   string
	exponent int64
}

func parseDecimal(n json.Number) (decimal, bool) {
	s, negative := strings.CutPrefix(n.String(), "-")
	exponent := int64(0)
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.ParseInt(s[i+1:], 10, 32)
		if err != nil {
			return decimal{}, false
		}
		s, exponent = s[:i], e
	}
	whole, fraction, _ := strings.Cut(s, ".")
	all := whole + fraction
	if all == "" || strings.Trim(all, "0123456789") != "" {
		return decimal{}, false
	}
	digits := strings.TrimLeft(all, "0")
	if digits == "" {
		return decimal{}, true // -0 is 0
	}
	exponent += int64(len(whole) - (len(all) - len(digits)))
	return decimal{negative, strings.TrimRight(digits, "0"), exponent}, true
}
