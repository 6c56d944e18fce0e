package store_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	anas       = "ana.silva@example.com"
	contacts   = "c0000000-0000-4000-8000-000000000000"
	deals      = "d0000000-0000-4000-8000-000000000000"
	activities = "a0000000-0000-4000-8000-000000000000"
	anasPage   = "11111111-0000-4000-8000-000000000000"
	bobsPage   = "22222222-0000-4000-8000-000000000000"
	dealPage   = "33333333-0000-4000-8000-000000000000"
	callPage   = "44444444-0000-4000-8000-000000000000"
	anaMember  = "55555555-0000-4000-8000-000000000000"
)

func parse(t *testing.T, s string) crm.Email {
	t.Helper()
	e, err := crm.ParseEmail(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// story is a state directory in which much is known of Ana, some of Bob.
type story struct {
	t          *testing.T
	dir        string
	db         *store.DB
	deliveries map[string]string // body -> id
}

// tell fills every table.
func tell(t *testing.T) *story {
	t.Helper()
	s := &story{t: t, dir: t.TempDir(), deliveries: map[string]string{}}
	s.db = open(t, s.dir)
	s.finishedLongAgo()
	s.leads()
	s.notion()
	s.messages()
	return s
}

func (s *story) apply(c crm.Commit) {
	s.t.Helper()
	if err := s.db.Apply(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) accept(key, contentType, body, token string) {
	s.t.Helper()
	in := store.Intake{
		Delivery:       crm.Delivery{ID: store.NewID(), Source: "lead", Key: key, ContentType: contentType, Body: []byte(body)},
		IdempotencyKey: token, Job: crm.Job{Kind: "lead.upsert", Key: key, Unique: key},
	}
	if key == "" {
		in.Delivery.Key, in.Job.Key, in.Job.Unique = in.Delivery.ID, in.Delivery.ID, in.Delivery.ID
	}
	if _, err := s.db.Accept(s.t.Context(), in); err != nil {
		s.t.Fatal(err)
	}
	s.deliveries[body] = in.Delivery.ID
}

// finishedLongAgo leaves the remains of rows that were deleted, by a Dealbell
// that did not overwrite them.
func (s *story) finishedLongAgo() {
	s.t.Helper()
	old := raw(s.t, s.dir)
	for _, q := range []string{
		`pragma secure_delete = 0`,
		`insert into jobs (kind, lane, key, uniq, payload, state, created_at) select 'lead.upsert', 0, 'ANA.silva@example.com', '', '"' || value || ' ana.silva%40example.com"', 'ready', 1 from json_each('[1,2,3,4,5,6,7,8,9]')`,
		`delete from jobs`,
	} {
		if _, err := old.Exec(q); err != nil {
			s.t.Fatal(err)
		}
	}
	old.Close()
}

const (
	plainBody   = `{"email":"Ana.Silva@Example.com","message":"my number is 555-ANA"}`
	encodedBody = "email=ana.silva%40example.com&message=and+again+555-ANA"
	escapedBody = `{"email":"ana.silva\u0040example.com","message":"third 555-ANA"}`
	namelessOne = `{"contact":"ANA.SILVA@EXAMPLE.COM","question":"555-ANA"}`
	bobsBody    = `{"email":"bob@example.com","message":"ask ana.silva@example.com or joana.silva@example.com"}`
)

func (s *story) leads() {
	s.t.Helper()
	s.accept(anas, "application/json", plainBody, "")
	s.accept(anas, "application/x-www-form-urlencoded", encodedBody, "form-7-ana.silva@example.com")
	s.accept(anas, "application/json", escapedBody, "")
	s.accept("", "application/json", namelessOne, "")
	s.accept("bob@example.com", "application/json", bobsBody, "bob")
	activity := crm.Job{Kind: "lead.activity", Key: s.deliveries[encodedBody], Payload: []byte(`{"delivery":"` + s.deliveries[encodedBody] + `"}`)}
	s.apply(crm.Commit{
		Progress: []crm.Progress{{Delivery: s.deliveries[encodedBody], State: crm.DeliveryDone, Outcome: crm.Created, Page: anasPage}},
		Intents:  []crm.Intent{{Database: contacts, Key: anas, BegunAt: time.Now()}, {Database: activities, Key: s.deliveries[encodedBody], BegunAt: time.Now()}},
		Writes: []crm.Write{
			{Page: crm.NewPage(contacts, anas), Values: map[string]crm.Value{"note": crm.Text(crm.KindText, "555-ANA")}},
			{Page: crm.NewPage(activities, s.deliveries[encodedBody]), Values: map[string]crm.Value{"note": crm.Text(crm.KindText, "again 555-ANA")}},
		},
		Jobs: []crm.Job{activity},
		Steps: []crm.Step{
			{Kind: crm.StepTook, Record: crm.Record{Key: anas}, Job: 1, Deliveries: []string{s.deliveries[plainBody]}},
			{Kind: crm.StepKept, Record: crm.Record{Key: s.deliveries[encodedBody]}, Job: 2, Page: callPage, Why: "555-ANA"},
			{Kind: crm.StepAsked, Record: crm.Record{Page: anasPage}, Job: 3, Why: "555-ANA"},
			{Kind: crm.StepDied, Record: crm.Record{Key: "bob@example.com"}, Job: 4, Why: "a server said ana.silva@example.com"},
		},
	})
	for _, body := range []string{plainBody, encodedBody, `{"email":"eve@example.com"}`} {
		if err := s.db.Quarantine(s.t.Context(), store.Rejected{ID: store.NewID(), Source: "lead", Reason: "test", Body: []byte(body)}); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *story) notion() {
	s.t.Helper()
	s.apply(crm.Commit{Schemas: []crm.Schema{{Database: contacts, Name: "Contacts", Properties: []crm.Property{
		{ID: "mail", Name: "Email", Kind: crm.KindEmail}, {ID: "note", Name: "Notes", Kind: crm.KindText},
	}}}})
	edited := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	look := func(database, page, key string, values map[string]crm.Value) {
		edited = edited.Add(time.Minute)
		s.apply(crm.Commit{Sights: []crm.Sight{{
			Database: database, Key: key, AskedAt: time.Now().Add(time.Hour),
			Page: crm.Page{ID: page, URL: "https://www.notion.so/" + page, EditedAt: edited, Values: values},
		}}})
	}
	text := func(s string) crm.Value { return crm.Text(crm.KindText, s) }
	for _, note := range []string{"555-ANA", "555-ANA, called"} {
		look(contacts, anasPage, anas, map[string]crm.Value{"mail": crm.Text(crm.KindEmail, "Ana.Silva@Example.com"), "note": text(note)})
	}
	look(contacts, bobsPage, "bob@example.com", map[string]crm.Value{"mail": crm.Text(crm.KindEmail, "bob@example.com"), "note": text("ok")})
	for _, note := range []string{"none", "talk to ana.silva@example.com"} {
		look(deals, dealPage, "", map[string]crm.Value{"title": crm.Text(crm.KindTitle, "Big deal"), "note": text(note)})
	}
	look(activities, callPage, "", map[string]crm.Value{"note": text("called 555-ANA"), "contact": {Kind: crm.KindRelation, IDs: []string{anasPage}}})
	s.apply(crm.Commit{
		Leftovers: []crm.Leftover{
			{Database: contacts, Page: anasPage, Property: "Status", Value: text("555-ANA")},
			{Database: contacts, Page: bobsPage, Property: "Source", Value: text("by ana.silva@example.com")},
			{Database: activities, Page: callPage, Property: "Details", Value: text("555-ANA")},
		},
		Clues: []crm.Clue{{Database: contacts, Page: anasPage, At: time.Now()}, {Database: contacts, Page: bobsPage, At: time.Now()}},
		People: []crm.Person{
			{ID: anaMember, Name: "Ana 555-ANA", Email: "Ana.Silva@example.com"}, {ID: bobsPage, Name: "Bob", Email: "bob@example.com"},
		},
	})
	if _, err := s.db.Receive(s.t.Context(), crm.Event{ID: "e", Type: "t", Body: []byte(`{"x":"ana.silva@example.com","y":1}`)}, crm.Job{Kind: "poll.events", Unique: "e"}); err != nil {
		s.t.Fatal(err)
	}
	if err := s.db.SaveBindings(s.t.Context(), "odd", map[string]string{"ana.silva@example.com": "1", "b": "2"}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) messages() {
	s.t.Helper()
	s.apply(crm.Commit{Messages: []crm.Message{
		{Channel: "sales", Rule: "won", Change: 1001, Page: anasPage, Text: "555-ANA won"},
		{Channel: "sales", Rule: "stale", Slot: "2026-11-20T09:00", Text: "2 stale:\n• *Ana 555-ANA* (ana.silva@example.com) — 2026\n• *Bob* (bob@example.com) — 2026", Repeat: true},
		{Channel: "sales", Rule: "won", Change: 1002, Page: dealPage, Text: "Big deal won"},
	}})
	s.apply(crm.Commit{Delivered: []crm.Delivered{{Message: 1, State: crm.MessageSending}}})
	s.apply(crm.Commit{Delivered: []crm.Delivered{{Message: 1, State: crm.MessageSent}}})
}

func (s *story) forget(o store.Oblivion) store.Removal {
	s.t.Helper()
	o.Email, o.Related = parse(s.t, " ANA.Silva@example.COM"), activities
	r, err := s.db.Forget(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// primary lists the columns of each table's primary key.
func primary(t *testing.T, dir string) map[string][]string {
	t.Helper()
	keys := map[string][]string{}
	query(t, dir, `select m.name, c.name from sqlite_master as m join pragma_table_info(m.name) as c
		where m.type = 'table' and m.name not like 'sqlite_%' and c.pk > 0 order by m.name, c.pk`, func(columns []any) {
		table := columns[0].(string)
		keys[table] = append(keys[table], columns[1].(string))
	})
	return keys
}

// oracle finds every row of every table with the address, as plain as can be:
// by the letters in any column. It gives each its primary key.
func oracle(t *testing.T, dir string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for table, keys := range primary(t, dir) {
		key := "cast(" + strings.Join(keys, ` as text) || '|' || cast(`) + " as text)"
		query(t, dir, `select `+key+` as k, * from "`+table+`"`, func(columns []any) {
			for _, v := range columns {
				if b, isBlob := v.([]byte); isBlob {
					v = string(b)
				}
				if holds(fmt.Sprint(v)) {
					found[table] = append(found[table], columns[0].(string))
					return
				}
			}
		})
	}
	return found
}

// holds looks for Ana's address, but not for Joana's.
func holds(text string) bool {
	text = strings.ReplaceAll(strings.ToLower(text), "jo"+anas, "")
	for _, at := range []string{"@", "%40", `\u0040`} {
		if strings.Contains(text, strings.Replace(anas, "@", at, 1)) {
			return true
		}
	}
	return false
}

func TestAnExportHoldsEveryRowThatNamesThePerson(t *testing.T) {
	t.Parallel()
	s := tell(t)
	if _, err := raw(t, s.dir).Exec(`create table novelty (id integer primary key, note text) strict;
		insert into novelty values (7, 'from Ana.Silva@example.com'), (8, 'from bob@example.com')`); err != nil {
		t.Fatal(err)
	}
	e, err := s.db.Export(t.Context(), parse(t, "ANA.silva@example.com "), activities)
	if err != nil {
		t.Fatal(err)
	}
	keys, checked := primary(t, s.dir), 0
	for table, rows := range oracle(t, s.dir) {
		var exported []string
		for _, r := range e.Tables[table] {
			var key []string
			for _, column := range keys[table] {
				key = append(key, fmt.Sprint(r[column]))
			}
			exported = append(exported, strings.Join(key, "|"))
		}
		for _, key := range rows {
			if checked++; !slices.Contains(exported, key) {
				t.Errorf("row %s of %s names the person and is not exported", key, table)
			}
		}
	}
	if checked < 15 {
		t.Fatalf("the oracle found only %d rows", checked)
	}
	// What belongs to the person without naming the address.
	for table, n := range map[string]int{
		"inbox": 5, "quarantine": 2, "idempotency": 4, "intents": 2, "jobs": 3, "snapshots": 3, "leftovers": 3, "clues": 1,
		"outbox": 2, "people": 1, "events": 1, "facts": 1, "novelty": 1, "writes": 1, "steps": 4,
	} {
		if got := len(e.Tables[table]); got != n {
			t.Errorf("%d rows of %s are exported, want %d: %v", got, table, n, e.Tables[table])
		}
	}
	if want := []string{"ANA.SILVA@EXAMPLE.COM", "ANA.silva@example.com", "Ana.Silva@Example.com", "Ana.Silva@example.com", anas}; !slices.Equal(e.Spellings, want) {
		t.Errorf("spellings %q, want %q", e.Spellings, want)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("eve@example.com")) {
		t.Error("somebody else's rejected delivery is exported")
	}
	first := e.Tables["inbox"][0]
	if first["body"] != plainBody || first["body_base64"] != base64.StdEncoding.EncodeToString([]byte(plainBody)) {
		t.Errorf("the delivery's body is %v and %v, want it readable and exact", first["body"], first["body_base64"])
	}
	page := e.Tables["snapshots"][slices.IndexFunc(e.Tables["snapshots"], func(r map[string]any) bool { return r["page"] == anasPage })]
	if diff := cmp.Diff(map[string]string{"Email": "Ana.Silva@Example.com", "Notes": "555-ANA, called"}, page["properties"]); diff != "" {
		t.Errorf("the page's properties (-want +got):\n%s", diff)
	}
}

func TestOfAStrangerNothingIsExportedOrForgotten(t *testing.T) {
	t.Parallel()
	s := tell(t)
	if _, err := s.db.Export(t.Context(), parse(t, "nobody@example.com"), activities); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Export = %v, want ErrNotFound", err)
	}
	before := oracle(t, s.dir)
	if r, err := s.db.Forget(t.Context(), store.Oblivion{Email: parse(t, "silva@example.com"), Related: activities}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Forget = %+v, %v, want ErrNotFound", r, err)
	}
	if diff := cmp.Diff(before, oracle(t, s.dir)); diff != "" {
		t.Errorf("something was removed (-before +after):\n%s", diff)
	}
}

// traces greps the files of a database for what must not be in them.
func traces(t *testing.T, dir string, what ...string) (found []string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(filepath.Join(dir, store.FileName+suffix))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		content = bytes.ReplaceAll(bytes.ToLower(content), []byte("jo"+anas), nil)
		for _, w := range what {
			if n := bytes.Count(content, bytes.ToLower([]byte(w))); n > 0 {
				found = append(found, fmt.Sprintf("%s %d times in %s%s", w, n, store.FileName, suffix))
			}
		}
	}
	return found
}

func anasTraces() []string {
	return []string{anas, "ana.silva%40example.com", `ana.silva\u0040example.com`, "555-ANA"}
}

func TestAfterForgettingNoByteOfThePersonIsLeft(t *testing.T) {
	t.Parallel()
	for _, daemon := range []bool{false, true} {
		t.Run(fmt.Sprintf("beside a daemon: %v", daemon), func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			if len(traces(t, s.dir, anasTraces()...)) == 0 {
				t.Fatal("nothing to find before")
			}
			if !daemon {
				s.db.Close()
			}
			command, err := store.Attach(t.Context(), s.dir, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer command.Close()
			if _, err := raw(t, s.dir).Exec(`create table novelty (id integer primary key, note text) strict;
				insert into novelty values (7, 'from Ana.Silva@example.com'), (8, 'from bob@example.com')`); err != nil {
				t.Fatal(err)
			}
			r, err := command.Forget(t.Context(), store.Oblivion{Email: parse(t, anas), Related: activities})
			if err != nil {
				t.Fatal(err)
			}
			if found := traces(t, s.dir, anasTraces()...); len(found) > 0 {
				t.Errorf("left: %q", found)
			}
			want := store.Removal{
				Email: anas, Spellings: r.Spellings, Deliveries: r.Deliveries, Backups: []string{}, Compacted: true,
				Removed: map[string]int{
					"inbox": 4, "quarantine": 2, "idempotency": 4, "intents": 2, "jobs": 3, "snapshots": 2, "changes": r.Removed["changes"], "leftovers": 2,
					"clues": 1, "outbox": 1, "people": 1, "writes": 1, "steps": 3,
				},
				Changed: map[string]int{"inbox": 1, "snapshots": 1, "leftovers": 1, "outbox": 1, "events": 1, "facts": 1, "novelty": 1, "steps": 1},
				Pages: []store.PageLeft{
					{ID: anasPage, Database: contacts, URL: "https://www.notion.so/" + anasPage}, {ID: callPage, Database: activities, URL: "https://www.notion.so/" + callPage},
				},
				Naming: []store.PageLeft{{ID: dealPage, Database: deals, URL: "https://www.notion.so/" + dealPage}},
				Sent:   r.Sent,
			}
			if diff := cmp.Diff(want, r); diff != "" {
				t.Errorf("receipt (-want +got):\n%s", diff)
			}
			if len(r.Deliveries) != 4 {
				t.Errorf("deliveries %q, want Ana's four", r.Deliveries)
			}
			if len(r.Sent) != 1 || r.Sent[0].Channel != "sales" || time.Since(r.Sent[0].At) > time.Minute {
				t.Errorf("sent: %+v, want the one message", r.Sent)
			}
			s.checkBob(command)
		})
	}
}

// checkBob looks whether what is kept of others is whole.
func (s *story) checkBob(db *store.DB) {
	s.t.Helper()
	d, err := db.Delivery(s.t.Context(), s.deliveries[bobsBody])
	if want := `{"email":"bob@example.com","message":"ask (removed) or joana.silva@example.com"}`; err != nil || string(d.Body) != want || d.State == crm.DeliveryDone {
		s.t.Errorf("Bob's delivery is %s %s, %v; want %s, still open", d.State, d.Body, err, want)
	}
	digest, err := db.Digest(s.t.Context(), "stale", "2026-11-20T09:00")
	if want := "2 stale:\n(removed)\n• *Bob* (bob@example.com) — 2026"; err != nil || len(digest) != 1 || digest[0].Text != want {
		s.t.Errorf("the digest is %+v, %v; want %q", digest, err, want)
	}
	deal, found, err := db.Snapshot(s.t.Context(), dealPage)
	if err != nil || !found || deal.Values["title"].Text != "Big deal" || len(deal.Values) != 1 {
		s.t.Errorf("the deal is %+v, %v; want it without the property that named Ana", deal, err)
	}
	left, err := db.Leftovers(s.t.Context(), contacts, 10)
	if err != nil || len(left) != 1 || left[0].Value.Text != "by (removed)" {
		s.t.Errorf("leftovers %+v, %v; want Bob's without the address", left, err)
	}
	if kept, err := db.Quarantined(s.t.Context()); err != nil || len(kept) != 1 {
		s.t.Errorf("%d rejected deliveries, %v; want Eve's", len(kept), err)
	}
	if p, found, err := db.Person(s.t.Context(), bobsPage); err != nil || !found || p.Name != "Bob" {
		s.t.Errorf("Bob is %+v, %v", p, err)
	}
}

func TestADryRunForgetsNothing(t *testing.T) {
	t.Parallel()
	s := tell(t)
	before := oracle(t, s.dir)
	dry := s.forget(store.Oblivion{DryRun: true})
	if diff := cmp.Diff(before, oracle(t, s.dir)); diff != "" {
		t.Errorf("a dry run removed something (-before +after):\n%s", diff)
	}
	wet := s.forget(store.Oblivion{})
	dry.DryRun, dry.Compacted = false, true
	if diff := cmp.Diff(wet, dry); diff != "" {
		t.Errorf("the dry run said something else (-done +said):\n%s", diff)
	}
}

func TestWhatWasForgottenDoesNotComeBackByItself(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.forget(store.Oblivion{})
	again := func(source, body, token string) store.Receipt {
		t.Helper()
		r, err := s.db.Accept(t.Context(), store.Intake{
			Delivery:       crm.Delivery{ID: store.NewID(), Source: source, Key: anas, ContentType: "application/json", Body: []byte(body)},
			IdempotencyKey: token, Job: crm.Job{Kind: "lead.upsert", Key: anas, Unique: anas},
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := again("lead", plainBody, "")
	for _, r := range []store.Receipt{first, again("lead", plainBody, ""), again("lead", plainBody, "another key")} {
		if r.Verdict != store.Duplicate || r.ID != first.ID || len(r.ID) != len(store.NewID()) || r.ID == s.deliveries[plainBody] {
			t.Errorf("a retry got %+v, want a duplicate with one id of its own", r)
		}
	}
	if r := again("lead", "another body", "form-7-ana.silva@example.com"); r.Verdict != store.Duplicate {
		t.Errorf("a retry under the Idempotency-Key got %+v, want a duplicate", r)
	}
	look := func() {
		t.Helper()
		for _, page := range []struct{ database, id, key string }{{contacts, anasPage, anas}, {activities, callPage, ""}} {
			s.apply(crm.Commit{
				Sights: []crm.Sight{{
					Database: page.database, Key: page.key, AskedAt: time.Now(),
					Page: crm.Page{ID: page.id, Values: map[string]crm.Value{"mail": crm.Text(crm.KindEmail, anas)}},
				}},
				People: []crm.Person{{ID: anaMember, Name: "Ana", Email: anas}},
			})
		}
	}
	look()
	if _, err := s.db.Export(t.Context(), parse(t, anas), activities); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Export = %v, want nothing to be known again", err)
	}
	// The same body by another form, and a new body, are something new.
	if r := again("survey", plainBody, ""); r.Verdict != store.Accepted {
		t.Errorf("a new submission got %+v, want it accepted", r)
	}
	if known, err := s.db.Known(t.Context(), contacts, anas); err != nil || len(known) != 1 || known[0].Page != anasPage || len(known[0].Values) != 0 {
		t.Errorf("Known = %+v, %v; want the page to be known again, but nothing of it", known, err)
	}
	look()
	if known, err := s.db.Known(t.Context(), contacts, anas); err != nil || len(known) != 1 || len(known[0].Values) != 1 {
		t.Errorf("Known = %+v, %v; want what it shows to be known", known, err)
	}
	if changes, err := s.db.Changes(t.Context(), store.ChangeFilter{Page: anasPage}); err != nil || len(changes) != 0 {
		t.Errorf("changes %+v, %v; want none that could ring", changes, err)
	}
	if r := again("lead", plainBody, ""); r.Verdict != store.Duplicate {
		t.Errorf("a retry of what was forgotten got %+v, want a duplicate", r)
	}
}

func TestAForgottenPageThatBecameAnotherPersonsIsKnownAgain(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.forget(store.Oblivion{})
	s.apply(crm.Commit{Sights: []crm.Sight{{
		Database: contacts, Key: "carl@example.com", AskedAt: time.Now(), Page: crm.Page{ID: anasPage, Values: map[string]crm.Value{}},
	}}})
	if known, err := s.db.Known(t.Context(), contacts, "carl@example.com"); err != nil || len(known) != 1 {
		t.Errorf("Known = %+v, %v; want the page as Carl's", known, err)
	}
}

func TestAPageThatIsAnotherPersonsByNowIsKept(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.apply(crm.Commit{Progress: []crm.Progress{{Delivery: s.deliveries[plainBody], State: crm.DeliveryDone, Page: bobsPage}}})
	s.forget(store.Oblivion{})
	if _, found, err := s.db.Snapshot(t.Context(), bobsPage); err != nil || !found {
		t.Errorf("Bob's page is known: %v, %v; want it kept", found, err)
	}
	s.apply(crm.Commit{Gone: []string{bobsPage}})
	if known, err := s.db.Known(t.Context(), contacts, "bob@example.com"); err != nil || len(known) != 1 {
		t.Errorf("Known = %+v, %v", known, err)
	}
}

func TestWhatWasForgottenIsRememberedForNinetyDays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir())
		defer db.Close()
		accept(t, db, "one", "")
		if _, err := db.Forget(t.Context(), store.Oblivion{Email: parse(t, "ana@example.com")}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			pass time.Duration
			want store.Verdict
		}{{0, store.Duplicate}, {90*24*time.Hour - time.Minute, store.Duplicate}, {2 * time.Minute, store.Accepted}} {
			time.Sleep(step.pass)
			if err := db.Prune(t.Context(), time.Hour); err != nil {
				t.Fatal(err)
			}
			if got := accept(t, db, "one", "").Verdict; got != step.want {
				t.Errorf("after %v more: verdict %v, want %v", step.pass, got, step.want)
			}
		}
	})
}

// A job that runs while its person is forgotten still writes down what it did,
// and one that makes a message what it has read.
func TestForgettingWaitsForAJobThatRuns(t *testing.T) {
	t.Parallel()
	for _, lane := range []crm.Lane{crm.Live, crm.Notify} {
		t.Run(lane.String(), func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			s.apply(crm.Commit{Jobs: []crm.Job{{Kind: "digest.make", Lane: crm.Notify}}})
			running, _, err := s.db.Turn(t.Context(), nil, crm.Room{Notion: 20, Lanes: map[crm.Lane]int{lane: 20}})
			if err != nil {
				t.Fatal(err)
			}
			command, err := store.Attach(t.Context(), s.dir, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer command.Close()
			forgotten := make(chan error, 1)
			go func() {
				_, err := command.Forget(context.Background(), store.Oblivion{Email: parse(t, anas), Related: activities})
				forgotten <- err
			}()
			for { // until all but the jobs is gone
				if _, err := s.db.Delivery(t.Context(), s.deliveries[plainBody]); errors.Is(err, store.ErrNotFound) {
					break
				}
			}
			select {
			case err := <-forgotten:
				t.Fatalf("Forget did not wait: %v", err)
			case <-time.After(300 * time.Millisecond):
			}
			if _, _, err := s.db.Turn(t.Context(), s.ends(running), crm.Room{}); err != nil {
				t.Fatal(err)
			}
			if err := <-forgotten; err != nil {
				t.Fatal(err)
			}
			s.expectNothing()
		})
	}
}

// ends are what jobs write down that have read Ana's data before.
func (s *story) ends(running []crm.Job) (ends []crm.End) {
	s.t.Helper()
	for _, j := range running {
		end := crm.End{Job: j}
		switch {
		case j.Kind == "lead.upsert" && j.Key == anas:
			end.Commit = crm.Commit{
				Progress: []crm.Progress{{Delivery: s.deliveries[plainBody], State: crm.DeliveryDone, Page: anasPage}},
				Sights:   []crm.Sight{{Database: contacts, Key: anas, AskedAt: time.Now(), Page: crm.Page{ID: "new", Values: map[string]crm.Value{"mail": crm.Text(crm.KindEmail, anas)}}}},
				Jobs:     []crm.Job{{Kind: "lead.activity", Key: s.deliveries[plainBody]}},
				Steps:    []crm.Step{{Kind: crm.StepMade, Record: crm.Record{Key: anas}, Page: anasPage}},
			}
		case j.Kind == "digest.make":
			end.Commit = crm.Commit{Messages: []crm.Message{{Channel: "sales", Rule: "stale", Slot: "next", Text: anas}}}
		}
		ends = append(ends, end)
	}
	return ends
}

func (s *story) expectNothing() {
	s.t.Helper()
	if found := traces(s.t, s.dir, anas); len(found) > 0 {
		s.t.Errorf("left: %q", found)
	}
	if rows := oracle(s.t, s.dir); len(rows) > 0 {
		s.t.Errorf("rows are left: %v", rows)
	}
	var orphans int
	if err := raw(s.t, s.dir).QueryRow(`select count(*) from jobs where kind = 'lead.activity'`).Scan(&orphans); err != nil || orphans != 0 {
		s.t.Errorf("%d jobs for deliveries that are gone, %v", orphans, err)
	}
}

// Without a daemon, what says that it runs is from a crash.
func TestWithoutADaemonNothingIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := tell(t)
	if _, _, err := s.db.Turn(t.Context(), nil, crm.Room{Notion: 20, Lanes: map[crm.Lane]int{crm.Live: 20}}); err != nil {
		t.Fatal(err)
	}
	s.db.Close()
	command, err := store.Attach(t.Context(), s.dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer command.Close()
	began := time.Now()
	if _, err := command.Forget(t.Context(), store.Oblivion{Email: parse(t, anas), Related: activities}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if found := traces(t, s.dir, anas); len(found) > 0 {
		t.Errorf("left: %q", found)
	}
}

// To write a large file anew takes longer than a lead may wait.
func TestALargeDatabaseIsWrittenAnewAtTheNextStart(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("writes a large database")
	}
	s := tell(t)
	if _, err := raw(t, s.dir).Exec(`insert into quarantine select 'large', 'lead', 'test', '', '{}', 0, zeroblob(65 << 20), 1`); err != nil {
		t.Fatal(err)
	}
	if r := s.forget(store.Oblivion{}); r.Compacted {
		t.Error("a large database was written anew beside a daemon")
	}
	if found := traces(t, s.dir, anas); len(found) == 0 {
		t.Error("there is nothing that the next start has to do")
	}
	s.db.Close()
	s.db = open(t, s.dir)
	s.db.Close()
	if found := traces(t, s.dir, anasTraces()...); len(found) > 0 {
		t.Errorf("left: %q", found)
	}
	var due int
	if err := raw(t, s.dir).QueryRow(`select count(*) from facts where name = 'compact at start'`).Scan(&due); err != nil || due != 0 {
		t.Errorf("the start after that does it again: %d, %v", due, err)
	}
}

func TestAReceiptNamesTheBackupsThatAreLeft(t *testing.T) {
	t.Parallel()
	s := tell(t)
	for _, name := range []string{"dealbell.db.before-v3-x", "dealbell.db.replaced-x", "mine.db", "admin.token"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := s.forget(store.Oblivion{DryRun: true})
	if want := []string{"dealbell.db.before-v3-x", "dealbell.db.replaced-x", "mine.db"}; !slices.Equal(r.Backups, want) {
		t.Errorf("backups %q, want %q", r.Backups, want)
	}
}
