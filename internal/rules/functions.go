package rules

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// function is what a template may call.
type function struct {
	least, most int        // arguments
	change      bool       // needs a change
	takes       []crm.Kind // kinds of properties it can show; empty for all
}

var (
	numbers = []crm.Kind{crm.KindNumber, kindFormula, kindRollup}
	dates   = []crm.Kind{crm.KindDate, kindCreatedTime, kindEditedTime, kindFormula, kindRollup}
	people  = []crm.Kind{crm.KindPeople, kindCreatedBy, kindEditedBy}
)

// functions lists what templates may call; scene.functions does it.
var functions = map[string]function{
	"prop":    {least: 1, most: 1},                 // a property of the row
	"title":   {},                                  // the title of the row
	"old":     {change: true},                      // the value before the change
	"new":     {change: true},                      // the value after it
	"by":      {},                                  // the name of who changed the row
	"created": {},                                  // the day the page was made
	"link":    {most: 1},                           // a link to the row, labelled with its title or a text
	"money":   {least: 1, most: 2, takes: numbers}, // $1,234.50, with another sign if given
	"number":  {least: 1, most: 1, takes: numbers}, // 1,234.5
	"date":    {least: 1, most: 2, takes: dates},   // 2026-12-31, or as a Go layout says
	"days":    {least: 1, most: 1, takes: dates},   // days since
	"mention": {least: 1, most: 1, takes: people},  // pings people
	"join":    {least: 2, most: 2},                 // the parts of a list with a separator
	"default": {least: 2, most: 2},                 // a value, or another when it is blank
	"eq":      {least: 2, most: 2},
	"not":     {least: 1, most: 1},
	"and":     {least: 1, most: 9},
	"or":      {least: 1, most: 9},
}

// scene is what a template is rendered for.
type scene struct {
	template *BoundTemplate
	row      Row
	change   crm.Change
	context  Context
}

// cell is a value with what is needed to show it.
type cell struct {
	value   crm.Value
	context Context
	missing bool // the database has no such property
}

// markup is text for Slack that is escaped already.
type markup string

// unknown stands for a property that the database lacks.
const unknown = "?"

func (s scene) functions() template.FuncMap {
	cellOf := func(v crm.Value) cell { return cell{value: v, context: s.context} }
	return template.FuncMap{
		"prop":    s.prop,
		"title":   s.title,
		"old":     func() cell { return cellOf(s.change.Old) },
		"new":     func() cell { return cellOf(s.change.New) },
		"by":      s.by,
		"created": func() cell { return cellOf(s.created()) },
		"link":    s.link,
		"money":   func(v any, sign ...any) string { return money(digits(v), text(slices.Concat(sign, []any{"$"})[0])) },
		"number": func(v any) string {
			return cmp.Or(Grouped(digits(v)), unknownIf(v))
		},
		"date":         s.date,
		"days":         s.days,
		"mention":      mention,
		"join":         func(v, separator any) string { return strings.Join(parts(v), text(separator)) },
		"default":      func(v, other any) any { return either(filled(v), v, other) },
		"eq":           func(a, b any) bool { return crm.SameName(text(a), text(b)) },
		"not":          func(a any) bool { return !filled(a) },
		"and":          func(all ...any) bool { return !slices.ContainsFunc(all, func(a any) bool { return !filled(a) }) },
		"or":           func(all ...any) bool { return slices.ContainsFunc(all, filled) },
		escapeFunction: escape,
		filledFunction: filled,
	}
}

func either(first bool, a, b any) any {
	if first {
		return a
	}
	return b
}

func (s scene) prop(name string) cell {
	p, ok := s.template.properties[name]
	return cell{value: s.row.Values[p.ID], context: s.context, missing: !ok}
}

func (s scene) title() string {
	title := s.row.Values[s.template.title.ID].Text
	if oneLine(title) == "" {
		return "Untitled"
	}
	return title
}

func (s scene) by() string {
	return cmp.Or(s.context.person(cmp.Or(s.row.EditedBy, s.change.EditedBy)), "somebody")
}

// created is blank where nobody knows the day.
func (s scene) created() crm.Value {
	if s.row.CreatedAt.IsZero() {
		return crm.Value{Kind: crm.KindDate}
	}
	return crm.Day(s.context.dayOf(s.row.CreatedAt).Format(time.DateOnly))
}

// longestPath is how long the path of a link may be. Notion puts the title
// into it, of any length; the id alone leads to the page as well.
const longestPath = 300

// link is the label alone where the row has no web address.
func (s scene) link(label ...any) markup {
	shown := escape(s.title())
	if len(label) > 0 {
		shown = escape(label[0])
	}
	u, err := url.Parse(s.row.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return shown
	}
	if len(u.Path) > longestPath {
		u.Path, u.RawPath = "/"+strings.ReplaceAll(s.row.Page, "-", ""), ""
	}
	address := strings.NewReplacer("|", "%7C", "<", "%3C", ">", "%3E").Replace(u.String())
	return markup("<" + string(escape(address)) + "|" + string(shown) + ">")
}

// start returns when a date begins.
func start(v any) (string, bool) {
	c, ok := v.(cell)
	if !ok || c.value.Date == nil {
		return "", false
	}
	return c.value.Date.Start, true
}

func (s scene) date(v any, layout ...any) string {
	begin, ok := start(v)
	if !ok {
		return unknownIf(v)
	}
	if len(layout) > 0 {
		return s.context.format(begin, text(layout[0]))
	}
	return s.context.format(begin, time.DateOnly)
}

func (s scene) days(v any) string {
	begin, _ := start(v)
	day, ok := s.context.day(begin)
	if !ok {
		return unknown
	}
	return fmt.Sprint(daysBetween(day, s.context.today()))
}

// mention makes tokens that the outbox turns into members of Slack.
func mention(v any) markup {
	c, ok := v.(cell)
	if !ok || !slices.Contains(people, c.value.Kind) {
		return ""
	}
	var tokens []string
	for _, id := range c.value.IDs {
		if id != "" && strings.Trim(strings.ToLower(id), "0123456789abcdefghijklmnopqrstuvwxyz-") == "" {
			tokens = append(tokens, "<@"+id+">")
		}
	}
	return markup(strings.Join(tokens, " "))
}

// unknownIf returns "?" for a property that the database lacks.
func unknownIf(v any) string {
	if c, ok := v.(cell); ok && c.missing {
		return unknown
	}
	return ""
}

// filled is what {{if}} asks: whether there is something, and it is not no.
func filled(v any) bool {
	switch v := v.(type) {
	case cell:
		return !empty(v.value) && !v.missing
	case bool:
		return v
	case int:
		return v != 0
	}
	return strings.TrimSpace(text(v)) != ""
}
