package sandbox

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var ping = regexp.MustCompile(`<(!channel|!here|!everyone|!subteam\^[A-Z0-9]+|@[UW][A-Z0-9]+)(?:\|[^<>]*)?>`)

// Pings lists what would notify someone in a text of mrkdwn, without labels:
// "<!channel>", "<!here>", "<!everyone>", "<!subteam^S…>" and "<@U…>".
func Pings(text string) []string {
	var out []string
	for _, m := range ping.FindAllStringSubmatch(text, -1) {
		out = append(out, "<"+m[1]+">")
	}
	return out
}

// span is a stretch of a message with one look.
type span struct {
	Text                       string
	Bold, Italic, Strike, Code bool
	Ping                       bool
	Link                       string
}

var mark = regexp.MustCompile("<([^<>\n]+)>|`([^`\n]+)`|\\*([^*\n]+)\\*|_([^_\n]+)_|~([^~\n]+)~")

// spans takes mrkdwn apart. Nothing in it is HTML: the template escapes it.
func (s *Slack) spans(text string, look span) []span {
	var out []span
	plain := func(part string) {
		if part != "" {
			next := look
			next.Text = emoji(unescape(part))
			out = append(out, next)
		}
	}
	rest, done := text, 0
	for {
		m := mark.FindStringSubmatchIndex(rest[done:])
		if m == nil {
			plain(rest)
			return out
		}
		start, end := done+m[0], done+m[1]
		if rest[start] != '<' && !bounded(rest, start, end) {
			done = start + 1
			continue
		}
		plain(rest[:start])
		out = append(out, s.marked(rest[start], rest[start+1:end-1], look)...)
		rest, done = rest[end:], 0
	}
}

func (s *Slack) marked(sign byte, inner string, look span) []span {
	switch sign {
	case '<':
		return []span{s.reference(inner, look)}
	case '`':
		look.Code, look.Text = true, unescape(inner)
		return []span{look}
	case '*':
		look.Bold = true
	case '_':
		look.Italic = true
	default:
		look.Strike = true
	}
	return s.spans(inner, look)
}

// reference is what stands between < and >.
func (s *Slack) reference(inner string, look span) span {
	target, label, labelled := strings.Cut(inner, "|")
	look.Text = unescape(target)
	if labelled {
		look.Text = unescape(label)
	}
	switch {
	case strings.HasPrefix(target, "@"):
		look.Ping = true
		if m := s.member(target[1:]); m != nil {
			look.Text = "@" + m.name
		}
	case strings.HasPrefix(target, "#"):
		if c := s.channel(target[1:]); c != nil {
			look.Text = "#" + c.name
		}
	case len(Pings("<"+inner+">")) > 0:
		look.Ping = true
		look.Text = "@" + strings.TrimPrefix(target, "!")
	case strings.HasPrefix(target, "https://"), strings.HasPrefix(target, "http://"), strings.HasPrefix(target, "mailto:"):
		look.Link = unescape(target)
	}
	return look
}

// bounded says that a mark begins and ends at the edge of a word.
func bounded(s string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:start])
	after, _ := utf8.DecodeRuneInString(s[end:])
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	first, last := s[start+1], s[end-2]
	return !inWord(before) && !inWord(after) && first != ' ' && last != ' '
}

func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// emoji turns the few names that the demo uses into characters.
func emoji(s string) string {
	return strings.NewReplacer(
		":tada:", "🎉", ":bell:", "🔔", ":broken_heart:", "💔", ":handshake:", "🤝",
		":coffee:", "☕", ":warning:", "⚠️", ":white_check_mark:", "✅", ":moneybag:", "💰",
	).Replace(s)
}
