package notion

import (
	"strings"
	"unicode"
	"unicode/utf16"
)

// Sizes (https://developers.notion.com/reference/request-limits). Notion
// counts as JavaScript does, in UTF-16 code units.
const (
	longestRun    = 2000 // of one rich text item
	mostRuns      = 100  // in one rich text array
	mostChildren  = 100  // in one array of blocks
	longestOption = 100  // of a select or multi_select name
)

// clean removes what Notion cannot take: control characters other than
// newline and tab, and bytes that are not UTF-8.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case unicode.IsControl(r) && r != '\n' && r != '\t':
			return -1
		}
		return r
	}, s)
}

// split cuts s into pieces of at most limit UTF-16 code units, and not inside
// what a person sees as one character.
func split(s string, limit int) []string {
	var pieces []string
	for s != "" {
		n := fit(s, limit)
		pieces = append(pieces, s[:n])
		s = s[n:]
	}
	return pieces
}

// fit returns the length in bytes of the first piece of s.
func fit(s string, limit int) int {
	units, boundary := 0, 0
	var previous rune
	for i, r := range s {
		if i > 0 && !joined(previous, r) {
			boundary = i
		}
		if units += utf16.RuneLen(r); units > limit && i > 0 {
			if boundary == 0 { // one cluster longer than a piece
				return i
			}
			return boundary
		}
		previous = r
	}
	return len(s)
}

const zeroWidthJoiner = '\u200D'

// joined reports whether b is shown as one character with a before it. It
// knows the frequent cases of Unicode's grapheme clusters, not all.
func joined(a, b rune) bool {
	switch {
	case a == zeroWidthJoiner || b == zeroWidthJoiner:
		return true
	case b >= 0x1F3FB && b <= 0x1F3FF: // skin tones
		return true
	case b >= 0xE0020 && b <= 0xE007F: // tags, as in regional flags
		return true
	case isFlagLetter(a) && isFlagLetter(b):
		return true
	}
	return unicode.Is(unicode.M, b)
}

func isFlagLetter(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// optionName makes a name that a select accepts: commas are not allowed
// (https://developers.notion.com/reference/page-property-values#select).
func optionName(s string) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(clean(s), ",", " ")), " ")
	if pieces := split(s, longestOption); len(pieces) > 1 {
		return strings.TrimSpace(pieces[0])
	}
	return s
}
