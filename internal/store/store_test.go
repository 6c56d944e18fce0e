package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

func open(t *testing.T, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func intake(body, key string) store.Intake {
	return store.Intake{
		Delivery:       crm.Delivery{ID: store.NewID(), Source: "lead", Key: "ana@example.com", ContentType: "application/json", Body: []byte(body)},
		IdempotencyKey: key,
		Job:            crm.Job{Kind: "lead.upsert", Key: "ana@example.com", Unique: "ana@example.com"},
	}
}

func accept(t *testing.T, db *store.DB, body, key string) store.Receipt {
	t.Helper()
	r, err := db.Accept(t.Context(), intake(body, key))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pending(t *testing.T, db *store.DB) int {
	t.Helper()
	found, err := db.Pending(t.Context(), "ana@example.com", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func TestARepeatedDeliveryHasNoSecondEffect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir())
		defer db.Close()
		for _, step := range []struct {
			name    string
			body    string
			key     string
			want    store.Verdict
			pending int
			pass    time.Duration
		}{
			{"a body", "one", "", store.Accepted, 1, 0},
			{"the same body", "one", "", store.Duplicate, 1, 0},
			{"another body", "two", "", store.Accepted, 2, 24*time.Hour - time.Minute},
			{"the first body just within a day", "one", "", store.Duplicate, 2, 2 * time.Minute},
			{"the first body after a day", "one", "", store.Accepted, 3, 0},
			{"a key", "three", "k", store.Accepted, 4, 0},
			{"the key again", "three", "k", store.Duplicate, 4, 0},
			{"the key with another body", "four", "k", store.KeyReused, 4, 0},
			{"the same body under another key", "three", "l", store.Accepted, 5, 30*24*time.Hour - time.Minute},
			{"the key just within 30 days", "three", "k", store.Duplicate, 5, 2 * time.Minute},
			{"the key after 30 days", "three", "k", store.Accepted, 6, 0},
		} {
			if got := accept(t, db, step.body, step.key); got.Verdict != step.want {
				t.Errorf("%s: verdict %v, want %v", step.name, got.Verdict, step.want)
			}
			if got := pending(t, db); got != step.pending {
				t.Errorf("%s: %d deliveries open, want %d", step.name, got, step.pending)
			}
			time.Sleep(step.pass)
		}
	})
}

func TestADuplicateIsToldTheFirstID(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	first := accept(t, db, "one", "")
	if again := accept(t, db, "one", ""); again.ID != first.ID {
		t.Errorf("duplicate has id %s, want %s", again.ID, first.ID)
	}
}

func TestConcurrentRepeatsAreOneDelivery(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	var wg sync.WaitGroup
	verdicts := make([]store.Verdict, 100)
	for i := range verdicts {
		wg.Go(func() {
			r, err := db.Accept(context.Background(), intake("same", ""))
			if err != nil {
				t.Error(err)
			}
			verdicts[i] = r.Verdict
		})
	}
	wg.Wait()
	accepted := 0
	for _, v := range verdicts {
		if v == store.Accepted {
			accepted++
		}
	}
	if accepted != 1 || pending(t, db) != 1 {
		t.Errorf("%d accepted, %d open; want one of each", accepted, pending(t, db))
	}
}

func TestTheStateDirectoryIsPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	db := open(t, dir)
	accept(t, db, "one", "")
	for name, want := range map[string]os.FileMode{"": 0o700, store.FileName: 0o600, store.FileName + "-wal": 0o600, "dealbell.lock": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %o, want %o", name, got, want)
		}
	}
}

func TestASecondDaemonIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, dir)
	_, err := store.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "another dealbell") {
		t.Fatalf("second Open: %v, want it refused", err)
	}
	if running, err := store.Running(dir); err != nil || !running {
		t.Errorf("Running = %v, %v; want true", running, err)
	}
	first.Close()
	if running, err := store.Running(dir); err != nil || running {
		t.Errorf("Running after Close = %v, %v; want false", running, err)
	}
	open(t, dir)
}

func TestACommandMayLookInBesideTheDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	daemon := open(t, dir)
	accept(t, daemon, "one", "")
	command, err := store.Attach(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer command.Close()
	if got := pending(t, command); got != 1 {
		t.Errorf("the command sees %d deliveries, want 1", got)
	}
	if _, err := store.Attach(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("Attach to an empty directory succeeds, want an error with a hint")
	}
}

func TestTheQuarantineIsCappedAndExpires(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes thousands of writes")
	}
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir())
		defer db.Close()
		put := func(size int) string {
			id := store.NewID()
			if err := db.Quarantine(t.Context(), store.Rejected{ID: id, Source: "lead", Reason: "test", Body: make([]byte, size)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			return id
		}
		oldest := put(10)
		for range 260 { // 65,000 bytes each: over 16 MB
			put(65_000)
		}
		kept, err := db.Quarantined(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, q := range kept {
			total += len(q.Body)
			if q.ID == oldest {
				t.Error("the oldest is still there, want it to make room")
			}
		}
		if total > 16<<20 || len(kept) < 250 {
			t.Errorf("%d bytes in %d entries kept, want about 16 MB of the newest", total, len(kept))
		}
		time.Sleep(7 * 24 * time.Hour)
		if err := db.Prune(t.Context(), 30*24*time.Hour); err != nil {
			t.Fatal(err)
		}
		if kept, _ := db.Quarantined(t.Context()); len(kept) != 0 {
			t.Errorf("%d entries after 7 days, want none", len(kept))
		}
	})
}

func TestARejectedDeliveryWhoseKeyWasUsedForAnotherBodyStays(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	accept(t, db, "one", "key")
	for body, want := range map[string]struct {
		verdict store.Verdict
		left    int
	}{"one": {store.Duplicate, 0}, "two": {store.KeyReused, 1}} {
		in := intake(body, "key")
		if err := db.Quarantine(t.Context(), store.Rejected{ID: in.Delivery.ID, Source: "lead", Reason: "test", Body: in.Delivery.Body}); err != nil {
			t.Fatal(err)
		}
		receipt, err := db.Release(t.Context(), in.Delivery.ID, in)
		if err != nil || receipt.Verdict != want.verdict {
			t.Errorf("%s: %v, %v, want %v", body, receipt.Verdict, err, want.verdict)
		}
		kept, err := db.Quarantined(t.Context())
		kept = slices.DeleteFunc(kept, func(r store.Rejected) bool { return r.ID != in.Delivery.ID })
		if err != nil || len(kept) != want.left {
			t.Errorf("%s: %d are left, %v, want %d", body, len(kept), err, want.left)
		}
	}
	if n := pending(t, db); n != 1 {
		t.Errorf("%d deliveries are open, want the one that was accepted", n)
	}
}

func TestPruningKeepsWhatIsNotInNotion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, t.TempDir())
		defer db.Close()
		open := accept(t, db, "open", "")
		done := accept(t, db, "done", "")
		dead := accept(t, db, "dead", "")
		noted := accept(t, db, "done, but a job still has to keep its message", "")
		if err := db.Apply(t.Context(), crm.Commit{Progress: []crm.Progress{
			{Delivery: done.ID, State: crm.DeliveryDone, Outcome: crm.Created, Page: "p"},
			{Delivery: noted.ID, State: crm.DeliveryDone, Outcome: crm.Updated, Page: "p"},
			{Delivery: dead.ID, State: crm.DeliveryDead},
		}, Jobs: []crm.Job{{Kind: "lead.activity", Key: noted.ID}}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * 24 * time.Hour)
		if err := db.Prune(t.Context(), 30*24*time.Hour); err != nil {
			t.Fatal(err)
		}
		for id, kept := range map[string]bool{open.ID: true, dead.ID: true, noted.ID: true, done.ID: false} {
			_, err := db.Delivery(t.Context(), id)
			if gone := errors.Is(err, store.ErrNotFound); gone == kept {
				t.Errorf("delivery %s: err = %v, want it kept: %v", id, err, kept)
			}
		}
	})
}

