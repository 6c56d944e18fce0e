package importer_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/importer"
	"github.com/dealbell/dealbell/internal/secret"
)

func contacts() crm.Schema {
	return crm.Schema{Database: "contacts", Name: "Contacts", Properties: []crm.Property{
		{ID: "t", Name: "Name", Kind: crm.KindTitle},
		{ID: "e", Name: "Email", Kind: crm.KindEmail},
		{ID: "c", Name: "Company", Kind: crm.KindText},
		{ID: "p", Name: "Phone", Kind: crm.KindPhone},
		{ID: "s", Name: "Status", Kind: crm.KindStatus, Options: []string{"New lead", "Won"}},
		{ID: "o", Name: "Source", Kind: crm.KindSelect, Options: []string{"Fair"}},
		{ID: "v", Name: "Visits", Kind: crm.KindNumber},
		{ID: "l", Name: "Last Contacted", Kind: crm.KindDate},
		{ID: "b", Name: "Subscribed", Kind: crm.KindCheckbox},
		{ID: "r", Name: "Deals", Kind: crm.KindRelation},
		{ID: "f", Name: "Age", Kind: "formula"},
	}}
}

func wish(change ...func(*importer.Wish)) importer.Wish {
	schema := contacts()
	w := importer.Wish{Schema: schema, Key: schema.Properties[1], Contacts: true, Zone: time.UTC, Secret: secret.New("pepper")}
	for _, c := range change {
		c(&w)
	}
	return w
}

func mapped(wishes ...string) func(*importer.Wish) {
	return func(w *importer.Wish) { w.Map = wishes }
}

func draft(t *testing.T, file string, w importer.Wish) *importer.Draft {
	t.Helper()
	d, err := importer.NewDraft(strings.NewReader(file), w)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// replica is what is known of a database.
type replica struct {
	pages []crm.Snapshot
	sums  map[string]string // that were written, and their pages
}

func (r replica) Rows(_ context.Context, _ string, visit func(crm.Snapshot) error) error {
	for _, p := range r.pages {
		if err := visit(p); err != nil {
			return err
		}
	}
	return nil
}

func (r replica) ImportedPage(_ context.Context, sum []byte) (string, error) {
	return r.sums[string(sum)], nil
}

func TestColumnsFindTheirProperties(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header string
		wishes []string
		want   string
	}{
		{"Name,Email,Company", nil, "Name|Email|Company"},
		{"name,E-Mail Address,COMPANY,Phone Number,Lead Source", nil, "Name|Email|Company|Phone|Source"},
		{"Nombre,Correo electrónico,Empresa,Teléfono,Estado", nil, "Name|Email|Company|Phone|Status"},
		{"Nom complet,Courriel,Société,Téléphone", nil, "Name|Email|Company|Phone"},
		{"Vollständiger Name,E-Mail-Adresse,Firma,Telefon,Herkunft", nil, "-|Email|Company|Phone|Source"},
		{"Last Name,First Name,Email", nil, "Name|Name|Email"},
		{"Vorname,Nachname,Mail", nil, "Name|Name|Email"},
		{"Full Name,First Name,Email", nil, "Name|-|Email"},
		{"Email,Work email,Shoe size", nil, "Email|-|-"},
		{"Mail,Email", nil, "-|Email"},
		{"Email,Deals,Age", nil, "Email|-|-"},
		{"Email,Notes", []string{"Notes=Company"}, "Email|Company"},
		{"Email,Company", []string{"company="}, "Email|-"},
		{"Who,a=b,Company", []string{"Who=Email", "a=b=Name"}, "Email|Name|Company"},
		{"Email,Street,Town", []string{"Street=Company", "Town=Company"}, "Email|Company|Company"},
		{"Email,Rejected line,Rejected because", nil, "Email|-|-"},
	} {
		var got []string
		for _, column := range draft(t, c.header+"\n", wish(mapped(c.wishes...))).Columns {
			if column.Property == "" {
				column.Property = "-"
			}
			got = append(got, column.Property)
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s %v: %v, want %s", c.header, c.wishes, got, c.want)
		}
	}
}

func TestWishesThatMakeNoSenseAreExplained(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ header, wish, want, hint string }{
		{"Name,Company", "", `no column holds "Email"`, "--map 'Column=Email'"},
		{"Email", "Emial=Name", `no column "Emial"`, `did you mean "Email"?`},
		{"Email,X", "X=Compny", `no property "Compny"`, `did you mean "Company"?`},
		{"Email,X", "X", "there is no =", "--map 'Column=Property'"},
		{"Email,X", "X=Deals", `"Deals" is of type relation`, ""},
		{"Email,X,Y", "X=Visits Y=Visits", `"Visits" takes one column`, ""},
		{"Email,Last Contacted\na@example.com,3/4/2026", "", "nobody can tell the day of 3/4/2026", "--dates dmy"},
	} {
		_, err := importer.NewDraft(strings.NewReader(c.header+"\n"), wish(mapped(strings.Fields(c.wish)...)))
		hint, _ := crm.Hint(err)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint, c.hint) {
			t.Errorf("%s --map %s: %v (%s), want %s (%s)", c.header, c.wish, err, hint, c.want, c.hint)
		}
	}
}

