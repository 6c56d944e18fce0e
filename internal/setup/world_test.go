package setup_test

import (
	"maps"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/setup"
)

// database makes a schema from lines such as "Phase: status Neu, Gewonnen".
func database(name string, properties ...string) crm.Schema {
	s := crm.Schema{Database: "id of " + name, DataSource: "source of " + name, Name: name}
	for i, line := range properties {
		at := strings.LastIndex(line, ": ")
		kind, options, _ := strings.Cut(line[at+2:], " ")
		p := crm.Property{ID: string(rune('a' + i)), Name: line[:at], Kind: crm.Kind(kind)}
		if options != "" {
			p.Options = strings.Split(options, ", ")
		}
		s.Properties = append(s.Properties, p)
	}
	return s
}

var standard = map[setup.Role]crm.Schema{
	setup.Contacts:   {Database: "c", Name: "Contacts", Properties: setup.Standard(setup.Contacts)},
	setup.Deals:      {Database: "d", Name: "Deals", Properties: setup.Standard(setup.Deals)},
	setup.Activities: {Database: "a", Name: "Activities", Properties: setup.Standard(setup.Activities)},
}

// german is a CRM whose every name differs from the standard.
var german = map[setup.Role]crm.Schema{
	setup.Contacts: database("Kontakte", "Ansprechpartner: title", "E-Mail-Adresse: email", "Firma: rich_text",
		"Phase: status Neu, Im Gespräch, Kunde", "Herkunft: select Messe", "Letzter Kontakt: date", "Geburtstag: date", "Notizen: rich_text"),
	setup.Deals: database("Vertrieb", "Titel: title", "Stand: status Angebot, In Verhandlung, Gewonnen, Verloren",
		"Auftragswert: number", "Rabatt: number", "Zuständig: people"),
	setup.Activities: database("Aktivitäten", "Titel: title", "Art: select Anruf", "Datum: date", "Inhalt: rich_text", "Kontakt: relation", "Dealbell ID: rich_text"),
}

func proposed(databases map[setup.Role]crm.Schema) setup.Answers {
	a := setup.Answers{Databases: databases, Mapping: setup.Mapping{}}
	for role, s := range databases {
		maps.Copy(a.Mapping, setup.Propose(role, s))
	}
	return a
}
