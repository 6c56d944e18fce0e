package app_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// TestRandomHistories lives through two weeks at a time. What people do comes
// from the seed alone, so a seed tells the same story again:
//
//	go test ./internal/app -run 'TestRandomHistories/seed=170$'
//
// The queue spreads its retries by a chance of its own, so that a bug may need
// the same story more than once (-count).
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	seeds, days := []uint64{0, 1, 2, 4, 5, 7}, 14
	if testing.Short() {
		seeds, days = seeds[:1], 4
	}
	if seed, ok := askedFor(); ok {
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newHistory(t, seed).live(days) })
		})
	}
}

// askedFor returns the seed that -run names, which may be any.
func askedFor() (seed uint64, ok bool) {
	_, name, found := strings.Cut(flag.Lookup("test.run").Value.String(), "/seed=")
	seed, err := strconv.ParseUint(strings.TrimSuffix(name, "$"), 10, 64)
	return seed, found && err == nil
}

// travel is how long a request is under way. When the process dies meanwhile it
// never arrives.
const travel = 30 * time.Millisecond

// dying is how long an end takes at most. The story goes on when it is over, so
// that it does not depend on how Dealbell fares.
const dying = 20 * time.Second

// history is a company at work: people who edit, a website, and a Dealbell
// that is stopped, killed and cut off.
type history struct {
	*sales
	seed   uint64
	rng    *rand.Rand
	lag    time.Duration // of Notion's index
	people []string      // ids
	truth
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 4))
	lag := time.Duration(rng.IntN(21)) * time.Second
	o := sandbox.Options{Seed: seed, Latency: 60 * time.Millisecond, QueryLag: lag, Limit: sandbox.Average}
	h := &history{sales: newSales(t, o, plan(rng)), seed: seed, rng: rng, lag: lag}
	h.lay = slow
	h.names, h.renamed = map[string]string{}, map[string][]time.Time{}
	h.slack = sandbox.NewSlack(sandbox.SlackOptions{Seed: seed, Latency: 80 * time.Millisecond})
	for _, p := range h.notion.People() {
		h.people = append(h.people, p.ID)
		h.slack.AddMember(p.Name, p.Email)
	}
	h.change = func(c *config.Config) {
		c.Rules["customer"] = rules.Spec{
			Database: "contacts", Channel: config.DefaultChannel, Text: "👤 Customer: *{{title}}*",
			When: rules.When{Property: rules.List{"Status"}, Becomes: rules.List{"Customer"}},
		}
		c.Rules["touched"] = rules.Spec{
			Database: "contacts", Channel: config.DefaultChannel, Text: "📅 Touched: *{{title}}*",
			When: rules.When{Property: rules.List{"Last Contacted"}, Changes: &rules.Changes{}},
		}
	}
	return h
}

// plan draws how events travel.
func plan(rng *rand.Rand) sandbox.DeliveryPlan {
	some := func() float64 { return []float64{0, .1, .5}[rng.IntN(3)] }
	return sandbox.DeliveryPlan{
		Drop: []float64{0, .2, .6, 1}[rng.IntN(4)], Duplicate: some(), Reorder: some(),
		Delay:     sandbox.Span{Max: []time.Duration{0, 5 * time.Second, 2 * time.Minute}[rng.IntN(3)]},
		Aggregate: []time.Duration{0, 0, 5 * time.Second, time.Minute}[rng.IntN(4)],
	}
}

// live is the whole history, and what is asked of it.
func (h *history) live(days int) {
	ctx, cancel := context.WithCancel(h.t.Context())
	go h.hook.Run(ctx)
	for range 8 + h.rng.IntN(12) {
		h.newDeal()
	}
	for range 3 {
		h.newContact()
	}
	time.Sleep(time.Hour) // what is there is no news
	h.up()
	time.Sleep(20 * time.Minute)
	h.bad()
	for end := time.Now().AddDate(0, 0, days); time.Now().Before(end); {
		h.session()
		h.night()
	}
	h.settleDown()
	cancel()
	h.check()
}

// session is a time in which people work and Dealbell mostly runs.
func (h *history) session() {
	if !h.running() {
		h.up()
	}
	for end := time.Now().Add(h.upTo(time.Hour)); time.Now().Before(end); {
		h.weather()
		h.burst(true)
		time.Sleep(h.upTo([]time.Duration{time.Minute, 5 * time.Minute, 20 * time.Minute}[h.rng.IntN(3)]))
	}
}

// night is a time in which Dealbell mostly does not run.
func (h *history) night() {
	by := time.Now().Add(dying)
	switch h.rng.IntN(8) {
	case 0: // it does
	case 1, 2:
		h.kill()
	default:
		h.down()
	}
	time.Sleep(time.Until(by))
	if h.running() {
		time.Sleep(h.upTo(2 * time.Hour))
		return
	}
	for range h.rng.IntN(4) {
		time.Sleep(h.upTo(12 * time.Hour))
		h.burst(false)
	}
	time.Sleep(h.upTo(time.Hour))
}

// burst is a few things that happen closely after each other.
func (h *history) burst(alive bool) {
	for range 1 + h.rng.IntN(4) {
		h.something(alive)
		gap := h.upTo([]time.Duration{time.Millisecond, time.Second, 20 * time.Second, 2 * time.Minute}[h.rng.IntN(4)])
		crash, rest := h.rng.IntN(8) == 0, h.upTo([]time.Duration{time.Millisecond, 10 * time.Second, 10 * time.Minute}[h.rng.IntN(3)])
		switch {
		case crash && alive:
			time.Sleep(h.upTo([]time.Duration{time.Millisecond, 300 * time.Millisecond, 3 * time.Second}[h.rng.IntN(3)]))
			by := time.Now().Add(dying + rest)
			h.kill()
			time.Sleep(rest)
			h.up()
			time.Sleep(time.Until(by))
		default:
			time.Sleep(gap)
		}
	}
}

