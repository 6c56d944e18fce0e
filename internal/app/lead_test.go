package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

func TestALeadBecomesAContact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{Latency: 200 * time.Millisecond})
		w.start()
		w.accepted(map[string]string{
			"email": " Ana.Silva@Example.com", "name": "Ana Silva", "company": "ACME, Inc.", "message": "Hello\nthere",
			"utm_source": "google, ads", "budget": "10k",
		})
		w.settle(time.Minute)
		got := w.onlyContact()
		want := map[string]string{
			"Name": "Ana Silva", "Email": "Ana.Silva@Example.com", "Company": "ACME, Inc.", "Notes": "Hello\nthere",
			"Source": "google ads", "Status": "New lead", "Last Contacted": time.Now().UTC().Format(time.DateOnly),
		}
		if diff := cmp.Diff(want, filled(got.Values)); diff != "" {
			t.Errorf("contact (-want +got):\n%s", diff)
		}
		if len(got.Blocks) != 1 || !strings.Contains(got.Blocks[0], "Hello\nthere") || !strings.Contains(got.Blocks[0], "budget: 10k") {
			t.Errorf("page says %q, want the message and the field without a property", got.Blocks)
		}
		w.stop()
	})
}

func filled(values map[string]string) map[string]string {
	found := map[string]string{}
	for k, v := range values {
		if v != "" {
			found[k] = v
		}
	}
	return found
}

func TestFiftySpellingsAtOnceAreOneContactWithFiftyMessages(t *testing.T) {
	t.Parallel()
	for _, activities := range []bool{false, true} {
		t.Run(fmt.Sprintf("activities database %v", activities), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{Latency: 300 * time.Millisecond, QueryLag: 5 * time.Second})
				w.activities = activities
				w.start()
				spellings := []string{"ana@example.com", "Ana@Example.com", " ANA@EXAMPLE.COM ", "ana@example.com.", "aNa@eXample.com\t"}
				var wg sync.WaitGroup
				for i := range 50 {
					wg.Go(func() {
						w.accepted(map[string]string{"email": spellings[i%len(spellings)], "message": fmt.Sprintf("message <%d>", i)})
					})
				}
				wg.Wait()
				w.settle(5 * time.Minute)
				contact := w.onlyContact()
				kept := strings.Join(contact.Blocks, "\n")
				if activities {
					kept = ""
					for _, row := range w.notion.Rows(w.crm.Activities) {
						kept += row.Values["Details"] + "\n"
						if row.Values["Contact"] != contact.ID {
							t.Errorf("activity %q belongs to %q, want %q", row.Values["Details"], row.Values["Contact"], contact.ID)
						}
					}
				}
				for i := range 50 {
					if n := strings.Count(kept, fmt.Sprintf("message <%d>", i)); n != 1 {
						t.Errorf("message %d is kept %d times, want once", i, n)
					}
				}
				w.stop()
			})
		})
	}
}

func TestARepeatFillsBlanksAndTouches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(map[string]string{"email": "ana@example.com", "company": "ACME"})
		w.settle(time.Minute)
		page := w.onlyContact().ID
		w.notion.EditRow(page, map[string]any{"Name": "Ana S.", "Status": "Qualified", "Source": ""})
		time.Sleep(48 * time.Hour)
		w.accepted(map[string]string{"email": "ANA@example.com", "name": "Ana Silva", "company": "Other", "utm_source": "Referral", "message": "again"})
		w.settle(time.Minute)
		want := map[string]string{
			"Email": "ana@example.com", "Name": "Ana S.", "Company": "ACME", "Status": "Qualified", "Source": "Referral",
			"Notes": "again", "Last Contacted": time.Now().UTC().Format(time.DateOnly),
		}
		if diff := cmp.Diff(want, filled(w.onlyContact().Values)); diff != "" {
			t.Errorf("contact (-want +got):\n%s", diff)
		}
		w.stop()
	})
}

