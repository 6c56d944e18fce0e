package sandbox

import "time"

// Furnish fills a StandardCRM with a small company's contacts and deals. As of
// now, three of the four contacts are new leads that nobody has contacted for
// more than 30 days.
func (w *Workspace) Furnish(crm CRM, now time.Time) {
	contact := func(name, email, company, status string, days int) string {
		return w.AddRow(crm.Contacts, map[string]any{
			"Name": name, "Email": email, "Company": company, "Status": status, "Source": "Referral",
			"Last Contacted": now.AddDate(0, 0, -days).UTC().Format(time.DateOnly),
		})
	}
	nora := contact("Nora Lindqvist", "nora@lindqvist-sailing.example", "Lindqvist Sailing", "New lead", 64)
	omar := contact("Omar Haddad", "omar@portofino-yards.example", "Portofino Yards", "New lead", 47)
	priya := contact("Priya Raman", "priya@ramanferries.example", "Raman Ferries", "New lead", 33)
	tom := contact("Tom Abara", "tom@abara.example", "Abara & Sons", "Qualified", 4)

	people := w.People()
	deal := func(name, stage string, value float64, owner int, contact string) {
		w.AddRow(crm.Deals, map[string]any{
			"Deal Name": name, "Stage": stage, "Value": value,
			"Owner": []string{people[owner].ID}, "Contact": []string{contact},
		})
	}
	deal("Lindqvist dinghy fleet", "Lead", 18500, 0, nora)
	deal("Portofino refit", "Lead", 7200, 1, omar)
	deal("Raman tender boats", "Negotiation", 46000, 2, priya)
	deal("Abara cutter", "Negotiation", 12000, 0, tom)
	deal("Abara rowing pair", "Won", 3400, 1, tom)
}
