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
	leads := &ledger{tb: t, target: d.log.public, accepted: map[string]string{}, client: http.Client{Timeout: 15 * time.Second}}

	leads.fill(t.Context(), 100)
	before := len(leads.accepted)
	t.Logf("%d leads of 20 KB were accepted until the disk was full", before)
	if before == 0 {
		t.Fatal("no lead was accepted before the disk was full")
	}
	if status, text, err := ask(http.MethodGet, d.log.public+"/healthz", "", nil); status != http.StatusOK {
		t.Errorf("/healthz while the disk is full: %d %s, %v, want 200: a restart would not help", status, text, err)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "leads are accepted again", func() bool { return leads.sendOne(t.Context()) })
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
}
