package slack_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dealbell/dealbell/internal/slack"
)

func TestEscapeTakesTheTeethOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"plain text stays", "Zoë & Søn 株式会社 👩‍👩‍👧", "Zoë &amp; Søn 株式会社 👩‍👩‍👧"},
		{"a channel ping", "<!channel> hi", "&lt;!channel&gt; hi"},
		{"a member ping", "<@U123>", "&lt;@U123&gt;"},
		{"a link with a false label", "<https://evil.example|Invoice>", "&lt;https://evil.example|Invoice&gt;"},
		{"entities show themselves", "&lt;!here&gt;", "&amp;lt;!here&amp;gt;"},
		{"a line of its own", "Ana\n• *Forged*\r\u2028x", "Ana • *Forged*  x"},
		{"control characters", "a\x00b\x1b[31mc\u0085\x7f", "ab[31mc "},
		{"the direction of writing", "a\u202Egnp.exe\u2069", "agnp.exe"},
		{"bytes that are no text", "a\xffb", "a\uFFFDb"},
	} {
		if got := slack.Escape(tt.in); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLinkCannotBeBrokenOutOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, target, label, want string }{
		{"a page", "https://www.notion.so/x-1", "Big deal", "<https://www.notion.so/x-1|Big deal>"},
		{"a query", "https://n.so/x?a=1&b=2", "x", "<https://n.so/x?a=1&amp;b=2|x>"},
		{"a label that closes it", "https://n.so/x", "a>\n<!channel", "<https://n.so/x|a&gt; &lt;!channel>"},
		{"a target that closes it", "https://n.so/?a>b|c <d", "x", "<https://n.so/?a%3Eb%7Cc%20%3Cd|x>"},
		{"no label", "https://n.so/x", "", "<https://n.so/x>"},
		{"a target that runs", "javascript:alert(1)", "x & y", "x &amp; y"},
		{"a ping as a target", "!channel", "x", "x"},
		{"no target", "", "x", "x"},
	} {
		if got := slack.Link(tt.target, tt.label); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCutEndsWhereItMay(t *testing.T) {
	t.Parallel()
	const link = "https://n.so/x"
	for _, tt := range []struct {
		name, in string
		limit    int
		link     string
		want     string
	}{
		{"what fits stays", "one two", 7, link, "one two"},
		{"between words", "one two three", 9, "", "one two…"},
		{"not behind a space", "one two three", 8, "", "one two…"},
		{"inside a word that is too long to lose", strings.Repeat("x", 100), 80, "", strings.Repeat("x", 79) + "…"},
		{"inside a long word behind a short one", "a " + strings.Repeat("x", 100), 80, "", "a " + strings.Repeat("x", 77) + "…"},
		{"with a link", "one two three four five six seven", 30, link, "one two… <https://n.so/x|more>"},
		{"without a link that has no room", "one two three four", 10, link, "one two…"},
		{"without a link that is none", "one two three", 9, "javascript:x", "one two…"},
		{"before an entity", "ab&amp;cd", 7, "", "ab…"},
		{"behind an entity", "ab&amp;cd", 8, "", "ab&amp;…"},
		{"before a ping", "hi <@U12345> there", 12, "", "hi…"},
		{"before a link whose label has spaces", "see <https://n.so|a long label> now", 20, "", "see…"},
		{"before a token that is never closed", "see <https://evil.example and more", 30, "", "see…"},
		{"counting what Slack may count", "🎉🎉🎉", 5, "", "🎉🎉…"},
		{"not inside a letter with its accent", "abe\u0301", 3, "", "ab…"},
		{"not inside a family", "a👩‍👩‍👧b", 7, "", "a…"},
		{"not inside a flag", "🇪🇸🇫🇷!", 7, "", "🇪🇸…"},
		{"not inside a tone of skin", "a👍🏽b", 5, "", "a…"},
		{"nothing but the ellipsis", "abc", 1, link, "…"},
		{"nothing at all", "abc", 0, link, ""},
		{"bytes that are no text", "\xff\xff", 9, "", "\uFFFD"},
	} {
		if got := slack.Cut(tt.in, tt.limit, tt.link); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"<!channel>", "<@U1>", "<https://evil|x>", "&amp;", "a\nb\x00\u202E", "\xff<", "👩‍👩‍👧"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := slack.Escape(s)
		if strings.ContainsAny(got, "<>") || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("Escape(%q) = %q", s, got)
		}
		shown := strings.Map(func(r rune) rune {
			switch {
			case strings.ContainsRune("\t\n\v\f\r\u0085\u2028\u2029", r):
				return ' '
			case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
				return -1
			}
			return r
		}, s)
		if back := unescape(got); back != strings.ToValidUTF8(shown, "\uFFFD") && utf8.ValidString(s) {
			t.Errorf("Escape(%q) shows %q", s, back)
		}
		if again := slack.Escape(unescape(got)); again != got {
			t.Errorf("Escape(%q) = %q, and escaping what it shows gives %q", s, got, again)
		}
	})
}

func unescape(s string) string {
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(s)
}

var tokens = regexp.MustCompile(`<[^>]*>`)

func FuzzCut(f *testing.F) {
	f.Add("one two <!channel> three", "<@U1> & co", 20, "https://n.so/x?a=1&b=2")
	f.Add("<https://n.so|label> x", "<!here", 12, "")
	f.Add("🇪🇸👍🏽e\u0301", "👩‍👩‍👧", 3, "https://n.so/|><!channel>")
	f.Fuzz(func(t *testing.T, before, value string, limit int, link string) {
		escaped := slack.Escape(value)
		got := slack.Cut(escaped, limit, link)
		if strings.ContainsAny(strings.TrimSuffix(got, ending(got)), "<>") {
			t.Errorf("Cut(%q) = %q has a token", escaped, got)
		}
		whole := slack.Escape(before) + " <@U1> " + escaped
		checkCut(t, whole, limit, link)
		checkCut(t, before+value, limit, link) // not escaped: a mistake, still cut well
	})
}

// ending returns the link that Cut put at the end.
func ending(cut string) string {
	if i := strings.LastIndex(cut, "… <http"); i >= 0 {
		return cut[i:]
	}
	return ""
}

func checkCut(t *testing.T, whole string, limit int, link string) {
	t.Helper()
	got := slack.Cut(whole, limit, link)
	if n := len(utf16.Encode([]rune(got))); n > max(limit, 0) || !utf8.ValidString(got) {
		t.Errorf("Cut(%q, %d) = %q is too long or no text", whole, limit, got)
	}
	if again := slack.Cut(got, limit, link); again != got {
		t.Errorf("Cut(%q, %d) = %q, and again %q", whole, limit, got, again)
	}
	valid := strings.ToValidUTF8(whole, "\uFFFD")
	if got == valid || got == "" {
		return
	}
	kept := strings.TrimSuffix(got, "…")
	if link := ending(got); link != "" {
		kept = strings.TrimSuffix(got, link)
	}
	if !strings.HasPrefix(valid, kept) {
		t.Errorf("Cut(%q, %d) = %q is not its beginning", whole, limit, got)
	}
	rest := tokens.ReplaceAllString(kept, "")
	if strings.Contains(rest, "<") || strings.HasSuffix(kept, "&") && strings.HasPrefix(valid[len(kept):], "amp;") {
		t.Errorf("Cut(%q, %d) = %q ends inside a token", whole, limit, got)
	}
}
