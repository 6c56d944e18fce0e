package torture

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// steady is a stream of leads that keeps its pace whatever the answers do. A
// lead's time counts from when it was due, so that a stall is seen by every
// lead that came due during it.
type steady struct {
	tb     testing.TB
	client *http.Client
	target string
	mu     sync.Mutex
	took   []time.Duration
	failed int
	sent   sync.WaitGroup
}

func newSteady(tb testing.TB, target string) *steady {
	tb.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	tb.Cleanup(transport.CloseIdleConnections)
	return &steady{tb: tb, target: target, client: &http.Client{Timeout: time.Minute, Transport: transport}}
}

// run sends leads until stop is closed, and waits for their answers.
func (s *steady) run(perSecond int, stop <-chan struct{}) {
	s.tb.Helper()
	began := time.Now()
	defer s.sent.Wait()
	for n := 0; ; n++ {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
		select {
		case <-stop:
			return
		case <-time.After(time.Until(due)):
			s.sent.Go(func() { s.send(n, due) })
		}
	}
}

// send sends a lead once. Only its being accepted will do.
func (s *steady) send(n int, due time.Time) {
	body := fmt.Appendf(nil, `{"name":"Ana","email":"steady%d@example.com","message":%q}`, n, message(n)+strings.Repeat(" All of this matters.", 20))
	a, err := post(s.tb.Context(), s.client, s.target, body)
	took := time.Since(due)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.took = append(s.took, took); err != nil || a.status != http.StatusAccepted {
		if s.failed++; s.failed <= 10 {
			s.tb.Errorf("lead %d after %v: %v, %d %s, want 202", n, took, err, a.status, a.body)
		}
	}
}

// percentile of the times; 100 is the longest.
func (s *steady) percentile(p int) time.Duration {
	sorted := slices.Sorted(slices.Values(s.took))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)].Round(100 * time.Microsecond)
}

// onDisk is a directory where an fsync has to wait for a disk: where temporary
// files live, or beside this package when those live in memory.
func onDisk(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		tb.Fatal(err)
	}
	if s.Type != unix.TMPFS_MAGIC {
		return dir
	}
	dir, err := os.MkdirTemp(".", "state-*.out") //nolint:usetesting // tb.TempDir is what was in memory
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	if dir, err = filepath.Abs(dir); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// peakMemory is the most that was ever resident of a daemon, in megabytes.
func (d *daemon) peakMemory() int {
	d.tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		d.tb.Fatal(err)
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, err := strconv.Atoi(strings.Fields(line)[0])
	if err != nil {
		d.tb.Fatal(err)
	}
	return kilobytes >> 10
}

// stream is a steady stream to a daemon, and how fast it has to be answered.
type stream struct {
	name          string
	fsync         time.Duration // that each takes longer
	p99, longest  time.Duration
	megabytesMost int
}

// Machines that run tests are busy with other things: times are judged in the
// full size alone, which runs beside nothing else.
func TestLeadsAreAcknowledgedFast(t *testing.T) {
	if testing.Short() {
		t.Skip("a steady stream takes some seconds")
	}
	for _, s := range []stream{
		{"on a disk", 0, 50 * time.Millisecond, time.Second, 64},
		{"on a disk that takes 10 ms longer for each fsync", 10 * time.Millisecond, 150 * time.Millisecond, time.Second, 64},
	} {
		t.Run(s.name, func(t *testing.T) {
			if !full() {
				t.Parallel()
			}
			s.flow(t)
		})
	}
}

func (s stream) flow(t *testing.T) {
	perSecond, length := 500, time.Minute
	if !full() {
		perSecond, length = 200, 3*time.Second
	}
	data, slower := onDisk(t), []wrapper(nil)
	if s.fsync > 0 {
		data = t.TempDir() // on whatever disk: each is the slower one
		slower = append(slower, watch(t, "fsync", func(call) ruling { return ruling{after: s.fsync} }))
	}
	d := start(t, serveNotion(t, sandbox.Options{}).environment(t, data), slower...)
	stop := make(chan struct{})
	time.AfterFunc(length, func() { close(stop) })
	leads := newSteady(t, d.log.public)
	leads.run(perSecond, stop)
	memory := d.peakMemory()
	d.stop()
	if stored := len(inbox(t, data)); stored != len(leads.took) {
		t.Errorf("the inbox holds %d leads, want %d", stored, len(leads.took))
	}
	checkFile(t, data)
	p99, longest := leads.percentile(99), leads.percentile(100)
	if full() && (p99 > s.p99 || longest > s.longest || memory > s.megabytesMost) {
		t.Errorf("p99 %v, longest %v, %d MB, want at most %v, %v, %d MB", p99, longest, memory, s.p99, s.longest, s.megabytesMost)
	}
	figure(t, "R5 acknowledged "+s.name, fmt.Sprintf("%d leads at %d/s: p50 %v, p99 %v, longest %v, %d MB resident: %s",
		len(leads.took), perSecond, leads.percentile(50), p99, longest, memory, verdict(t, "none refused")), 0)
}
