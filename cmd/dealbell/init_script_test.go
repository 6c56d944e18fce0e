package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/setup"
)

// newcomer makes the Notion of somebody who sets Dealbell up: empty is a page
// that is shared and nothing else, personal the same with a token of a
// person, german is a CRM whose every name differs
// from the standard.
func newcomer(kind string) *workspace {
	w := &workspace{Workspace: sandbox.New(sandbox.Options{Token: initToken, Personal: kind == "personal"})}
	w.home = w.AddPage("Our CRM")
	if kind == "german" {
		w.contacts = w.CreateDatabase("Kontakte",
			sandbox.Property{Name: "Ansprechpartner", Type: "title"}, sandbox.Property{Name: "E-Mail", Type: "email"},
			sandbox.Property{Name: "Firma: GmbH", Type: "rich_text"}, sandbox.Property{Name: "Branche", Type: "rich_text"},
			sandbox.Property{Name: "Phase", Type: "status", Options: []string{"Neu", "Kunde"}},
			sandbox.Property{Name: "Letzter Kontakt", Type: "date"}, sandbox.Property{Name: "Notizen", Type: "rich_text"})
		w.CreateDatabase("Newsletter", sandbox.Property{Name: "Mail", Type: "email"})
		w.deals = w.CreateDatabase("Vertrieb",
			sandbox.Property{Name: "Stand", Type: "status", Options: []string{"Angebot", "Gewonnen", "Verloren"}},
			sandbox.Property{Name: "Wert", Type: "number"}, sandbox.Property{Name: "Zuständig", Type: "people"})
	}
	return w
}

const initToken = "ntn_canary0123456789abcdef"

// newcomer empty|personal|german starts the Notion of a newcomer, whose token is in
// the file token; newcomer lacks CAPABILITY... takes capabilities away;
// newcomer revoked revokes the token; newcomer databases N compares how many
// databases are on the page.
func scriptNewcomer(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 0, "newcomer empty|personal|german|lacks CAPABILITY...|revoked|databases N")
	switch args[0] {
	case "lacks":
		var all []sandbox.Capability
		for _, name := range args[1:] {
			all = append(all, sandbox.Capability(name))
		}
		notionOf(ts).Withhold(all...)
	case "revoked":
		notionOf(ts).SetToken("another")
	case "databases":
		if n := fmt.Sprint(len(notionOf(ts).Databases(notionOf(ts).home))); n != args[1] {
			ts.Fatalf("%s databases are on the page, want %s", n, args[1])
		}
	default:
		w := newcomer(args[0])
		server := httptest.NewServer(w.Handler())
		notions.Store(ts.Name(), w)
		ts.Defer(func() {
			notions.Delete(ts.Name())
			server.CloseClientConnections()
			server.Close()
		})
		ts.Setenv("DEALBELL_NOTION_URL", server.URL)
		ts.Setenv("HOME_PAGE", w.home)
		ts.Setenv("TOKEN", initToken)
		if w.contacts != nil {
			ts.Setenv("CONTACTS", w.contacts.ID)
			ts.Setenv("DEALS", w.deals.ID)
		}
		ts.Check(os.WriteFile(ts.MkAbs("token"), []byte("  "+initToken+"\n"), 0o600))
	}
}

// envfile FILE takes the environment that a file holds.
func scriptEnvfile(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "envfile FILE")
	content := ts.ReadFile(args[0])
	env := setup.ParseEnv(content)
	for line := range strings.Lines(content) {
		if name, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			ts.Setenv(name, env.Get(name))
		}
	}
}

// mode MODE FILE compares who may read a file.
func scriptMode(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "mode MODE FILE")
	info, err := os.Lstat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}
