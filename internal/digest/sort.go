package digest

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// order is one wish about the order of rows: by the first of some properties
// that is not blank.
type order struct {
	descending bool
	names      []string // createdName is the page's creation
	properties []crm.Property
}

// createdName is written as in conditions.
const createdName = "created()"

func parseOrder(text string) (order, error) {
	name, descending := strings.CutPrefix(strings.TrimSpace(text), "-")
	o := order{descending: descending}
	for part := range strings.SplitSeq(name, "??") {
		part = strings.TrimSpace(part)
		if part == "" {
			return o, crm.WithHint(errors.New("a name is missing"), `write for example sort: [-Value, "Last Contacted ?? created()"]`)
		}
		o.names = append(o.names, part)
	}
	return o, nil
}

// place is where a row stands in one order.
type place struct {
	blank  bool
	number float64
	text   string
}

// places returns where a row stands.
func (b *Bound) places(row crm.Snapshot, zone *time.Location) []place {
	all := make([]place, len(b.sort))
	for i, o := range b.sort {
		all[i] = o.place(row, zone)
	}
	return all
}

func (o order) place(row crm.Snapshot, zone *time.Location) place {
	for _, p := range o.properties {
		if p.Name == createdName {
			return moment(row.CreatedAt)
		}
		if found := placeOf(row.Values[p.ID], p, zone); !found.blank {
			return found
		}
	}
	return place{blank: true}
}

func moment(t time.Time) place { return place{number: float64(t.UnixMilli())} }

// placeOf puts options into the order that they have in Notion.
func placeOf(v crm.Value, p crm.Property, zone *time.Location) place {
	switch {
	case p.Kind == crm.KindCheckbox: // one that is not there is not ticked
		if v.Check {
			return place{number: 1}
		}
		return place{}
	case v.Number != "":
		n, err := v.Number.Float64()
		return place{number: n, blank: err != nil}
	case v.Date != nil:
		at, ok := instant(v.Date.Start, zone)
		found := moment(at)
		found.blank = !ok
		return found
	case len(v.Names) == 1 && len(p.Options) > 0:
		i := slices.IndexFunc(p.Options, func(o string) bool { return crm.SameName(o, v.Names[0]) })
		if i < 0 {
			i = len(p.Options)
		}
		return place{number: float64(i), text: strings.ToLower(v.Names[0])}
	}
	text := strings.ToLower(strings.TrimSpace(v.String()))
	return place{text: text, blank: text == ""}
}

// instant is when a day or a moment begins.
func instant(start string, zone *time.Location) (time.Time, bool) {
	if day, err := time.ParseInLocation(time.DateOnly, start, zone); err == nil {
		return day, true
	}
	at, err := time.Parse(time.RFC3339, start)
	return at, err == nil
}

// compare puts blanks last, whatever the direction.
func (b *Bound) compare(x, y []place) int {
	for i, o := range b.sort {
		if n := o.compare(x[i], y[i]); n != 0 {
			return n
		}
	}
	return 0
}

func (o order) compare(x, y place) int {
	n := cmp.Or(cmp.Compare(x.number, y.number), strings.Compare(x.text, y.text))
	switch {
	case x.blank && y.blank:
		return 0
	case x.blank:
		return 1
	case y.blank:
		return -1
	case o.descending:
		return -n
	}
	return n
}
