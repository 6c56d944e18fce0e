package crm

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mention is a place in a text that names an address.
type Mention struct {
	Start, End int    // bytes of the text
	Typed      string // what stands there, without escapes
}

// Mentions finds the places of a text that name the address: in every
// spelling with the same key, plain, URL-encoded (ana%40example.com) or
// escaped as in JSON (ana\u0040example.com). An address of which this one is
// only a part, as joana@example.com, is another one.
func (e Email) Mentions(text []byte) []Mention {
	var found []Mention
	from := 0
	for {
		at := nextAt(text, from)
		if at.size == 0 {
			return found
		}
		m, named := e.around(text, at)
		if named {
			found = append(found, m)
		}
		from = max(at.end(), m.End)
	}
}

// Redact returns the text with something else in place of the address.
func (e Email) Redact(text []byte, instead string) []byte {
	var out []byte
	end := 0
	for _, m := range e.Mentions(text) {
		out = append(append(out, text[end:m.Start]...), instead...)
		end = m.End
	}
	return append(out, text[end:]...)
}

// letter is one character of a text, perhaps written as an escape.
type letter struct {
	r           rune
	start, size int // size 0 for none
}

func (l letter) end() int      { return l.start + l.size }
func (l letter) escaped() bool { return l.size > utf8.RuneLen(l.r) }

// ats are the ways to write @.
var ats = [...]string{"@", "%40", `\u0040`}

func nextAt(text []byte, from int) letter {
	next := letter{r: '@', start: len(text)}
	for _, at := range ats {
		if i := bytes.Index(text[from:min(len(text), next.start+len(at))], []byte(at)); i >= 0 {
			next.start, next.size = from+i, len(at)
		}
	}
	return next
}

// longest is more than any address has of characters on one side.
const longest = 250

// around looks whether the @ is that of the address.
func (e Email) around(text []byte, at letter) (Mention, bool) {
	key, _, _ := strings.Cut(e.Key, "@")
	encoded := at.size == len("%40") // where + is a space, and = and & separate fields
	var before, after []letter
	for pos := at.start; len(before) < longest; {
		l := letterBefore(text, pos)
		if l.size == 0 || !inLocal(l.r, key) || encoded && !l.escaped() && strings.ContainsRune("+=&", l.r) {
			break
		}
		before, pos = append(before, l), l.start
	}
	for pos := at.end(); len(after) < longest; {
		l := letterAt(text, pos)
		if l.size == 0 || !inDomain(l.r) {
			break
		}
		after, pos = append(after, l), l.end()
	}
	slices.Reverse(before)
	for len(after) > 0 && !inWord(after[len(after)-1].r) { // the end of a sentence
		after = after[:len(after)-1]
	}
	for len(before) > 0 && len(after) > 0 {
		typed := spell(before) + "@" + spell(after)
		if other, err := ParseEmail(typed); err == nil && other.Key == e.Key {
			return Mention{before[0].start, after[len(after)-1].end(), typed}, true
		}
		if inWord(before[0].r) {
			break
		}
		before = before[1:] // a dash or a quote in front of it
	}
	return Mention{}, false
}

func spell(letters []letter) string {
	var s strings.Builder
	for _, l := range letters {
		s.WriteRune(l.r)
	}
	return s.String()
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// inLocal reports whether a character can be part of what stands before the
// @. Rare ones count only where the address that is looked for has them:
// elsewhere they separate.
func inLocal(r rune, key string) bool {
	return inWord(r) || strings.ContainsRune("._+-'", r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(key, r)
}

func inDomain(r rune) bool {
	return inWord(r) || strings.ContainsRune(".-。．｡", r) || unicode.Is(unicode.Cf, r)
}

// letterAt reads the character that begins at a place.
func letterAt(text []byte, pos int) letter {
	rest := text[pos:]
	if len(rest) == 0 {
		return letter{}
	}
	if len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		if r, ok := hex(rest[2:6]); ok {
			return letter{r, pos, 6}
		}
	}
	var encoded []byte
	for len(rest) >= 3*len(encoded)+3 && rest[3*len(encoded)] == '%' && len(encoded) < utf8.UTFMax {
		b, ok := hex(rest[3*len(encoded)+1 : 3*len(encoded)+3])
		if !ok {
			break
		}
		encoded = append(encoded, byte(b))
	}
	if r, n := utf8.DecodeRune(encoded); r != utf8.RuneError {
		return letter{r, pos, 3 * n}
	}
	if rest[0] == '\\' {
		return letter{'\\', pos, min(2, len(rest))} // an escape of JSON, no part of an address
	}
	r, n := utf8.DecodeRune(rest)
	return letter{r, pos, n}
}

// letterBefore reads the character that ends at a place.
func letterBefore(text []byte, pos int) letter {
	for n := 1; n <= utf8.UTFMax; n++ { // %C3%BC
		if pos < 3*n || text[pos-3*n] != '%' {
			break
		}
		if l := letterAt(text[:pos], pos-3*n); l.end() == pos && l.size == 3*n {
			return l
		}
	}
	if pos >= 6 && text[pos-6] == '\\' && text[pos-5] == 'u' {
		if l := letterAt(text[:pos], pos-6); l.end() == pos {
			return l
		}
	}
	if pos >= 2 && text[pos-2] == '\\' { // \n and its like
		return letter{'\\', pos - 2, 2}
	}
	r, n := utf8.DecodeLastRune(text[:pos])
	return letter{r, pos - n, n}
}

func hex(digits []byte) (rune, bool) {
	n, err := strconv.ParseUint(string(digits), 16, 16)
	return rune(n), err == nil
}
