package digest

import (
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/dealbell/dealbell/internal/slack"
)

// advised is how long a message may be; Slack advises to stay below 4,000
// characters.
const advised = 3900

// letter is what a digest says to one reader.
type letter struct {
	person string // id; "" for the digest's channel
	text   string
}

// body is the text of a letter in parts.
type body struct {
	head  string
	lines []string
	foot  []string // said whatever is left out
	all   int      // rows that the lines are about, or would be
}

// text puts the parts together. Where they are too long, the last lines are
// left out, and it is said how many rows that concerns.
func (b body) text() string {
	text := b.join(len(b.lines))
	for shown := len(b.lines) - 1; shown >= 0 && units(text) > advised; shown-- {
		text = b.join(shown)
	}
	return slack.Cut(text, advised, "")
}

func (b body) join(shown int) string {
	parts := append([]string{b.head}, b.lines[:shown]...)
	if shown < len(b.lines) {
		parts = append(parts, fmt.Sprintf("… and %d more", b.all-shown))
	}
	return strings.Join(append(parts, b.foot...), "\n")
}

// units counts as Slack may: in UTF-16.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
