//go:build linux

package bench

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	formSecret  = "bench-form-secret"
	notionToken = "bench-notion-token"
	slackToken  = "xoxb-bench"
)

// build makes the binary as a release does and returns its path.
func build(b *testing.B) string {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "dealbell")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, "github.com/dealbell/dealbell/cmd/dealbell")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// settings are what a daemon is started with.
type settings struct {
	data    string
	notion  *notion  // nil: nobody listens at its address
	slack   *slack   // nil: there are no deals either
	yaml    string   // of the configuration file
	wrapper []string // a command line to start it under
}

// daemon is a running Dealbell.
type daemon struct {
	b          *testing.B
	cmd        *exec.Cmd
	addr       string
	log        tail
	sent       numbers
	readyAfter time.Duration // from exec to the first 200 of /readyz
	stopOnce   sync.Once
}

// start runs a daemon and returns once it is ready.
func start(b *testing.B, bin string, s settings) *daemon {
	b.Helper()
	d := &daemon{b: b, addr: freeAddress(b)}
	command := slices.Concat(s.wrapper, []string{bin, "serve"})
	d.cmd = exec.Command(command[0], command[1:]...)
	d.cmd.Env = s.environment(b, d.addr)
	d.cmd.Stderr = &d.log // a pipe, as under a service manager
	d.cmd.WaitDelay = 5 * time.Second
	began := time.Now()
	if err := d.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(d.stop)
	d.awaitReady(began)
	return d
}

func (s settings) environment(b *testing.B, addr string) []string {
	b.Helper()
	config := filepath.Join(b.TempDir(), "dealbell.yaml")
	if err := os.WriteFile(config, []byte(s.yaml), 0o600); err != nil {
		b.Fatal(err)
	}
	url, contacts := "http://"+freeAddress(b), "00000000-0000-4000-8000-000000000000"
	if s.notion != nil {
		url, contacts = s.notion.server.URL, s.notion.crm.Contacts.ID
	}
	variables := []string{
		"DEALBELL_DATA=" + s.data, "DEALBELL_CONFIG=" + config,
		"DEALBELL_LISTEN=" + addr, "DEALBELL_ADMIN_LISTEN=127.0.0.1:0",
		"DEALBELL_NOTION_URL=" + url, "NOTION_TOKEN=" + notionToken, "NOTION_CONTACTS_DB_ID=" + contacts,
		"FORM_SECRET=" + formSecret,
	}
	if s.slack != nil {
		variables = append(variables, "NOTION_DEALS_DB_ID="+s.notion.crm.Deals.ID,
			"SLACK_WEBHOOK_URL="+s.slack.Webhook("sales"), "SLACK_BOT_TOKEN="+slackToken, "DEALBELL_SLACK_URL="+s.slack.server.URL+"/api/")
	}
	return variables
}

// freeAddress returns an address of this machine at which nobody listens.
func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (d *daemon) awaitReady(began time.Time) {
	d.b.Helper()
	for time.Since(began) < 30*time.Second {
		if res, err := http.Get("http://" + d.addr + "/readyz"); err == nil {
			res.Body.Close()
			if d.readyAfter = time.Since(began); res.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(time.Millisecond)
	}
	d.b.Fatalf("the daemon is not ready after 30 s; its last words:\n%s", &d.log)
}

// stop ends the daemon by its pid and waits for it.
func (d *daemon) stop() {
	d.stopOnce.Do(func() {
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(20*time.Second, func() { _ = d.cmd.Process.Kill() })
		defer late.Stop()
		if err := d.cmd.Wait(); err != nil {
			d.b.Errorf("the daemon ended badly: %v; its last words:\n%s", err, &d.log)
		}
	})
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	end []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const keep = 4 << 10
	t.end = append(t.end, p...)
	if extra := len(t.end) - keep; extra > 0 {
		t.end = append(t.end[:0], t.end[extra:]...)
	}
	return len(p), nil
}

// String implements fmt.Stringer.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.ToValidUTF8(t.end, nil))
}
