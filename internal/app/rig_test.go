package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// full reports whether the rigs run at their full length.
func full() bool { return os.Getenv("DEALBELL_TORTURE") == "full" }

// size is how much of something a rig does: for every change, and in full.
func size(short, long int) int {
	if full() {
		return long
	}
	return short
}

// seedOf is DEALBELL_TEST_SEED, to repeat a run. Without it every change meets
// the same story, and a full run one of its own.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	if seed, err := strconv.ParseUint(os.Getenv("DEALBELL_TEST_SEED"), 10, 64); err == nil {
		return seed
	}
	if full() {
		return uint64(time.Now().UnixNano())
	}
	return 1
}

// figure prints what a rig measured for a goal.
func figure(t *testing.T, goal string, seed uint64, format string, args ...any) {
	t.Helper()
	t.Logf("figure: %s | %s | seed %d", goal, fmt.Sprintf(format, args...), seed)
}

// rig is a sales world whose Dealbell can be killed at every step: before a
// request arrives or before its answer does, and then after any of the commits
// that nobody outside has seen an effect of. It remembers what people did, and
// says in the end what came of it wrongly.
type rig struct {
	*sales
	deeds

	asked   atomic.Int64  // steps of this process: requests and answers
	doomed  atomic.Int64  // the step at which it is killed; 0 for none
	reached chan struct{} // it has come there
	keep    int           // of the commits that may be lost then, how many are not
	spare   int           // how many there were
	killed  int
	torn    map[string]int // by rule: messages that were with Slack when the process was killed

	mu   sync.Mutex
	seen mark // what the outside has seen the effects of
}

func newRig(t *testing.T, o sandbox.Options, plan sandbox.DeliveryPlan) *rig {
	t.Helper()
	r := &rig{sales: newSales(t, o, plan), deeds: newDeeds(), reached: make(chan struct{}, 1), torn: map[string]int{}}
	r.lay = func(line *wire) { line.next = path{r, line, line.next} }
	r.bell.rung = func() { r.show(r.marked()) }
	return r
}

// path is the way to an outside system, on which a request and its answer take
// their time.
type path struct {
	*rig
	line *wire
	to   http.RoundTripper
}

func (p path) RoundTrip(r *http.Request) (*http.Response, error) {
	at := p.marked()
	if err := p.step(); err != nil {
		return nil, err
	}
	p.show(at)
	answer, err := p.to.RoundTrip(r)
	if gone := p.step(); gone != nil {
		return nil, gone
	}
	return answer, err
}

// step is a way that may be the last one of the process.
func (p path) step() error {
	if p.asked.Add(1) == p.doomed.Load() {
		p.reached <- struct{}{}
	}
	time.Sleep(travel)
	if p.line.cut.Load() {
		return errors.New("the process is gone")
	}
	return nil
}

func (r *rig) start() {
	r.t.Helper()
	r.asked.Store(0)
	r.sales.start()
	r.show(r.marked())
}

// doom lets the process be killed at its n-th step from now on, when so many
// of the commits that may be lost have been made.
func (r *rig) doom(n, keep int) {
	r.keep = keep
	r.doomed.Store(r.asked.Load() + int64(n))
}

// pass lets time pass, and the process be killed and started again when it
// comes to its step.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	for timer := time.NewTimer(d); ; {
		select {
		case <-r.reached:
			r.die()
		case <-timer.C:
			r.show(r.marked()) // people act next
			return
		}
	}
}

// die goes on from what the disk held after one of the commits since the
// outside saw the effect of one.
func (r *rig) die() {
	r.t.Helper()
	synctest.Wait()
	r.doomed.Store(0)
	left := r.t.TempDir()
	r.cutDisk().write(r.t, left)
	r.bell.to.Store(nil)
	r.wire.cut.Store(true)
	r.phone.cut.Store(true)
	r.killed++
	old := r.end
	go func() { _ = old() }()
	r.dir = left
	r.attached(func(db *store.DB) error {
		sending, err := db.Outbox(context.Background(), 100, crm.MessageSending)
		for _, m := range sending {
			r.torn[m.Rule]++
		}
		return err
	})
	r.start()
}

// cutDisk returns the disk without the last commits.
func (r *rig) cutDisk() disk {
	r.t.Helper()
	now, at := readDisk(r.t, r.dir), r.marked()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spare = 0
	if at.dir != r.seen.dir || !at.main.Equal(r.seen.main) {
		return now // some of the log is in the database already
	}
	ends := commits(now.wal)
	safe, _ := slices.BinarySearch(ends, int(r.seen.log)+1)
	r.spare = len(ends) - safe
	if n := safe + min(r.keep, r.spare); n > 0 {
		now.wal = now.wal[:ends[n-1]]
	} else {
		now.wal = nil
	}
	return now
}

// mark is how far the disk has come.
type mark struct {
	dir  string
	main time.Time // when the database was written last
	log  int64     // length of the write-ahead log
}

func (r *rig) marked() mark {
	m := mark{dir: r.dir}
	if info, err := os.Stat(filepath.Join(m.dir, store.FileName)); err == nil {
		m.main = info.ModTime()
	}
	if info, err := os.Stat(filepath.Join(m.dir, store.FileName+"-wal")); err == nil {
		m.log = info.Size()
	}
	return m
}

// show says that the outside has seen an effect of what was on the disk then.
func (r *rig) show(m mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.dir != r.seen.dir || !m.main.Equal(r.seen.main) || m.log > r.seen.log {
		r.seen = m
	}
}

// calm lets what is under way end, with an operator who gives every dead
// letter another life.
func (r *rig) calm() {
	r.t.Helper()
	for range 8 {
		dead, open := 0, 0
		for wait := 30 * time.Second; wait < 24*time.Hour; wait *= 2 {
			r.pass(wait)
			r.attached(func(db *store.DB) error {
				sum, err := db.Summarise(context.Background())
				open = sum.Open + busy(sum) + sum.Unsure + sum.Messages[crm.MessageQueued] + sum.Messages[crm.MessageSending]
				return err
			})
			if open == 0 {
				break
			}
		}
		if open > 0 {
			r.wrong("%d leads, jobs or messages never end", open)
			return
		}
		for _, j := range r.jobs(crm.JobDead) {
			r.retry(j)
			dead++
		}
		if r.retried += dead; dead == 0 {
			return
		}
	}
	r.wrong("dead letters come again and again: %+v", r.jobs(crm.JobDead))
}

// finish asks for everything that was promised.
func (r *rig) finish() {
	r.t.Helper()
	r.notion.SetFaults(sandbox.Faults{})
	r.slack.SetFaults(sandbox.Faults{})
	r.pass(12 * time.Minute) // polls see what no event told
	r.calm()
	r.stop()
	time.Sleep(time.Minute) // of those that were killed, too
	r.check(r)
	for i, p := range r.problems {
		if i == 5 {
			r.t.Errorf("and %d problems more", len(r.problems)-i)
			break
		}
		r.t.Error(strings.TrimSpace(p))
	}
}
