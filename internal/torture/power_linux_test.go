package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// cuts are power cuts at chosen moments of a recorded run.
type cuts struct {
	t        *testing.T
	dice     *rand.Rand
	disk     *disk
	promised []string // ids of deliveries that were acknowledged so far
	scratch  string   // where images are looked at
	queue    chan powerCut
	workers  sync.WaitGroup

	images, unsettled int // those with something that could be lost

	mu   sync.Mutex
	lost []error
}

// powerCut is an image, and what has to be in it.
type powerCut struct {
	name     string
	image    image
	promised []string
}

func newCuts(t *testing.T, seed uint64, data string) *cuts {
	t.Helper()
	c := &cuts{t: t, dice: rand.New(rand.NewPCG(seed, 2)), disk: newDisk(data), scratch: t.TempDir(), queue: make(chan powerCut)}
	for range 2 {
		c.workers.Go(func() {
			for p := range c.queue {
				if err := p.examine(filepath.Join(c.scratch, p.name)); err != nil {
					c.mu.Lock()
					c.lost = append(c.lost, fmt.Errorf("power cut %s, after %d answers: %w", p.name, len(p.promised), err))
					c.mu.Unlock()
				}
			}
		})
	}
	return c
}

// follow replays a run and cuts the power whenever a lead is acknowledged, and
// now and then while the disk is busy.
func (c *cuts) follow(replay func(func(step))) {
	replay(func(s step) {
		c.disk.do(s)
		switch {
		case s.begins && s.call == "write" && bytes.HasPrefix(s.text(1), []byte("HTTP/1.1 202 ")):
			c.promised = append(c.promised, string(deliveryID.FindSubmatch(s.text(1))[1]))
			c.cut("durable", c.disk.onlyDurable())
			c.cutDirty()
		case s.begins && s.call == "fsync" && c.dice.IntN(4) == 0:
			c.cutDirty()
		}
	})
}

var deliveryID = regexp.MustCompile(`"id":"(\w+)"`)

// cutDirty keeps some of what was not durable yet.
func (c *cuts) cutDirty() {
	if c.disk.unsynced() == 0 {
		return // as durable as can be
	}
	c.unsettled += 2
	c.cut("some", c.disk.someMore(c.dice))
	c.cut("torn", c.disk.torn(c.dice))
}

func (c *cuts) cut(kind string, left image) {
	c.images++
	c.queue <- powerCut{fmt.Sprintf("%d-%s", c.images, kind), left, slices.Clip(c.promised)}
}

// end waits until all images were looked at.
func (c *cuts) end() []error {
	close(c.queue)
	c.workers.Wait()
	return c.lost
}

// examine opens an image as a daemon would, and says what is missing in it.
func (p powerCut) examine(dir string) error {
	defer os.RemoveAll(dir)
	if err := p.image.save(dir); err != nil {
		return err
	}
	db, err := store.Open(context.Background(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	raw, err := openSQL(dir)
	if err != nil {
		return err
	}
	defer raw.Close()
	missing := 0
	for _, id := range p.promised {
		var there bool
		if err := raw.QueryRow(`select exists (select 1 from inbox where id = ?)`, id).Scan(&there); err != nil {
			return err
		}
		if !there {
			missing++
		}
	}
	if missing > 0 {
		return errors.Join(fmt.Errorf("%d acknowledged leads are lost", missing), damage(context.Background(), raw))
	}
	return damage(context.Background(), raw)
}

// run records two daemons in a row: the first is stopped, the second killed.
func (c *cuts) run(binary *build, leads int, seed uint64) {
	c.t.Helper()
	notion := serveNotion(c.t, sandbox.Options{})
	environment := notion.environment(c.t, c.disk.dir)
	instead := func(cmd *exec.Cmd) { cmd.Path, cmd.Args[0] = binary.path(c.t), binary.path(c.t) }
	for part := range 2 {
		wrap, replay := record(c.t)
		d := start(c.t, environment, instead, wrap)
		flood := burst(c.t, rand.New(rand.NewPCG(seed, uint64(part))), leads/2, 8)
		flood.aim(d.log.public)
		flood.end()
		if part == 0 {
			d.stop()
		} else {
			d.freeze() // what a call does that is killed in the middle, no trace tells
			d.kill()
		}
		c.follow(replay)
	}
	c.compare()
}

// freeze stops all threads of the daemon between two system calls.
func (d *daemon) freeze() {
	d.tb.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		d.tb.Fatalf("SIGSTOP: %v\n%s", err, d.log.tail())
	}
	const looks = 5 // a thread that the tracer looks at is stopped for a moment, too
	for still, deadline := 0, time.Now().Add(10*time.Second); still < looks; <-time.After(10 * time.Millisecond) {
		if still++; !d.frozen() {
			still = 0
		}
		if time.Now().After(deadline) {
			d.tb.Fatal("the daemon does not stop within 10 s of SIGSTOP")
		}
	}
}

func (d *daemon) frozen() bool {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", d.cmd.Process.Pid))
	if err != nil {
		d.tb.Fatal(err)
	}
	for _, name := range stats {
		content, err := os.ReadFile(name)
		_, after, found := strings.Cut(string(content), ") ")
		if err == nil && (!found || !strings.HasPrefix(after, "t") && !strings.HasPrefix(after, "T")) {
			return false
		}
	}
	return len(stats) > 0
}

// compare fails unless the replay has rebuilt the files as they are: it would
// prove nothing otherwise.
func (c *cuts) compare() {
	c.t.Helper()
	if c.disk.unknown != nil {
		c.t.Fatalf("the replay does not know what this does: %v", c.disk.unknown)
	}
	rebuilt := c.disk.now()
	entries, err := os.ReadDir(c.disk.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(c.disk.dir, e.Name()))
		if err != nil {
			c.t.Fatal(err)
		}
		if got, ok := rebuilt[e.Name()]; !strings.HasSuffix(e.Name(), "-shm") && (!ok || !bytes.Equal(got, content)) {
			c.t.Errorf("the replay has %s with %d bytes, which is not the file of %d bytes on the disk", e.Name(), len(got), len(content))
		}
		delete(rebuilt, e.Name())
	}
	for name := range rebuilt {
		c.t.Errorf("the replay has %s, which is not on the disk", name)
	}
}

func TestNoAcknowledgedLeadIsLostInAPowerCut(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of images take some seconds")
	}
	t.Parallel()
	leads := 80
	if full() {
		leads = 2000
	}
	seed := seed(t)
	c := newCuts(t, seed, filepath.Join(t.TempDir(), "state"))
	c.run(&shipped, leads, seed)
	lost := c.end()
	for _, err := range lost {
		t.Error(err)
	}
	figure(t, "R2 no acknowledged lead is lost in a power cut", fmt.Sprintf("%d leads acknowledged, %d power cuts, %d of them with unsynced writes: %s",
		len(c.promised), c.images, c.unsettled, verdict(t, "none lost, all files intact")), seed)
}

func TestThePowerCutFindsOutACarelessDaemon(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of images take some seconds")
	}
	t.Parallel()
	seed := seed(t)
	c := newCuts(t, seed, filepath.Join(t.TempDir(), "state"))
	c.run(&careless, 20, seed)
	lost := c.end()
	if len(lost) == 0 {
		t.Error("no power cut took a lead from a daemon that does not wait for the disk: the replay cannot find a loss")
	}
	figure(t, "R2 the same with synchronous=NORMAL has to lose some", fmt.Sprintf("%d leads acknowledged, leads lost in %d of %d power cuts",
		len(c.promised), len(lost), c.images), seed)
}
