package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// smallDisk mounts a file system of a few megabytes.
func smallDisk(tb testing.TB, megabytes int) string {
	tb.Helper()
	dir := tb.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes))
	if errors.Is(err, syscall.EPERM) {
		cannot(tb, "a disk that fills up has to be mounted, which needs root")
	}
	if err != nil {
		tb.Fatalf("mount a small disk: %v", err)
	}
	tb.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			tb.Errorf("unmount the small disk: %v", err)
		}
	})
	return dir
}

// ledger is what the senders of leads were told.
type ledger struct {
	tb     testing.TB
	client http.Client
	target string

	mu       sync.Mutex
	sent     int
	accepted map[string]string // id of the delivery -> body
	refused  int
}

// sendOne sends a lead of 20 KB from somebody new, and reports whether it was
// accepted. No answer but 202 and a proper 503 will do.
func (l *ledger) sendOne(ctx context.Context) bool {
	l.mu.Lock()
	n := l.sent
	l.sent++
	l.mu.Unlock()
	body := fmt.Appendf(nil, `{"email":"ana%04d@example.com","message":"%s %s"}`, n, message(n), strings.Repeat("long ", 4000))
	a, err := post(ctx, &l.client, l.target, body)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.tb.Errorf("lead %d: %v, want an answer", n, err)
	case a.status == http.StatusAccepted:
		l.accepted[a.ID] = string(body)
		return true
	case a.status == http.StatusServiceUnavailable:
		l.refused++
		kind, wait := a.header.Get("Content-Type"), a.header.Get("Retry-After")
		if kind != "application/problem+json" || wait == "" || !bytes.Contains(a.body, []byte(`"status":503`)) {
			l.tb.Errorf("lead %d was refused with Content-Type %q, Retry-After %q, %s", n, kind, wait, a.body)
		}
	default:
		l.tb.Errorf("lead %d: %d %s, want 202 or 503", n, a.status, a.body)
	}
	return false
}

// fill sends leads from four sides until so many were refused.
func (l *ledger) fill(ctx context.Context, refusals int) {
	l.tb.Helper()
	full := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.refused >= refusals
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !full() && !l.tb.Failed() {
				l.sendOne(ctx)
			}
		})
	}
	wg.Wait()
}

// newLedger prepares to send leads to a daemon.
func newLedger(tb testing.TB, d *daemon) *ledger {
	tb.Helper()
	return &ledger{tb: tb, target: d.log.public, accepted: map[string]string{}, client: http.Client{Timeout: 15 * time.Second}}
}

// refuseAndHeal fills the disk of a daemon, makes room, and wants it to go on
// as if nothing had been.
func refuseAndHeal(t *testing.T, notion *workspace, d *daemon, data, goal string, makeRoom func()) {
	t.Helper()
	leads := newLedger(t, d)
	leads.fill(t.Context(), 100)
	before := len(leads.accepted)
	if before == 0 {
		t.Fatal("no lead was accepted before the disk was full")
	}
	if status, text, err := ask(http.MethodGet, d.log.public+"/healthz", "", nil); status != http.StatusOK {
		t.Errorf("/healthz while the disk is full: %d %s, %v, want 200: a restart would not help", status, text, err)
	}
	makeRoom()
	healed := time.Now()
	eventually(t, 5*time.Second, "leads are accepted again", func() bool { return leads.sendOne(t.Context()) })
	again := time.Since(healed)
	inNotion := len(notion.live())
	eventually(t, 10*time.Second, "contacts reach Notion again", func() bool { return len(notion.live()) > inNotion })
	if d.gone() {
		t.Fatalf("the daemon ended:\n%s", d.log.tail())
	}
	d.stop()
	if stored := inbox(t, data); !maps.Equal(stored, leads.accepted) {
		t.Errorf("the inbox holds %d leads, not just the %d that were accepted", len(stored), len(leads.accepted))
	}
	checkFile(t, data)
	checkOnePagePerPerson(t, notion)
	figure(t, goal, fmt.Sprintf("%d leads of 20 KB accepted, then %d refused, accepted again %v after there was room: %s",
		before, leads.refused, again.Round(time.Millisecond), verdict(t, "none lost, none refused and stored, no restart")), 0)
}

func TestAFullDiskRefusesAndHeals(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 12)
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 6<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	notion := serveNotion(t, sandbox.Options{})
	data := filepath.Join(disk, "state")
	d := start(t, notion.environment(t, data))
	refuseAndHeal(t, notion, d, data, "R3 full disk of 12 MB", func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	})
}

// A quota and a limit on the size of files say no in other words than a full
// disk.
func TestAFileThatMayNotGrowRefusesAndHeals(t *testing.T) {
	t.Parallel()
	notion := serveNotion(t, sandbox.Options{})
	data := filepath.Join(t.TempDir(), "state")
	d := start(t, notion.environment(t, data))
	limit := func(size uint64) {
		if err := unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}, nil); err != nil {
			t.Fatal(err)
		}
	}
	limit(2 << 20)
	refuseAndHeal(t, notion, d, data, "R3 files of at most 2 MB", func() { limit(unix.RLIM_INFINITY) })
}
