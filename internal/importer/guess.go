package importer

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/dealbell/dealbell/internal/crm"
)

// meanings are names that people give to the same thing, folded, in a few
// languages. The kind is that of a property which has to mean it, if any.
var meanings = [...]struct {
	kind  crm.Kind
	names string
}{
	{crm.KindEmail, "email emailaddress mail mailaddress correo correoelectronico emailaddress1 courriel adressemail adresseemail emailadresse mailadresse posta postaelettronica emailprimary primaryemail emailwork workemail"},
	{crm.KindTitle, "name fullname contact contactname contactperson nombre nombrecompleto nom nomcomplet vollername nome nomecompleto naam kontakt ansprechpartner displayname"},
	{crm.KindPhone, "phone phonenumber tel telephone telefon telefono telefone mobile mobilephone mobil handy movil celular telefonnummer telephonenumber phonework workphone rufnummer portable"},
	{crm.KindURL, "website url web homepage site siteweb sitioweb webseite paginaweb companywebsite link"},
	{"", "company companyname organization organisation organizationname firm firma empresa entreprise societe unternehmen azienda bedrijf compania account accountname"},
	{"", "status estado estatus statut stato leadstatus lifecyclestage"},
	{"", "stage dealstage pipelinestage phase etapa etape fase"},
	{"", "source leadsource origin origen herkunft quelle provenance origine utmsource fuente"},
	{"", "notes note notas notizen notiz comment comments comentarios commentaire commentaires remarques kommentar bemerkung bemerkungen anmerkungen description descripcion message"}, //nolint:misspell // Spanish
	{"", "lastcontacted lastcontact lastcontactdate lastactivity lastactivitydate ultimocontacto derniercontact letzterkontakt"},
	{"", "value amount dealvalue dealamount valor importe montant wert betrag price revenue"},
	{"", "tags tag labels label etiquetas etiquettes schlagworte categories category"},
}

// The parts of a name, which are joined into the title.
const (
	firstNames = "firstname first givenname forename vorname prenom primernombre nombredepila primeironome voornaam"
	lastNames  = "lastname last surname familyname nachname familienname nomdefamille apellido apellidos sobrenome cognome achternaam"
)

// fold leaves what two spellings of a name have in common.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFD.String(name))
}

func isOneOf(name, names string) bool { return slices.Contains(strings.Fields(names), fold(name)) }

// guess finds the property that a column means: of its name, of a name that
// means the same, or of the kind that has to mean it.
func guess(column string, properties []crm.Property) (crm.Property, bool) {
	if i := slices.IndexFunc(properties, func(p crm.Property) bool { return fold(p.Name) == fold(column) && fold(column) != "" }); i >= 0 {
		return properties[i], true
	}
	for _, m := range meanings {
		if !isOneOf(column, m.names) {
			continue
		}
		if i := slices.IndexFunc(properties, func(p crm.Property) bool { return isOneOf(p.Name, m.names) }); i >= 0 {
			return properties[i], true
		}
		if i := slices.IndexFunc(properties, func(p crm.Property) bool { return m.kind != "" && p.Kind == m.kind }); i >= 0 {
			return properties[i], true
		}
	}
	return crm.Property{}, false
}
