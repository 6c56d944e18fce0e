package form

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// parseObject reads a body that is one object.
func parseObject(body []byte) (value, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	var valid json.RawMessage
	if err := d.Decode(&valid); err != nil {
		return value{}, errUnread
	}
	if _, err := d.Token(); valid[0] != '{' || !errors.Is(err, io.EOF) {
		return value{}, errNotObject
	}
	p := parser{rest: valid}
	return p.next(0)
}

// parser takes valid JSON apart.
type parser struct {
	rest  []byte
	count int // of values
}

func (p *parser) next(depth int) (value, error) {
	if p.count++; p.count > maxValues {
		return value{}, errHuge
	}
	switch c := p.peek(); c {
	case '{', '[':
		if depth == maxDepth {
			return value{}, errDeep
		}
		if c == '{' {
			return p.object(depth + 1)
		}
		return p.list(depth + 1)
	case '"':
		return value{kind: text, text: p.quoted()}, nil
	case 't', 'f':
		return value{kind: boolean, text: p.word()}, nil
	case 'n':
		p.word()
		return value{}, nil
	}
	return value{kind: number, text: p.word()}, nil
}

func (p *parser) list(depth int) (value, error) {
	v := value{kind: list}
	err := p.each(']', func() error {
		item, err := p.next(depth)
		v.items = append(v.items, item)
		return err
	})
	return v, err
}

// object reads the members of an object. Of two with one name the last
// counts, as it does for JavaScript.
func (p *parser) object(depth int) (value, error) {
	v, place := value{kind: object}, map[string]int{}
	err := p.each('}', func() error {
		name := p.quoted()
		p.peek()
		p.skip(1) // the colon
		item, err := p.next(depth)
		if i, again := place[name]; again {
			v.items[i] = item
			return err
		}
		place[name] = len(v.items)
		v.members, v.items = append(v.members, name), append(v.items, item)
		return err
	})
	return v, err
}

// each reads the parts of a list or an object, from its opening bracket to
// its end.
func (p *parser) each(end byte, read func() error) error {
	p.skip(1)
	for p.peek() != end {
		if err := read(); err != nil {
			return err
		}
		if p.peek() == ',' {
			p.skip(1)
		}
	}
	p.skip(1)
	return nil
}

func (p *parser) skip(n int) { p.rest = p.rest[n:] }

// peek goes to what is not blank.
func (p *parser) peek() byte {
	for p.rest[0] == ' ' || p.rest[0] == '\n' || p.rest[0] == '\r' || p.rest[0] == '\t' {
		p.skip(1)
	}
	return p.rest[0]
}

// word reads a number, true, false or null.
func (p *parser) word() string {
	n := bytes.IndexAny(p.rest, ",]} \n\r\t")
	word := string(p.rest[:n])
	p.skip(n)
	return word
}

// quoted reads a string.
func (p *parser) quoted() string {
	end := 1
	for ; p.rest[end] != '"'; end++ {
		if p.rest[end] == '\\' {
			end++
		}
	}
	quoted := p.rest[:end+1]
	p.skip(end + 1)
	if bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted) {
		return string(quoted[1:end])
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return "" // it is valid
	}
	return s
}
