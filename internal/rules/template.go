package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf8"

	"github.com/dealbell/dealbell/internal/crm"
)

// Template is a text with holes, in the language of text/template without
// loops, variables and nested templates. Whatever a hole prints is escaped
// for Slack and put on one line; what stands around it is the operator's.
type Template struct {
	ready *template.Template
	uses  []use
}

// use is a property that a template names, with the function it is given to.
type use struct{ property, function string }

// ParseTemplate reads the text of a digest. It may name the fields, as
// {{.Count}}, which every Execute has to bring. The error names the text and
// the place in it as line:column.
func ParseTemplate(name, text string, fields ...string) (*Template, error) {
	return parseTemplate(name, text, grammar{fields: fields})
}

func parseTemplate(name, text string, g grammar) (*Template, error) {
	if len(text) > longest {
		return nil, fmt.Errorf("%s: is longer than %d characters", name, longest)
	}
	tree, trees := parse.New(name), map[string]*parse.Tree{}
	tree.Mode = parse.SkipFuncCheck
	g.text = text
	_, err := tree.Parse(text, "{{", "}}", trees)
	if err != nil {
		_, problem, _ := strings.Cut(err.Error(), "template: "+name+":")
		return nil, fmt.Errorf("%s: line %s", name, problem)
	}
	delete(trees, name)
	if len(trees) > 0 {
		return nil, fmt.Errorf("%s: templates inside templates are not available", name)
	}
	if err := g.list(tree.Root); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	ready, err := template.New(name).Funcs(scene{}.functions()).AddParseTree(name, tree)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Template{ready: ready, uses: g.uses}, nil
}

// Names returns the names of the properties that the template uses.
func (t *Template) Names() []string {
	var names []string
	for _, u := range t.uses {
		if !slices.ContainsFunc(names, func(n string) bool { return crm.SameName(n, u.property) }) {
			names = append(names, u.property)
		}
	}
	return names
}

// BoundTemplate is a template that knows its database.
type BoundTemplate struct {
	template   *Template
	properties map[string]crm.Property // by name as written
	title      crm.Property
}

// Bind finds the properties that a template names. A nil find asks the
// schema. What is missing shows as "?".
func (t *Template) Bind(schema crm.Schema, find func(string) (crm.Property, bool)) (*BoundTemplate, []Mistake) {
	b := binder{schema, find}
	bound := &BoundTemplate{template: t, properties: map[string]crm.Property{}, title: schema.Title()}
	mistakes := b.missing(t.Names(), false)
	for _, u := range t.uses {
		p, ok := b.property(u.property)
		if !ok {
			continue
		}
		bound.properties[u.property] = p
		if takes := functions[u.function].takes; len(takes) > 0 && !slices.Contains(takes, p.Kind) {
			mistakes = append(mistakes, Mistake{
				Text: fmt.Sprintf("%s cannot show property %q, which is a %s", u.function, p.Name, words(p.Kind)),
				Hint: fmt.Sprintf("write {{prop %q}} to show it as it is", p.Name),
			})
		}
	}
	return bound, mistakes
}

func words(k crm.Kind) string { return strings.ReplaceAll(string(k), "_", " ") }

// Properties returns the ids of the properties that the template uses.
func (t *BoundTemplate) Properties() []string {
	var ids []string
	for _, p := range t.properties {
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Execute renders the text for a row, which may be the zero Row where the
// text speaks of none. The fields are texts and whole numbers.
func (t *BoundTemplate) Execute(row Row, in Context, fields map[string]any) (string, error) {
	return t.render(scene{row: row, context: in}, fields)
}

// room is how many bytes a text may have; Slack advises to stay near 4,000
// characters and cuts at 40,000.
const room = 12_000

// render never fails for what a row holds: a text that is too long is cut.
func (t *BoundTemplate) render(s scene, fields map[string]any) (string, error) {
	s.template = t
	ready, err := t.template.ready.Clone()
	if err != nil {
		return "", fmt.Errorf("render text: %w", err)
	}
	var out page
	err = ready.Funcs(s.functions()).Option("missingkey=error").Execute(&out, fields)
	switch {
	case errors.Is(err, errFull):
		return cut(out.String()) + "…", nil
	case err != nil:
		return "", fmt.Errorf("render text: %w", err)
	}
	return strings.TrimRight(out.String(), " \t\r\n"), nil
}

var errFull = errors.New("the text is too long")

// page is a writer with room for one message.
type page struct{ strings.Builder }

func (p *page) Write(b []byte) (int, error) {
	free := room - p.Len()
	if len(b) <= free {
		return p.Builder.Write(b)
	}
	n, _ := p.Builder.Write(b[:free])
	return n, errFull
}

// cut takes away what the end of a full page has left in halves: a character,
// an &amp; or a <link>.
func cut(s string) string {
	for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	if r, _ := utf8.DecodeLastRuneInString(s); r == utf8.RuneError {
		s = s[:max(0, len(s)-1)]
	}
	if open := strings.LastIndexByte(s, '<'); open > strings.LastIndexByte(s, '>') {
		s = s[:open]
	}
	if open := strings.LastIndexByte(s, '&'); open > strings.LastIndexByte(s, ';') {
		s = s[:open]
	}
	return s
}
