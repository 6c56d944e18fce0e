package setup

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// EditYAML puts the answers into a configuration file that is there. Every
// line that says what it should stays as it is; a text or filter that somebody
// wrote is never touched. What cannot be changed safely is returned as left,
// in words for the operator.
func (a Answers) EditYAML(content string) (edited string, left []string, err error) {
	if strings.TrimSpace(content) == "" {
		return a.RenderYAML(), nil, nil
	}
	a.written = Written(content)
	e := &editor{lines: strings.SplitAfter(content, "\n"), ours: a.texts()}
	root, err := parseYAML(content)
	if err != nil {
		return "", nil, err
	}
	e.merge(root, a.settings(), "", "")
	edited = e.apply()
	if _, err := parseYAML(edited); err != nil {
		return content, []string{"the file could not be changed; compare it with deploy/dealbell.yaml"}, nil //nolint:nilerr // it is told as left
	}
	return edited, e.left, nil
}

// texts are what this package has made of the names in the file, or would
// have: a text that is one of them is nobody's own.
func (a Answers) texts() map[string]string {
	before := Answers{Databases: a.Databases, Mapping: Mapping{}}
	for _, role := range Roles() {
		for _, slot := range Slots(role) {
			if before.Mapping[slot] = slot.Name(); a.written != nil {
				if name, ok := a.written[slot]; ok {
					before.Mapping[slot] = name
				}
			}
		}
	}
	found := map[string]string{}
	var walk func(path string, all []setting)
	walk = func(path string, all []setting) {
		for _, s := range all {
			at := strings.TrimPrefix(path+"."+s.key, ".")
			if walk(at, s.inner); s.text {
				found[at] = s.value
			}
		}
	}
	walk("", before.settings())
	return found
}

// editor collects changes by line, so that they do not disturb each other.
type editor struct {
	lines   []string
	ours    map[string]string   // texts that were made from what the file says, by path
	added   map[int][]string    // after this line, counted from 1
	changed map[int]replacement // in this line
	left    []string
}

type replacement struct {
	column   int // in characters, counted from 1
	old, new string
}

// merge puts settings into a mapping whose key stands at path. before is what
// its children are indented by if it has none.
func (e *editor) merge(m *ast.MappingNode, wanted []setting, path, before string) {
	for _, s := range wanted {
		found := find(m, s.key)
		if found == nil {
			e.add(m, s, path, before)
			continue
		}
		at := strings.TrimPrefix(path+"."+s.key, ".")
		switch value := found.Value; {
		case len(s.inner) > 0 && mapping(value) != nil:
			e.merge(mapping(value), s.inner, at, "")
		case len(s.inner) > 0 && value.Type() == ast.NullType:
			e.below(found, s.inner)
		case len(s.inner) > 0:
			e.leave(at, s)
		case !same(value, s.value):
			e.replace(value, s, at)
		}
	}
}

// add inserts a setting as the first child of a mapping, right under its key,
// or at the end of the file.
func (e *editor) add(m *ast.MappingNode, s setting, path, before string) {
	if path == "" {
		e.insert(len(e.lines), "\n"+rendered(s, before))
		return
	}
	if m.IsFlowStyle {
		e.leave(path, setting{key: s.key, value: s.value, inner: s.inner})
		return
	}
	first := m.Values[0].Key.GetToken().Position
	e.insert(parentLine(m), rendered(s, strings.Repeat(" ", first.Column-1)))
}

// below inserts settings under a key that has none yet.
func (e *editor) below(key *ast.MappingValueNode, inner []setting) {
	at := key.Key.GetToken().Position
	for _, s := range inner {
		e.insert(at.Line, rendered(s, strings.Repeat(" ", at.Column-1)+indent))
	}
}

func rendered(s setting, before string) string {
	var b strings.Builder
	s.render(&b, before)
	return b.String()
}

func (e *editor) insert(after int, text string) {
	if e.added == nil {
		e.added = map[int][]string{}
	}
	e.added[after] = append(e.added[after], text)
}

// replace changes a scalar or list that stands on one line.
func (e *editor) replace(n ast.Node, s setting, path string) {
	line, column := n.GetToken().Position.Line, n.GetToken().Position.Column
	old, ok := e.written(n)
	if !ok || s.text && !same(n, e.ours[path]) {
		e.leave(path, s)
		return
	}
	if e.changed == nil {
		e.changed = map[int]replacement{}
	}
	if _, twice := e.changed[line]; twice {
		e.leave(path, s)
		return
	}
	e.changed[line] = replacement{column, old, s.value}
}

// written is how a node stands on its line; not ok when it is of a kind that
// is not replaced, or takes more than one line.
func (e *editor) written(n ast.Node) (old string, ok bool) {
	t := n.GetToken()
	if t.Position.Line > len(e.lines) {
		return "", false
	}
	rest := from(e.lines[t.Position.Line-1], t.Position.Column)
	if list, isList := n.(*ast.SequenceNode); isList && list.IsFlowStyle && list.End != nil && list.End.Position.Line == t.Position.Line {
		after := from(e.lines[t.Position.Line-1], list.End.Position.Column+1)
		return strings.TrimSuffix(rest, after), strings.HasPrefix(rest, "[")
	}
	old = strings.TrimSpace(t.Origin)
	return old, scalar(t) && !strings.ContainsRune(old, '\n') && strings.HasPrefix(rest, old)
}

func scalar(t *token.Token) bool {
	switch t.Type { //nolint:exhaustive // the others are no scalars of one line
	case token.StringType, token.SingleQuoteType, token.DoubleQuoteType, token.BoolType, token.IntegerType, token.FloatType:
		return true
	}
	return false
}

// from is the rest of a line from a column of characters on.
func from(line string, column int) string {
	for range column - 1 {
		_, size := utf8.DecodeRuneInString(line)
		line = line[size:]
	}
	return line
}

// leave tells the operator what to change by hand.
func (e *editor) leave(path string, s setting) {
	wanted := strings.TrimSpace(rendered(setting{key: s.key, value: s.value, inner: s.inner}, ""))
	if len(s.inner) == 0 && strings.HasSuffix(path, s.key) {
		wanted = s.value
	}
	e.left = append(e.left, fmt.Sprintf("%s is kept as it is; proposed: %s", path, strings.Join(strings.Fields(wanted), " ")))
}

func (e *editor) apply() string {
	if n := len(e.lines); n > 0 && e.lines[n-1] == "" { // the file ends with a line break
		e.added = shifted(e.added, n, n-1)
		e.lines = e.lines[:n-1]
	}
	var b strings.Builder
	for i, line := range e.lines {
		if r, ok := e.changed[i+1]; ok {
			rest := from(line, r.column)
			line = strings.TrimSuffix(line, rest) + r.new + strings.TrimPrefix(rest, r.old)
		}
		b.WriteString(line)
		if len(e.added[i+1]) > 0 && !strings.HasSuffix(line, "\n") {
			b.WriteString("\n")
		}
		for _, text := range e.added[i+1] {
			b.WriteString(text)
		}
	}
	return b.String()
}

func shifted(added map[int][]string, from, to int) map[int][]string {
	if texts, ok := added[from]; ok {
		added[to] = append(added[to], texts...)
		delete(added, from)
	}
	return added
}
