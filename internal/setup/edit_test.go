package setup_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/setup"
)

func edit(t *testing.T, a setup.Answers, content string) (string, []string) {
	t.Helper()
	got, left, err := a.EditYAML(content)
	if err != nil {
		t.Fatal(err)
	}
	return got, left
}

func TestWhatIsWrittenIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	for name, databases := range map[string]map[setup.Role]crm.Schema{"standard": standard, "German": german} {
		a := proposed(databases)
		a.Site = "https://www.example.com"
		first := a.RenderYAML()
		again := proposed(databases)
		again.Site = a.Site
		for role, s := range databases {
			again.Mapping.Keep(role, setup.Written(first), s)
		}
		if diff := cmp.Diff(a.Mapping, again.Mapping); diff != "" {
			t.Errorf("%s: read back (-want +got):\n%s", name, diff)
		}
		second, left := edit(t, again, first)
		if diff := cmp.Diff(first, second); diff != "" || len(left) > 0 {
			t.Errorf("%s: left %q (-first +second):\n%s", name, left, diff)
		}
	}
}

const byHand = `# mine
timezone: Europe/Berlin   # keep

lead:
  # the title is the name
  fields: {phone: Telefon}
  key: "E-Mail-Adresse"
  initial:
    Phase: Kunde  # on purpose

rules:
  won: {channel: default}
  handover:
    when: {property: Stand, changes: true}
    text: |
      two
      lines
# the end
`

func TestHandEditsAreKept(t *testing.T) {
	t.Parallel()
	a := proposed(german)
	for role, s := range german {
		a.Mapping.Keep(role, setup.Written(byHand), s)
	}
	if a.Mapping[setup.SlotNewLead] != "Kunde" {
		t.Errorf("new leads become %q, want what the file says", a.Mapping[setup.SlotNewLead])
	}
	got, left := edit(t, a, byHand)
	for line := range strings.Lines(byHand) {
		if !strings.Contains(got, line) {
			t.Errorf("lost %q:\n%s", line, got)
		}
	}
	want := []string{
		"lead.fields is kept as it is; proposed: company: Firma", "lead.fields is kept as it is; proposed: message: Notizen",
		"lead.fields is kept as it is; proposed: utm_source: Herkunft",
		"rules.won is kept as it is; proposed: when: property: Stand becomes: Gewonnen",
		`rules.won is kept as it is; proposed: text: '🎉 Deal won: *{{title}}* — {{money (prop "Auftragswert")}}'`,
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("left for the operator (-want +got):\n%s", diff)
	}
	c := load(t, got)
	if c.Lead.Mapping().Touch != "Letzter Kontakt" || c.Rules["lost"].When.Becomes[0] != "Verloren" || c.Rules["handover"].Text != "two\nlines\n" || c.Timezone != "Europe/Berlin" {
		t.Errorf("the file means %+v:\n%s", c.Rules, got)
	}
	if again, _ := edit(t, a, got); again != got {
		t.Errorf("a second time changes (-first +second):\n%s", cmp.Diff(got, again))
	}
}

