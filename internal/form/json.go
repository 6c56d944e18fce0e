package form

import (
	"bytes"
	"encoding/json"
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

// get follows a path of members; null where it ends early.
func (v value) get(path ...string) value {
	for _, name := range path {
		i := slices.Index(v.members, name)
		if i < 0 {
			return value{}
		}
		v = v.items[i]
	}
	return v
}

// plain flattens a value for people: a list is joined, of a file the address
// remains, any other object is listed as name: value.
func (v value) plain() string {
	var parts []string
	separator := ", "
	switch v.kind {
	case list:
		for _, item := range v.items {
			text := item.plain()
			if parts = appendPart(parts, "", text); item.kind == object && strings.Contains(text, separator) {
				separator = "; "
			}
		}
	case object:
		for _, name := range [...]string{"url", "file_url"} {
			if file := v.get(name); file.kind == text && file.text != "" {
				return file.text
			}
		}
		for i, item := range v.items {
			parts = appendPart(parts, v.members[i]+": ", item.plain())
		}
	case null, text, number, boolean:
		return v.text
	}
	return strings.Join(parts, separator)
}

func appendPart(parts []string, name, text string) []string {
	if text == "" {
		return parts
	}
	return append(parts, name+text)
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
