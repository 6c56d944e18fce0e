package setup_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/setup"
)

func TestDatabasesAreRecognisedInManyLanguages(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ language, contacts, deals, activities string }{
		{"English", "Contacts", "Deals", "Activities"},
		{"English, decorated", "🔥 Leads (2026)", "Sales pipeline", "Activity log"},
		{"German", "Kunden", "Verkaufschancen", "Aktivitäten"},
		{"French", "Contacts clients", "Opportunités", "Activités"},
		{"Spanish", "Contactos", "Oportunidades", "Actividades"},
		{"Portuguese", "Clientes", "Negócios", "Atividades"},
		{"Italian", "Contatti", "Trattative", "Attività"},
		{"Dutch", "Relaties", "Kansen", "Activiteiten"},
		{"Swedish", "Kunder", "Affärer", "Aktiviteter"},
		{"Finnish", "Asiakkaat", "Kaupat", "Viestit"},
		{"Polish", "Klienci", "Szanse sprzedaży: szanse", "Wiadomości"},
		{"Czech", "Zákazníci: kontakty", "Příležitosti", "Zprávy"},
		{"Turkish", "Müşteriler", "Fırsatlar", "Etkinlikler"},
		{"Russian", "Клиенты", "Сделки", "Активности"},
		{"Ukrainian", "Контакти", "Угоди", "Повідомлення"},
		{"Greek", "Πελάτες", "Ευκαιρίες", "Δραστηριότητες"},
		{"Japanese", "顧客リスト", "商談", "活動履歴"},
		{"Chinese", "客户管理", "商机", "活动"},
		{"Korean", "고객 명단", "거래", "활동"},
	} {
		all := []crm.Schema{
			database("Tasks", "Name: title", "Status: status To do, Done", "Assignee: people", "Due: date"),
			database(tc.activities, "x: title", "y: rich_text", "z: relation", "w: date"),
			database("Team", "Name: title", "Email: email"),
			database(tc.deals, "x: title", "y: select A, B", "z: number", "w: people"),
			database(tc.contacts, "x: title", "y: email"),
		}
		for role, want := range map[setup.Role]string{setup.Contacts: tc.contacts, setup.Deals: tc.deals, setup.Activities: tc.activities} {
			found := setup.Candidates(role, all)
			if len(found) == 0 || found[0].Name != want || !found[0].Named {
				t.Errorf("%s: %s is %v, want %q by its name", tc.language, role, names(found), want)
			}
		}
	}
}

func TestStagesTellDealsOfAnyName(t *testing.T) {
	t.Parallel()
	for properties, want := range map[string]bool{
		"Name: title|Phase: status Neu, Gewonnen, Verloren": true,
		"Name: title|S: status A, B|N: number|P: people":    false,
		"Name: title|Invoice: select Open, Closed":          false,
	} {
		found := setup.Candidates(setup.Deals, []crm.Schema{database("Q4", strings.Split(properties, "|")...)})
		if got := len(found) == 1 && found[0].Named; got != want {
			t.Errorf("%s: proposed %v, want %v", properties, got, want)
		}
	}
}

func names(all []setup.Candidate) []string {
	var out []string
	for _, c := range all {
		out = append(out, c.Name)
	}
	return out
}

