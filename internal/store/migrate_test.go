package store_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/migrations"
)

// What the schema had before forms of vendors, with a delivery in each state.
const beforeForms = `
insert into inbox (seq, id, source, key, content_type, body, received_at, state, outcome, page, job, done_at) values
	(3, 'one', 'lead', 'ana@example.com', 'application/json', cast('{"email":"Ana@example.com"}' as blob), 1000, 'queued', '', '', 0, 0),
	(5, 'two', 'lead', 'ana@example.com', 'application/json', x'7b7d', 2000, 'noting', '', '', 0, 0),
	(6, 'three', 'lead', 'bo@example.com', 'application/json', x'7b7d', 3000, 'done', 'created', 'p', 0, 4000),
	(7, 'four', 'lead', 'cy@example.com', 'application/json', x'7b7d', 4000, 'dead', '', '', 1, 0);
insert into jobs (id, kind, lane, key, uniq, payload, state, created_at) values
	(1, 'lead.upsert', 0, 'cy@example.com', 'cy@example.com', 'null', 'dead', 1),
	(2, 'lead.upsert', 0, 'ana@example.com', 'ana@example.com', 'null', 'ready', 1);
insert into quarantine (id, source, reason, content_type, signature, timestamp, idempotency_key, body, received_at) values
	('signed', 'lead', 'r', 'application/json', 'sha256=ab', '', '', x'7b7d', 1000),
	('timed', 'lead', 'r', 'application/json', 'ab', '17', 'k', x'7b7d', 2000),
	('unsigned', 'lead', 'r', '', '', '', '', x'7b7d', 3000);
`

// older makes a database of the first two versions of the schema.
func older(t *testing.T, dir, content string) {
	t.Helper()
	db, files := raw(t, dir), fstest.MapFS{}
	for _, name := range []string{"0001_init.sql", "0002_changes.sql"} {
		text, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), content); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestADatabaseFromBeforeFormsOfVendorsKeepsItsDeliveries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	older(t, dir, beforeForms)
	db := open(t, dir)
	waiting, err := db.Pending(t.Context(), "ana@example.com", 10)
	if err != nil || len(waiting) != 2 || waiting[0].ID != "one" || string(waiting[0].Body) != `{"email":"Ana@example.com"}` || waiting[1].State != crm.DeliveryNoting {
		t.Errorf("open deliveries %+v, %v, want one and two", waiting, err)
	}
	dead, err := db.JobDeliveries(t.Context(), crm.Job{ID: 1, Key: "cy@example.com", State: crm.JobDead})
	if err != nil || len(dead) != 1 || dead[0].ID != "four" {
		t.Errorf("deliveries of the dead letter %+v, %v, want four", dead, err)
	}
	if done, over, err := db.Result(t.Context(), "three"); err != nil || !over || done.Outcome != crm.Created || done.Page != "p" {
		t.Errorf("three is %+v, %v, %v", done, over, err)
	}
}

// Headers that were not sent must not be there when the signature is checked
// again.
func TestRejectedDeliveriesFromBeforeFormsOfVendorsCanStillBeReplayed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	older(t, dir, beforeForms)
	rejected, err := open(t, dir).Quarantined(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	headers, signed := map[string]map[string]string{}, map[string]bool{}
	for _, r := range rejected {
		headers[r.ID], signed[r.ID] = r.Headers, r.Signed
	}
	want := map[string]map[string]string{
		"signed":   {"X-Form-Signature": "sha256=ab"},
		"timed":    {"X-Form-Signature": "ab", "X-Form-Timestamp": "17", "Idempotency-Key": "k"},
		"unsigned": {},
	}
	if diff := cmp.Diff(want, headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"signed": true, "timed": true, "unsigned": false}, signed); diff != "" {
		t.Errorf("signed (-want +got):\n%s", diff)
	}
}
