package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/ingest"
)

// withContacts is an environment in which forms have somewhere to go.
var withContacts = map[string]string{
	"NOTION_TOKEN": "t", "NOTION_CONTACTS_DB_ID": "00000000000000000000000000000001", "FORM_SECRET": "s", "VENDOR_SECRET": "from-env",
}

func route(t *testing.T, c *config.Config, name string) ingest.Form {
	t.Helper()
	for _, f := range c.Intakes() {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no form %q", name)
	return ingest.Form{}
}

func TestSecretsOfFormsComeFromWhereTheyAreKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for written, want := range map[string][]string{
		"plain":                          {"plain"},
		"file:" + path:                   {"from-file"},
		"env:VENDOR_SECRET":              {"from-env"},
		"[new, 'env:MISSING']":           {"new"},
		"'0123'":                         {"0123"},
		"[{is: new, until: 2026-12-01}]": {"new until 2026-12-01"},
		"[{is: new}, file:" + path + ", {is: env:VENDOR_SECRET, until: 2026-12-01T00:00:00Z}]": {"new", "from-file", "from-env until 2026-12-01"},
	} {
		c, err := load(t, "forms: {hello: {secret: "+written+"}}", withContacts)
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		var got []string
		for _, key := range route(t, c, "hello").Keys {
			text := key.Secret.Reveal()
			if !key.Until.IsZero() {
				text += " until " + key.Until.Format(time.DateOnly)
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", written, diff)
		}
	}
}

func TestAFormWithoutASecretDoesNotServe(t *testing.T) {
	t.Parallel()
	for _, written := range []string{"{}", "{secret: env:MISSING}", "{secret: ''}", "{secret: []}", "{browser: false}"} {
		c, err := load(t, "forms: {hello: "+written+"}", withContacts)
		if err != nil {
			t.Errorf("%s: %v, want it to load: only the daemon needs secrets", written, err)
			continue
		}
		if err := c.CheckServe(); err == nil || !strings.Contains(err.Error(), "forms.hello.secret") {
			t.Errorf("%s: CheckServe = %v, want the missing secret", written, err)
		}
	}
}

func TestACaptchaThatNobodyCouldBeAskedForDoesNotServe(t *testing.T) {
	t.Parallel()
	for written, serves := range map[string]bool{"turnstile: env:MISSING": false, "turnstile: ''": false, "turnstile: s": true, "turnstile: env:VENDOR_SECRET": true, "work: 0": true} {
		c, err := load(t, "forms: {hello: {browser: true, origins: [https://a.example], "+written+"}}", withContacts)
		if err != nil {
			t.Errorf("%s: %v, want it to load: only the daemon needs secrets", written, err)
			continue
		}
		if err := c.CheckServe(); serves != (err == nil) || err != nil && !strings.Contains(err.Error(), "forms.hello.turnstile") {
			t.Errorf("%s: CheckServe = %v, want it to serve: %v", written, err, serves)
		}
	}
}

func TestMistakesInFormsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ yaml, want, hint string }{
		{"hello: {vendor: owm, secret: s}", `there is no vendor "owm"`, `did you mean "own"?`},
		{"Hello: {secret: s}", "small letters", ""},
		{"lead: {secret: s}", "not lead or notion", "under lead:"},
		{"notion: {secret: s}", "not lead or notion", ""},
		{"hello: {secret: s, path: /lead}", "/lead is used by Dealbell itself", ""},
		{"hello: {secret: s, path: hooks}", `"hooks" is no path`, "/forms/hello"},
		{"hello: {secret: s, path: '/hooks/{id}'}", "is no path", ""},
		{"{a: {secret: s, path: /x}, b: {secret: s, path: /x}}", "/x is used by forms.a", ""},
		{"hello: {secret: s, database: nowhere}", `there is no database "nowhere" with an id`, "databases:"},
		{"hello: {secret: s, database: deals}", `there is no database "deals" with an id`, ""},
		{"hello: {secret: file:/does/not/exist}", "no such file", "readable by the user"},
		{"hello: {browser: true, secret: s, origins: [https://a.example]}", "can keep no secret", ""},
		{"hello: {browser: true}", "origins are missing", ""},
		{"hello: {browser: true, origins: ['*']}", "must name one site", ""},
		{"hello: {browser: true, origins: [https://a.example/]}", "written as browsers send it: https://a.example", ""},
		{"hello: {browser: true, origins: [https://a.example], thanks: [/thanks]}", "must be a whole address", ""},
		{"hello: {origins: [https://a.example]}", "are for forms in browsers", "browser: true"},
		{"hello: {secret: s, submitter: From}", "submitter and id are for rows of other databases", "leave them out"},
		{"hello: {secret: s, database: people, id: X}", "submitter and id are for rows of other databases", ""},
		{"hello: {secret: 0123}", "has to stand in quotes", ""}, // it would be 83
		{"hello: {secret: [1.50]}", "has to stand in quotes", ""},
		{"hello: {secret: [{is: 0123}]}", "has to stand in quotes", ""},
		{"hello: {secret: [{is: s, until: tomorrow}]}", `"tomorrow" is no time`, ""}, // it would be for ever
		{"hello: {secret: [{is: s, end: 2026-12-01T00:00:00Z}]}", `unknown key "end"`, ""},
		{"hello: {secret: s, feilds: {}}", `unknown key "feilds"`, `did you mean "fields"?`},
	} {
		yaml := "databases: {people: {id: '00000000000000000000000000000001'}}\nforms: {" + tc.yaml + "}"
		if strings.HasPrefix(tc.yaml, "{") {
			yaml = "forms: " + tc.yaml
		}
		_, err := load(t, yaml, withContacts)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.yaml, err, tc.want)
			continue
		}
		if hint, _ := crm.Hint(err); !strings.Contains(hint, tc.hint) {
			t.Errorf("%s: hint %q, want %q", tc.yaml, hint, tc.hint)
		}
	}
}

func TestABadNameIsAllThatIsSaid(t *testing.T) {
	t.Parallel()
	_, err := load(t, "forms: {A: {secret: s}, B: {secret: s}}", withContacts)
	if err == nil || strings.Count(err.Error(), "small letters") != 2 || strings.Contains(err.Error(), "is used by") {
		t.Errorf("%v, want both names and nothing else", err)
	}
}

func TestALeadsFormHasTheStandardMappingAndItsOwn(t *testing.T) {
	t.Parallel()
	c, err := load(t, "lead: {fields: {message: Anfrage}}\nforms: {hello: {secret: s, email: Mail, fields: {Firma: Company, name: ''}, values: {Status: Partner}}}", withContacts)
	if err != nil {
		t.Fatal(err)
	}
	f := route(t, c, "hello")
	want := map[string]string{"company": "Company", "message": "Anfrage", "utm_source": "Source", "Firma": "Company"}
	if diff := cmp.Diff(want, f.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if f.Path != "/forms/hello" || f.Email != "Mail" || f.Values["Status"] != "Partner" || f.Message != "Anfrage" || f.Database != "" {
		t.Errorf("got %+v", f)
	}
}

func TestAFormInABrowserMayBeFilledInAtOnce(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]time.Duration{"": 3 * time.Second, "min_fill: 0s": 0, "min_fill: 5s": 5 * time.Second} {
		c, err := load(t, "forms: {hello: {browser: true, origins: [https://a.example], "+written+"}}", withContacts)
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		if got := route(t, c, "hello").Public.MinFill; got != want {
			t.Errorf("%s: %v, want %v", written, got, want)
		}
	}
}
