package setup_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/setup"
)

func set(t *testing.T, e *setup.Env, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if err := e.Set(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnlyLinesWithANewValueChange(t *testing.T) {
	t.Parallel()
	content := `# mine
export NOTION_TOKEN="ntn_old"
#FORM_SECRET=
SLACK_WEBHOOK_URL='https://hooks.slack.com/services/T/B/x'

SOMETHING_ELSE=1
# NOTION_DEALS_DB_ID=
`
	e := setup.ParseEnv(content)
	set(t, &e, setup.EnvToken, "ntn_old", setup.EnvSlack, "https://hooks.slack.com/services/T/B/x")
	if diff := cmp.Diff(content, e.String()); diff != "" {
		t.Errorf("the same values change lines (-want +got):\n%s", diff)
	}
	set(t, &e, setup.EnvFormSecret, "abc", setup.EnvDeals, "d1", setup.EnvContacts, "c1", setup.EnvToken, "ntn_new", "ODD", "two words")
	want := `# mine
NOTION_TOKEN=ntn_new
FORM_SECRET=abc
SLACK_WEBHOOK_URL='https://hooks.slack.com/services/T/B/x'

SOMETHING_ELSE=1
NOTION_DEALS_DB_ID=d1

# The databases.
NOTION_CONTACTS_DB_ID=c1
ODD='two words'
`
	if diff := cmp.Diff(want, e.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := e.Set("ODD", "it's"); err == nil {
		t.Error("a value that no line can hold is taken")
	}
}

func TestAShellReadsWhatWasSet(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dealbell.env")
	e := setup.NewEnv(path)
	values := map[string]string{
		setup.EnvToken: "ntn_1=", setup.EnvSlack: "https://hooks.slack.com/services/T0/B0/x?a=b&c=$HOME", setup.EnvFormSecret: "new,old",
		setup.EnvContacts: "21b974f3-b388-814f-994f-d01b08671d1d",
	}
	for name, value := range values {
		set(t, &e, name, value)
	}
	if err := setup.WriteFile(path, e.String()); err != nil {
		t.Fatal(err)
	}
	for name, want := range values {
		got, err := exec.CommandContext(t.Context(), "sh", "-c", ". \"$0\"; printf %s \"$"+name+"\"", path).Output()
		if err != nil || string(got) != want {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
		if back := setup.ParseEnv(e.String()).Get(name); back != want {
			t.Errorf("%s is read back as %q, want %q", name, back, want)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	before := setup.NewEnv("x")
	set(t, &before, setup.EnvToken, "ntn_canary1", setup.EnvFormSecret, "canary2")
	before = setup.ParseEnv(before.String() + "#NOTION_TOKEN=secret_canary6\n # export FORM_SECRET='canary7'\n") // old ones
	after := setup.ParseEnv(before.String())
	set(t, &after, setup.EnvToken, "ntn_canary3", setup.EnvSlack, "https://hooks.slack.com/services/canary4", setup.EnvContacts, "c1", "MY_API_KEY", "canary5")
	shown := before.Show(before) + after.Show(before)
	if strings.Contains(shown, "canary") {
		t.Errorf("secrets are shown:\n%s", shown)
	}
	for _, want := range []string{"NOTION_TOKEN=«redacted» (new)\n", "FORM_SECRET=«redacted»\n", "NOTION_CONTACTS_DB_ID=c1\n"} {
		if !strings.Contains(after.Show(before), want) {
			t.Errorf("lacks %q:\n%s", want, after.Show(before))
		}
	}
}

// Both files speak of the same variables.
func TestTheExampleInDeployIsTheSame(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../deploy/dealbell.env")
	if err != nil {
		t.Fatal(err)
	}
	names := func(content string) []string {
		var found []string
		for _, m := range regexp.MustCompile(`(?m)^#?([A-Z_]+)=`).FindAllStringSubmatch(content, -1) {
			found = append(found, m[1])
		}
		slices.Sort(found)
		return found
	}
	known := names(string(example))
	for _, name := range names(setup.NewEnv("x").String()) {
		if !slices.Contains(known, name) {
			t.Errorf("deploy/dealbell.env does not know %s", name)
		}
	}
}