// A person may fill a blank between Dealbell's last sight of the page and the
// next submission: what they wrote stands.
func TestAValueThatAPersonJustWroteIsNotOverwritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(map[string]string{"email": "ana@example.com"})
		w.settle(time.Minute)
		w.notion.EditRow(w.onlyContact().ID, map[string]any{"Name": "Dr. Silva", "Company": "Human Inc", "Notes": "call her", "Last Contacted": "2031-01-01"})
		w.accepted(map[string]string{"email": "ana@example.com", "name": "ana", "company": "typed", "message": "hi"})
		w.settle(time.Minute)
		got := w.onlyContact().Values
		for property, want := range map[string]string{"Name": "Dr. Silva", "Company": "Human Inc", "Notes": "call her", "Last Contacted": "2031-01-01"} {
			if got[property] != want {
				t.Errorf("%s = %q, want what the person wrote: %q", property, got[property], want)
			}
		}
		w.stop()
	})
}

func TestAKnownContactCostsOnePatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana", "company": "ACME"})
		w.settle(time.Minute)
		w.notion.ForgetTranscript()
		w.accepted(map[string]string{"email": "Ana@example.com", "name": "Ana", "company": "ACME"})
		w.settle(time.Minute)
		if diff := cmp.Diff(map[string]int{"PATCH pages/*": 1}, w.requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		w.stop()
	})
}

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

// Notion says that a create was saved although it failed: the page it names
// is the contact, however long queries take to show it.
func TestACreateThatWasSavedAllTheSameIsNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{QueryLag: time.Hour})
		w.notion.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{
			Match: sandbox.Match{Method: "POST", Path: "/v1/pages"}, Fault: sandbox.SavedButUnavailable,
		}}})
		w.start()
		for i := range 5 {
			w.accepted(person(i))
		}
		w.settle(10 * time.Minute)
		w.checkContacts(5)
		w.stop()
	})
}

func TestATrashedOrDeletedContactIsLeftAloneAndMadeAnew(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*sandbox.Workspace, string){
		"trashed": (*sandbox.Workspace).Trash, "deleted": (*sandbox.Workspace).Purge,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				w.start()
				w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana"})
				w.settle(time.Minute)
				old := w.onlyContact()
				remove(w.notion, old.ID)
				w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana", "message": "still here"})
				w.settle(time.Minute)
				if got := w.onlyContact(); got.ID == old.ID || !strings.Contains(strings.Join(got.Blocks, " "), "still here") {
					t.Errorf("contact %+v, want a new page with the message", got)
				}
				for _, row := range w.notion.Rows(w.crm.Contacts) {
					if row.ID == old.ID && (!row.InTrash || len(row.Blocks) != len(old.Blocks)) {
						t.Errorf("the trashed page was written to or taken out of the trash: %+v", row)
					}
				}
				w.stop()
			})
		})
	}
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

func TestWhatNotionRefusesIsADeadLetterThatCanBeRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(map[string]string{"email": "before@example.com"})
		w.settle(time.Minute)
		w.notion.DropProperty(w.crm.Contacts, "Email")
		w.accepted(map[string]string{"email": "ana@example.com", "message": "do not lose me"})
		time.Sleep(time.Minute)
		dead := w.jobs(crm.JobDead)
		if len(dead) != 1 || !strings.Contains(dead[0].LastError, `has no property "Email"`) {
			t.Fatalf("dead letters %+v, want one that names the property", dead)
		}
		w.notion.AddProperty(w.crm.Contacts, sandbox.Property{Name: "Email", Type: "email"})
		w.retry(dead[0])
		w.settle(2 * time.Minute)
		if n := len(w.jobs(crm.JobDead)); n != 0 {
			t.Errorf("%d dead letters after the retry", n)
		}
		ana := w.contacts()[1]
		if ana.Values["Email"] != "ana@example.com" || !strings.Contains(strings.Join(ana.Blocks, " "), "do not lose me") {
			t.Errorf("contact %+v, want the lead of the dead letter", ana)
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

func TestAPageWhoseEmailWasChangedIsAnotherPersons(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana"})
		w.settle(time.Minute)
		w.notion.EditRow(w.onlyContact().ID, map[string]any{"Email": "bob@example.com"})
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana", "message": "from ana"})
		w.accepted(map[string]string{"email": "bob@example.com", "message": "from bob"})
		w.settle(time.Minute)
		rows := w.contacts()
		if len(rows) != 2 {
			t.Fatalf("%d contacts, want 2", len(rows))
		}
		for i, want := range []string{"from bob", "from ana"} {
			if text := strings.Join(rows[i].Blocks, " "); len(rows[i].Blocks) != 1 || !strings.Contains(text, want) {
				t.Errorf("%s: page says %q, want only %q", rows[i].Values["Email"], text, want)
			}
		}
		w.stop()
	})
}

