package setup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/setup"
)

// load reads a file as the daemon does.
func load(t *testing.T, yaml string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dealbell.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"NOTION_TOKEN": "ntn_x", "FORM_SECRET": "secret", "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x",
		"NOTION_CONTACTS_DB_ID": strings.Repeat("c", 32), "NOTION_DEALS_DB_ID": strings.Repeat("d", 32),
	}
	c, err := config.Load(config.Source{File: path, Getenv: func(k string) string { return env[k] }})
	if err != nil {
		t.Fatalf("%v\n%s", err, yaml)
	}
	return c
}

// means checks that a configuration says what the mapping says: every property
// that is mapped is found in its database, and everything that is not mapped
// finds nothing there.
func means(t *testing.T, name string, a setup.Answers, yaml string) {
	t.Helper()
	c := load(t, yaml)
	website, mapping := c.LeadForms()[lead.Website], c.Lead.Mapping()
	if s, ok := a.Databases[setup.Contacts]; ok {
		value, property := "", ""
		for p, v := range website.Values {
			if _, ok := s.Property(p); ok {
				property, value = p, v
			}
		}
		got := map[setup.Slot]string{
			setup.SlotEmail: mapping.Key, setup.SlotName: website.Fields["name"], setup.SlotCompany: website.Fields["company"],
			setup.SlotNotes: website.Fields["message"], setup.SlotSource: website.Fields["utm_source"], setup.SlotTouched: mapping.Touch,
			setup.SlotStatus: property, setup.SlotNewLead: value,
		}
		compare(t, name, a, s, got, yaml)
	}
	if s, ok := a.Databases[setup.Activities]; ok {
		m := mapping.Activity
		compare(t, name, a, s, map[setup.Slot]string{
			setup.SlotType: m.Type, setup.SlotAt: m.At, setup.SlotDetails: m.Details, setup.SlotContact: m.Contact, setup.SlotDealbellID: m.ID,
		}, yaml)
	}
	if s, ok := a.Databases[setup.Deals]; ok {
		binds(t, name, a, s, c, yaml)
	}
}

func compare(t *testing.T, name string, a setup.Answers, s crm.Schema, got map[setup.Slot]string, yaml string) {
	t.Helper()
	for slot, configured := range got {
		want, found := a.Mapping[slot], configured
		_, there := s.Property(configured)
		option := slot == setup.SlotNewLead
		if slot == setup.SlotName && !there && crm.SameName(configured, "Name") {
			found, there = s.Title().Name, true
		}
		if !there && !option {
			found = "" // Dealbell passes over what a database lacks
		}
		if slot == setup.SlotStatus && a.Mapping[setup.SlotNewLead] == "" {
			want = "" // there is nothing to write into it
		}
		if !crm.SameName(found, want) {
			t.Errorf("%s: %s is %q, want %q\n%s", name, slot, found, want, yaml)
		}
	}
}

// binds checks that the rules find all that they name.
func binds(t *testing.T, name string, a setup.Answers, s crm.Schema, c *config.Config, yaml string) {
	t.Helper()
	compiled, err := c.CompiledRules()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, yaml)
	}
	on := map[string]bool{}
	for _, r := range compiled {
		_, mistakes, _ := notify.Bind([]notify.Rule{r}, crm.Bindings{Schema: s})
		if len(mistakes) > 0 {
			t.Errorf("%s: rule %s: %v\n%s", name, r.Name(), mistakes, yaml)
		}
		on[r.Name()] = true
	}
	for rule, slot := range map[string]setup.Slot{"won": setup.SlotWon, "lost": setup.SlotLost, "negotiation": setup.SlotNegotiation} {
		if on[rule] != (a.Mapping[slot] != "") {
			t.Errorf("%s: rule %s is on: %v, while its stage is %q\n%s", name, rule, on[rule], a.Mapping[slot], yaml)
		}
	}
}

func TestWhatIsWrittenMeansWhatWasProposed(t *testing.T) {
	t.Parallel()
	odd := map[setup.Role]crm.Schema{
		setup.Contacts: database("C", `It's "the" name: title`, "E: mail #1: email", "- Company: rich_text", "Status: checkbox", "phase & stage: status New: lead, 'x', \"y\"",
			"Notes\twith tab: rich_text", "last contacted {date}: date", "Source 🚀: select"),
		setup.Deals: database("D", "Name: title", `Stage "A": status Won!, #Lost, yes`, "Value (\\€): number", "true: number", "Owner\n2: people"),
	}
	odd[setup.Contacts].Properties[4].Options = []string{"New lead: #1", "x"}
	noStatus := map[setup.Role]crm.Schema{
		setup.Contacts: database("C", "Name: title", "Email: email", "Status: select Hot, Cold", "Source: relation"),
		setup.Deals:    database("D", "Name: title", "Stage: status Open, Won", "Value: number"),
	}
	for name, databases := range map[string]map[setup.Role]crm.Schema{
		"the standard": standard, "German": german, "names that need quotes": odd, "what is missing": noStatus,
		"an address as the title": {setup.Contacts: database("C", "Mail: title", "Name: rich_text")},
		"a name beside the title": {setup.Contacts: database("C", "Title: title", "Name: rich_text", "Email: email")},
		"a status beside another": {setup.Contacts: database("C", "N: title", "Email: email", "Status: rich_text", "Phase: status New")},
	} {
		a := proposed(databases)
		means(t, name, a, a.RenderYAML())
	}
	a := proposed(standard)
	a.Site = "https://www.example.com"
	c := load(t, a.RenderYAML())
	if f := c.Forms["contact"]; !f.Browser || len(f.Origins) != 1 || f.Origins[0] != a.Site {
		t.Errorf("the browser form is %+v", f)
	}
}

