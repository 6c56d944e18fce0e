//go:build linux

package bench

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	fsyncTime  = 3 * time.Second
	rounds     = 3               // the levels take turns, so that a slow spell of the disk hits all of them
	roundTime  = 2 * time.Second // of each level, in each round
	slowFsync  = 5 * time.Millisecond
	fixedRate  = 500 // leads per second
	fixedTime  = 15 * time.Second
	singles    = 200
	spacing    = 300 * time.Millisecond
	idleSettle = 5 * time.Second // the first read of Notion is over then
	idleTime   = 30 * time.Second
	backlog    = 100_000
	coldStarts = 5
)

// BenchmarkOutside measures the released binary from outside and prints the
// table. One run takes four minutes; its own ns/op says nothing.
func BenchmarkOutside(b *testing.B) {
	for range b.N {
		before := load()
		bin := build(b)
		t := &table{}
		measureFsync(b, t)
		measureLevels(b, t, bin)
		measureSlowDisk(b, t, bin)
		measureFixedRate(b, t, bin)
		measureToNotion(b, t, bin)
		measureIdle(b, t, bin)
		measureSize(b, t, bin)
		measureColdStart(b, t, bin)
		fmt.Printf("\n\n%s\n\n%s\n", facts(b, stateDir(b), before), t)
	}
}

func measureFsync(b *testing.B, t *table) {
	took := fsyncs(b, filepath.Join(stateDir(b), "raw"), fsyncTime)
	t.add(row{measure: "disk: append 4 KB + fdatasync", result: rate(len(took), fsyncTime)}.latencies(took))
}

// measureLevels loads one daemon with more and more clients.
func measureLevels(b *testing.B, t *table, bin string) {
	d := start(b, bin, settings{data: stateDir(b), notion: newNotion(b)})
	defer d.stop()
	levels := runLevels(b, d, 1, 16, 64, 256)
	one := levels[0]
	for _, l := range levels {
		r := row{measure: fmt.Sprintf("durable acknowledgements, %s", clients(l.clients)), result: l.rate()}.latencies(l.took)
		if l.clients > 1 {
			r.result += fmt.Sprintf(" (×%.1f)", l.perSecond()/one.perSecond())
		}
		if l.clients == 64 {
			r.target = "≥ 5,000/s, ≥ ×3"
			r.met = verdict(l.perSecond() >= 5000 && l.perSecond() >= 3*one.perSecond())
		}
		t.add(r)
	}
}

// measureSlowDisk does the same where each fsync takes longer, as on a cheap
// virtual disk.
func measureSlowDisk(b *testing.B, t *table, bin string) {
	label := fmt.Sprintf("the same, each fsync %d ms slower, ", slowFsync.Milliseconds())
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.add(row{measure: label + "64 clients", result: "not measured: strace is not installed", target: "≥ ×15"})
		return
	}
	d := start(b, bin, settings{data: stateDir(b), notion: newNotion(b), wrapper: slowed(strace)})
	defer d.stop()
	levels := runLevels(b, d, 1, 64)
	one, many := levels[0], levels[1]
	ratio := many.perSecond() / one.perSecond()
	t.add(row{measure: label + clients(1), result: one.rate()}.latencies(one.took))
	t.add(row{
		measure: label + clients(64), result: fmt.Sprintf("%s (×%.1f)", many.rate(), ratio), target: "≥ ×15", met: verdict(ratio >= 15),
	}.latencies(many.took))
}

// slowed is the command line that delays the fsyncs of what follows it. The
// tracer is a grandchild (-D), so that the daemon stays a child with a known
// pid.
func slowed(strace string) []string {
	return []string{
		strace, "-D", "-f", "-qq", "--seccomp-bpf", "-o", os.DevNull, "-e", "trace=fsync,fdatasync",
		"-e", fmt.Sprintf("inject=fsync,fdatasync:delay_exit=%d", slowFsync.Microseconds()),
	}
}

// level is what some number of clients got.
type level struct {
	clients int
	took    []time.Duration
	elapsed time.Duration
}

func (l level) perSecond() float64 { return float64(len(l.took)) / l.elapsed.Seconds() }
func (l level) rate() string       { return rate(len(l.took), l.elapsed) }

// runLevels measures each number of clients, in turns.
func runLevels(b *testing.B, d *daemon, numbers ...int) []level {
	levels := make([]level, len(numbers))
	for range rounds {
		for i, n := range numbers {
			took, elapsed := closedLoop(b, d, n, roundTime)
			levels[i].clients = n
			levels[i].took = append(levels[i].took, took...)
			levels[i].elapsed += elapsed
		}
	}
	return levels
}

func measureFixedRate(b *testing.B, t *table, bin string) {
	d := start(b, bin, settings{data: stateDir(b), notion: newNotion(b)})
	defer d.stop()
	took := openLoop(b, d, fixedRate, fixedTime)
	p99 := percentile(took, 99)
	t.add(row{
		measure: fmt.Sprintf("%d leads/s for %d s, from when each was due", fixedRate, int(fixedTime.Seconds())),
		result:  "max " + short(slices.Max(took)), target: "p99 ≤ 50 ms", met: verdict(p99 <= 50*time.Millisecond),
	}.latencies(took))
}

// measureToNotion times single leads of known contacts: from having read the
// 202 until the request that updates the contact is at Notion's handler.
// Tokens must not run out, or the pace would be measured: the rate is at its
// maximum and there is time between the leads.
func measureToNotion(b *testing.B, t *table, bin string) {
	notion := newNotion(b)
	contacts := notion.seed(singles + 1)
	d := start(b, bin, settings{data: stateDir(b), notion: notion, yaml: "notion: {rate: 10, burst: 25}\n"})
	defer d.stop()
	c := connect(b, d.addr)
	defer c.close()
	oneByOne(b, c, notion, contacts[0]) // waits for the first read
	time.Sleep(3 * time.Second)         // the token bucket starts empty
	var took []time.Duration
	for _, email := range contacts[1:] {
		took = append(took, oneByOne(b, c, notion, email))
		time.Sleep(spacing)
	}
	t.add(row{
		measure: "from 202 to the request at Notion, idle", result: fmt.Sprintf("%d leads, one each %d ms", singles, spacing.Milliseconds()),
	}.latencies(took))
}

func oneByOne(b *testing.B, c *client, notion *notion, email string) time.Duration {
	b.Helper()
	if err := c.send(newLead(email)); err != nil {
		b.Fatal(err)
	}
	acknowledged := time.Now()
	select {
	case arrived := <-notion.updates:
		return arrived.Sub(acknowledged)
	case <-time.After(20 * time.Second):
		b.Fatal("the lead did not reach Notion within 20 s")
		return 0
	}
}

func measureIdle(b *testing.B, t *table, bin string) {
	d := start(b, bin, settings{data: stateDir(b), notion: newNotion(b)})
	defer d.stop()
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