func TestACorrectionChangesItsLineAlone(t *testing.T) {
	t.Parallel()
	a := proposed(german)
	first := strings.Replace(a.RenderYAML(), "company: Firma", "company: 'Firma'   # the firm", 1)
	s := german[setup.Contacts]
	for slot, name := range map[setup.Slot]string{setup.SlotCompany: "Notizen", setup.SlotTouched: "Geburtstag", setup.SlotNewLead: "Kunde"} {
		if err := a.Mapping.Set(slot, name, s); err != nil {
			t.Fatal(err)
		}
	}
	got, left := edit(t, a, first)
	want := strings.NewReplacer("company: 'Firma' ", "company: Notizen ", "last_contacted: Letzter Kontakt ", "last_contacted: Geburtstag ", "    Phase: Neu\n", "    Phase: Kunde\n",
		`== "Neu"`, `== "Kunde"`, `prop("Letzter Kontakt")`, `prop("Geburtstag")`, `(prop "Letzter Kontakt")`, `(prop "Geburtstag")`, "Letzter Kontakt ??", "Geburtstag ??").Replace(first)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

func TestFilesOfAllShapesAreEdited(t *testing.T) {
	t.Parallel()
	a := proposed(map[setup.Role]crm.Schema{setup.Contacts: database("C", "N: title", "Email: email", "Firma: rich_text", "Status: status New lead", "Last Contacted: date")})
	for name, content := range map[string]string{
		"only comments":             "# nothing yet\n",
		"no line break at the end":  "timezone: UTC",
		"a key without a value":     "lead:\n\ntimezone: UTC\n",
		"another indentation":       "lead:\n      last_contacted: Last Contacted\n",
		"keys in capitals":          "lead:\n  fields:\n    Name: N\n",
		"empty":                     "",
		"Windows line breaks":       "timezone: UTC\r\nlead:\r\n  key: Email\r\n",
		"a document mark":           "---\ntimezone: UTC\n",
		"a comment under the key":   "lead:\n  # first of all\n  key: Email\n",
		"a mapping with many lines": "lead:\n  fields:\n    phone: P\n\n    # more\n    fax: F\ntimezone: UTC\n",
	} {
		got, left := edit(t, a, content)
		if len(left) > 0 {
			t.Errorf("%s: left %q", name, left)
		}
		if f := load(t, got).LeadForms()[lead.Website]; f.Fields["company"] != "Firma" {
			t.Errorf("%s: company goes to %q:\n%s", name, f.Fields["company"], got)
		}
		for line := range strings.Lines(content) {
			if !strings.Contains(got, strings.TrimRight(line, "\r\n")) {
				t.Errorf("%s: lost %q:\n%s", name, line, got)
			}
		}
	}
	for name, content := range map[string]string{"no YAML": "lead: [", "a list": "- a\n"} {
		if _, _, err := a.EditYAML(content); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzEditYAML: whatever the file is, what is edited still is YAML and a second
// edit changes nothing.
func FuzzEditYAML(f *testing.F) {
	for _, seed := range []string{byHand, "", "lead: {fields: {company: x}}", "lead:\n fields:\n  company: |\n   x\n", "rules:\n- a\n", "lead: &a\n  key: b\nx: *a\n", "\"lead\":\n  \"key\": 'x'\n"} {
		f.Add(seed)
	}
	a := proposed(german)
	f.Fuzz(func(t *testing.T, content string) {
		once, _, err := a.EditYAML(content)
		if err != nil {
			return
		}
		twice, _, err := a.EditYAML(once)
		if err != nil || twice != once {
			t.Errorf("twice: %v\n%q\n%q\n%q", err, content, once, twice)
		}
	})
}

func TestOtherDatabasesTakeThePlaceOfTheFirst(t *testing.T) {
	t.Parallel()
	first := proposed(german).RenderYAML()
	a := proposed(standard)
	got, left := edit(t, a, first)
	c := load(t, got)
	if f := c.LeadForms()[lead.Website]; f.Fields["company"] != "Company" || f.Values["Status"] != "New lead" || c.Lead.Mapping().Key != "Email" ||
		c.Rules["won"].When.Property[0] != "Stage" || c.Rules["lost"].When.Becomes[0] != "Lost" || c.Lead.Mapping().Activity.At != "At" {
		t.Errorf("the file still speaks of the others:\n%s", got)
	}
	means(t, "the standard after German", a, got)
	if strings.Contains(got, "Auftragswert") || len(left) > 0 {
		t.Errorf("left %q, and texts that name properties of the others:\n%s", left, got)
	}
	own := strings.Replace(first, "Deal won:", "Hurra:", 1)
	if got, left = edit(t, a, own); len(left) != 1 || !strings.Contains(got, "Hurra:") {
		t.Errorf("left %q, want the text that somebody wrote:\n%s", left, got)
	}
}

// Many begin with a copy of the annotated example.
func TestTheExampleInDeployIsEditedInItsPlaces(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../deploy/dealbell.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a := proposed(german)
	for role, s := range german {
		a.Mapping.Keep(role, setup.Written(string(example)), s)
	}
	got, left := edit(t, a, string(example))
	if len(left) > 0 {
		t.Errorf("left %q", left)
	}
	means(t, "the example", a, got)
	was, is := strings.Split(string(example), "\n"), strings.Split(got, "\n")
	kept := 0
	for _, line := range was {
		if slices.Contains(is, line) {
			kept++
		}
	}
	if kept < len(was)-12 {
		t.Errorf("only %d of %d lines are as they were:\n%s", kept, len(was), cmp.Diff(was, is))
	}
}
