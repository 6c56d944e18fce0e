package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/config"
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
	m := c.Lead.Mapping()
	want := map[string]string{"name": "Name", "company": "Company", "Message": "Anfrage", "phone": "Telefon"}
	if diff := cmp.Diff(want, m.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"Status": "Neu"}, m.Initial); diff != "" {
		t.Errorf("initial (-want +got):\n%s", diff)
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
		{"too fast", "notion: {rate: 100}\n", "notion.rate", "2.5"},
		{"burst of none", "notion: {burst: 0}\n", "notion.burst", "3"},
		{"polling without pause", "contacts: {poll: 1s}\n", "contacts.poll", "5m"},
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
