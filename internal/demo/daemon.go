package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dealbell/dealbell/internal/app"
)

const (
	startLimit = 20 * time.Second
	stopLimit  = 2 * time.Second // nothing of it is kept
	lastWords  = 2 << 10
)

// daemon is a Dealbell that can be killed and started again.
type daemon struct {
	o             Options
	data          string
	public, admin string // addresses
	environment   []string

	mu      sync.Mutex // guards what follows
	failed  func(error)
	running *process
}

// process is one life of a daemon.
type process struct {
	cmd   *exec.Cmd
	leash io.Closer     // its standard input, which ends when this program does
	ended chan struct{} // closed when it is gone
	meant bool          // to end; guarded by the daemon's lock
}

// open chooses addresses, and starts the daemon for the first time.
func (d *daemon) open(ctx context.Context) (err error) {
	if d.public, err = freeAddress(ctx); err != nil {
		return err
	}
	if d.admin, err = freeAddress(ctx); err != nil {
		return err
	}
	return d.start(ctx)
}

// start returns once leads are taken.
func (d *daemon) start(ctx context.Context) error {
	p, err := d.launch(ctx)
	if err != nil {
		return fmt.Errorf("start Dealbell: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if _, err := d.status(ctx); err == nil { // its token is nobody else's
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("start Dealbell: %w", d.failure(p))
		case <-ctx.Done():
			return fmt.Errorf("start Dealbell: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (d *daemon) launch(ctx context.Context) (*process, error) {
	// It ends in its own time, not with ctx.
	p := &process{cmd: d.run(context.WithoutCancel(ctx), d.o.Arguments...), ended: make(chan struct{})}
	if p.cmd.Stderr = d.o.Log; d.o.Log == nil {
		// A pipe would break, and the daemon with it, when this process is killed.
		log, err := os.OpenFile(d.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		defer log.Close() // the daemon has its own
		p.cmd.Stderr = log
	}
	leash, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.leash = leash
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.running = p
	d.mu.Unlock()
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		d.gone(p)
		close(p.ended)
	}()
	return p, nil
}

func (d *daemon) gone(p *process) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running = nil
	if !p.meant && d.failed != nil {
		d.failed(d.failure(p))
	}
}

// tell is told when the daemon ends by itself, from now on.
func (d *daemon) tell(failed func(error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = failed
}

// run is a dealbell with the daemon's environment.
func (d *daemon) run(ctx context.Context, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.o.Program, arguments...) //nolint:gosec // it is this program
	cmd.Dir = d.data
	cmd.Env = append(slices.Clip(d.environment), "DEALBELL_LISTEN="+d.public, "DEALBELL_ADMIN_LISTEN="+d.admin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for the playground alone
	return cmd
}

// end marks the process as one that is to end; nil when none runs.
func (d *daemon) end() *process {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running != nil {
		d.running.meant = true
	}
	return d.running
}

// kill ends the process as a power cut does, and returns when it is gone.
func (d *daemon) kill() {
	if p := d.end(); p != nil {
		_ = p.cmd.Process.Kill() // it may be gone already
		<-p.ended
	}
}

// stop asks the daemon to end, and returns when it is gone.
func (d *daemon) stop() {
	p := d.end()
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		d.kill()
	}
	_ = p.leash.Close()
}

func (d *daemon) dashboard() string { return "http://" + d.admin + "/" }

func (d *daemon) alive() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.running != nil && !d.running.meant
}

func (d *daemon) logFile() string { return filepath.Join(d.data, "log") }

// failure tells how a process ended, with its last words.
func (d *daemon) failure(p *process) error {
	said, _ := os.ReadFile(d.logFile()) // of a verbose demo there is none
	return fmt.Errorf("it ended with %v\n%s", p.cmd.ProcessState, said[max(0, len(said)-lastWords):])
}

// command runs another command beside the daemon, with something to read.
func (d *daemon) command(ctx context.Context, input string, arguments ...string) error {
	cmd := d.run(ctx, arguments...)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &said
	if err := cmd.Run(); err != nil {
		return errors.New(said.String())
	}
	return nil
}

// status asks the daemon how it is.
func (d *daemon) status(ctx context.Context) (app.Status, error) {
	var s app.Status
	token, err := os.ReadFile(filepath.Join(d.data, app.TokenFile))
	if err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.admin+"/api/v1/status", http.NoBody)
	if err != nil {
		return s, err
	}
	req.Header.Set("Authorization", "Bearer "+string(bytes.TrimSpace(token)))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return s, fmt.Errorf("read status: %s", res.Status)
	}
	return s, json.NewDecoder(res.Body).Decode(&s)
}
