package form

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// value is a value of JSON. Unlike a map it keeps the order of an object's
// members, which is that of the form. The zero value is null.
type value struct {
	kind    kind
	text    string   // of a string; a number's digits; true or false
	items   []value  // of a list or an object
	members []string // their names, of an object
}

type kind int

const (
	null kind = iota
	text
	number
	boolean
	list
	object
)

// parseObject reads a body that is one object.
func parseObject(body []byte) (value, error) {
	p := parser{d: json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))}
	p.d.UseNumber()
	v, err := p.next(0)
	if err != nil {
		return value{}, err
	}
	if _, err := p.d.Token(); v.kind != object || !errors.Is(err, io.EOF) {
		return value{}, errNotObject
	}
	return v, nil
}

type parser struct {
	d     *json.Decoder
	count int
}

func (p *parser) next(depth int) (value, error) {
	token, err := p.d.Token()
	if err != nil {
		return value{}, errUnread
	}
	if p.count++; p.count > maxValues {
		return value{}, errHuge
	}
	switch t := token.(type) {
	case string:
		return value{kind: text, text: t}, nil
	case json.Number:
		return value{kind: number, text: t.String()}, nil
	case bool:
		if t {
			return value{kind: boolean, text: "true"}, nil
		}
		return value{kind: boolean, text: "false"}, nil
	case json.Delim:
		if depth++; depth > maxDepth {
			return value{}, errDeep
		}
		if t == '{' {
			return p.object(depth)
		}
		return p.list(depth)
	}
	return value{}, nil
}

func (p *parser) list(depth int) (value, error) {
	v := value{kind: list}
	for p.d.More() {
		item, err := p.next(depth)
		if err != nil {
			return value{}, err
		}
		v.items = append(v.items, item)
	}
	return v, p.end()
}

// object reads the members of an object. Of two with one name the last
// counts, as it does for JavaScript.
func (p *parser) object(depth int) (value, error) {
	v, place := value{kind: object}, map[string]int{}
	for p.d.More() {
		token, err := p.d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return value{}, errUnread
		}
		item, err := p.next(depth)
		if err != nil {
			return value{}, err
		}
		if i, again := place[name]; again {
			v.items[i] = item
			continue
		}
		place[name] = len(v.items)
		v.members, v.items = append(v.members, name), append(v.items, item)
	}
	return v, p.end()
}

func (p *parser) end() error {
	if _, err := p.d.Token(); err != nil {
		return errUnread
	}
	return nil
}

// sorted orders the members of an object and of all in it by name.
func (v value) sorted() value {
	order := make([]int, len(v.items))
	for i := range order {
		order[i] = i
	}
	if v.kind == object {
		slices.SortFunc(order, func(i, j int) int { return strings.Compare(v.members[i], v.members[j]) })
	}
	s := value{kind: v.kind, text: v.text}
	for _, i := range order {
		s.items = append(s.items, v.items[i].sorted())
		if v.kind == object {
			s.members = append(s.members, v.members[i])
		}
	}
	return s
}

// String flattens a value: a list is joined, an object stays JSON.
func (v value) String() string { return strings.Join(v.leaves(nil), ", ") }

// leaves adds the texts of a value, of a list those of all in it.
func (v value) leaves(found []string) []string {
	switch {
	case v.kind == object:
		return append(found, string(v.appendJSON(nil)))
	case v.kind == list:
		for _, item := range v.items {
			found = item.leaves(found)
		}
	case v.text != "":
		return append(found, v.text)
	}
	return found
}

func (v value) appendJSON(b []byte) []byte {
	switch v.kind {
	case null:
		return append(b, "null"...)
	case text:
		return appendQuoted(b, v.text)
	case list:
		b = append(b, '[')
	case object:
		b = append(b, '{')
	case number, boolean:
		return append(b, v.text...)
	}
	for i, item := range v.items {
		if i > 0 {
			b = append(b, ',')
		}
		if v.kind == object {
			b = append(appendQuoted(b, v.members[i]), ':')
		}
		b = item.appendJSON(b)
	}
	if v.kind == object {
		return append(b, '}')
	}
	return append(b, ']')
}

// appendQuoted leaves <, > and & as they are, for people to read.
func appendQuoted(b []byte, s string) []byte {
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return b // strings always encode
	}
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}
