package store_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

func restoration(dir, file string) store.Restoration {
	return store.Restoration{Dir: dir, File: file, Related: activities, Log: slog.New(slog.DiscardHandler), Careful: func(j crm.Job) crm.Job {
		if j.Kind == "lead.activity" {
			j.Payload = []byte(`"careful"`)
		}
		return j
	}}
}

func restore(t *testing.T, dir, file string) store.Restored {
	t.Helper()
	r, err := store.Restore(t.Context(), restoration(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// saved makes a state directory with leads and a backup of it.
func saved(t *testing.T, bodies ...string) (dir, backup string) {
	t.Helper()
	dir, backup = t.TempDir(), filepath.Join(t.TempDir(), "b.db")
	db := open(t, dir)
	for _, body := range bodies {
		accept(t, db, body, "")
	}
	back(t, dir, backup)
	db.Close()
	return dir, backup
}

// holding lists the bodies in the inbox of a state directory.
func holding(t *testing.T, dir string) (bodies []string) {
	t.Helper()
	db := open(t, dir)
	defer db.Close()
	found, err := db.Pending(t.Context(), "ana@example.com", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found {
		bodies = append(bodies, string(d.Body))
	}
	return bodies
}

func TestABackupIsRestoredOnANewMachine(t *testing.T) {
	t.Parallel()
	_, backup := saved(t, "one", "two")
	dir := filepath.Join(t.TempDir(), "new", "state")
	r := restore(t, dir, backup)
	if r.Path != backup || r.Replaced != "" || r.Rows["inbox"] != 2 || r.Bytes == 0 {
		t.Errorf("got %+v, want the two deliveries, and nothing replaced", r)
	}
	if got := holding(t, dir); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the inbox holds %q", got)
	}
	for name, want := range map[string]os.FileMode{"": 0o700, store.FileName: 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%q has mode %v, %v; want %o", name, info.Mode(), err, want)
		}
	}
}

func TestTheReplacedStateIsKept(t *testing.T) {
	t.Parallel()
	dir, backup := saved(t, "one")
	db := open(t, dir)
	accept(t, db, "later", "")
	crashed := t.TempDir() // with a log that nobody has folded in
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, store.FileName+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(crashed, store.FileName+suffix), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := restore(t, crashed, backup)
	if got := holding(t, crashed); !slices.Equal(got, []string{"one"}) {
		t.Errorf("the inbox holds %q, want what the backup does", got)
	}
	old := t.TempDir()
	if err := os.Rename(r.Replaced, filepath.Join(old, store.FileName)); err != nil {
		t.Fatal(err)
	}
	if got := holding(t, old); !slices.Equal(got, []string{"one", "later"}) {
		t.Errorf("the replaced state holds %q, want all that was there", got)
	}
	if got := names(t, crashed); !slices.Equal(got, []string{store.FileName, "dealbell.lock"}) {
		t.Errorf("the directory holds %q, want nothing else", got)
	}
}

func TestWhatCannotBeRestoredChangesNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, want string
		spoil      func(t *testing.T, dir, backup string)
	}{
		{"a backup that is not there", "no such file", func(t *testing.T, _, backup string) {
			if err := os.Remove(backup); err != nil {
				t.Fatal(err)
			}
		}},
		{"a directory", "is not a file", func(t *testing.T, _, backup string) {
			if err := errors.Join(os.Remove(backup), os.Mkdir(backup, 0o700)); err != nil {
				t.Fatal(err)
			}
		}},
		{"another file", "is not a Dealbell database", func(t *testing.T, _, backup string) {
			if err := os.WriteFile(backup, bytes.Repeat([]byte("hello "), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"an empty file", "is not a Dealbell database", func(t *testing.T, _, backup string) {
			if err := os.Truncate(backup, 0); err != nil {
				t.Fatal(err)
			}
		}},
		{"another program's database", "is not a Dealbell database", func(t *testing.T, _, backup string) {
			exec(t, backup, `drop table jobs`)
		}},
		{"a file that was cut", "it is damaged", func(t *testing.T, _, backup string) {
			info, err := os.Stat(backup)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(backup, info.Size()-8192); err != nil {
				t.Fatal(err)
			}
		}},
		{"a backup of a newer dealbell", "this dealbell knows up to", func(t *testing.T, _, backup string) {
			exec(t, backup, `insert into goose_db_version (version_id, is_applied) values (9999, 1)`)
		}},
		{"a database in use", "not a backup", func(t *testing.T, _, backup string) {
			if err := os.WriteFile(backup+"-wal", []byte("something"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"a daemon runs", "a daemon works on", func(t *testing.T, dir, _ string) { open(t, dir) }},
		{"a command runs", "another dealbell command", func(t *testing.T, dir, _ string) {
			db, err := store.Attach(t.Context(), dir, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir, backup := saved(t, "one")
			db := open(t, dir)
			accept(t, db, "later", "")
			db.Close()
			tc.spoil(t, dir, backup)
			_, err := store.Restore(t.Context(), restoration(dir, backup))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Restore = %v, want an error with %q", err, tc.want)
			}
			found, err := filepath.Glob(filepath.Join(dir, "*re*")) // restoring, replaced
			if err != nil || len(found) > 0 {
				t.Errorf("it leaves %q, %v", found, err)
			}
			look, err := store.Attach(t.Context(), dir, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer look.Close()
			if n := pending(t, look); n != 2 {
				t.Errorf("%d deliveries are left, want both", n)
			}
		})
	}
}

// exec changes a database file.
func exec(t *testing.T, path, statement string) {
	t.Helper()
	dir := t.TempDir()
	inside := filepath.Join(dir, store.FileName)
	if err := os.Rename(path, inside); err != nil {
		t.Fatal(err)
	}
	db := raw(t, dir)
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := os.Rename(inside, path); err != nil {
		t.Fatal(err)
	}
}

func TestARestoreThatIsStoppedChangesNothing(t *testing.T) {
	t.Parallel()
	dir, backup := saved(t, "one")
	db := open(t, dir)
	accept(t, db, "later", "")
	db.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Restore(ctx, restoration(dir, backup)); !errors.Is(err, context.Canceled) {
		t.Errorf("Restore = %v, want it to be cancelled", err)
	}
	if got := holding(t, dir); !slices.Equal(got, []string{"one", "later"}) {
		t.Errorf("the inbox holds %q", got)
	}
}

func TestWhatAnInterruptedRestoreLeftIsRemoved(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]func(t *testing.T, dir, backup string){
		"by the next restore": func(t *testing.T, dir, backup string) { restore(t, dir, backup) },
		"by the next start":   func(t *testing.T, dir, _ string) { open(t, dir).Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, backup := saved(t, "one")
			scratch := filepath.Join(dir, "restoring")
			if err := errors.Join(os.Mkdir(scratch, 0o700), os.WriteFile(filepath.Join(scratch, store.FileName+"-wal"), []byte("x"), 0o600)); err != nil {
				t.Fatal(err)
			}
			by(t, dir, backup)
			if _, err := os.Stat(scratch); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is still there: %v", scratch, err)
			}
			if got := holding(t, dir); !slices.Equal(got, []string{"one"}) {
				t.Errorf("the inbox holds %q", got)
			}
		})
	}
}

// A database that is damaged is what a backup is for.
func TestADamagedDatabaseIsReplacedAndKeptWithItsLog(t *testing.T) {
	t.Parallel()
	dir, backup := saved(t, "one")
	path := filepath.Join(dir, store.FileName)
	for suffix, content := range map[string]string{"": strings.Repeat("rubbish ", 4000), "-wal": "the log", "-shm": "its index"} {
		if err := os.WriteFile(path+suffix, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := restore(t, dir, backup)
	if got := holding(t, dir); !slices.Equal(got, []string{"one"}) {
		t.Errorf("the inbox holds %q", got)
	}
	for suffix, want := range map[string]string{"": "rubbish", "-wal": "the log"} {
		if content, err := os.ReadFile(r.Replaced + suffix); err != nil || !strings.HasPrefix(string(content), want) {
			t.Errorf("%s%s holds %.20q, %v; want %q", r.Replaced, suffix, content, err, want)
		}
	}
}

func TestABackupOfAnOlderDealbellIsMigrated(t *testing.T) {
	t.Parallel()
	dir, _ := saved(t)
	old := t.TempDir()
	older(t, old, beforeForms)
	backup := filepath.Join(old, store.FileName)
	r := restore(t, dir, backup)
	if r.Schema != 2 {
		t.Errorf("the backup is said to be of version %d, want 2", r.Schema)
	}
	db := open(t, dir)
	if waiting, err := db.Pending(t.Context(), "ana@example.com", 10); err != nil || len(waiting) != 2 {
		t.Errorf("open deliveries %+v, %v, want one and two", waiting, err)
	}
	db.Close()
	if got := names(t, dir); len(got) != 3 {
		t.Errorf("the directory holds %q, want the database, the replaced one and the lock", got)
	}
}

func TestAfterARestoreNothingIsDoneTwice(t *testing.T) {
	t.Parallel()
	dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "b.db")
	db := open(t, dir)
	accept(t, db, "one", "")
	sight := func(stage string, edited time.Time) crm.Commit {
		return crm.Commit{Sights: []crm.Sight{{Database: "deals", AskedAt: time.Now().Add(time.Hour), Page: crm.Page{
			ID: "deal", EditedAt: edited, Values: map[string]crm.Value{"stage": crm.Choice(crm.KindSelect, stage)},
		}}}}
	}
	minute := time.Now().Truncate(time.Minute)
	err := errors.Join(
		db.Apply(t.Context(), sight("Lead", minute.Add(-time.Hour))),
		db.Apply(t.Context(), sight("Won", minute.Add(-30*time.Minute))),
		db.Apply(t.Context(), crm.Commit{
			Jobs:    []crm.Job{{Kind: "lead.activity", Payload: []byte(`"careless"`)}, {Kind: "poll.read", Payload: []byte(`"x"`)}},
			Intents: []crm.Intent{{Database: "contacts", Key: "k", BegunAt: minute, UnsureAt: minute.Add(-time.Hour), Looks: 3}},
			Reads:   []crm.Read{{Database: "contacts", CompletedAt: minute, PolledAt: minute, Watermark: minute}},
			Messages: []crm.Message{
				{Channel: "sales", Rule: "won", Change: 1, Text: "alert"},
				{Channel: "sales", Rule: "old", Slot: "a", Text: "old digest", Repeat: true},
				{Channel: "sales", Rule: "new", Slot: "b", Text: "digest", Repeat: true},
			},
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	late := raw(t, dir)
	if _, err := late.Exec(`update outbox set created_at = created_at - 7 * 3600 * 1000 where rule = 'old'`); err != nil {
		t.Fatal(err)
	}
	late.Close()
	back(t, dir, backup)
	db.Close()
	restore(t, dir, backup)

	db = open(t, dir)
	if found, err := db.Pending(t.Context(), "ana@example.com", 10); err != nil || len(found) != 1 || found[0].State != crm.DeliveryNoting {
		t.Errorf("deliveries %+v, %v; want the lead's message to be looked for before it is written", found, err)
	}
	jobs, err := db.Jobs(t.Context(), store.JobFilter{})
	if err != nil || len(jobs) != 3 || string(jobs[1].Payload) != `"careful"` || string(jobs[2].Payload) != `"x"` {
		t.Errorf("jobs %+v, %v; want the activity's to be careful", jobs, err)
	}
	if i, found, err := db.Intent(t.Context(), "contacts", "k"); err != nil || !found || i.Looks != 0 || time.Since(i.UnsureAt) > time.Minute {
		t.Errorf("intent %+v, %v, %v; want it unsure from now on", i, found, err)
	}
	if r, err := db.Read(t.Context(), "contacts"); err != nil || !r.PolledAt.IsZero() || !r.CompletedAt.Equal(minute) || !r.Watermark.Equal(minute) {
		t.Errorf("read %+v, %v; want it to go on from the backup's watermark", r, err)
	}
	states := map[string]crm.MessageState{}
	expect := func(rule string, want crm.MessageState) {
		t.Helper()
		found, err := db.Outbox(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range found {
			states[m.Rule] = m.State
		}
		if states[rule] != want {
			t.Errorf("the message of %q is %s, want %s", rule, states[rule], want)
		}
	}
	expect("won", crm.MessageMaybe)
	expect("old", crm.MessageMaybe)
	expect("new", crm.MessageQueued)
	if until, err := db.LoadPause(t.Context()); err != nil || time.Until(until) < 20*time.Second || time.Until(until) > 30*time.Second {
		t.Errorf("Notion is left alone until %v, %v; want until its queries show what was made last", until, err)
	}

	// What was edited before the restore may have rung; what is edited now has not.
	rings := func(rule, stage string, edited time.Time, want crm.MessageState) {
		t.Helper()
		if err := db.Apply(t.Context(), sight(stage, edited)); err != nil {
			t.Fatal(err)
		}
		changes, err := db.Changes(t.Context(), store.ChangeFilter{Page: "deal"})
		if err != nil {
			t.Fatal(err)
		}
		id := changes[len(changes)-1].ID
		if err := db.Apply(t.Context(), crm.Commit{Messages: []crm.Message{{Channel: "sales", Rule: rule, Change: id, Text: "x"}}}); err != nil {
			t.Fatal(err)
		}
		expect(rule, want)
	}
	rings("before", "Lost", minute.Add(-time.Minute), crm.MessageMaybe)
	rings("after", "Won", minute.Add(2*time.Minute), crm.MessageQueued)
}

func TestAStateThatIsLongDeadNeedsNoPause(t *testing.T) {
	t.Parallel()
	dir, backup := saved(t, "one")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, store.FileName), old, old); err != nil {
		t.Fatal(err)
	}
	restore(t, dir, backup)
	if until, err := open(t, dir).LoadPause(t.Context()); err != nil || !until.IsZero() {
		t.Errorf("Notion is left alone until %v, %v", until, err)
	}
}

func TestWhoWasForgottenSinceTheBackupIsForgottenAgain(t *testing.T) {
	t.Parallel()
	s := tell(t)
	before := filepath.Join(t.TempDir(), "before.db")
	back(t, s.dir, before)
	s.forget(store.Oblivion{})
	s.accept("bob@example.com", "application/json", `{"email":"bob@example.com","message":"again"}`, "")
	after := filepath.Join(t.TempDir(), "after.db")
	s.accept(anas, "application/json", `{"email":"ana.silva@example.com","message":"I am back"}`, "")
	back(t, s.dir, after)
	s.db.Close()

	// She wrote anew before this backup: that stands.
	if r := restore(t, s.dir, after); r.Forgotten != 0 {
		t.Errorf("%d people were forgotten again, want none", r.Forgotten)
	}
	if rows := oracle(t, s.dir)["inbox"]; len(rows) != 1 {
		t.Errorf("rows that name her: %q, want the new delivery", rows)
	}
	r := restore(t, s.dir, before)
	if r.Forgotten != 1 {
		t.Errorf("%d people were forgotten again, want Ana", r.Forgotten)
	}
	if found := traces(t, s.dir, anas, "555-ANA"); len(found) > 0 {
		t.Errorf("left: %q", found)
	}
	s.db = open(t, s.dir)
	s.checkBob(s.db)
	if got, err := s.db.Accept(t.Context(), store.Intake{Delivery: crm.Delivery{ID: store.NewID(), Source: "lead", Key: anas, Body: []byte(plainBody)}}); err != nil || got.Verdict != store.Duplicate {
		t.Errorf("a retry got %+v, %v; want a duplicate", got, err)
	}
}

func TestRootLeavesTheFilesToTheDaemonsUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir, backup := saved(t, "one")
	if err := os.Chown(dir, 12345, 54321); err != nil {
		t.Fatal(err)
	}
	restore(t, dir, backup)
	for _, name := range []string{store.FileName, "dealbell.lock"} {
		if uid, gid := owner(t, filepath.Join(dir, name)); uid != 12345 || gid != 54321 {
			t.Errorf("%s belongs to %d:%d, want the directory's owner", name, uid, gid)
		}
	}
}
