//go:build linux

package bench

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/observe"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/store"
)

const dealsID = "00000000-0000-4000-8000-00000000dea1"

var (
	deals = observe.Database{ID: dealsID}
	shape = crm.Schema{Database: dealsID, DataSource: dealsID, Name: "Deals", ReadAt: archiveBegan, Properties: []crm.Property{
		{ID: "title", Name: "Deal Name", Kind: crm.KindTitle},
		{ID: "st", Name: "Stage", Kind: crm.KindStatus, Options: []string{"Lead", "Negotiation", "Won", "Lost"}},
		{ID: "va", Name: "Value", Kind: crm.KindNumber},
		{ID: "ow", Name: "Owner", Kind: crm.KindPeople},
		{ID: "co", Name: "Contact", Kind: crm.KindRelation},
	}}
)

// deal is number i as Notion shows it.
func deal(i int, stage string, edited time.Time) crm.Page {
	return crm.Page{
		ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", i+1, i+1), DataSource: dealsID, URL: fmt.Sprintf("https://www.notion.so/Deal-%d", i),
		CreatedAt: made(i), EditedAt: edited, EditedBy: "ana", Values: map[string]crm.Value{
			"title": crm.Text(crm.KindTitle, fmt.Sprint("Deal ", i)), "st": crm.Choice(crm.KindStatus, stage),
			"va": {Kind: crm.KindNumber, Number: "1200"}, "ow": {Kind: crm.KindPeople, IDs: []string{"ana"}},
			"co": {Kind: crm.KindRelation, IDs: []string{fmt.Sprintf("%08x-0000-4000-8000-00000000c0de", i)}},
		},
	}
}

// batch is one answer to a query, as a read hands it to the store.
func batch(stage string, edited time.Time) crm.Commit {
	var pages []crm.Page
	for i := range inOneBatch {
		pages = append(pages, deal(i, stage, edited))
	}
	return crm.Commit{Sights: deals.Look(crm.SeenPoll, time.Now(), pages...)}
}

// BenchmarkSee compares one page with what is known of it.
func BenchmarkSee(b *testing.B) {
	sight := deals.Look(crm.SeenPoll, time.Now(), deal(1, "Lead", archiveBegan))[0]
	known := observe.See(nil, time.Time{}, nil, sight).Snapshot
	moved := deals.Look(crm.SeenPoll, time.Now(), deal(1, "Won", archiveBegan.Add(time.Hour)))[0]
	for _, now := range []struct {
		name    string
		sight   crm.Sight
		changes int
	}{{"unchanged", sight, 0}, {"moved", moved, 1}} {
		b.Run(now.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if seen := observe.See(&known, archiveBegan, nil, now.sight); len(seen.Changes) != now.changes {
					b.Fatalf("%d changes, want %d", len(seen.Changes), now.changes)
				}
			}
		})
	}
}

// BenchmarkSights applies an answer of 100 rows. Where none of them changed
// nothing may be written.
func BenchmarkSights(b *testing.B) {
	b.Run("unchanged", func(b *testing.B) {
		db := openStore(b)
		same := batch("Lead", archiveBegan)
		apply(b, db, same)
		before := written(b, db)
		b.ReportAllocs()
		for b.Loop() {
			apply(b, db, same)
		}
		if now := written(b, db); now != before {
			b.Fatalf("unchanged rows were written: the log was %s and is %s", before, now)
		}
	})
	b.Run("moved", func(b *testing.B) {
		db := openStore(b)
		apply(b, db, batch("Lead", archiveBegan))
		stages, edited := [2]string{"Won", "Lead"}, archiveBegan
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			edited = edited.Add(time.Minute)
			apply(b, db, batch(stages[i%2], edited))
		}
	})
}

func apply(b *testing.B, db *store.DB, c crm.Commit) {
	b.Helper()
	if err := db.Apply(b.Context(), c); err != nil {
		b.Fatal(err)
	}
}

// written tells apart the states of the log to which every transaction writes.
func written(b *testing.B, db *store.DB) string {
	b.Helper()
	info, err := os.Stat(filepath.Join(db.Dir(), store.FileName+"-wal"))
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Sprintf("%d bytes as of %s", info.Size(), info.ModTime().Format(time.RFC3339Nano))
}

// BenchmarkMatch lets the standard rules look at a deal that was won.
func BenchmarkMatch(b *testing.B) {
	db := openStore(b)
	apply(b, db, crm.Commit{
		Schemas: []crm.Schema{shape}, Reads: []crm.Read{{Database: dealsID, CompletedAt: archiveBegan}},
		Sights: deals.Look(crm.SeenPoll, time.Now(), deal(1, "Negotiation", archiveBegan)),
	})
	var matched int64
	arrival, err := db.Changes(b.Context(), store.ChangeFilter{})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range arrival {
		matched = c.ID
	}
	apply(b, db, crm.Commit{Matched: matched, Sights: deals.Look(crm.SeenPoll, time.Now(), deal(1, "Won", archiveBegan.Add(time.Hour)))})
	s := notify.New(notify.Options{State: db, Rules: standard(b), Zone: time.UTC, Log: slog.New(slog.DiscardHandler)})
	b.ReportAllocs()
	for b.Loop() {
		commit, err := s.Match(b.Context(), crm.Job{})
		if err != nil || len(commit.Messages) != 1 {
			b.Fatalf("%+v, %v, want one message", commit, err)
		}
	}
}

func standard(b *testing.B) []notify.Rule {
	b.Helper()
	var all []notify.Rule
	for name, spec := range rules.Standard() {
		r, err := rules.Compile(name, spec)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, notify.Rule{Database: dealsID, Rule: r})
	}
	return all
}
