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

// Machines that run tests are busy with other things: times are judged in the
// full size alone.
func TestLeadsAreAcknowledgedFast(t *testing.T) {
	if testing.Short() {
		t.Skip("a steady stream takes some seconds")
	}
	for _, c := range []struct {
		name          string
		fsync         time.Duration // that each takes longer
		short, full   time.Duration
		p99, longest  time.Duration
		megabytesMost int
	}{
		{"on a disk", 0, 3 * time.Second, time.Minute, 50 * time.Millisecond, time.Second, 64},
		{"on a disk that takes 10 ms longer for each fsync", 10 * time.Millisecond, 3 * time.Second, time.Minute, 150 * time.Millisecond, time.Second, 64},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !full() {
				t.Parallel()
			}
			const perSecond = 500
			notion := serveNotion(t, sandbox.Options{})
			data := onDisk(t)
			var slower []wrapper
			if c.fsync > 0 {
				slower = append(slower, watch(t, "fsync", func(call) ruling { return ruling{after: c.fsync} }))
			}
			d := start(t, notion.environment(t, data), slower...)
			length := c.short
			if full() {
				length = c.full
			}
			stop := make(chan struct{})
			time.AfterFunc(length, func() { close(stop) })
			s := newSteady(t, d.log.public)
			s.run(perSecond, stop)
			p99, longest, memory := s.percentile(99), s.percentile(100), d.peakMemory()
			d.stop()
			if stored := len(inbox(t, data)); stored != len(s.took) {
				t.Errorf("the inbox holds %d leads, want %d", stored, len(s.took))
			}
			checkFile(t, data)
			if full() && (p99 > c.p99 || longest > c.longest || memory > c.megabytesMost) {
				t.Errorf("p99 %v, longest %v, %d MB, want at most %v, %v, %d MB", p99, longest, memory, c.p99, c.longest, c.megabytesMost)
			}
			figure(t, "R5 acknowledged "+c.name, fmt.Sprintf("%d leads at %d/s: p50 %v, p99 %v, longest %v, %d MB resident: %s",
				len(s.took), perSecond, s.percentile(50), p99, longest, memory, verdict(t, "none refused")), 0)
		})
	}
}
