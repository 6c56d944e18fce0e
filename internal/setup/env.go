package setup

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/dealbell/dealbell/internal/secret"
)

// The variables that an environment file may hold; see deploy/dealbell.env.
const (
	EnvToken      = "NOTION_TOKEN"
	EnvContacts   = "NOTION_CONTACTS_DB_ID"
	EnvDeals      = "NOTION_DEALS_DB_ID"
	EnvActivities = "NOTION_ACTIVITIES_DB_ID"
	EnvSlack      = "SLACK_WEBHOOK_URL"
	EnvFormSecret = "FORM_SECRET"
	EnvPublicURL  = "DEALBELL_PUBLIC_URL"
	EnvNotionURL  = "DEALBELL_NOTION_URL"
	EnvConfig     = "DEALBELL_CONFIG"
	EnvData       = "DEALBELL_DATA"
)

// DatabaseVariable is the variable that names the database of a role.
func DatabaseVariable(role Role) string {
	return map[Role]string{Contacts: EnvContacts, Deals: EnvDeals, Activities: EnvActivities}[role]
}

// variables lists what a new file explains, in its order.
var variables = []struct {
	name, comment string
	always        bool // without a value, too, as a line that is commented out
}{
	{EnvToken, "The secret of the Notion connection.", true},
	{EnvContacts, "The databases.", true},
	{EnvDeals, "", true},
	{EnvActivities, "Each message becomes a row here; without it, a paragraph on the contact's page.", true},
	{EnvSlack, "Where it rings: an incoming webhook (api.slack.com/apps, Incoming Webhooks).", true},
	{"SLACK_BOT_TOKEN", "Mentions owners and writes direct messages. Scopes: chat:write, users:read.email.", true},
	{EnvFormSecret, "What the website signs leads with. While rotating, several, separated by commas.", true},
	{EnvPublicURL, "Where the world finds Dealbell.", true},
	{EnvNotionURL, "Another Notion than the real one.", false},
	{EnvConfig, "The configuration beside this file.", false},
	{EnvData, "Where the state is kept.", false},
}

// Env is an environment file: lines of NAME=value, comments and blank lines.
// The zero value is a file that does not exist yet.
type Env struct{ lines []string }

// ParseEnv reads an environment file. Nothing is ever wrong with one: lines
// that it does not understand are kept.
func ParseEnv(content string) Env {
	if content == "" {
		return Env{}
	}
	return Env{strings.Split(strings.TrimSuffix(content, "\n"), "\n")}
}

var assignment = regexp.MustCompile(`^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$`)

// Get returns the value of a variable, "" when it is not set.
func (e Env) Get(name string) string {
	value := ""
	for _, line := range e.lines {
		if m := assignment.FindStringSubmatch(line); m != nil && m[1] == name {
			value = unquoted(strings.TrimSpace(m[2]))
		}
	}
	return value
}

func unquoted(s string) string {
	if n := len(s); n >= 2 && (s[0] == '\'' || s[0] == '"') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// safe is what needs no quotes, neither for systemd nor for a shell.
var safe = regexp.MustCompile(`^[A-Za-z0-9_./:,@%+=-]*$`)

// Set gives a variable a value, in its line if it has one. A value that is
// there stays as it is written.
func (e *Env) Set(name, value string) error {
	if e.Get(name) == value {
		return nil
	}
	if strings.ContainsAny(value, "'\n\r\x00") {
		return fmt.Errorf("set %s: a line of an environment file cannot hold its value", name)
	}
	if !safe.MatchString(value) {
		value = "'" + value + "'"
	}
	line := name + "=" + value
	last := -1
	for i, have := range e.lines {
		m := assignment.FindStringSubmatch(strings.TrimPrefix(strings.TrimSpace(have), "#"))
		if m == nil || m[1] != name {
			continue
		}
		if active := assignment.MatchString(have); active || last < 0 || !assignment.MatchString(e.lines[last]) {
			last = i
		}
	}
	if last >= 0 {
		e.lines[last] = line
		return nil
	}
	for _, v := range variables {
		if v.name == name && v.comment != "" {
			e.lines = append(e.lines, "", "# "+v.comment)
		}
	}
	e.lines = append(e.lines, line)
	return nil
}

// String returns the file's content.
func (e Env) String() string {
	if len(e.lines) == 0 {
		return ""
	}
	return strings.Join(e.lines, "\n") + "\n"
}

// NewEnv is a file with a place for every variable, named as it will be.
func NewEnv(path string) Env {
	e := Env{[]string{"# " + path + ", mode 0600, written by dealbell init. Every variable X may be given as", "# X_FILE instead, naming a file that holds the value."}}
	for _, v := range variables {
		if !v.always {
			continue
		}
		if v.comment != "" {
			e.lines = append(e.lines, "", "# "+v.comment)
		}
		e.lines = append(e.lines, "#"+v.name+"=")
	}
	return e
}

// secrets are the variables whose values are never shown.
var secrets = regexp.MustCompile(`(TOKEN|SECRET|WEBHOOK_URL|PASSWORD|KEY)$`)

// retired is an assignment that somebody has made a comment of.
var retired = regexp.MustCompile(`^\s*#[#\s]*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.+)$`)

// Show returns the file's content for people to see, with secrets left out, old
// ones in comments too. One that is not as in before is marked.
func (e Env) Show(before Env) string {
	shown := make([]string, len(e.lines))
	for i, line := range e.lines {
		m := assignment.FindStringSubmatch(line)
		if shown[i] = line; m != nil && secrets.MatchString(m[1]) && m[2] != "" {
			shown[i] = m[1] + "=" + secret.New(m[2]).String()
			if before.Get(m[1]) != e.Get(m[1]) {
				shown[i] += " (new)"
			}
		}
		if m := retired.FindStringSubmatch(line); m != nil && secrets.MatchString(m[1]) {
			shown[i] = "#" + m[1] + "=" + secret.New(m[2]).String()
		}
	}
	return Env{shown}.String()
}
