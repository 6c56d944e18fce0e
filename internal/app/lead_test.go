package app_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/sandbox"
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
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
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
