package torture

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// failure is how a kind of call fails: once, or from then on until the disk is
// healed.
type failure struct {
	name    string // of the call
	errno   syscall.Errno
	lasting bool
}

// mishap is a disk on which the n-th call fails.
type mishap struct {
	failure
	nth int
	dir string

	mu     sync.Mutex
	calls  int
	struck int    // calls that failed
	path   string // of the first of them
	at     time.Time
	healed time.Time
}

func (m *mishap) String() string {
	how := "once"
	if m.lasting {
		how = "from then on"
	}
	return fmt.Sprintf("%s %d fails with %v %s", m.name, m.nth, m.errno, how)
}

func (m *mishap) judge(c call) ruling {
	m.mu.Lock()
	defer m.mu.Unlock()
	// SQLite's index of the log is shared memory: no disk is behind it that
	// matters after a crash.
	if !strings.HasPrefix(c.path, m.dir) || strings.HasSuffix(c.path, "-shm") {
		return ruling{}
	}
	m.calls++
	if m.calls < m.nth || m.nth == 0 || !m.healed.IsZero() || m.struck > 0 && !m.lasting {
		return ruling{}
	}
	if m.struck++; m.struck == 1 {
		m.path, m.at = c.path, time.Now()
	}
	return ruling{fails: m.errno}
}

// strikeNext makes the next call fail.
func (m *mishap) strikeNext() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nth = m.calls + 1
}

// heal lets all later calls succeed.
func (m *mishap) heal() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.healed.IsZero() {
		m.healed = time.Now()
	}
}

// hit tells whether and where the disk failed.
func (m *mishap) hit() (struck bool, file string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.struck > 0, filepath.Base(m.path), m.at
}

// life is a short one: a daemon starts on an empty disk, takes some leads, and
// is stopped. When it ends by itself it is started again, as systemd does.
type life struct {
	t           *testing.T
	mishap      *mishap
	environment []string
	leads       *flood
	readyAt     time.Time     // when the first daemon was
	died        bool          // it ended by itself although it had been ready
	back        time.Duration // from the failing call until a daemon was ready again
	healing     time.Duration // from the healing of the disk until the last 503
}

const leadsOfALife = 20

// live lives one and checks what every life promises.
func live(t *testing.T, notion *workspace, m *mishap, seed uint64) *life {
	t.Helper()
	data := filepath.Join(t.TempDir(), "state")
	m.dir = data
	l := &life{t: t, mishap: m, environment: notion.environment(t, data)}
	d := launch(t, l.environment, watch(t, m.name, m.judge))
	l.leads = burst(t, rand.New(rand.NewPCG(seed, 0)), leadsOfALife, 3)
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		l.leads.end()
	}()
	l.stop(l.attend(d, taken))
	if n, last := l.leads.refusals(); n > 0 && !m.healed.IsZero() {
		l.healing = last.Sub(m.healed)
	}
	l.leads.checkInbox(t, data)
	checkFile(t, data)
	if stored, sent := len(inbox(t, data)), len(l.leads.bodies); stored != sent {
		t.Errorf("the inbox holds %d deliveries, want the %d leads, each once", stored, sent)
	}
	return l
}

// attend sees to it that there is a daemon until all leads are taken, and
// returns the last one. The disk is healed after somebody has suffered.
func (l *life) attend(d *daemon, taken <-chan struct{}) *daemon {
	l.t.Helper()
	for ready := d.log.ready; ; {
		select {
		case <-ready:
			l.readyAt = time.Now()
			l.leads.aim(d.log.public)
			ready = nil
		case <-d.ended:
			d = l.again(d, ready == nil)
		case <-taken:
			if l.mustEnd() && !l.died {
				select {
				case <-d.ended:
					return l.again(d, true)
				case <-time.After(10 * time.Second):
					l.t.Fatalf("10 s after %v the daemon still runs:\n%s", l.mishap, d.log.tail())
				}
			}
			return d
		case <-time.After(5 * time.Millisecond):
			if n, _ := l.leads.refusals(); n >= 8 {
				l.mishap.heal()
			}
		}
	}
}

// again starts a daemon after one that has ended.
func (l *life) again(d *daemon, wasReady bool) *daemon {
	l.t.Helper()
	l.leads.aim("")
	struck, _, at := l.mishap.hit()
	if code := d.cmd.ProcessState.ExitCode(); !struck || l.died || code != 1 {
		l.t.Fatalf("the daemon ended with %v (%v: %v), want 1, which systemd answers with a restart:\n%s",
			d.cmd.ProcessState, l.mishap, struck, d.log.tail())
	}
	l.died = wasReady
	l.mishap.heal()
	d = start(l.t, l.environment)
	l.back = time.Since(at)
	l.leads.aim(d.log.public)
	return d
}

// stop ends the last daemon. It may complain of the disk, but not linger.
func (l *life) stop(d *daemon) {
	l.t.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
	select {
	case <-d.ended:
	case <-time.After(25 * time.Second):
		l.t.Fatalf("the daemon runs on 25 s after SIGTERM:\n%s", d.log.tail())
	}
	struck, _, _ := l.mishap.hit()
	if code := d.cmd.ProcessState.ExitCode(); code != 0 && (code != 1 || !struck) {
		l.t.Errorf("%v after SIGTERM, want 0:\n%s", d.cmd.ProcessState, d.log.tail())
	}
}

