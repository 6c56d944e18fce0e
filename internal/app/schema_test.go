package app_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestContactsMadeByHandCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{Latency: 100 * time.Millisecond})
		before := w.notion.AddRow(w.crm.Contacts, map[string]any{"Name": "By hand", "Email": "Ana.SILVA@Example.com"})
		w.start()
		w.accepted(map[string]string{"email": "ana.silva@example.com"}) // before the first read is complete
		w.settle(time.Minute)
		if got := w.onlyContact(); got.ID != before {
			t.Errorf("the contact is %s, want the one made by hand: %s", got.ID, before)
		}
		w.notion.AddRow(w.crm.Contacts, map[string]any{"Name": "Later", "Email": "BOB@Example.com"})
		time.Sleep(10 * time.Minute) // polls
		w.accepted(map[string]string{"email": "bob@example.com"})
		w.settle(time.Minute)
		if n := len(w.contacts()); n != 2 {
			t.Errorf("%d contacts, want 2: the one made later counts too", n)
		}
		w.stop()
		w.notion.AddRow(w.crm.Contacts, map[string]any{"Name": "While down", "Email": "Eve@Example.com"})
		w.start()
		time.Sleep(10 * time.Second)
		w.accepted(map[string]string{"email": "eve@example.com"})
		w.settle(time.Minute)
		if n := len(w.contacts()); n != 3 {
			t.Errorf("%d contacts, want 3: one made while Dealbell was down counts too", n)
		}
		w.stop()
	})
}

// One query shows 10,000 rows at most, and an import makes more than that
// within one minute.
func TestTheFirstReadGoesBeyondTenThousandRows(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("reads 12,500 rows")
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		const rows, imported = 2_000, 10_500
		for i := range rows + imported {
			w.notion.AddRow(w.crm.Contacts, map[string]any{"Email": fmt.Sprintf("Person%d@Example.com", i)})
			if i < rows && i%100 == 0 {
				time.Sleep(time.Minute)
			}
		}
		time.Sleep(time.Minute)
		w.notion.AddRow(w.crm.Contacts, map[string]any{"Email": fmt.Sprintf("Person%d@Example.com", rows+imported)})
		w.start()
		time.Sleep(4 * time.Second)
		w.crash() // in the middle
		time.Sleep(10 * time.Minute)
		for _, n := range []int{0, 1_999, 2_000, 9_999, 10_000, 10_001, 11_999, 12_000, rows + imported - 1, rows + imported} {
			w.accepted(person(n))
		}
		w.settle(5 * time.Minute)
		if n := len(w.contacts()); n != rows+imported+1 {
			t.Errorf("%d rows, want %d: a contact beyond the limit of a query was made again", n, rows+imported+1)
		}
		w.stop()
	})
}

func TestAValueThatDoesNotFitWaitsForTheSchema(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		spoil, mend func(w *world)
		property    string
		want        string
	}{
		{
			"a status option that does not exist",
			func(w *world) { w.notion.RenameOption(w.crm.Contacts, "Status", "New lead", "Fresh") },
			func(w *world) { w.notion.AddOption(w.crm.Contacts, "Status", "New lead") }, "", "",
		},
		{
			"a property of another type",
			func(w *world) { w.notion.RetypeProperty(w.crm.Contacts, "Company", "number") },
			func(w *world) { w.notion.RetypeProperty(w.crm.Contacts, "Company", "rich_text") }, "Company", "ACME",
		},
		{
			"a property that is gone",
			func(w *world) { w.notion.DropProperty(w.crm.Contacts, "Company") },
			func(w *world) {
				w.notion.AddProperty(w.crm.Contacts, sandbox.Property{Name: "Company", Type: "rich_text"})
			}, "Company", "ACME",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				w.start()
				w.accepted(map[string]string{"email": "before@example.com"}) // the schema is cached now
				w.settle(time.Minute)
				tc.spoil(w)
				w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana", "company": "ACME", "message": "hello"})
				w.settle(time.Minute)
				ana := w.contacts()[1]
				if ana.Values["Name"] != "Ana" || !strings.Contains(strings.Join(ana.Blocks, " "), "hello") {
					t.Errorf("the lead did not land: %+v", ana)
				}
				status := w.status()
				if status.LeftoverSum != 1 || status.DeadLetters != 0 || status.Leftovers[0].Expected == "" || status.Leftovers[0].Got == "" {
					t.Fatalf("leftovers %+v, %d dead letters; want one value reported with expected and got", status.Leftovers, status.DeadLetters)
				}
				tc.mend(w)
				time.Sleep(2 * time.Minute)
				if n := w.status().LeftoverSum; n != 0 {
					t.Errorf("%d values still wait after the schema was mended", n)
				}
				if tc.property != "" {
					if got := w.contacts()[1].Values[tc.property]; got != tc.want {
						t.Errorf("%s = %q, want the value that was kept: %q", tc.property, got, tc.want)
					}
				}
				w.stop()
			})
		})
	}
}

func TestARenamedPropertyIsFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(map[string]string{"email": "before@example.com", "company": "Old"})
		w.settle(time.Minute)
		w.notion.RenameProperty(w.crm.Contacts, "Company", "Firma")
		w.notion.RenameProperty(w.crm.Contacts, "Email", "E-Mail")
		w.accepted(map[string]string{"email": "ana@example.com", "company": "ACME"})
		w.settle(time.Minute)
		w.notion.AddRow(w.crm.Contacts, map[string]any{"E-Mail": "Eve@Example.com"})
		time.Sleep(2 * time.Hour) // the schema is read again, and changes with it
		w.accepted(map[string]string{"email": "eve@example.com", "company": "By hand"})
		w.settle(time.Minute)
		w.stop()
		w.start() // with nothing cached
		w.accepted(map[string]string{"email": "bob@example.com", "company": "Bob & Co"})
		w.settle(time.Minute)
		if n := len(w.contacts()); n != 4 {
			t.Fatalf("%d contacts, want 4: the key was not followed", n)
		}
		for i, want := range []string{"Old", "ACME", "By hand", "Bob & Co"} {
			if got := w.contacts()[i].Values["Firma"]; got != want {
				t.Errorf("contact %d: Firma = %q, want %q", i, got, want)
			}
		}
		w.stop()
	})
}

func TestASecondDataSourceBreaksNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(person(1))
		w.settle(time.Minute)
		w.notion.AddDataSource(w.crm.Contacts, "Archive", sandbox.Property{Name: "Name", Type: "title"})
		w.accepted(person(2))
		w.settle(time.Minute)
		w.stop()
		w.start()
		w.accepted(person(3))
		w.settle(time.Minute)
		if n := len(w.contacts()); n != 3 {
			t.Errorf("%d contacts, want 3", n)
		}
		w.stop()
	})
}

func TestOtherNamesAndMissingProperties(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		logs := &lockedBuffer{}
		w.logs = logs
		w.crm.Contacts = w.notion.CreateDatabase("Kontakte", sandbox.Property{Name: "Voller Name", Type: "title"}, sandbox.Property{Name: "email", Type: "email"})
		w.start()
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana", "company": "ACME", "message": "hello"})
		w.settle(time.Minute)
		got := w.onlyContact()
		if diff := cmp.Diff(map[string]string{"Voller Name": "Ana", "email": "ana@example.com"}, filled(got.Values)); diff != "" {
			t.Errorf("contact (-want +got):\n%s", diff)
		}
		if status := w.status(); status.LeftoverSum != 0 || len(got.Blocks) != 1 {
			t.Errorf("%d leftovers, blocks %q; want the message kept and nothing left over", status.LeftoverSum, got.Blocks)
		}
		w.stop()
		if n := strings.Count(logs.b.String(), "lacks properties"); n != 1 || !strings.Contains(logs.b.String(), "Last Contacted") {
			t.Errorf("%d warnings about missing properties, want one that names them: %s", n, logs.b.String())
		}
	})
}

func TestAChangedActivitiesDatabaseIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.activities = true
		w.start()
		w.accepted(map[string]string{"email": "ana@example.com", "message": "one"})
		w.settle(time.Minute)
		w.notion.DropProperty(w.crm.Activities, "Type")
		w.accepted(map[string]string{"email": "ana@example.com", "message": "two"})
		w.settle(time.Minute)
		rows := w.notion.Rows(w.crm.Activities)
		if len(rows) != 2 || len(w.jobs(crm.JobDead)) != 0 {
			t.Errorf("%d activities, %d dead letters; want both messages kept", len(rows), len(w.jobs(crm.JobDead)))
		}
		w.stop()
	})
}

func TestWaitingForTheFirstReadEndsWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{Latency: 2 * time.Second})
		for i := range 1000 {
			w.notion.AddRow(w.crm.Contacts, map[string]any{"Email": fmt.Sprintf("row%d@example.com", i)})
		}
		w.start()
		w.accepted(person(1))
		for len(w.contacts()) == 1000 {
			time.Sleep(100 * time.Millisecond)
		}
		// A look-up and a create, two seconds each, and their tokens.
		if after := time.Since(w.status().Databases[0].FirstRead); after > 6*time.Second {
			t.Errorf("the lead landed %v after the end of the first read, want it to follow at once", after)
		}
		w.stop()
	})
}
