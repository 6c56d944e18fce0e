package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/secret"
)

func load(t *testing.T, yaml string, env map[string]string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dealbell.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(config.Source{Getenv: func(k string) string { return env[k] }, File: path})
}

func TestTheEnvironmentAloneIsTheStandardCRM(t *testing.T) {
	t.Parallel()
	c, err := load(t, "", map[string]string{
		"NOTION_TOKEN": "ntn_1", "NOTION_CONTACTS_DB_ID": "0123456789abcdef0123456789ABCDEF",
		"FORM_SECRET": "new, old,", "DEALBELL_NOTION_URL": "http://127.0.0.1:9",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckServe(); err != nil {
		t.Errorf("CheckServe: %v", err)
	}
	if c.Contacts.ID != "01234567-89ab-cdef-0123-456789abcdef" {
		t.Errorf("contacts id = %q, want it in Notion's dashed form", c.Contacts.ID)
	}
	if len(c.FormSecrets) != 2 || c.FormSecrets[1].Reveal() != "old" {
		t.Errorf("got %d form secrets, want the two of the list", len(c.FormSecrets))
	}
	if c.Listen != "127.0.0.1:3000" || c.AdminListen != "127.0.0.1:3001" || c.Notion.Rate != 2.5 || c.Notion.Burst != 3 {
		t.Errorf("defaults differ: %+v", c)
	}
}

func TestTheFileOverridesTheStandard(t *testing.T) {
	t.Parallel()
	c, err := load(t, `
timezone: Europe/Lisbon
contacts:
  id: ffffffffffffffffffffffffffffffff
  poll: 1m
lead:
  key: E-mail
  last_contacted: ""
  fields: {Message: Anfrage, phone: Telefon, utm_source: ""}
  initial: {Status: Neu}
`, map[string]string{"NOTION_CONTACTS_DB_ID": "00000000000000000000000000000000"})
	if err != nil {
		t.Fatal(err)
	}
	m, website := c.Lead.Mapping(), c.LeadForms()[lead.Website]
	want := map[string]string{"name": "Name", "company": "Company", "Message": "Anfrage", "phone": "Telefon"}
	if diff := cmp.Diff(want, website.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"Status": "Neu"}, website.Values); diff != "" {
		t.Errorf("initial (-want +got):\n%s", diff)
	}
	if website.Message != "Anfrage" {
		t.Errorf("messages go to %q, want Anfrage", website.Message)
	}
	if m.Key != "E-mail" || m.Touch != "" || c.Zone.String() != "Europe/Lisbon" || time.Duration(c.Contacts.Poll) != time.Minute {
		t.Errorf("got key %q, touch %q, zone %s, poll %v", m.Key, m.Touch, c.Zone, time.Duration(c.Contacts.Poll))
	}
	if !strings.HasPrefix(c.Contacts.ID, "ffffffff-") {
		t.Errorf("contacts id = %q, want the file's", c.Contacts.ID)
	}
}

func TestSecretsMayComeFromFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("ntn_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, "", map[string]string{"NOTION_TOKEN_FILE": path})
	if err != nil || c.NotionToken.Reveal() != "ntn_file" {
		t.Fatalf("got %v, %v; want the token of the file without its newline", c, err)
	}
	_, err = load(t, "", map[string]string{"NOTION_TOKEN_FILE": path, "NOTION_TOKEN": "x"})
	if err == nil || !strings.Contains(err.Error(), "both set") {
		t.Errorf("both set: err = %v, want a refusal", err)
	}
	_, err = load(t, "", map[string]string{"FORM_SECRET_FILE": path + ".missing"})
	if err == nil || !strings.Contains(err.Error(), "FORM_SECRET_FILE") {
		t.Errorf("missing file: err = %v, want one that names the variable", err)
	}
}

func TestMistakesAreNamedWithAHint(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, yaml, problem, hint string }{
		{"unknown key", "contact:\n  id: x\n", `:1:1: unknown key "contact"`, `did you mean "contacts"?`},
		{"unknown nested key", "notion:\n  rat: 3\n", `:2:3: unknown key "rat"`, `did you mean "rate"?`},
		{"unknown key far from all", "zzzzzzzz: 1\n", `:1:1: unknown key "zzzzzzzz"`, "annotated example"},
		{"wrong type", "notion:\n  rate: fast\n", ":2:9:", "annotated example"},
		{"not YAML", "contacts: [\n", ":1:", "annotated example"},
		{"duplicate key", "data: a\ndata: b\n", ":2:1:", "annotated example"},
		{"bad zone", "timezone: Mars/Olympus\n", `"Mars/Olympus" is not a known time zone`, "Europe/Lisbon"},
		{"bad address", "listen: nowhere\n", "is not host:port", "127.0.0.1:3000"},
		{"a link without an id", "contacts: {id: 'https://www.notion.so/acme'}\n", "holds no Notion id", "copy its link"},
		{"bad URL", "notion: {url: 'ftp://x'}\n", "is not an http(s) URL", "real Notion"},
		{"an address of a page instead of a site", "public_url: https://crm.example.com/lead\n", "is not the address of a site", "https://crm.example.com"},
		{"a URL among host names", "private_hosts: [chat.example.com, 'https://chat.example.com']\n", `private_hosts: "https://chat.example.com" is not a host name`, "the name alone"},
		{"too fast", "notion: {rate: 100}\n", "notion.rate", "2.5"},
		{"burst of none", "notion: {burst: 0}\n", "notion.burst", "3"},
		{"polling without pause", "contacts: {poll: 1s}\n", "contacts.poll", "5m"},
		{"unknown key of a rule", "rules:\n  won: {chanel: sales}\n", `:2:9: unknown key "chanel"`, `did you mean "channel"?`},
		{"unknown key in a rule's when", "rules:\n  x: {when: {proprty: Stage}}\n", `:2:14: unknown key "proprty"`, `did you mean "property"?`},
		{"unknown key of a digest", "digests:\n  x: {schedul: '09:00'}\n", `unknown key "schedul"`, `did you mean "schedule"?`},
		{"rule without a transition", "rules: {x: {when: {property: Stage}, text: x}}\n", `rule "x": when: must have exactly one of becomes, changes and is`, "becomes: Won"},
		{"rule of an unknown database", "rules: {won: {database: dels}}\n", `rule "won": there is no database "dels"`, `did you mean "deals"?`},
		{"rule to an unknown channel", "slack: {channels: {sales: 'https://x.example/y'}}\nrules: {won: {channel: slaes}}\n", `rule "won": there is no channel "slaes"`, `did you mean "sales"?`},
		{"condition that is none", "rules: {won: {if: 'Value >'}}\n", `rule "won": if: `, ""},
		{"text that is none", "rules: {won: {text: '{{titel}}'}}\n", `rule "won": text: `, `did you mean "title"?`},
		{"switching off what is not there", "rules: {wonn: {off: true}}\n", "no default rule of this name", `did you mean "won"?`},
		{"digest that never comes", "digests: {stale-leads: {schedule: '0 0 31 2 *'}}\n", "never comes", "day of the month"},
		{"schedule with a zone and no time", "digests: {stale-leads: {schedule: 'TZ=Europe/Madrid'}}\n", "has a time zone but no time", "09:00"},
		{"digest of an unknown database", "digests: {x: {schedule: '09:00', database: contcts}}\n", `there is no database "contcts"`, `did you mean "contacts"?`},
		{"hours that are none", "slack: {quiet_hours: 8pm-8am}\n", "slack.quiet_hours", "20:00-08:00"},
		{"webhook file that is missing", "slack: {channels: {sales: 'file:/absent'}}\n", "slack.channels.sales", "incoming webhook"},
		{"bad Slack URL", "slack: {url: slack}\n", "DEALBELL_SLACK_URL", "real Notion or Slack"},
		{"polling deals without pause", "deals: {poll: 1s}\n", "deals.poll", "5m"},
		{"a further database without an id", "databases: {projects: {id: 'https://www.notion.so/acme'}}\n", "databases.projects.id", "copy its link"},
		{"deliveries kept too briefly", "lead: {keep_deliveries: 1h}\n", "keep_deliveries", "720h"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, tc.yaml, nil)
			mistake, ok := errors.AsType[*config.Error](err)
			if !ok {
				t.Fatalf("err = %v, want a config.Error", err)
			}
			if !strings.Contains(mistake.Problem, tc.problem) || !strings.Contains(mistake.Hint(), tc.hint) {
				t.Errorf("got %q, hint %q; want them to contain %q and %q", mistake.Problem, mistake.Hint(), tc.problem, tc.hint)
			}
		})
	}
}

