package cli

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// terminal shows what strangers and Notion say: characters that move the
// cursor, colour, hide or turn the text around it become visible. Only line
// breaks and tabs pass, of which a table is made; a value in a table goes
// through oneLine first. The escapes are those of JSON, so that JSON stays
// what it is.
type terminal struct{ io.Writer }

// Write implements io.Writer.
func (t terminal) Write(p []byte) (int, error) {
	if _, err := io.WriteString(t.Writer, visible(string(p), "\n\t")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// oneLine makes a value safe to stand in a line or a table.
func oneLine(s string) string { return visible(s, "") }

// visible escapes what has no glyph, but for the characters to keep and the
// joiners that some scripts and emoji need.
func visible(s, keep string) string {
	var b strings.Builder
	for rest := s; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, rest[0])
		case unicode.IsGraphic(r) || r == zeroWidthNonJoiner || r == zeroWidthJoiner || strings.ContainsRune(keep, r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		rest = rest[size:]
	}
	return b.String()
}

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// shown makes the texts of a log record visible, for a log that is coloured
// and so cannot go through a terminal.
func shown(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); {
	case v.Kind() == slog.KindString:
		a.Value = slog.StringValue(oneLine(v.String()))
	case v.Kind() == slog.KindAny && a.Key != slog.LevelKey:
		a.Value = slog.StringValue(oneLine(fmt.Sprint(v.Any())))
	}
	return a
}
