//go:build linux

package bench

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	notionclient "github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/poll"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
)

// measureReconcile lets a daemon compare all rows of a large database with its
// replica, as it does every day, as fast as it can be told to.
func measureReconcile(b *testing.B, t *table, bin string) {
	n, dir := newNotion(b, 0), stateDir(b)
	n.instead = newArchive(b, n).answer
	firstRead(b, n, dir)
	d := start(b, bin, settings{data: dir, notion: n, slack: newSlack(b), yaml: fullPace})
	defer d.stop()
	began := time.Now()
	awaitReconcile(b, n, dir)
	took := time.Since(began)
	peak := d.peakMemory(b)
	t.add(row{
		measure: fmt.Sprintf("reconcile of %s pages, 10 requests/s: peak memory", thousands(archived)),
		result:  fmt.Sprintf("%.1f MB RSS, %d s, %.1f s of them CPU", mb(peak), int(took.Seconds()), d.cpu(b).Seconds()),
		target:  "≤ 64 MB", met: verdict(mb(peak) <= 64),
	})
}

// reader is a client that takes no edit for its own.
type reader struct{ *notionclient.Caller }

func (reader) Bot(context.Context) (string, error) { return "", nil }

// firstRead fills a replica by the code that the daemon has for it, at a pace
// that Notion would not allow, and dates it back, so that the next start finds
// a reconcile to be due.
func firstRead(b *testing.B, n *notion, dir string) {
	b.Helper()
	ctx, log := b.Context(), slog.New(slog.DiscardHandler)
	db, err := store.Open(ctx, dir, log)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	c, err := notionclient.New(ctx, notionclient.Options{Token: secret.New(notionToken), BaseURL: n.server.URL, Rate: 1e4, Burst: 1e4})
	if err != nil {
		b.Fatal(err)
	}
	deals := crm.NormalID(n.crm.Deals.ID)
	polls := poll.New(poll.Options{
		Calm: reader{c.Lane(crm.Sync)}, State: db, Watch: []poll.Watch{{Database: deals, Every: time.Hour}}, Log: log,
	})
	commit, err := polls.Read(ctx, poll.Job(deals, time.Time{}))
	if err != nil {
		b.Fatal(err)
	}
	commit.Reads[0].CompletedAt = time.Now().AddDate(0, 0, -2)
	if err := db.Apply(ctx, crm.Commit{Reads: commit.Reads}); err != nil {
		b.Fatal(err)
	}
	if known, err := db.Made(ctx, deals, archiveBegan, time.Now()); err != nil || len(known) != archived {
		b.Fatalf("the replica holds %d deals, want %d: %v", len(known), archived, err)
	}
}

// awaitReconcile looks into the daemon's replica until a reconcile is over,
// which has to find it as it was.
func awaitReconcile(b *testing.B, n *notion, dir string) {
	b.Helper()
	db, err := store.Attach(b.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	deals := crm.NormalID(n.crm.Deals.ID)
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		at, err := db.Reconcile(b.Context(), deals)
		if err != nil {
			b.Fatal(err)
		}
		if at.CompletedAt.IsZero() {
			continue
		}
		changes, err := db.Changes(b.Context(), store.ChangeFilter{Limit: 1})
		if known, err2 := db.Made(b.Context(), deals, archiveBegan, time.Now()); err != nil || err2 != nil || len(changes) > 0 || len(known) != archived {
			b.Fatalf("the reconcile saw changes %v and left %d deals, want none and %d: %v %v", changes, len(known), archived, err, err2)
		}
		return
	}
	b.Fatal("the reconcile is not over after 5 minutes")
}
