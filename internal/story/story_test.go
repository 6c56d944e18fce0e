package story_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
	"github.com/dealbell/dealbell/internal/story"
)

// shelf is a store that holds one account.
type shelf struct{ held store.Account }

func (s shelf) Account(context.Context, store.Whose) (store.Account, error) { return s.held, nil }

func (s shelf) Keys(context.Context, func(string) error) error { return nil }

func (s shelf) Schema(_ context.Context, database string) (crm.Schema, bool, error) {
	return crm.Schema{Database: database, Name: "Contacts", Properties: []crm.Property{
		{ID: "t", Name: "Name", Kind: crm.KindTitle},
		{ID: "s", Name: "Stage", Kind: crm.KindStatus},
		{ID: "o", Name: "Owner", Kind: crm.KindPeople},
		{ID: "c", Name: "Contact", Kind: crm.KindRelation},
	}}, true, nil
}

func (s shelf) Person(_ context.Context, id string) (crm.Person, bool, error) {
	return crm.Person{ID: id, Name: map[string]string{"u1": "Ana Silva"}[id]}, id == "u1", nil
}

func tell(t *testing.T, a store.Account) story.Story {
	t.Helper()
	s, err := story.Tell(t.Context(), shelf{a}, time.UTC, "ana@example.com")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestWhatHappensInOneMillisecondIsToldWithItsCauseFirst(t *testing.T) {
	t.Parallel()
	step := func(kind crm.StepKind, after time.Duration) crm.Step {
		return crm.Step{Kind: kind, At: noon.Add(after), Page: "p1", Record: crm.Record{Key: "ana@example.com"}}
	}
	told := tell(t, store.Account{
		Key:      "ana@example.com",
		Messages: []crm.Message{{Rule: "won", Change: 2, Channel: "sales", State: crm.MessageSent, CreatedAt: noon, SentAt: noon, Page: "p1"}},
		Changes: []crm.Change{
			{ID: 1, Page: "p1", Property: "t", New: crm.Text(crm.KindTitle, "Ana"), SeenAt: noon, SeenBy: crm.SeenWrite, Own: true},
			{ID: 2, Page: "p1", Property: "s", Old: crm.Choice(crm.KindStatus, "Lead"), New: crm.Choice(crm.KindStatus, "Won"), SeenAt: noon, SeenBy: crm.SeenPoll, EditedBy: "u1"},
		},
		Steps:      []crm.Step{step(crm.StepMissed, 300*time.Microsecond), step(crm.StepBegan, 200*time.Microsecond), step(crm.StepMade, time.Millisecond)},
		Deliveries: []store.Received{{Delivery: crm.Delivery{ID: "d1", Source: "lead", ReceivedAt: noon.Add(900 * time.Microsecond), State: crm.DeliveryDone}}},
	})
	var lines []string
	for _, e := range told.Entries {
		lines = append(lines, string(e.Kind)+" "+e.Text)
	}
	want := []string{
		"delivery by form lead, d1", "decision a look-up finds no page with the key", "decision creates a page",
		"change Name → Ana, by Dealbell, own write", "change Stage: Lead → Won, by Ana Silva, seen by poll",
		"rule won fires on Stage: Lead → Won", "message of won is sent to sales", "decision created page p1",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +told):\n%s", diff)
	}
}

func TestManyStepsOfOneMomentKeepTheirOrder(t *testing.T) {
	t.Parallel()
	var a store.Account
	var want []string
	for i := range 50 { // in two moments, written down in turns
		a.Steps = append(a.Steps, crm.Step{Kind: crm.StepImported, At: noon.Add(time.Duration(i%2) * time.Millisecond), Why: strconv.Itoa(i)})
		want = append(want, "brings in "+strconv.Itoa(i/25+i*2%50))
	}
	for i, e := range tell(t, a).Entries {
		if e.Text != want[i] {
			t.Fatalf("entry %d is %q, want %q", i, e.Text, want[i])
		}
	}
}

