package torture

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// freeAddress is one at which nobody listens.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serveCaddy runs Caddy with the Caddyfile of this repository in front of a
// daemon, without TLS. It returns its address.
func serveCaddy(tb testing.TB, daemon string) string {
	tb.Helper()
	caddy, err := exec.LookPath("caddy")
	if err != nil {
		cannot(tb, "restarts are bridged by Caddy, which is not installed")
	}
	content, err := os.ReadFile("../../Caddyfile")
	if err != nil {
		tb.Fatal(err)
	}
	address := freeAddress(tb)
	for before, after := range map[string]string{"\ncrm.example.com {": "\nhttp://" + address + " {", "127.0.0.1:3000": daemon} {
		if bytes.Count(content, []byte(before)) != 1 {
			tb.Fatalf("the Caddyfile does not have %q once", before)
		}
		content = bytes.Replace(content, []byte(before), []byte(after), 1)
	}
	dir := tb.TempDir()
	path := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(path, append([]byte("{\n\tadmin off\n\tauto_https off\n}\n"), content...), 0o600); err != nil {
		tb.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(caddy, "run", "--config", path, "--adapter", "caddyfile")
	cmd.Dir, cmd.Env, cmd.Stderr = dir, []string{"HOME=" + dir}, &log
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(ended)
	}()
	tb.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be gone already
		<-ended
		if tb.Failed() {
			lines := strings.Split(log.String(), "\n")
			tb.Logf("Caddy said last:\n%s", strings.Join(lines[max(0, len(lines)-10):], "\n"))
		}
	})
	eventually(tb, 10*time.Second, "Caddy listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return "http://" + address
}

// activated hands a daemon its public listener, as systemd does.
func activated(tb testing.TB, socket *net.TCPListener) wrapper {
	tb.Helper()
	return func(cmd *exec.Cmd) {
		file, err := socket.File()
		if err != nil {
			tb.Fatal(err)
		}
		cmd.ExtraFiles = []*os.File{file}
		cmd.Env = append(cmd.Env, "LISTEN_FDS=1")
		cmd.Args = slices.Concat([]string{"sh", "-c", `export LISTEN_PID=$$; exec "$@"`, "sh"}, cmd.Args)
		cmd.Path = "/bin/sh"
	}
}

// queued fills a state directory with leads that nobody has worked on.
func queued(tb testing.TB, dir string, leads int) {
	tb.Helper()
	db, err := store.Open(tb.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	var wg sync.WaitGroup
	numbers := make(chan int)
	for range 64 { // they share commits
		wg.Go(func() {
			for n := range numbers {
				key := fmt.Sprintf("queued%d@example.com", n)
				in := store.Intake{
					Delivery: crm.Delivery{
						ID: store.NewID(), Source: "lead", Key: key, ContentType: "application/json", Body: fmt.Appendf(nil, `{"email":%q}`, key),
					},
					Job: lead.UpsertJob(key),
				}
				if _, err := db.Accept(context.Background(), in); err != nil {
					tb.Errorf("queue a lead: %v", err)
				}
			}
		})
	}
	for n := range leads {
		numbers <- n
	}
	close(numbers)
	wg.Wait()
}

func TestNoLeadIsRefusedDuringRestartsBehindCaddy(t *testing.T) {
	if testing.Short() {
		t.Skip("restarts behind Caddy take some seconds")
	}
	restarts, backlog := 50, 100_000
	if !full() {
		t.Parallel()
		restarts, backlog = 5, 10_000
	}
	const perSecond = 200
	seed := seed(t)
	dice := rand.New(rand.NewPCG(seed, 0))
	notion := serveNotion(t, sandbox.Options{Latency: 10 * time.Millisecond})
	data := t.TempDir()
	queued(t, data, backlog)
	socket, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	environment := notion.environment(t, data)
	d := start(t, environment, activated(t, socket))
	leads := newSteady(t, serveCaddy(t, socket.Addr().String()))
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		leads.run(perSecond, stop)
	}()
	var ready time.Duration // the longest
	for range restarts {
		time.Sleep(time.Duration(200+dice.IntN(400)) * time.Millisecond)
		d.stop()
		stopped := time.Now()
		d = start(t, environment, activated(t, socket))
		ready = max(ready, time.Since(stopped))
	}
	close(stop)
	<-ended
	d.stop()
	if stored := len(inbox(t, data)); stored != backlog+len(leads.took) {
		t.Errorf("the inbox holds %d leads, want %d that were queued and %d that were sent", stored, backlog, len(leads.took))
	}
	checkFile(t, data)
	if full() && ready > 250*time.Millisecond {
		t.Errorf("ready %v after the start, want 250 ms", ready)
	}
	figure(t, "R6 no lead is refused during restarts behind Caddy", fmt.Sprintf("%d restarts, %d leads at %d/s, the longest took %v: %d failed; ready after at most %v with %d queued",
		restarts, len(leads.took), perSecond, leads.percentile(100), leads.failed, ready.Round(time.Millisecond), backlog), seed)
}
