//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

const (
	formSecret  = "bench-form-secret"
	notionToken = "bench-notion-token"
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
		url, contacts = s.notion.server.URL, s.notion.contacts.ID
	}
	return []string{
		"DEALBELL_DATA=" + s.data, "DEALBELL_CONFIG=" + config,
		"DEALBELL_LISTEN=" + addr, "DEALBELL_ADMIN_LISTEN=127.0.0.1:0",
		"DEALBELL_NOTION_URL=" + url, "NOTION_TOKEN=" + notionToken, "NOTION_CONTACTS_DB_ID=" + contacts,
		"FORM_SECRET=" + formSecret,
	}
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

// notion is the sandbox behind a socket of this process.
type notion struct {
	*sandbox.Workspace
	contacts *sandbox.Database
	server   *httptest.Server
	updates  chan time.Time // when each update of a page came in
}

func newNotion(b *testing.B) *notion {
	b.Helper()
	w := sandbox.New(sandbox.Options{Token: notionToken})
	n := &notion{Workspace: w, contacts: w.StandardCRM().Contacts, updates: make(chan time.Time, 16)}
	handler := w.Handler()
	n.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch && strings.HasPrefix(r.URL.Path, "/v1/pages/") {
			select {
			case n.updates <- time.Now():
			default: // nobody is timing
			}
		}
		handler.ServeHTTP(rw, r)
	}))
	b.Cleanup(n.server.Close)
	return n
}

// seed adds contacts that lack nothing, last contacted yesterday, so that a
// lead of one of them begins with one update. It returns their addresses.
func (n *notion) seed(count int) []string {
	var emails []string
	for i := range count {
		email := fmt.Sprintf("known-%d@example.com", i)
		n.AddRow(n.contacts, map[string]any{
			"Name": "Ana Example", "Email": email, "Company": "Example Ltd", "Status": "Contacted", "Source": "Website",
			"Notes": "Known for long.", "Last Contacted": time.Now().AddDate(0, 0, -1).Format(time.DateOnly),
		})
		emails = append(emails, email)
	}
	return emails
}