// twist lets the network answer instead of Notion until the returned func is
// called.
func (w *world) twist(answer func(*http.Request) (int, string)) (mend func()) {
	w.wire.twist.Store(&answer)
	return func() { w.wire.twist.Store(nil) }
}

const refusal = `{"object":"error","status":400,"code":"validation_error","message":"This is refused.","request_id":"r"}`

func TestADeadLetterTakesAllOpenLeadsOfItsContactAlong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.settle(time.Minute)
		w.notion.SetUnreachable(true)
		for i := range 90 { // more than one run takes
			w.accepted(map[string]string{"email": "ana@example.com", "message": fmt.Sprintf("message <%d>", i)})
		}
		mend := w.twist(func(r *http.Request) (int, string) {
			if r.Method == http.MethodPost && r.URL.Path == "/v1/pages" {
				return http.StatusBadRequest, refusal
			}
			return 0, ""
		})
		w.notion.SetUnreachable(false)
		time.Sleep(10 * time.Minute)
		dead := w.jobs(crm.JobDead)
		if len(dead) != 1 || w.status().OpenLeads != 0 {
			t.Fatalf("%d dead letters and %d open leads, want one and none", len(dead), w.status().OpenLeads)
		}
		mend()
		w.retry(dead[0])
		w.settle(10 * time.Minute)
		kept := strings.Join(w.onlyContact().Blocks, "\n") + "\n"
		for i := range 90 {
			if n := strings.Count(kept, fmt.Sprintf("message <%d>\n", i)); n != 1 {
				t.Errorf("message %d is kept %d times, want once", i, n)
			}
		}
		w.stop()
	})
}

func TestLeadsThatNoJobWorksOnAreFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.settle(time.Minute)
		w.notion.SetUnreachable(true)
		w.accepted(person(1))
		w.stop()
		w.attached(func(db *store.DB) error { // what no code should do
			jobs, err := db.Jobs(context.Background(), store.JobFilter{Kind: "lead.upsert"})
			if err != nil || len(jobs) != 1 {
				return fmt.Errorf("jobs %v: %w", jobs, err)
			}
			_, _, err = db.Turn(context.Background(), []crm.End{{Job: jobs[0]}}, crm.Room{})
			return err
		})
		w.notion.SetUnreachable(false)
		w.start()
		w.settle(10 * time.Minute)
		w.onlyContact()
		w.stop()
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

func TestReplayingAFinishedLeadKeepsItsMessageOnce(t *testing.T) {
	t.Parallel()
	for _, activities := range []bool{false, true} {
		t.Run(fmt.Sprintf("activities database %v", activities), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				w.activities = activities
				w.start()
				var answer struct{ ID string }
				if err := json.Unmarshal(w.submit(map[string]string{"email": "ana@example.com", "message": "hello"}).Body.Bytes(), &answer); err != nil {
					t.Fatal(err)
				}
				w.settle(time.Minute)
				w.attached(func(db *store.DB) error {
					return db.Reopen(context.Background(), answer.ID, lead.UpsertJob("ana@example.com"))
				})
				w.settle(time.Minute)
				blocks, rows := len(w.onlyContact().Blocks), len(w.notion.Rows(w.crm.Activities))
				if blocks+rows != 1 {
					t.Errorf("%d paragraphs and %d activities, want the message once", blocks, rows)
				}
				w.stop()
			})
		})
	}
}

