//go:build linux

package bench

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	idleSettle = 5 * time.Second // the first read of Notion is over then
	idleTime   = 30 * time.Second
	backlog    = 100_000
	coldStarts = 5
)

// measureIdle lets a daemon of a small company rest: contacts and deals,
// Slack, and a webhook subscription.
func measureIdle(b *testing.B, t *table, bin string) {
	n := newNotion(b, 0)
	n.Furnish(n.crm, time.Now())
	d := start(b, bin, settings{data: stateDir(b), notion: n, slack: newSlack(b)})
	defer d.stop()
	n.subscribe(b, d)
	time.Sleep(idleSettle)
	before := d.cpu(b)
	time.Sleep(idleTime)
	share := 100 * (d.cpu(b) - before).Seconds() / idleTime.Seconds()
	rss, pss := d.memory(b)
	t.add(row{
		measure: "idle: memory", result: fmt.Sprintf("%.1f MB RSS, %.1f MB PSS", mb(rss), mb(pss)),
		target: "≤ 25 MB", met: verdict(mb(rss) <= 25),
	})
	t.add(row{
		measure: fmt.Sprintf("idle: CPU over %d s", int(idleTime.Seconds())), result: fmt.Sprintf("%.3f %%", share),
		target: "≤ 0.1 %", met: verdict(share <= 0.1),
	})
}

func measureSize(b *testing.B, t *table, bin string) {
	info, err := os.Stat(bin)
	if err != nil {
		b.Fatal(err)
	}
	t.add(row{
		measure: "binary, stripped", result: fmt.Sprintf("%.1f MB", mb(info.Size())),
		target: "≤ 25 MB", met: verdict(mb(info.Size()) <= 25),
	})
}

// measureColdStart starts the daemon on a long queue while Notion is away.
// The files are in the page cache: it is the start that is timed, not the
// disk.
func measureColdStart(b *testing.B, t *table, bin string) {
	dir := stateDir(b)
	fill(b, dir, backlog)
	var took []time.Duration
	for range coldStarts {
		d := start(b, bin, settings{data: dir})
		took = append(took, d.readyAfter)
		d.stop()
	}
	median := percentile(took, 50)
	t.add(row{
		measure: "from exec to ready, 100,000 jobs queued", result: fmt.Sprintf("%s, median of %d", short(median), coldStarts),
		target: "≤ 250 ms", met: verdict(median <= 250*time.Millisecond),
	})
}

// fill accepts n leads of different contacts, as the daemon would.
func fill(tb testing.TB, dir string, n int64) {
	tb.Helper()
	db, err := store.Open(tb.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 256 {
		wg.Go(func() {
			for i := taken.Add(1); i <= n; i = taken.Add(1) {
				if _, err := db.Accept(tb.Context(), intake(i)); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := db.Close(); err != nil || tb.Failed() {
		tb.Fatal("fill the queue: ", err)
	}
}

// intake is lead number i as the listener hands it to the store.
func intake(i int64) store.Intake {
	email := address(i)
	return store.Intake{
		Delivery: crm.Delivery{ID: store.NewID(), Source: "lead", Key: email, ContentType: "application/json", Body: newLead(email)},
		Job:      lead.UpsertJob(email),
	}
}