// something is one thing that a person or the website does.
func (h *history) something(alive bool) {
	switch n := h.rng.IntN(100); {
	case n < 50:
		h.move()
	case n < 60:
		h.edit()
	case n < 66:
		h.newDeal()
	case n < 71:
		h.trash()
	case n < 73:
		h.rename()
	case n < 75:
		h.script()
	case n < 87:
		h.customer(alive)
	default:
		h.lead(alive, h.rng.IntN(12))
	}
}

// weather cuts connections for a while.
func (h *history) weather() {
	n, d := h.rng.IntN(30), h.upTo(30*time.Minute)
	for i, set := range []func(bool){h.notion.SetUnreachable, h.slack.SetUnreachable, h.bell.lost.Store} {
		if i != n {
			continue
		}
		h.tell("", "%s is cut off for %v", []string{"Notion", "Slack", "the webhook"}[i], d)
		if i == 0 {
			h.outages = append(h.outages, span{time.Now(), time.Now().Add(d)})
		}
		set(true)
		go func() {
			time.Sleep(d)
			set(false)
		}()
	}
}

// bad draws how often requests fail.
func (h *history) bad() {
	chance := map[sandbox.Fault]float64{}
	rate := []float64{0, .02, .1}[h.rng.IntN(3)]
	for _, fault := range faults {
		chance[fault] = rate / float64(len(faults))
	}
	h.notion.SetFaults(sandbox.Faults{Chance: chance, RetryAfter: 2 * time.Second})
	rate = []float64{0, .02, .1}[h.rng.IntN(3)]
	h.slack.SetFaults(sandbox.Faults{RetryAfter: 3 * time.Second, Chance: map[sandbox.Fault]float64{
		sandbox.RateLimited: rate, sandbox.InternalError: rate, sandbox.Unavailable: rate,
		sandbox.ResetAfter: rate / 20, sandbox.ResetBefore: rate / 20, sandbox.HangAfter: rate / 20, sandbox.Truncated: rate / 20,
	}})
}

// settleDown lets everything that is under way end.
func (h *history) settleDown() {
	time.Sleep(time.Hour) // the weather clears up
	h.notion.SetFaults(sandbox.Faults{})
	h.slack.SetFaults(sandbox.Faults{})
	if !h.running() {
		h.up()
	}
	time.Sleep(2 * time.Hour)
	h.down()
	time.Sleep(time.Minute) // of those that were killed, too
}

func (h *history) upTo(d time.Duration) time.Duration {
	return time.Duration(h.rng.Int64N(int64(d)) + 1)
}

func (h *history) running() bool { return h.bell.to.Load() != nil }

// slow makes requests take their time on the way.
func slow(line *wire) {
	travels := func(*http.Request) (int, string) {
		time.Sleep(travel)
		if line.cut.Load() {
			return http.StatusBadGateway, "" // nobody hears it
		}
		return 0, ""
	}
	line.twist.Store(&travels)
}

// up starts Dealbell.
func (h *history) up() {
	h.tell("", "Dealbell starts")
	h.start()
	h.ups = append(h.ups, span{from: time.Now()})
}

// down stops Dealbell in an orderly way.
func (h *history) down() {
	h.tell("", "Dealbell stops")
	h.ups[len(h.ups)-1].to = time.Now()
	h.stop()
}

// kill ends Dealbell as SIGKILL does: in the middle of something, when it is
// about to write within seconds, and then after any of the commits of that
// moment. A request whose commit is lost this way has not arrived either.
func (h *history) kill() {
	moments, writes, few := h.rng.IntN(4)*50, h.rng.IntN(10), h.rng.IntN(3)
	if h.rng.IntN(2) == 0 && h.awaitRing(moments) {
		writes = few
	}
	before, now := h.awaitWrite(moments, writes)
	kept := now.between(before, h.rng)
	left := h.t.TempDir()
	kept.write(h.t, left)
	lost := len(commits(now.wal)) - len(commits(kept.wal))
	h.lost += lost
	h.tell("", "Dealbell is killed, after which %d of the last commits are lost", lost)
	h.bell.to.Store(nil)
	h.wire.cut.Store(true)
	h.phone.cut.Store(true)
	h.ups[len(h.ups)-1].to = time.Now()
	old := h.end
	go func() { _ = old() }()
	h.dir = left
}

// awaitRing lets some moments pass until Slack is asked for something.
func (h *history) awaitRing(moments int) bool {
	asked := len(h.slack.Transcript())
	for ; moments > 0; moments-- {
		time.Sleep(travel)
		if len(h.slack.Transcript()) > asked {
			return true
		}
	}
	return false
}

// awaitWrite lets some moments pass until something was written in a few of
// them, and returns the disk before and after the last of these.
func (h *history) awaitWrite(moments, writes int) (before, after disk) {
	synctest.Wait()
	before, at := readDisk(h.t, h.dir), h.written()
	for ; moments >= 0; moments-- {
		time.Sleep(travel - time.Millisecond)
		synctest.Wait()
		if h.written().Equal(at) {
			continue
		}
		after, at = readDisk(h.t, h.dir), h.written()
		if writes--; writes <= 0 {
			return before, after
		}
		before = after
	}
	return before, before
}

// written changes with every write to the disk.
func (h *history) written() time.Time {
	info, err := os.Stat(filepath.Join(h.dir, store.FileName+"-wal"))
	if err != nil {
		h.t.Fatal(err)
	}
	return info.ModTime()
}