func TestRowsAreMergedRejectedAndCompared(t *testing.T) {
	t.Parallel()
	const file = "First Name,Last Name,Email,Company,Status,Source,Visits,Subscribed\n" +
		"Ana,Díaz,ANA@example.com,,won,fair,,\n" + // 2: new
		",,ana@example.com,ACME,New lead,Web,5,x\n" + // 3: goes into 2
		"Bob,,bob@example.com,ACME,,,,\n" + // 4: known, something is blank
		"Carl,,carl@example.com,,,,,\n" + // 5: known, all is there
		"Dora,,nobody,,Hot,,many,\n" + // 6: rejected
		"Eve,,,,,,,\n" + // 7: rejected
		"Fay,,fay@example.com,,,,,,,more\n" // 8: rejected
	known := replica{pages: []crm.Snapshot{
		{Page: "bob", Values: map[string]crm.Value{"e": crm.Text(crm.KindEmail, "Bob@Example.com"), "t": crm.Text(crm.KindTitle, "Robert"), "c": crm.Text(crm.KindText, "")}},
		{Page: "carl", Values: map[string]crm.Value{"e": crm.Text(crm.KindEmail, "carl@example.com"), "t": crm.Text(crm.KindTitle, "Charles")}},
		{Page: "carl2", Values: map[string]crm.Value{"e": crm.Text(crm.KindEmail, "carl@example.com")}},
	}}
	p, err := draft(t, file, wish()).Compare(t.Context(), known, 2.5)
	if err != nil {
		t.Fatal(err)
	}
	if p.Rows != 7 || p.Creates != 1 || p.Updates != 1 || p.Unchanged != 1 || p.Merged != 1 || p.Rejected != 3 || p.Replaces != 0 || p.Reads != 1 || p.Calls != 3 {
		t.Errorf("%+v", p)
	}
	rows := slices.Collect(p.Write)
	if len(rows) != 2 || rows[0].Line != 2 || rows[0].Key != "ana@example.com" || rows[1].Key != "bob@example.com" {
		t.Fatalf("rows %+v", rows)
	}
	want := map[string]crm.Value{
		"t": crm.Text(crm.KindTitle, "Ana Díaz"), "e": crm.Text(crm.KindEmail, "ANA@example.com"), "c": crm.Text(crm.KindText, "ACME"),
		"s": crm.Choice(crm.KindStatus, "Won"), "o": crm.Choice(crm.KindSelect, "Fair"), "v": {Kind: crm.KindNumber, Number: "5"}, "b": {Kind: crm.KindCheckbox, Check: true},
	}
	if diff := cmp.Diff(want, rows[0].Wanted); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, want := range []string{`"Email" is not an email address`, `"Email" is empty`, "more cells than the header"} {
		if r := p.Rejects[i]; r.Line != 6+i || !strings.Contains(r.Reason, want) {
			t.Errorf("%+v, want line %d: %s", r, 6+i, want)
		}
	}
	if reason := p.Rejects[0].Reason; !strings.Contains(reason, "options New lead, Won") || !strings.Contains(reason, "expected a number") {
		t.Errorf("%s does not say all that is wrong", reason)
	}

	// The file wins where that is asked for.
	p, err = draft(t, file, wish(func(w *importer.Wish) { w.Overwrite = true })).Compare(t.Context(), known, 2.5)
	if err != nil || p.Updates != 2 || p.Replaces != 2 || p.Unchanged != 0 {
		t.Errorf("%+v, %v; want two updates that replace two names", p, err)
	}

	// What was written before is left alone, unless it is to be read otherwise.
	known.sums = map[string]string{string(rows[0].Sum): "ana", string(rows[1].Sum): "bob"}
	if p, err = draft(t, file, wish()).Compare(t.Context(), known, 2.5); err != nil || p.Writes() != 0 || p.Unchanged != 3 {
		t.Errorf("%+v, %v; want nothing to write", p, err)
	}
	if p, err = draft(t, file, wish(mapped("Company="))).Compare(t.Context(), known, 2.5); err != nil || p.Writes() != 1 {
		t.Errorf("%+v, %v; want the new row", p, err)
	}
}

func TestNobodyCanTellOneOfSeveralRowsOfATitle(t *testing.T) {
	t.Parallel()
	schema := contacts()
	w := importer.Wish{Schema: schema, Key: schema.Title(), Zone: time.UTC}
	known := replica{pages: []crm.Snapshot{
		{Page: "1", Values: map[string]crm.Value{"t": crm.Text(crm.KindTitle, "Big deal")}},
		{Page: "2", Values: map[string]crm.Value{"t": crm.Text(crm.KindTitle, "big deal ")}},
	}}
	p, err := draft(t, "Name,Company\nBIG DEAL,ACME\nSmall deal,ACME\n", w).Compare(t.Context(), known, 2.5)
	if err != nil || p.Creates != 1 || len(p.Rejects) != 1 || p.Rejects[0].Line != 2 || !strings.Contains(p.Rejects[0].Reason, `2 rows of Contacts carry this "Name"`) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestRejectsAreTheRowsAsTheyStand(t *testing.T) {
	t.Parallel()
	const file = "Name;Email;Rejected line;Rejected because\n=1;x;7;old\nAna;a@example.com;;\n"
	var out strings.Builder
	d := draft(t, file, wish())
	if err := importer.WriteRejects(&out, strings.NewReader(file), d.Rejects); err != nil {
		t.Fatal(err)
	}
	const want = "\ufeffName,Email,Rejected line,Rejected because\r\n'=1,x,2,\"\"\"Email\"\" is not an email address\"\r\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestRejectsLoseNoCellBeyondTheHeader(t *testing.T) {
	t.Parallel()
	const file = "Name,Email\nAna,ana@example.com,more,\"a, b\"\n"
	var out strings.Builder
	d := draft(t, file, wish())
	if err := importer.WriteRejects(&out, strings.NewReader(file), d.Rejects); err != nil {
		t.Fatal(err)
	}
	if want := "Ana,ana@example.com,2,it has more cells than the header (2),more,\"a, b\"\r\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("%q does not end with %q", out.String(), want)
	}
}
