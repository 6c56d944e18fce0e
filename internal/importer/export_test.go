package importer_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/importer"
	"github.com/dealbell/dealbell/internal/table"
)

// archive knows one person, and another page.
type archive struct{ replica }

func (archive) Snapshot(_ context.Context, page string) (crm.Snapshot, bool, error) {
	return crm.Snapshot{Page: page, Database: "contacts", Values: map[string]crm.Value{"t": crm.Text(crm.KindTitle, "Big deal")}}, page == "deal", nil
}

func (archive) Schema(context.Context, string) (crm.Schema, bool, error) {
	return contacts(), true, nil
}

func (archive) Person(_ context.Context, id string) (crm.Person, bool, error) {
	return crm.Person{Name: "Olga"}, id == "olga", nil
}

func page(n byte, email string, values map[string]crm.Value) crm.Snapshot {
	id := crm.NormalID(strings.Repeat(string(n), 32))
	if email != "" {
		values["e"] = crm.Text(crm.KindEmail, email)
	}
	return crm.Snapshot{Page: id, URL: "https://www.notion.so/Some-Title-" + strings.ReplaceAll(id, "-", ""), Values: values}
}

// What is exported comes back as it was, also rows without a key and two of
// one key.
func TestAnExportComesBackUnchanged(t *testing.T) {
	t.Parallel()
	day := crm.Day("2026-11-20T10:00:00.000+01:00")
	day.Date.End = "2026-11-21T10:00:00.000+01:00"
	all := replica{pages: []crm.Snapshot{
		page('1', "Ana@Example.com", map[string]crm.Value{
			"t": crm.Text(crm.KindTitle, "=1+1"), "c": crm.Text(crm.KindText, " \"quoted\",\r\nand\tmore; '=x\n"), "p": crm.Text(crm.KindPhone, "+49 30 1"),
			"s": crm.Choice(crm.KindStatus, "Won"), "o": crm.Choice(crm.KindSelect, "Not listed yet"), "v": {Kind: crm.KindNumber, Number: "-1234.5"},
			"l": day, "b": {Kind: crm.KindCheckbox, Check: true}, "r": {Kind: crm.KindRelation, IDs: []string{"deal", "other"}}, "f": {Kind: "formula", Number: "3"},
		}),
		page('2', "", map[string]crm.Value{"t": crm.Text(crm.KindTitle, "Nobody"), "b": {Kind: crm.KindCheckbox}}),
		page('3', "twice@example.com", map[string]crm.Value{"t": crm.Text(crm.KindTitle, "One")}),
		page('4', "Twice@example.com", map[string]crm.Value{"t": crm.Text(crm.KindTitle, "Two"), "c": crm.Text(crm.KindText, "ACME")}),
	}}
	var file strings.Builder
	if n, err := importer.Export(t.Context(), archive{all}, contacts(), table.NewWriter(&file)); err != nil || n != 4 {
		t.Fatal(n, err)
	}
	for _, want := range []string{"Name,Email,Company,Phone", "'=1+1", "'+49 30 1", "-1234.5", "Big deal, other", "2026-11-20T10:00:00.000+01:00 → 2026-11-21T10:00:00.000+01:00", ",yes,", "https://www.notion.so/"} {
		if !strings.Contains(file.String(), want) {
			t.Errorf("the file lacks %s:\n%s", want, file.String())
		}
	}
	for _, overwrite := range []bool{false, true} {
		w := wish(func(w *importer.Wish) { w.Overwrite, w.Zone = overwrite, time.FixedZone("", -3600) })
		p, err := draft(t, file.String(), w).Compare(t.Context(), all, 2.5)
		if err != nil || p.Unchanged != 4 || p.Writes() != 0 || p.Rejected != 0 || p.Merged != 0 {
			t.Errorf("overwrite %v: %+v, %v; want all unchanged", overwrite, p, err)
		}
	}

	// What somebody changes there is seen.
	changed := strings.Replace(strings.Replace(file.String(), "Nobody", "Somebody", 1), ",Won,", ",New lead,", 1)
	p, err := draft(t, changed, wish(func(w *importer.Wish) { w.Overwrite = true })).Compare(t.Context(), all, 2.5)
	if err != nil || p.Updates != 1 || p.Replaces != 1 || p.Unchanged != 2 || p.Rejected != 1 || !strings.Contains(p.Rejects[0].Reason, `"Email" is empty`) {
		t.Errorf("%+v, %v", p, err)
	}
	if capital := strings.Replace(file.String(), "One,", "ONE.,", 1); capital != file.String() {
		if p, err := draft(t, capital, wish(func(w *importer.Wish) { w.Overwrite = true })).Compare(t.Context(), all, 2.5); err != nil || p.Updates != 1 {
			t.Errorf("%+v, %v; a change of letters alone is one", p, err)
		}
	}
}
