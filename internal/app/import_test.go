package app_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/importer"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
)

// plan does what the command does before the first write.
func (w *world) plan(db *store.DB, file string, change ...func(*importer.Wish)) importer.Plan {
	w.t.Helper()
	ctx := context.Background()
	schema, found, err := db.Schema(ctx, w.crm.Contacts.ID)
	if err != nil || !found {
		w.t.Fatalf("schema: %v, %v", found, err)
	}
	key, _ := schema.Property("Email")
	wish := importer.Wish{Schema: schema, Key: key, Contacts: true, Zone: time.UTC, Secret: secret.New("pepper")}
	for _, c := range change {
		c(&wish)
	}
	draft, err := importer.NewDraft(bytes.NewReader([]byte(file)), wish)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := draft.Compare(ctx, db, 2.5)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// imports stores a plan and lets it run.
func (w *world) imports(file string, change ...func(*importer.Wish)) (id int64) {
	w.t.Helper()
	w.attached(func(db *store.DB) (err error) {
		p := w.plan(db, file, change...)
		if id, err = db.BeginImport(context.Background(), p.Import, p.Write); err != nil {
			return err
		}
		return db.RunImport(context.Background(), id, importer.FeedJob(id, time.Time{}))
	})
	return id
}

// imported waits for the end of an import.
func (w *world) imported(id int64, limit time.Duration) (in crm.Import) {
	w.t.Helper()
	w.attached(func(db *store.DB) error {
		for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Second) {
			var err error
			in, _, err = db.Import(context.Background(), id)
			if err != nil || in.State == crm.ImportDone || in.State == crm.ImportStopped {
				return err
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("after %v: %+v", limit, in)
			}
		}
	})
	return in
}

// people is a file of n people.
func people(n int) string {
	var b strings.Builder
	b.WriteString("Name,E-Mail,Company\n")
	for i := range n {
		fmt.Fprintf(&b, "Person %d,p%05d@example.com,ACME %d\n", i, i, i%7)
	}
	return b.String()
}

// TestAnImportDelaysNoLead brings many rows in, while people write.
func TestAnImportDelaysNoLead(t *testing.T) {
	t.Parallel()
	rows, leads := size(1000, 10_000), 100
	if testing.Short() {
		rows = 300
	}
	const latency = 200 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{Latency: latency})
		w.start()
		w.settle(time.Minute)
		time.Sleep(time.Minute)
		w.notion.ForgetTranscript()
		began := time.Now()
		id := w.imports(people(rows))
		waits := w.leadsMeanwhile(leads, time.Duration(rows)*400*time.Millisecond)
		in := w.imported(id, 3*time.Hour)
		took := time.Since(began)
		if in.Created != rows || in.Open() != 0 {
			t.Errorf("%+v, want %d created", in, rows)
		}
		if got := len(w.contacts()); got != rows+leads {
			t.Errorf("%d contacts, want %d", got, rows+leads)
		}
		calls := w.calls()
		slices.Sort(waits)
		longest := waits[len(waits)-1] - 2*latency // a look-up and a create
		if own := calls.all - calls.polls - 2*leads; own > rows+rows/100 {
			t.Errorf("%d calls for %d rows", own, rows)
		}
		if longest > time.Second {
			t.Errorf("a lead waited %v", longest)
		}
		w.checkPace()
		figure(t, "import beside live leads", 0, "%d rows in %v: %d calls, %d of them of %d leads and %d of polls; a lead waits %v at most, %v in the middle, beside Notion's own time",
			rows, took.Round(time.Second), calls.all, 2*leads, leads, calls.polls, longest.Round(time.Millisecond), (waits[len(waits)/2] - 2*latency).Round(time.Millisecond))

		w.notion.ForgetTranscript()
		w.attached(func(db *store.DB) error {
			if p := w.plan(db, people(rows)); p.Unchanged != rows || p.Writes() != 0 {
				t.Errorf("the second run would write %d rows, and leave %d alone", p.Writes(), p.Unchanged)
			}
			return nil
		})
		w.stop()
	})
}

// leadsMeanwhile sends leads spread over a time, and returns how long each
// took until its contact was there.
func (w *world) leadsMeanwhile(n int, over time.Duration) (waits []time.Duration) {
	w.t.Helper()
	results := make(chan time.Duration, n)
	for i := range n {
		go func() {
			began := time.Now()
			if answer := w.submit(map[string]string{"email": fmt.Sprintf("live%d@example.com", i), "name": "Live"}, "Prefer", "wait=30"); answer.Code != 200 {
				w.t.Errorf("lead %d: %d %s", i, answer.Code, answer.Body)
			}
			results <- time.Since(began)
		}()
		time.Sleep(over / time.Duration(n))
	}
	for range n {
		waits = append(waits, <-results)
	}
	return waits
}

// tallied counts requests since the transcript was forgotten.
type tallied struct{ all, polls, writes int }

func (w *world) calls() (c tallied) {
	for _, x := range w.notion.Transcript() {
		c.all++
		if strings.Contains(string(x.Body), "last_edited_time") {
			c.polls++
		}
		if x.Wrote {
			c.writes++
		}
	}
	return c
}