func TestWhereARecordStands(t *testing.T) {
	t.Parallel()
	delivery := func(state crm.DeliveryState) store.Received {
		return store.Received{Delivery: crm.Delivery{ID: "d1", Source: "lead", State: state, Reason: "origin token-reused", ReceivedAt: noon}, Page: "p1"}
	}
	deliveries := func(states ...crm.DeliveryState) (found []store.Received) {
		for _, s := range states {
			found = append(found, delivery(s))
		}
		return found
	}
	page := []crm.Snapshot{{Page: "p1", SeenAt: noon}}
	dead := crm.Job{ID: 7, State: crm.JobDead, LastError: "no property"}
	for _, tt := range []struct {
		name string
		is   store.Account
		want story.Now
	}{
		{
			"a dead letter comes before everything",
			store.Account{Jobs: []crm.Job{{State: crm.JobRunning}, dead}, Deliveries: deliveries("held", "queued"), Pages: page},
			story.Now{Text: "stuck since job 7 needs a person: no property", Stuck: true, Next: "dealbell jobs show 7"},
		},
		{"one that is held", store.Account{Deliveries: deliveries("done", "held"), Pages: page}, story.Now{Text: "held for review because of origin, token-reused", Stuck: true, Next: "dealbell replay --show d1"}},
		{"one in the queue", store.Account{Deliveries: deliveries("queued")}, story.Now{Text: "in the queue, not in Notion yet", Next: "dealbell status"}},
		{"one at work", store.Account{Deliveries: deliveries("noting"), Jobs: []crm.Job{{ID: 3, State: crm.JobRunning}}}, story.Now{Text: "job 3 is at work on it"}},
		{
			"one that waits",
			store.Account{Deliveries: deliveries("queued"), Jobs: []crm.Job{{ID: 3, State: crm.JobWaiting, NotBefore: noon, Attempts: 1, LastError: "away"}}},
			story.Now{Text: "waits until 2026-11-20 12:00:00 UTC, after 1 failed try: away", Next: "dealbell doctor"},
		},
		{
			"a rejected one that nobody heard of again",
			store.Account{Rejected: []store.Rejected{{ID: "q1", Reason: "no signature", ReceivedAt: noon}}},
			story.Now{Text: "rejected: no signature", Stuck: true, Next: "dealbell replay --show q1"},
		},
		{
			"a rejected one that came through later",
			store.Account{Rejected: []store.Rejected{{ID: "q1", ReceivedAt: noon.Add(-time.Hour)}}, Deliveries: deliveries("done"), Pages: page},
			story.Now{Text: "in Notion, with its 1 submission, last seen 2026-11-20 12:00:00 UTC"},
		},
		{
			"a value that does not fit",
			store.Account{Deliveries: deliveries("done"), Pages: page, Leftovers: []crm.Leftover{{Property: "Status", Expected: "an option", Got: `"x"`}}},
			story.Now{Text: `in Notion without Status: expected an option, got "x"; it is filled in once the property is mended in Notion`, Next: "dealbell doctor"},
		},
		{
			"a message that Slack refused",
			store.Account{Pages: page, Messages: []crm.Message{{Rule: "won", Channel: "sales", State: crm.MessageRefused, Reason: "no such channel"}}},
			story.Now{Text: "in Notion; the message of won is refused by sales: no such channel", Stuck: true, Next: "dealbell status"},
		},
		{
			"a message that was refused before one that was sent",
			store.Account{Pages: page, Messages: []crm.Message{{State: crm.MessageRefused}, {State: crm.MessageSent}}},
			story.Now{Text: "in Notion, last seen 2026-11-20 12:00:00 UTC"},
		},
		{
			"a page in the trash",
			store.Account{Deliveries: deliveries("done"), Pages: []crm.Snapshot{{Page: "p1", Trashed: true}}},
			story.Now{Text: "its page is in Notion's trash, or gone: the next submission makes a new one"},
		},
		{"one that was dropped", store.Account{Deliveries: deliveries("dropped")}, story.Now{Text: "dropped by a person", Next: "dealbell replay d1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tell(t, tt.is).Now); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is written down by a later Dealbell is told by an earlier one as far as
// it goes, and never an empty line.
func TestEveryStepHasItsWords(t *testing.T) {
	t.Parallel()
	kinds := []crm.StepKind{
		crm.StepAsked, crm.StepTook, crm.StepSentOn, crm.StepImported, crm.StepKnew, crm.StepFound, crm.StepMissed, crm.StepLost, crm.StepBegan, crm.StepMade, crm.StepSettled,
		crm.StepWrote, crm.StepTouched, crm.StepLeft, crm.StepKept, crm.StepLeftOut, crm.StepCompleted, crm.StepWaits, crm.StepDied, crm.StepRetried,
		crm.StepDropped, crm.StepCorrected, crm.StepAdmitted, crm.StepReopened, "of tomorrow",
	}
	var a store.Account
	for _, kind := range kinds {
		a.Steps = append(a.Steps, crm.Step{Kind: kind, At: noon, Page: "0b6f1111-2222", Properties: []string{"s"}, Deliveries: []string{"d1"}, Job: 7, Endpoint: "POST pages", Why: "because", Until: noon.Add(time.Second)})
	}
	a.Pages = []crm.Snapshot{{Page: "0b6f1111-2222", Database: "contacts"}}
	seen := map[string]bool{}
	for i, e := range tell(t, a).Entries {
		if e.Text == "" || seen[e.Text] || strings.Contains(e.Text, "%!") || strings.TrimSpace(e.Text) != e.Text {
			t.Errorf("%s is told as %q", kinds[i], e.Text)
		}
		seen[e.Text] = true
		if slices.Contains([]crm.StepKind{crm.StepWrote, crm.StepTouched, crm.StepLeftOut, crm.StepCompleted}, kinds[i]) && !strings.Contains(e.Text, "Stage") {
			t.Errorf("%s does not name its property: %q", kinds[i], e.Text)
		}
	}
}

func TestValuesAreToldAsPeopleKnowThem(t *testing.T) {
	t.Parallel()
	ids := func(kind crm.Kind, ids ...string) crm.Value { return crm.Value{Kind: kind, IDs: ids} }
	long := strings.Repeat("word ", 50)
	for _, tt := range []struct {
		name     string
		property string
		old, now crm.Value
		want     string
		detail   bool
	}{
		{"people by their names", "o", ids(crm.KindPeople), ids(crm.KindPeople, "u1", "abcdefghijkl"), "Owner → Ana Silva, user abcdefgh", false},
		{"pages by their ids", "c", crm.Value{}, ids(crm.KindRelation, "0123456789"), "Contact → page 01234567", false},
		{"what was cleared", "s", crm.Choice(crm.KindStatus, "Won"), crm.Value{Kind: crm.KindStatus}, "Stage: Won → (empty)", false},
		{"a property that is gone", "zz", crm.Text(crm.KindText, "a"), crm.Text(crm.KindText, "b\nc"), "zz: a → b c", false},
		{"a long text in short", "t", crm.Value{}, crm.Text(crm.KindTitle, long), "Name → " + strings.TrimSpace(long[:60]) + "…", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tell(t, store.Account{Changes: []crm.Change{{Property: tt.property, Old: tt.old, New: tt.now, Own: true, SeenBy: crm.SeenWrite}}}).Entries[0]
			if got.Text != tt.want+", by Dealbell, own write" || (got.Detail != "") != tt.detail {
				t.Errorf("%q (%q), want %q", got.Text, got.Detail, tt.want)
			}
		})
	}
}