// The annotated example is the reference of the file: it shows the defaults.
func TestTheExampleShowsTheDefaults(t *testing.T) {
	t.Parallel()
	getenv := func(string) string { return "" }
	example, err := config.Load(config.Source{Getenv: getenv, File: "../../deploy/dealbell.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := load(t, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain.Lead.Mapping(), example.Lead.Mapping()); diff != "" {
		t.Errorf("mapping (-default +example):\n%s", diff)
	}
	example.Lead, plain.Lead = config.Lead{}, config.Lead{}
	example.File, plain.File = "", ""
	if diff := cmp.Diff(plain, example, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }), cmp.AllowUnexported(secret.String{})); diff != "" {
		t.Errorf("settings (-default +example):\n%s", diff)
	}
}

func TestServeSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	env := map[string]string{}
	for _, name := range []string{"NOTION_TOKEN", "NOTION_CONTACTS_DB_ID", "FORM_SECRET"} {
		c, err := load(t, "", env)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.CheckServe(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("CheckServe = %v, want it to name %s", err, name)
		}
		env[name] = "0123456789abcdef0123456789abcdef"
	}
}

func TestTheFileAddsToWhatRings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "webhook")
	if err := os.WriteFile(path, []byte("https://hooks.example.com/sales\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, `
databases: {projects: {id: 33333333333333333333333333333333, poll: 15m}}
slack:
  channels: {sales: "file:`+path+`", board: "#board"}
  quiet_hours: 20:00-08:00
rules:
  won: {channel: sales}
  negotiation: {off: true}
  shipped: {database: Projects, when: {property: State, becomes: [Shipped]}, text: x}
digests:
  pipeline: {off: false, channel: board}
`, map[string]string{
		"NOTION_CONTACTS_DB_ID": "11111111111111111111111111111111", "NOTION_DEALS_DB_ID": "22222222222222222222222222222222",
		"SLACK_WEBHOOK_URL": "https://hooks.example.com/default", "SLACK_BOT_TOKEN": "xoxb-1", "NOTION_WEBHOOK_SECRET": "secret_1",
	})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := c.CompiledRules()
	if err != nil {
		t.Fatal(err)
	}
	rang := map[string]string{}
	for _, r := range compiled {
		rang[r.Name()] = r.Database[:4] + " " + r.Channel()
	}
	if diff := cmp.Diff(map[string]string{"won": "2222 sales", "lost": "2222 default", "shipped": "3333 default"}, rang); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	digests, err := c.CompiledDigests()
	if err != nil || len(digests) != 2 {
		t.Errorf("%d digests, %v; want stale-leads and pipeline", len(digests), err)
	}
	webhooks, channels := c.Slack.Ways()
	if webhooks["sales"].Reveal() != "https://hooks.example.com/sales" || webhooks["default"].Reveal() != "https://hooks.example.com/default" || channels["board"] != "#board" {
		t.Errorf("channels %v and %v", webhooks, channels)
	}
	var watched []string
	for _, db := range c.Watched() {
		watched = append(watched, db.Name+" "+time.Duration(db.Poll).String())
	}
	if diff := cmp.Diff([]string{"contacts 5m0s", "deals 5m0s", "projects 15m0s"}, watched); diff != "" {
		t.Errorf("watched (-want +got):\n%s", diff)
	}
	if !c.Written.Rules["won"] || c.Written.Rules["lost"] || !c.Written.Digests["pipeline"] || c.WebhookToken.Reveal() != "secret_1" {
		t.Errorf("written %+v", c.Written)
	}
	if text := fmt.Sprintf("%+v", c); strings.Contains(text, "hooks.example.com") || strings.Contains(text, "xoxb") {
		t.Error("the configuration prints its secrets")
	}
}