// While the database is not shared, everything looks deleted. Afterwards the
// contact is still known, in the spelling that a person gave it.
func TestALossOfAccessMakesNobodyNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.notion.AddRow(w.crm.Contacts, map[string]any{"Email": "ANA@Example.com"})
		w.start()
		w.settle(time.Minute)
		time.Sleep(time.Minute)
		mend := w.twist(func(r *http.Request) (int, string) {
			return http.StatusNotFound, `{"object":"error","status":404,"code":"object_not_found","message":"Could not find it."}`
		})
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana", "message": "hello"})
		time.Sleep(5 * time.Minute)
		mend()
		w.settle(time.Hour)
		if got := w.onlyContact(); got.Values["Name"] != "Ana" {
			t.Errorf("contact %+v, want the one that was there, with its blank filled", got)
		}
		w.stop()
	})
}

func TestAContactThatWasMovedToAnotherDatabaseIsMadeAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(map[string]string{"email": "ana@example.com", "name": "Ana"})
		w.settle(time.Minute)
		moved := w.onlyContact().ID
		w.notion.Purge(moved) // from Contacts; the archive answers for it
		w.twist(func(r *http.Request) (int, string) {
			if !strings.HasSuffix(r.URL.Path, moved) {
				return 0, ""
			}
			if r.Method == http.MethodPatch {
				return http.StatusBadRequest, refusal
			}
			return http.StatusOK, `{"object":"page","id":"` + moved + `","parent":{"type":"data_source_id","data_source_id":"` + w.crm.Deals.DataSourceID + `"},"properties":{}}`
		})
		w.accepted(map[string]string{"email": "Ana@example.com", "name": "Ana"})
		w.settle(time.Minute)
		if got := w.onlyContact(); got.ID == moved || len(w.jobs(crm.JobDead)) != 0 {
			t.Errorf("contact %+v, %d dead letters; want a new page", got, len(w.jobs(crm.JobDead)))
		}
		w.stop()
	})
}

func TestWaitingForTheFirstReadCostsNothingAndEndsWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{Latency: 2 * time.Second})
		for i := range 1000 {
			w.notion.AddRow(w.crm.Contacts, map[string]any{"Email": fmt.Sprintf("row%d@example.com", i)})
		}
		w.start()
		w.accepted(person(1))
		for began := time.Now(); len(w.contacts()) == 1000; time.Sleep(100 * time.Millisecond) {
			if time.Since(began) > 45*time.Second {
				t.Fatal("the lead did not land soon after the first read (about 25 s)")
			}
		}
		w.stop()
	})
}

func TestAnAnswerThatGotLostStillSaysCreated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{QueryLag: 3 * time.Second})
		w.start()
		w.settle(time.Minute)
		w.notion.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{
			Match: sandbox.Match{Method: "POST", Path: "/v1/pages"}, Nth: 1, Fault: sandbox.ResetAfter,
		}}})
		w.notion.RenameOption(w.crm.Contacts, "Status", "New lead", "Fresh")
		time.Sleep(2 * time.Hour) // the schema is read again
		answer := w.submit(map[string]string{"email": "ana@example.com"}, "Prefer", "wait=20")
		if want := `{"status":"created","id":"` + w.onlyContact().ID + `"}`; answer.Code != 200 || strings.TrimSpace(answer.Body.String()) != want {
			t.Errorf("got %d %s, want 200 %s", answer.Code, answer.Body, want)
		}
		if n := w.status().LeftoverSum; n != 1 {
			t.Errorf("%d leftovers, want the status of a new lead", n)
		}
		w.stop()
	})
}
