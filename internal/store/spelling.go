package store

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

// spellingsOf lists how a text may stand in a body: plain, escaped as in JSON,
// or as in a form. SQLite's like knows capitals of ASCII; others are listed.
func spellingsOf(text string) (all []string) {
	for _, s := range []string{text, strings.ToLower(text), strings.ToUpper(text)} {
		form := url.QueryEscape(s)
		all = append(all, s, jsonEscaped(s), form, strings.ReplaceAll(form, "+", "%20"))
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(s string) bool {
		folded := strings.Map(asciiLower, s)
		again := seen[folded]
		seen[folded] = true
		return again
	})
}

// jsonEscaped is a text inside a JSON string of ASCII alone, as many languages
// write it.
func jsonEscaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < 0x80:
			b.WriteRune(r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		}
	}
	return b.String()
}

func asciiLower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}