// mustEnd reports whether the kernel may have dropped what the daemon takes
// for durable. Before it was ready nothing was promised.
func (l *life) mustEnd() bool {
	struck, file, at := l.mishap.hit()
	return struck && l.mishap.name == "fsync" && strings.HasSuffix(file, "-wal") && !l.readyAt.IsZero() && at.After(l.readyAt)
}

// spread chooses at most so many of the first n numbers: one of each stretch.
func spread(dice *rand.Rand, n, most int) (chosen []int) {
	most = min(n, most)
	for i := range most {
		from, to := n*i/most, n*(i+1)/most
		chosen = append(chosen, 1+from+dice.IntN(to-from))
	}
	return chosen
}

// mishaps makes one life of each call that may fail: of all calls in the full
// size, up to the 400th, else of some.
func mishaps(t *testing.T, seed uint64, lives int, kinds ...failure) (lived []*life) {
	t.Helper()
	if full() {
		lives = 400
	}
	notion := serveNotion(t, sandbox.Options{})
	dice := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	t.Run("each", func(t *testing.T) {
		for _, kind := range kinds {
			calm := &mishap{failure: kind}
			live(t, notion, calm, seed)
			for _, n := range spread(dice, min(calm.calls, 400), lives) {
				m := &mishap{failure: kind, nth: n}
				t.Run(m.String(), func(t *testing.T) {
					t.Parallel()
					l := live(t, notion, m, seed)
					mu.Lock()
					defer mu.Unlock()
					lived = append(lived, l)
				})
			}
		}
	})
	return lived
}

func TestADiskThatIsFullForAMomentLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("each of the lives takes a while")
	}
	t.Parallel()
	seed := seed(t)
	lived := mishaps(t, seed, 6, failure{"pwrite64", syscall.ENOSPC, false}, failure{"pwrite64", syscall.ENOSPC, true})
	struck, refused, healing := 0, 0, time.Duration(0)
	for _, l := range lived {
		if hit, _, _ := l.mishap.hit(); hit {
			struck++
		}
		if l.died {
			t.Errorf("%v: the daemon ended; a restart makes no room", l.mishap)
		}
		n, _ := l.leads.refusals()
		refused, healing = refused+n, max(healing, l.healing)
	}
	if struck == 0 || refused == 0 {
		t.Errorf("%d lives with a failing write, %d refused leads: the rig does not reach the disk", struck, refused)
	}
	if healing > 5*time.Second {
		t.Errorf("leads were refused up to %v after there was room again, want less than 5 s", healing)
	}
	figure(t, "R3 disk full at the n-th write", fmt.Sprintf("%d lives, %d with a failing write, %d leads refused, taken again %v after there was room: %s",
		len(lived), struck, refused, healing.Round(100*time.Microsecond), verdict(t, "none lost, none twice, no restart")), seed)
}

// What jobs do at Notion cannot be remembered any more: they are not waited
// for.
func TestAFailedFsyncEndsTheDaemonAlthoughNotionHangs(t *testing.T) {
	t.Parallel()
	notion := serveNotion(t, sandbox.Options{})
	data := t.TempDir()
	m := &mishap{failure: failure{"fsync", syscall.EIO, false}, dir: data}
	environment := notion.environment(t, data)
	d := start(t, environment, watch(t, m.name, m.judge))
	notion.SetFaults(sandbox.Faults{Chance: map[sandbox.Fault]float64{sandbox.HangBefore: 1}})
	d.submit("ana@example.com", message(0))
	eventually(t, 5*time.Second, "the job hangs", func() bool {
		return d.metric(`dealbell_queue_jobs{lane="live",state="running"}`) == 1 && notion.hangs() > 0
	})
	m.strikeNext()
	leads := burst(t, rand.New(rand.NewPCG(seed(t), 0)), 1, 1)
	leads.aim(d.log.public)
	select {
	case <-d.ended:
	case <-time.After(6 * time.Second):
		t.Fatalf("the daemon still runs 6 s after a failed fsync:\n%s", d.log.tail())
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("the daemon ended with %v, want 1", d.cmd.ProcessState)
	}
	notion.SetFaults(sandbox.Faults{})
	d = start(t, environment)
	leads.aim(d.log.public)
	leads.end()
	d.drained(30 * time.Second)
}

func TestADiskThatFailsOnceLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("each of the lives takes a while")
	}
	t.Parallel()
	seed := seed(t)
	lived := mishaps(t, seed, 5, failure{"fsync", syscall.EIO, false}, failure{"pwrite64", syscall.EIO, false}, failure{"open", syscall.EIO, false})
	struck, died, back := 0, 0, time.Duration(0)
	for _, l := range lived {
		if hit, _, _ := l.mishap.hit(); hit {
			struck++
		}
		if l.died {
			died++
			back = max(back, l.back)
		}
	}
	if struck == 0 {
		t.Error("no call failed: the rig does not reach the disk")
	}
	if full() && back > 2*time.Second {
		t.Errorf("a daemon was ready %v after the disk had failed, want 2 s", back)
	}
	figure(t, "R4 I/O error at the n-th fsync, write or open", fmt.Sprintf("%d lives, %d with a failing call, %d restarts, ready again after at most %v: %s",
		len(lived), struck, died, back.Round(time.Millisecond), verdict(t, "none lost, none twice")), seed)
}