func TestShapeDecidesWhatANameCannot(t *testing.T) {
	t.Parallel()
	full := "Email: email|Name: title|Company: rich_text|Status: status New lead"
	for _, tc := range []struct {
		name string
		role setup.Role
		all  map[string]string // name -> properties
		want []string
	}{
		{"of two with the same name the fuller one", setup.Contacts, map[string]string{"Contacts": "Name: title|Email: email", "contacts": full}, []string{"contacts", "Contacts"}},
		{"a name without an address is no contact list", setup.Contacts, map[string]string{"Contacts": "Name: title|Phone: phone_number"}, nil},
		{"an address in a text will do", setup.Contacts, map[string]string{"Kunden": "Name: title|E-Mail: rich_text"}, []string{"Kunden"}},
		{"a title that is the address will do", setup.Contacts, map[string]string{"Leads": "Email: title|Name: rich_text"}, []string{"Leads"}},
		{"an email property outdoes a text", setup.Contacts, map[string]string{"A": "Email: rich_text|Name: title", "B": "x: email|Name: title"}, []string{"B", "A"}},
		{"any name with the shape of deals", setup.Deals, map[string]string{"Q4": "Name: title|S: status A, B|N: number|P: people"}, []string{"Q4"}},
		{"stages that say won and lost are enough", setup.Deals, map[string]string{"Q4": "Name: title|S: select Open, Won, Lost"}, []string{"Q4"}},
		{"tasks are no deals", setup.Deals, map[string]string{"Tasks": "Name: title|Status: status To do, Done|Who: people"}, nil},
		{"named deals need a stage", setup.Deals, map[string]string{"Deals": "Name: title|N: number|P: people"}, nil},
		{"deals with stages come before a board with numbers", setup.Deals, map[string]string{
			"A": "Name: title|S: status A, B|N: number|P: people", "B": "Name: title|S: status Open, Won, Lost|N: number|P: people",
		}, []string{"B", "A"}},
		{"what Dealbell made is recognised under any name", setup.Activities, map[string]string{
			"Log": "N: title|Details: rich_text|Dealbell ID: rich_text|C: relation", "Meetings": "N: title|Date: date|Notes: rich_text|C: relation",
		}, []string{"Log", "Meetings"}},
		{"contacts with notes and a relation are no activities", setup.Activities, map[string]string{"People": "Name: title|Email: email|Notes: rich_text|Company: relation"}, nil},
		{"no properties at all", setup.Contacts, map[string]string{"Contacts": "Name: title"}, nil},
	} {
		var all []crm.Schema
		for name, properties := range tc.all {
			all = append(all, database(name, strings.Split(properties, "|")...))
		}
		if diff := cmp.Diff(tc.want, names(setup.Candidates(tc.role, all))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestPropertiesAreProposedByNameTypeAndLanguage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		role setup.Role
		s    crm.Schema
		want string // name=property, in the order of slots; – for none
	}{
		{"the standard", setup.Contacts, standard[setup.Contacts], "Email=Email Name=Name Company=Company Status=Status New lead=New lead Source=Source Last Contacted=Last Contacted Notes=Notes"},
		{"standard deals", setup.Deals, standard[setup.Deals], "Stage=Stage Won=Won Lost=Lost Negotiation=Negotiation Value=Value Owner=Owner"},
		{"standard activities", setup.Activities, standard[setup.Activities], "Type=Type At=At Details=Details Contact=Contact Dealbell ID=Dealbell ID"},
		{"German", setup.Contacts, german[setup.Contacts], "Email=E-Mail-Adresse Name=Ansprechpartner Company=Firma Status=Phase New lead=Neu Source=Herkunft Last Contacted=Letzter Kontakt Notes=Notizen"},
		{"German deals", setup.Deals, german[setup.Deals], "Stage=Stand Won=Gewonnen Lost=Verloren Negotiation=In Verhandlung Value=Auftragswert Owner=Zuständig"},
		{"German activities", setup.Activities, german[setup.Activities], "Type=Art At=Datum Details=Inhalt Contact=Kontakt Dealbell ID=Dealbell ID"},
		{
			"French", setup.Contacts, database("C", "Nom: title", "Courriel: email", "Société: select", "Étape: select Nouveau, Client", "Dernière prise de contact: date", "Remarques: rich_text"),
			"Email=Courriel Name=Nom Company=Société Status=Étape New lead=Nouveau Source=– Last Contacted=Dernière prise de contact Notes=Remarques",
		},
		{
			"Japanese", setup.Contacts, database("顧客", "氏名: title", "メールアドレス: email", "会社名: rich_text", "ステータス: status 新規, 対応中", "流入元: select", "最終連絡日: date", "備考: rich_text"),
			"Email=メールアドレス Name=氏名 Company=会社名 Status=ステータス New lead=新規 Source=流入元 Last Contacted=最終連絡日 Notes=備考",
		},
		{
			"Russian deals", setup.Deals, database("Сделки", "Название: title", "Этап: status Новая, Переговоры, Успешно, Отказ", "Сумма: number", "Ответственный: people"),
			"Stage=Этап Won=Успешно Lost=Отказ Negotiation=Переговоры Value=Сумма Owner=Ответственный",
		},
		{
			"closed won and closed lost", setup.Deals, database("D", "N: title", "Stage: select Closed lost, Closed won, Contract sent", "Amount: number", "Rep: people"),
			"Stage=Stage Won=Closed won Lost=Closed lost Negotiation=Contract sent Value=Amount Owner=Rep",
		},
		{
			"nothing is taken twice", setup.Contacts, database("C", "Email: title", "Message: rich_text"),
			"Email=Email Name=– Company=– Status=– New lead=– Source=– Last Contacted=– Notes=Message",
		},
		{
			"a name beside the title", setup.Contacts, database("C", "Title: title", "Name: rich_text", "Email: email"),
			"Email=Email Name=Name Company=– Status=– New lead=– Source=– Last Contacted=– Notes=–",
		},
		{
			"the only status, whatever its name", setup.Contacts, database("C", "Name: title", "Mail: email", "Where we are: status Start, End"),
			"Email=Mail Name=Name Company=– Status=Where we are New lead=– Source=– Last Contacted=– Notes=–",
		},
		{
			"a wrong type is not taken", setup.Contacts, database("C", "Name: title", "Email: email", "Company: relation", "Last Contacted: rich_text", "Status: checkbox", "Birthday: date"),
			"Email=Email Name=Name Company=– Status=– New lead=– Source=– Last Contacted=– Notes=–",
		},
		{
			"two numbers of which none says anything", setup.Deals, database("D", "N: title", "Stage: status Won", "A: number", "B: number"),
			"Stage=Stage Won=Won Lost=– Negotiation=– Value=– Owner=–",
		},
	} {
		m := setup.Propose(tc.role, tc.s)
		var got []string
		for _, slot := range setup.Slots(tc.role) {
			name := m[slot]
			if name == "" {
				name = "–"
			}
			got = append(got, fmt.Sprintf("%s=%s", slot.Name(), name))
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestAPersonCorrectsTheMapping(t *testing.T) {
	t.Parallel()
	s := german[setup.Deals]
	m := setup.Propose(setup.Deals, s)
	if err := m.Set(setup.SlotValue, " rabatt ", s); err != nil || m[setup.SlotValue] != "Rabatt" {
		t.Errorf("value is %q, %v; want Notion's spelling", m[setup.SlotValue], err)
	}
	err := m.Set(setup.SlotValue, "Rabat", s)
	if hint, _ := crm.Hint(err); err == nil || hint != `did you mean "Rabatt"?` || !strings.Contains(err.Error(), "Auftragswert, Rabatt") {
		t.Errorf("a typing error: %v, hint %q", err, hint)
	}
	if err := m.Set(setup.SlotWon, "Angebot", s); err != nil || m[setup.SlotWon] != "Angebot" {
		t.Errorf("an option: %q, %v", m[setup.SlotWon], err)
	}
	if err := m.Set(setup.SlotStage, "", s); err != nil || m[setup.SlotWon] != "" || m[setup.SlotLost] != "" {
		t.Errorf("without a stage there are %q and %q, %v", m[setup.SlotWon], m[setup.SlotLost], err)
	}
	if err := m.Set(setup.SlotStage, "Stand", s); err != nil || m[setup.SlotWon] != "Gewonnen" {
		t.Errorf("with the stage again, won is %q, %v", m[setup.SlotWon], err)
	}
	if _, err := setup.ParseSlot("Contact"); err != nil {
		t.Errorf("a name that only one slot has: %v", err)
	}
	if slot, err := setup.ParseSlot("contacts.new LEAD"); err != nil || slot != setup.SlotNewLead {
		t.Errorf("got %q, %v", slot, err)
	}
	if _, err := setup.ParseSlot("Colour"); err == nil || !strings.Contains(err.Error(), "contacts.Email, ") {
		t.Errorf("an unknown slot: %v, want the list", err)
	}
}
