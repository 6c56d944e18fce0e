package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// TestRandomSequences lives through short stories of leads, deals, faults and
// crashes, each drawn from a seed of its own: that of the run and a number. To
// hear one again, alone and first:
//
//	DEALBELL_TEST_SEED=1234 go test ./internal/app -run TestRandomSequences
func TestRandomSequences(t *testing.T) {
	t.Parallel()
	seed, many := seedOf(t), size(300, 20_000)
	if testing.Short() {
		many = 12
	}
	var mu sync.Mutex
	var all tally
	told := 0
	t.Run("stories", func(t *testing.T) {
		const tellers = 4
		for teller := range tellers {
			t.Run(fmt.Sprint(teller), func(t *testing.T) {
				t.Parallel()
				for i := teller; i < many && !t.Failed(); i += tellers {
					sum := tale(t, seed+uint64(i))
					mu.Lock()
					all.add(sum)
					told++
					mu.Unlock()
				}
			})
		}
	})
	figure(t, "R8 exactly-once effect, random sequences", seed, "%d sequences, %v", told, &all)
}

// tale is one sequence.
func tale(t *testing.T, seed uint64) (sum tally) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNovel(t, seed)
		n.live()
		if sum = n.tally; t.Failed() {
			t.Logf("DEALBELL_TEST_SEED=%d:", seed)
			for _, l := range n.lines {
				t.Log(l)
			}
		}
	})
	return sum
}

// novel is a rig whose story is drawn.
type novel struct {
	*rig
	rng   *rand.Rand
	known string            // page of a contact that was typed by hand
	open  map[string]string // deals that nobody has won yet
	lines []string
}

func newNovel(t *testing.T, seed uint64) *novel {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 8))
	n := &novel{rng: rng, open: map[string]string{}}
	n.rig = newRig(t, sandbox.Options{
		Seed: seed, Latency: n.upTo(300 * time.Millisecond), QueryLag: n.upTo(10 * time.Second),
		Limit: []sandbox.Limit{sandbox.None, sandbox.Average, sandbox.Window}[rng.IntN(3)],
	}, plan(rng))
	n.activities = rng.IntN(2) == 0
	return n
}

func (n *novel) upTo(most time.Duration) time.Duration {
	return time.Duration(n.rng.Int64N(int64(most)) + 1)
}

func (n *novel) tell(format string, args ...any) {
	n.lines = append(n.lines, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (n *novel) live() {
	n.t.Helper()
	n.enters("stale@example.com", map[string]string{"Name": "Stale", "Status": "New lead", "Last Contacted": "1999-11-01"})
	n.known = n.enters("BOB@Example.com", map[string]string{"Name": "Bob by hand", "Status": "Contacted"})
	for i := range 3 {
		name := fmt.Sprintf("D%02d", i)
		n.open[name] = n.notion.AddRow(n.crm.Deals, map[string]any{"Deal Name": name, "Stage": "Negotiation", "Value": 1})
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go n.hook.Run(ctx)
	time.Sleep(8*time.Hour + 58*time.Minute) // before the digest
	n.start()
	n.pass(time.Minute - n.upTo(5*time.Second))
	n.digests = 1
	for range 3 + n.rng.IntN(8) {
		n.turn()
		n.pass(n.upTo([]time.Duration{time.Millisecond, time.Second, 30 * time.Second, 3 * time.Minute}[n.rng.IntN(4)]))
	}
	n.tell("the weather clears up")
	n.finish()
}

// turn is one thing that happens.
func (n *novel) turn() {
	switch n.rng.IntN(12) {
	case 0, 1, 2:
		n.lead()
	case 3:
		n.win()
	case 4:
		to := []string{"Qualified", "Contacted", "Customer"}[n.rng.IntN(3)]
		n.notion.EditRow(n.known, map[string]any{"Status": to})
		n.typed["bob@example.com"]["Status"] = to
		n.tell("a person sets Bob to %s", to)
	case 5, 6:
		n.fate()
	case 7, 8, 9:
		n.fault()
	case 10:
		n.tell("an orderly restart")
		n.stop()
		n.start()
	case 11:
		n.unheard()
	}
}

var senders = []string{"ana@example.com", "Cleo@Example.com", "bob@example.com", "dora@example.com"}

// lead lets somebody write, perhaps twice the same.
func (n *novel) lead() {
	email, times, fields := senders[n.rng.IntN(len(senders))], 1+n.rng.IntN(2), []string{"name", "typed in a form", "company", "ACME"}[:2*n.rng.IntN(3)]
	n.writes(email, times, fields...)
	n.tell("%s writes letter %d, %d times", email, n.letters, times)
}

// unheard lets a sender hear nothing because the process is killed at that
// moment, and try again.
func (n *novel) unheard() {
	email := senders[n.rng.IntN(len(senders))]
	n.letters++
	n.submit(map[string]string{"email": email, "message": fmt.Sprintf("<letter %d>", n.letters)})
	n.letters--
	n.keep = n.rng.IntN(3)
	n.tell("%s writes letter %d and hears nothing: killed after %d commits", email, n.letters+1, n.keep)
	n.die()
	n.writes(email, 1)
}

func (n *novel) win() {
	deal := fmt.Sprintf("D%02d", n.rng.IntN(3))
	if page, open := n.open[deal]; open {
		delete(n.open, deal)
		n.wins(deal, page)
		n.tell("%s is won", deal)
	}
}

// fate decides at which step the process is killed next.
func (n *novel) fate() {
	step, keep := 1+n.rng.IntN(10), n.rng.IntN(5)
	n.doom(step, keep)
	n.tell("Dealbell is going to be killed at its step %d from now, after %d commits", step, keep)
}

// fault plans what goes wrong from now on, with Notion or with Slack.
func (n *novel) fault() {
	set, of := n.notion.SetFaults, "Notion"
	if n.rng.IntN(3) == 0 {
		set, of = n.slack.SetFaults, "Slack"
	}
	plan := sandbox.Faults{RetryAfter: n.upTo(40 * time.Second)}
	for nth := range 8 {
		fault := everyFault[n.rng.IntN(len(everyFault))]
		if n.rng.IntN(2) == 0 || fault == sandbox.RateLimitedAbsurd || fault == sandbox.SavedButUnavailable && of == "Slack" {
			continue
		}
		plan.Script = append(plan.Script, sandbox.Scripted{Nth: nth + 1, Fault: fault})
	}
	set(plan)
	n.tell("%s is going to have %v", of, plan.Script)
}