func TestAFreePropertyCanBeLeftAlone(t *testing.T) {
	t.Parallel()
	a := proposed(standard)
	for _, slot := range []setup.Slot{setup.SlotSource, setup.SlotTouched, setup.SlotNewLead, setup.SlotOwner, setup.SlotValue, setup.SlotLost} {
		if err := a.Mapping.Set(slot, "", a.Databases[setup.Contacts]); err != nil {
			t.Fatal(err)
		}
	}
	c := load(t, a.RenderYAML())
	website := c.LeadForms()[lead.Website]
	if website.Fields["utm_source"] != "" || c.Lead.Mapping().Touch != "" || len(website.Values) != 0 {
		t.Errorf("fields %v, touch %q, values %v", website.Fields, c.Lead.Mapping().Touch, website.Values)
	}
	if !c.Rules["lost"].Off || strings.Contains(c.Rules["negotiation"].Text, "Owner") || strings.Contains(c.Rules["won"].Text, "Value") {
		t.Errorf("rules are %+v", c.Rules)
	}
	if d := c.Digests["stale-leads"]; d.Off == nil || !*d.Off {
		t.Errorf("a digest of new leads is on where nothing says which are new: %+v", d)
	}
}

func TestTheStandardHasNothingToSay(t *testing.T) {
	t.Parallel()
	a := proposed(standard)
	got := a.RenderYAML()
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, "#") && line != "\n" {
			t.Errorf("the standard CRM needs no line:\n%s", got)
		}
	}
	if !strings.Contains(got, "deploy/dealbell.yaml") {
		t.Errorf("it does not say where all keys are:\n%s", got)
	}
}

// What this package knows of the standard CRM is what the daemon does.
func TestTheStandardIsThatOfTheDaemon(t *testing.T) {
	t.Parallel()
	m, fields, values := lead.StandardMapping(), lead.StandardFields(), lead.StandardValues()
	for slot, want := range map[setup.Slot]string{
		setup.SlotEmail: m.Key, setup.SlotTouched: m.Touch, setup.SlotName: fields["name"], setup.SlotCompany: fields["company"],
		setup.SlotNotes: fields["message"], setup.SlotSource: fields["utm_source"], setup.SlotNewLead: values[setup.SlotStatus.Name()],
		setup.SlotType: m.Activity.Type, setup.SlotAt: m.Activity.At, setup.SlotDetails: m.Activity.Details,
		setup.SlotContact: m.Activity.Contact, setup.SlotDealbellID: m.Activity.ID,
	} {
		if slot.Name() != want {
			t.Errorf("%s is called %q by the daemon", slot, want)
		}
	}
	// A text that is written anew differs from the daemon's in the property alone.
	a := proposed(map[setup.Role]crm.Schema{setup.Deals: database("D", "N: title", "Stage: status Won, Lost, Negotiation", "Worth: number", "Who: people")})
	ours, theirs := load(t, a.RenderYAML()), load(t, "")
	for name, r := range theirs.Rules {
		want := strings.NewReplacer(`"Value"`, `"Worth"`, `"Owner"`, `"Who"`).Replace(r.Text)
		if ours.Rules[name].Text != want {
			t.Errorf("rule %s says %q, want %q", name, ours.Rules[name].Text, want)
		}
	}
	b := proposed(map[setup.Role]crm.Schema{setup.Contacts: database("C", "N: title", "Email: email", "Status: status New", "Last Contacted: date")})
	stale, was := load(t, b.RenderYAML()).Digests["stale-leads"], theirs.Digests["stale-leads"]
	if was.Line != stale.Line || was.Sort[0] != stale.Sort[0] || !strings.Contains(stale.Filter, `== "New" and days_since(prop("Last Contacted") ?? created()) >= 30`) {
		t.Errorf("the digest is %+v, want all but the status of %+v", stale, was)
	}
}

func TestTheFileIsReadable(t *testing.T) {
	t.Parallel()
	got := proposed(german).RenderYAML()
	for _, want := range []string{
		"lead:\n  key: E-Mail-Adresse             # the property that identifies a contact\n",
		"    company: Firma\n", "  initial:                        # what a new contact starts with\n    Status: ''\n    Phase: Neu\n",
		"  last_contacted: Letzter Kontakt  # gets the day", "      property: Stand\n      becomes: Gewonnen\n",
		`    text: '🎉 Deal won: *{{title}}* — {{money (prop "Auftragswert")}}'`, "closed: [Gewonnen, Verloren]",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
}
