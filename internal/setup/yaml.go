package setup

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// head opens a new configuration file.
const head = `# Dealbell's configuration, written by dealbell init. It says only what differs
# from the defaults; deploy/dealbell.yaml shows every key. Secrets and the ids
# of the databases are in dealbell.env. Check with: dealbell check
`

// standardNote stands where nothing differs.
const standardNote = `
# Your databases have all names of the standard CRM: nothing has to be said.
`

// RenderYAML writes a new configuration file.
func (a Answers) RenderYAML() string {
	var b strings.Builder
	b.WriteString(head)
	all := a.settings()
	if len(all) == 0 {
		b.WriteString(standardNote)
	}
	for _, s := range all {
		b.WriteString("\n")
		s.render(&b, "")
	}
	return b.String()
}

const indent = "  "

func (s setting) render(b *strings.Builder, before string) {
	line := before + key(s.key) + ":"
	if s.value != "" {
		line += " " + s.value
	}
	if s.comment != "" {
		line += strings.Repeat(" ", max(2, commentColumn-utf8.RuneCountInString(line))) + "# " + s.comment
	}
	b.WriteString(line + "\n")
	for _, inner := range s.inner {
		inner.render(b, before+indent)
	}
}

// commentColumn is where comments begin if there is room.
const commentColumn = 34

// plain is what YAML reads as text without quotes. Words that it would read as
// something else are left out by reserved.
var (
	plain    = regexp.MustCompile(`^[\p{L}_][\p{L}\p{M}\p{N}_-]*( [\p{L}\p{M}\p{N}_-]+)*$`)
	reserved = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|nan|inf)$`)
)

// quote writes a text as a scalar of YAML.
func quote(s string) string {
	if plain.MatchString(s) && !reserved.MatchString(s) {
		return s
	}
	// Single quotes take everything that can be printed on a line, and leave
	// templates readable.
	if !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == utf8.RuneError || r == 0xfeff
	}) {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	raw, err := json.Marshal(s) // YAML reads strings of JSON
	if err != nil {
		panic(fmt.Sprintf("setup: quote: %v", err)) // strings always encode
	}
	return string(raw)
}

// key writes a key: our own as everybody does, and names of properties safely.
func key(s string) string {
	if s == "off" {
		return s
	}
	return quote(s)
}

func list(items ...string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = quote(item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
