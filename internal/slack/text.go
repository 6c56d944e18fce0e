package slack

import (
	"strings"
	"unicode"
)

// Escape makes a value safe to put into a message: it cannot ping, make a
// link with a label, or begin a line of its own. Only &, < and > are escaped
// (https://docs.slack.dev/messaging/formatting-message-text#escaping); line
// breaks and tabs become spaces, other control characters and those that turn
// the direction of writing are dropped, and bytes that are not UTF-8 become
// U+FFFD. Escaping twice shows the entities.
func Escape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case strings.ContainsRune("\t\n\v\f\r\u0085\u2028\u2029", r):
			b.WriteByte(' ')
		case !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Link is a link with a label; neither may be escaped. Of a target that is not
// an http or https URL only the label is left.
func Link(target, label string) string {
	label = Escape(label)
	target, ok := linkTarget(target)
	switch {
	case !ok:
		return label
	case strings.TrimSpace(label) == "":
		return "<" + target + ">"
	}
	return "<" + target + "|" + label + ">"
}

// linkTarget encodes what would end a link or its target.
func linkTarget(s string) (string, bool) {
	u, ok := parseURL(strings.ToValidUTF8(s, ""))
	if !ok {
		return "", false
	}
	return strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C", " ", "%20").Replace(u.String()), true
}
