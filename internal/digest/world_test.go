package digest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	contacts = "contacts-id"
	deals    = "deals-id"
	ana      = "11111111-1111-1111-1111-111111111111"
	bob      = "22222222-2222-2222-2222-222222222222"
)

// world is a store at a moment in time, without Notion and Slack.
type world struct {
	*testing.T
	db      *store.DB
	state   digest.State // db, where a test puts nothing else
	zone    *time.Location
	freshen func(ctx context.Context, database string) error
	log     strings.Builder
	rows    int
}

// at runs a test in frozen time, which begins at a moment as the clock of the
// zone shows it. Both databases were read completely a minute before.
func at(t *testing.T, zone, wall string, test func(w *world)) {
	t.Helper()
	where, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := time.ParseInLocation("2006-01-02 15:04", wall, where)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(begin))
		db, err := store.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		w := &world{T: t, db: db, state: db, zone: where, freshen: func(context.Context, string) error { return nil }}
		w.apply(crm.Commit{Schemas: []crm.Schema{contactSchema(), dealSchema()}})
		w.read(contacts, begin.Add(-time.Minute))
		w.read(deals, begin.Add(-time.Minute))
		test(w)
	})
}

func contactSchema() crm.Schema {
	return crm.Schema{Database: contacts, Name: "Contacts", Properties: []crm.Property{
		{ID: "title", Name: "Name", Kind: crm.KindTitle},
		{ID: "mail", Name: "Email", Kind: crm.KindEmail},
		{ID: "stat", Name: "Status", Kind: crm.KindSelect, Options: []string{"New lead", "Qualified"}},
		{ID: "last", Name: "Last Contacted", Kind: crm.KindDate},
		{ID: "team", Name: "Owner", Kind: crm.KindPeople},
	}}
}

func dealSchema() crm.Schema {
	return crm.Schema{Database: deals, Name: "Deals", Properties: []crm.Property{
		{ID: "title", Name: "Deal Name", Kind: crm.KindTitle},
		{ID: "stage", Name: "Stage", Kind: crm.KindStatus, Options: []string{"Lead", "Negotiation", "Won", "Lost"}},
		{ID: "value", Name: "Value", Kind: crm.KindNumber},
		{ID: "owner", Name: "Owner", Kind: crm.KindPeople},
		{ID: "vip", Name: "VIP", Kind: crm.KindCheckbox},
	}}
}

func (w *world) apply(c crm.Commit) {
	w.Helper()
	if err := w.db.Apply(w.Context(), c); err != nil {
		w.Fatal(err)
	}
}

func (w *world) read(database string, polled time.Time) {
	w.Helper()
	w.apply(crm.Commit{Reads: []crm.Read{{Database: database, CompletedAt: polled, PolledAt: polled, Watermark: polled}}})
}

// put shows a page to the store; its id is returned.
func (w *world) put(database, page string, created, edited time.Time, values map[string]crm.Value) string {
	w.Helper()
	if w.rows++; page == "" {
		page = fmt.Sprintf("page-%04d", w.rows)
	}
	w.apply(crm.Commit{Sights: []crm.Sight{{Database: database, By: crm.SeenFetch, AskedAt: time.Now(), Page: crm.Page{
		ID: page, URL: "https://www.notion.so/" + page, CreatedAt: created, EditedAt: edited, Values: values,
	}}}})
	return page
}

// contact is a row of Contacts that was made a year ago.
func (w *world) contact(name, status, last string, owners ...string) {
	w.Helper()
	w.made(time.Now().AddDate(-1, 0, 0), name, status, last, owners...)
}

func (w *world) made(created time.Time, name, status, last string, owners ...string) {
	w.Helper()
	date := crm.Value{Kind: crm.KindDate}
	if last != "" {
		date = crm.Day(last)
	}
	w.put(contacts, "", created, created.AddDate(0, 0, 3), map[string]crm.Value{
		"title": crm.Text(crm.KindTitle, name), "mail": crm.Text(crm.KindEmail, strings.ToLower(strings.Fields(name + " x")[0])+"@example.com"),
		"stat": crm.Choice(crm.KindSelect, status), "last": date, "team": {Kind: crm.KindPeople, IDs: owners},
	})
}

// deal shows a row of Deals.
func (w *world) deal(page, name, stage, value string, created, edited time.Time) string {
	w.Helper()
	values := map[string]crm.Value{"title": crm.Text(crm.KindTitle, name), "stage": {Kind: crm.KindStatus}, "value": {Kind: crm.KindNumber, Number: json.Number(value)}}
	if stage != "" {
		values["stage"] = crm.Choice(crm.KindStatus, stage)
	}
	return w.put(deals, page, created, edited, values)
}

func (w *world) compile(name string, s digest.Spec) *digest.Digest {
	w.Helper()
	id := contacts
	if s.Database == "deals" {
		id = deals
	}
	d, err := digest.Compile(name, id, s)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

func (w *world) service(digests ...*digest.Digest) *digest.Service {
	return digest.New(digest.Options{
		State: w.state, Digests: digests, Zone: w.zone,
		Freshen: func(ctx context.Context, database string) error { return w.freshen(ctx, database) },
		Log:     slog.New(slog.NewTextHandler(&w.log, nil)),
		Send:    func(channel string) crm.Job { return crm.Job{Kind: "send", Unique: channel} },
		Direct:  func(person string) string { return "person " + person },
	})
}

// slot is the present time as a slot.
func (w *world) slot() string { return time.Now().In(w.zone).Format("2006-01-02T15:04") }

// made returns the messages that a run of a digest puts into the outbox.
func (w *world) run(d *digest.Digest, job crm.Job) []crm.Message {
	w.Helper()
	c, err := w.service(d).Make(w.Context(), job)
	if err != nil {
		w.Fatal(err)
	}
	w.apply(crm.Commit{Messages: c.Messages})
	all, err := w.db.Outbox(w.Context(), 1000)
	if err != nil {
		w.Fatal(err)
	}
	if sent := len(c.Jobs); sent > 0 && sent != len(c.Messages) {
		w.Errorf("%d jobs send %d messages", sent, len(c.Messages))
	}
	return all
}

// says returns the one text that a digest says now; "" for none.
func (w *world) says(name string, s digest.Spec) string {
	w.Helper()
	all := w.run(w.compile(name, s), slotJob(name, w.slot()))
	if len(all) > 1 {
		w.Fatalf("%d messages, want one", len(all))
	}
	if len(all) == 0 {
		return ""
	}
	return all[0].Text
}

// staleLeads is the standard digest with some fields set over it.
func staleLeads(over digest.Spec) digest.Spec { return over.Over(digest.Standard()["stale-leads"]) }

func expect(t testing.TB, got string, lines ...string) {
	t.Helper()
	if want := strings.Join(lines, "\n"); got != want {
		t.Errorf("it says:\n%s\nwant:\n%s", got, want)
	}
}

// slotJob is the job of a slot that is due now, or of one by hand.
func slotJob(name, slot string) crm.Job {
	if slot == byHand {
		return digest.Job(name, slot, time.Time{})
	}
	return digest.Job(name, slot, time.Now())
}
