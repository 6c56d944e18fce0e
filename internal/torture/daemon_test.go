package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

const formSecret = "form-secret"

// workspace is a sandbox Notion behind a socket.
type workspace struct {
	*sandbox.Workspace
	contacts *sandbox.Database
	url      string
}

func serveNotion(tb testing.TB, o sandbox.Options) *workspace {
	tb.Helper()
	notion := sandbox.New(o)
	w := &workspace{Workspace: notion, contacts: notion.StandardCRM().Contacts}
	w.through(tb, func(h http.Handler) http.Handler { return h })
	return w
}

// through puts something between daemons that are launched from now on and
// Notion.
func (w *workspace) through(tb testing.TB, wrap func(http.Handler) http.Handler) {
	tb.Helper()
	server := httptest.NewServer(wrap(w.Handler()))
	tb.Cleanup(func() {
		server.CloseClientConnections() // some may hang
		server.Close()
	})
	w.url = server.URL
}

// live lists the contacts that are not in the trash.
func (w *workspace) live() []sandbox.Row {
	var rows []sandbox.Row
	for _, row := range w.Rows(w.contacts) {
		if !row.InTrash {
			rows = append(rows, row)
		}
	}
	return rows
}

// environment is all that a daemon is told: it takes any free ports, and the
// pace is as high as it can be set.
func (w *workspace) environment(tb testing.TB, data string) []string {
	tb.Helper()
	config := filepath.Join(tb.TempDir(), "dealbell.yaml")
	if err := os.WriteFile(config, []byte("notion: {rate: 10, burst: 25}\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return []string{
		"DEALBELL_CONFIG=" + config, "DEALBELL_DATA=" + data, "DEALBELL_NOTION_URL=" + w.url,
		"DEALBELL_LISTEN=127.0.0.1:0", "DEALBELL_ADMIN_LISTEN=127.0.0.1:0",
		"NOTION_TOKEN=sandbox-token", "NOTION_CONTACTS_DB_ID=" + w.contacts.ID, "FORM_SECRET=" + formSecret,
	}
}

// daemon is one running "dealbell serve".
type daemon struct {
	tb    testing.TB
	cmd   *exec.Cmd
	log   *logbook
	ended chan struct{} // closed when the process is gone
}

// wrapper puts something around the command of a daemon. The process that is
// started has to become the daemon.
type wrapper func(*exec.Cmd)

// launch starts a daemon and does not wait for it. It is killed with the test.
func launch(tb testing.TB, environment []string, wrappers ...wrapper) *daemon {
	tb.Helper()
	d := &daemon{
		tb: tb, cmd: exec.Command(shipped.path(tb), "serve"),
		log: &logbook{ready: make(chan struct{})}, ended: make(chan struct{}),
	}
	d.cmd.Dir, d.cmd.Env, d.cmd.Stderr = tb.TempDir(), slices.Clone(environment), d.log
	for _, wrap := range wrappers {
		wrap(d.cmd)
	}
	err := d.cmd.Start()
	for _, file := range d.cmd.ExtraFiles {
		file.Close() // the daemon has its own
	}
	if err != nil {
		tb.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait() // how it ended is in ProcessState
		close(d.ended)
	}()
	tb.Cleanup(d.kill)
	return d
}

// start launches a daemon and waits until it takes leads.
func start(tb testing.TB, environment []string, wrappers ...wrapper) *daemon {
	tb.Helper()
	d := launch(tb, environment, wrappers...)
	select {
	case <-d.log.ready:
	case <-d.ended:
		tb.Fatalf("the daemon ended with %v:\n%s", d.cmd.ProcessState, d.log.tail())
	case <-time.After(10 * time.Second):
		tb.Fatalf("the daemon is not ready after 10 s:\n%s", d.log.tail())
	}
	return d
}

// kill ends the process as a power cut does, and returns when it is gone.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill() // it may be gone already
	<-d.ended
}

// stop asks the daemon to end, and returns how long that took.
func (d *daemon) stop() time.Duration {
	d.tb.Helper()
	asked := time.Now()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.tb.Fatalf("SIGTERM: %v\n%s", err, d.log.tail())
	}
	select {
	case <-d.ended:
	case <-time.After(25 * time.Second):
		d.tb.Fatalf("the daemon runs on 25 s after SIGTERM:\n%s", d.log.tail())
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		d.tb.Errorf("exit code %d after SIGTERM, want 0:\n%s", code, d.log.tail())
	}
	return time.Since(asked)
}

func (d *daemon) gone() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

// open returns how many leads are not in Notion yet.
func (d *daemon) open() int {
	d.tb.Helper()
	return d.metric("dealbell_leads_open")
}

// metric reads a number of the admin listener; one that is absent is 0.
func (d *daemon) metric(name string) int {
	d.tb.Helper()
	status, text, err := ask(http.MethodGet, d.log.admin+"/metrics", "", nil)
	if err != nil || status != http.StatusOK {
		d.tb.Fatalf("read metrics: %d, %v\n%s", status, err, d.log.tail())
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				d.tb.Fatalf("read metrics: %v", err)
			}
			return n
		}
	}
	return 0
}

// ask makes one request on a connection of its own and reads the answer.
func ask(method, url, body string, header http.Header) (status int, text string, err error) {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header = header
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 15 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

// logbook keeps the log of a daemon and learns its addresses from it.
type logbook struct {
	ready         chan struct{}
	public, admin string // known once ready is closed

	mu   sync.Mutex
	text bytes.Buffer
	read int // how much of text was looked through
}

// Write implements io.Writer.
func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	for l.public == "" {
		line, _, whole := bytes.Cut(l.text.Bytes()[l.read:], []byte("\n"))
		if !whole {
			break
		}
		l.read += len(line) + 1
		var entry struct{ Msg, Public, Admin string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "ready for leads" {
			l.public, l.admin = entry.Public, entry.Admin
			close(l.ready)
		}
	}
	return len(p), nil
}

func (l *logbook) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logbook) tail() string {
	lines := strings.Split(strings.TrimSpace(l.all()), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// eventually waits until check holds.
func eventually(tb testing.TB, patience time.Duration, what string, check func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	for !check() {
		select {
		case <-ctx.Done():
			tb.Fatalf("after %v still not: %s", patience, what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
