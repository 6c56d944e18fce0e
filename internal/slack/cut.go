package slack

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Cut shortens an escaped message to at most limit characters, counted as
// UTF-16 code units, which is the most that Slack can mean. A shortened
// message ends with "…" and, when link is an http or https URL and there is
// room, a link to the rest. It ends between words where that costs little,
// and never inside an entity such as &amp;, a token such as <@U1>, or what is
// shown as one character. What fits is not changed, except that bytes that
// are not UTF-8 become U+FFFD; so to cut twice is to cut once.
func Cut(text string, limit int, link string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if units(text) <= limit {
		return text
	}
	if limit < 1 {
		return ""
	}
	ending := "…"
	if target, ok := linkTarget(link); ok {
		ending += " <" + target + "|more>"
	}
	if units(ending) > limit {
		ending = "…"
	}
	return head(text, limit-units(ending)) + ending
}

func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// longestLoss is how many bytes may be given up to end between words.
const longestLoss = 60

// head returns the beginning of a text that is longer than room.
func head(text string, room int) string {
	end, space := 0, 0 // the last places to cut at, anywhere and between words
	var before seam
	for at := 0; at < len(text); {
		r, _ := utf8.DecodeRuneInString(text[at:])
		if before.splits(r) {
			end = at
			if unicode.IsSpace(r) {
				space = at
			}
		}
		size := token(text[at:])
		if room -= units(text[at : at+size]); room < 0 {
			break
		}
		before.pass(text[at : at+size])
		at += size
	}
	if space > 0 && end-space <= longestLoss {
		end = space
	}
	return strings.TrimRightFunc(text[:end], unicode.IsSpace)
}

// token returns the length of what may not be cut at the beginning of text. A
// token that is never closed reaches to the end, so that it cannot swallow
// what is put behind it.
func token(text string) int {
	switch text[0] {
	case '<':
		if i := strings.IndexByte(text, '>'); i >= 0 {
			return i + 1
		}
		return len(text)
	case '&':
		for _, entity := range []string{"&amp;", "&lt;", "&gt;"} {
			if strings.HasPrefix(text, entity) {
				return len(entity)
			}
		}
	}
	_, size := utf8.DecodeRuneInString(text)
	return size
}

// seam remembers what stands before a place in a text.
type seam struct {
	last  rune
	flags int // regional indicators in a row; two make a flag
}

const (
	joiner       = '\u200D'
	firstRegion  = '\U0001F1E6'
	lastRegion   = '\U0001F1FF'
	firstSkin    = '\U0001F3FB'
	lastSkin     = '\U0001F3FF'
	firstEmojiID = '\U000E0020'
	lastEmojiID  = '\U000E007F'
)

// splits reports whether a text may be cut before r: the essence of
// Unicode's grapheme clusters (https://unicode.org/reports/tr29/), without
// the parts of a Hangul syllable.
func (s *seam) splits(r rune) bool {
	switch {
	case unicode.Is(unicode.M, r), r == joiner, s.last == joiner:
		return false
	case firstSkin <= r && r <= lastSkin, firstEmojiID <= r && r <= lastEmojiID:
		return false
	}
	return !isRegion(r) || s.flags%2 == 0
}

// pass moves behind a token.
func (s *seam) pass(token string) {
	s.last, _ = utf8.DecodeLastRuneInString(token)
	if isRegion(s.last) {
		s.flags++
	} else {
		s.flags = 0
	}
}

func isRegion(r rune) bool { return firstRegion <= r && r <= lastRegion }