func TestWhoeverWaitsForADeliveryIsToldWhenItEnds(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	in := intake("one", "")
	ended, stop := db.Watch(in.Delivery.ID)
	defer stop()
	if _, err := db.Accept(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if err := db.Apply(t.Context(), crm.Commit{Progress: []crm.Progress{{Delivery: in.Delivery.ID, State: crm.DeliveryNoting}}}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
		t.Fatal("told while the delivery is still open")
	default:
	}
	if err := db.Apply(t.Context(), crm.Commit{Progress: []crm.Progress{{Delivery: in.Delivery.ID, State: crm.DeliveryDone, Outcome: crm.Created, Page: "p"}}}); err != nil {
		t.Fatal(err)
	}
	<-ended
	result, ok, err := db.Result(t.Context(), in.Delivery.ID)
	if err != nil || !ok || result.Outcome != crm.Created || result.Page != "p" {
		t.Errorf("Result = %+v, %v, %v", result, ok, err)
	}
}

func TestTheOldestLivePageOfAKeyIsTheContact(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	page := func(id string, days int, trashed bool) crm.Sight {
		return crm.Sight{Database: "db", Key: "ana@example.com", Page: crm.Page{
			ID: id, CreatedAt: day.AddDate(0, 0, days), Trashed: trashed,
			Values: map[string]crm.Value{"title": crm.Text(crm.KindTitle, id)},
		}}
	}
	if err := db.Apply(t.Context(), crm.Commit{Sights: []crm.Sight{page("newer", 3, false), page("older", 2, false), page("trashed", 1, true)}}); err != nil {
		t.Fatal(err)
	}
	expect := func(want string) {
		t.Helper()
		known, err := db.Known(t.Context(), "db", "ana@example.com")
		if err != nil || len(known) != 3 {
			t.Fatalf("Known = %+v, %v; want all three pages", known, err)
		}
		if got := known[0]; got.Trashed != (want == "") || want != "" && (got.Page != want || got.Values["title"].Text != want) {
			t.Errorf("the first is %+v, want the live page %q", got, want)
		}
	}
	expect("older")
	if err := db.Apply(t.Context(), crm.Commit{Gone: []string{"older"}}); err != nil {
		t.Fatal(err)
	}
	expect("newer")
	if err := db.Apply(t.Context(), crm.Commit{Gone: []string{"newer"}}); err != nil {
		t.Fatal(err)
	}
	expect("")
	if known, _ := db.Known(t.Context(), "db", ""); len(known) > 0 {
		t.Error("a blank key finds a contact")
	}
}

func TestACommitIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	bad := crm.Commit{
		Gone:     []string{"p"},
		Reads:    []crm.Read{{Database: "db", Watermark: time.Unix(1, 0)}},
		Progress: []crm.Progress{{Delivery: accept(t, db, "one", "").ID, State: "nonsense"}},
	}
	if err := db.Apply(t.Context(), bad); err == nil {
		t.Fatal("a state that does not exist was written")
	}
	if r, err := db.Read(t.Context(), "db"); err != nil || !r.Watermark.IsZero() {
		t.Errorf("Read = %+v, %v; want nothing of the failed commit", r, err)
	}
}

func TestARestartFindsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir)
	accept(t, db, "one", "")
	pause := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	err := errors.Join(
		db.SavePause(t.Context(), pause),
		db.SaveBindings(t.Context(), "db", map[string]string{"a": "1", "b": "2"}),
		db.SaveBindings(t.Context(), "db", map[string]string{"b": "3"}),
		db.Apply(t.Context(), crm.Commit{Intents: []crm.Intent{{Database: "db", Key: "k", BegunAt: time.Now()}}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	jobs, _, err := db.Turn(t.Context(), nil, crm.Room{Notion: 1, Lanes: map[crm.Lane]int{crm.Live: 1}})
	if err != nil || len(jobs) != 1 {
		t.Fatalf("Turn = %v, %v; want the job", jobs, err)
	}
	db.Close()

	db = open(t, dir)
	if got, err := db.LoadPause(t.Context()); err != nil || !got.Equal(pause) {
		t.Errorf("pause = %v, %v; want %v", got, err, pause)
	}
	names, err := db.Bindings(t.Context(), "db")
	if err != nil || fmt.Sprint(names) != "map[a:1 b:3]" {
		t.Errorf("bindings = %v, %v", names, err)
	}
	if i, ok, err := db.Intent(t.Context(), "db", "k"); err != nil || !ok || i.UnsureAt.IsZero() {
		t.Errorf("intent = %+v, %v, %v; want it unsure since the restart", i, ok, err)
	}
	again, _, err := db.Turn(t.Context(), nil, crm.Room{Notion: 1, Lanes: map[crm.Lane]int{crm.Live: 1}})
	if err != nil || len(again) != 1 || again[0].ID != jobs[0].ID {
		t.Errorf("Turn after the restart = %v, %v; want the interrupted job at once", again, err)
	}
}

// A lead that comes twice while its job runs leaves a twin behind the running
// one: after a crash there is room for one of them.
func TestARestartBringsARunningJobAndItsTwinTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir)
	room := crm.Room{Notion: 1, Lanes: map[crm.Lane]int{crm.Live: 1}}
	job := func(key, unique, payload string) crm.Job {
		return crm.Job{Kind: "k", Key: key, Unique: unique, Payload: []byte(payload)}
	}
	enqueue := func(jobs ...crm.Job) {
		t.Helper()
		if err := db.Apply(t.Context(), crm.Commit{Jobs: jobs}); err != nil {
			t.Fatal(err)
		}
	}
	enqueue(job("a", "a", "1"))
	if claimed, _, err := db.Turn(t.Context(), nil, room); err != nil || len(claimed) != 1 {
		t.Fatalf("Turn = %v, %v", claimed, err)
	}
	enqueue(job("a", "other", "2"), job("a", "a", "3"), job("b", "b", "4"))
	db.Close()

	db = open(t, dir)
	var ran []string
	var ends []crm.End
	for range 4 {
		claimed, _, err := db.Turn(t.Context(), ends, room)
		if err != nil {
			t.Fatal(err)
		}
		ends = nil
		for _, j := range claimed {
			ran = append(ran, string(j.Payload))
			ends = append(ends, crm.End{Job: j})
		}
	}
	slices.Sort(ran)
	if want := []string{"2", "3", "4"}; !slices.Equal(ran, want) {
		t.Errorf("ran %v after the restart, want %v: the twin for both, and nobody left behind", ran, want)
	}
}

func TestAFloodOfUnsignedBodiesDoesNotPushOutSignedOnes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes a thousand writes")
	}
	db := open(t, t.TempDir())
	put := func(id, signature string) {
		t.Helper()
		if err := db.Quarantine(t.Context(), store.Rejected{ID: id, Source: "lead", Reason: "test", Signed: signature != "", Body: []byte(id)}); err != nil {
			t.Fatal(err)
		}
	}
	put("genuine", "sha256=00")
	for i := range 1_050 {
		put(fmt.Sprint(i), "")
	}
	kept, err := db.Quarantined(t.Context())
	if err != nil || len(kept) != 1_000 {
		t.Fatalf("%d kept, %v; want 1,000", len(kept), err)
	}
	if !slices.ContainsFunc(kept, func(r store.Rejected) bool { return r.ID == "genuine" }) {
		t.Error("the signed body made room for unsigned ones")
	}
}
