package digest_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/store"
)

// crowd shows many large rows that no store holds.
type crowd struct {
	digest.State
	rows int
	pass func(row int)
}

func (c crowd) Rows(_ context.Context, database string, visit func(crm.Snapshot) error) error {
	for i := range c.rows {
		made := time.Date(2025, 1, 1, 0, 0, c.rows-i, 0, time.UTC) // each row is staler than those before
		if err := visit(crm.Snapshot{Page: fmt.Sprintf("page-%06d", i), Database: database, CreatedAt: made, EditedAt: made, Values: map[string]crm.Value{
			"title": crm.Text(crm.KindTitle, "Ana Lima"), "stat": crm.Choice(crm.KindSelect, "New lead"),
			"stage": crm.Choice(crm.KindStatus, "Lead"), "value": {Kind: crm.KindNumber, Number: "1"},
			"note": crm.Text(crm.KindText, strings.Repeat("x", 1000)),
		}}); err != nil {
			return err
		}
		c.pass(i)
	}
	return nil
}

// overMany returns what makes a standard digest over many rows.
func overMany(t testing.TB, name, database string, rows int, pass func(int)) (run func()) {
	t.Helper()
	db, err := store.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	now := time.Now()
	err = db.Apply(t.Context(), crm.Commit{
		Schemas: []crm.Schema{contactSchema(), dealSchema()},
		Reads:   []crm.Read{{Database: database, CompletedAt: now, PolledAt: now}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := digest.Compile(name, database, digest.Standard()[name])
	if err != nil {
		t.Fatal(err)
	}
	service := digest.New(digest.Options{
		State: crowd{db, rows, pass}, Digests: []*digest.Digest{d}, Zone: time.UTC, Log: slog.New(slog.DiscardHandler),
		Freshen: func(context.Context, string) error { return nil },
		Send:    func(string) crm.Job { return crm.Job{} },
	})
	return func() {
		c, err := service.Make(t.Context(), slotJob(name, "by hand"))
		if err != nil || len(c.Messages) != 1 {
			t.Fatalf("%d messages, %v", len(c.Messages), err)
		}
	}
}

var standard = map[string]string{"stale-leads": contacts, "pipeline": deals}

func TestManyRowsTakeNoMemory(t *testing.T) { // alone, as it looks at the heap
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for name, database := range standard {
		var most uint64
		run := overMany(t, name, database, 50_000, func(row int) {
			if row%10_000 == 0 {
				most = max(most, heap())
			}
		})
		before := heap()
		run()
		if most > before+5<<20 {
			t.Errorf("%s: the heap grew by %d KiB over 50,000 rows of more than 1 KiB", name, (most-before)>>10)
		}
	}
}

func BenchmarkAHundredThousandRows(b *testing.B) {
	for name, database := range standard {
		b.Run(name, func(b *testing.B) {
			run := overMany(b, name, database, 100_000, func(int) {})
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}
