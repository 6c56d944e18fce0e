//go:build linux

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const (
	fsyncTime = 3 * time.Second
	rounds    = 3               // the levels take turns, so that a slow spell of the disk hits all of them
	roundTime = 2 * time.Second // of each level, in each round
	slowFsync = 5 * time.Millisecond
	fixedRate = 500 // leads per second
	fixedTime = 15 * time.Second
)

// BenchmarkOutside measures the released binary from outside and prints the
// table. One run takes eight minutes; its own ns/op says nothing.
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
		measureToSlack(b, t, bin)
		measureIdle(b, t, bin)
		measureSize(b, t, bin)
		measureColdStart(b, t, bin)
		measureReconcile(b, t, bin)
		measureImport(b, t, bin)
		fmt.Printf("\n\n%s\n\n%s\n", facts(b, stateDir(b), before), t)
	}
}

func measureFsync(b *testing.B, t *table) {
	took := fsyncs(b, filepath.Join(stateDir(b), "raw"), fsyncTime)
	t.add(row{measure: "disk: append 4 KB + fdatasync", result: rate(len(took), fsyncTime)}.latencies(took))
}

// measureLevels loads one daemon with more and more clients.
func measureLevels(b *testing.B, t *table, bin string) {
	d := start(b, bin, settings{data: stateDir(b), notion: newNotion(b, 0)})
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
	d := start(b, bin, settings{data: stateDir(b), notion: newNotion(b, 0), wrapper: slowed(strace)})
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
	d := start(b, bin, settings{data: stateDir(b), notion: newNotion(b, 0)})
	defer d.stop()
	took := openLoop(b, d, fixedRate, fixedTime)
	p99 := percentile(took, 99)
	t.add(row{
		measure: fmt.Sprintf("%d leads/s for %d s, from when each was due", fixedRate, int(fixedTime.Seconds())),
		result:  "max " + short(slices.Max(took)), target: "p99 ≤ 50 ms", met: verdict(p99 <= 50*time.Millisecond),
	}.latencies(took))
}
