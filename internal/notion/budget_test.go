package notion_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
)

// seedOf is DEALBELL_TEST_SEED, to repeat a run.
func seedOf() uint64 {
	if seed, err := strconv.ParseUint(os.Getenv("DEALBELL_TEST_SEED"), 10, 64); err == nil {
		return seed
	}
	return 1
}

// throttler answers at random with 429 and 529, and knows until when nobody
// may ask.
type throttler struct {
	rng     *rand.Rand
	share   float64
	mu      sync.Mutex
	pauses  int
	told    time.Time // when until was announced
	until   time.Time
	guessed time.Time // until when the client may pause without being told
	awaited bool      // somebody will ask when the pause is over
	born    time.Time // of the process; its bucket is empty then
	ends    int       // of pauses whose length was told, with somebody who waits
	late    time.Duration
	kinds   map[string]int
	starts  []time.Time
	tooSoon []string
}

func (n *throttler) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.arrive(time.Now())
	latency := time.NewTimer(time.Duration(n.rng.IntN(400)) * time.Millisecond)
	n.mu.Unlock()
	select {
	case <-latency.C:
	case <-r.Context().Done(): // nobody hears the answer
		return nil, r.Context().Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rng.Float64() >= n.share {
		return good(r)
	}
	n.pauses++
	return n.pause(time.Now())
}

func (n *throttler) arrive(start time.Time) {
	n.starts = append(n.starts, start)
	// At the very instant of the answer a request may be on its way already.
	if start.After(n.told) && start.Before(n.until) {
		n.tooSoon = append(n.tooSoon, fmt.Sprintf("%v before the end", n.until.Sub(start)))
	}
	due := n.until
	if full := n.born.Add(400 * time.Millisecond); full.After(due) {
		due = full
	}
	if n.awaited && !start.Before(n.until) {
		n.awaited, n.ends, n.late = false, n.ends+1, max(n.late, start.Sub(due))
	}
}

// longestGuess is how long a pause is at most that is not told; which of them
// is right is another test's.
const longestGuess = 30 * time.Second

// pause answers as Notion may: with seconds, from none to hours, decimals, a
// date, the body only, or with nothing that makes sense.
func (n *throttler) pause(now time.Time) (*http.Response, error) {
	status, body := 429, errorJSON(429, "rate_limited", "slow")
	if n.rng.IntN(5) == 0 {
		status, body = 529, errorJSON(529, "service_overload", "busy")
	}
	wait := time.Second // at least, when it is not said
	kind := []string{"seconds", "decimals", "a date", "the body", "hours", "none", "zero", "no sense"}[n.rng.IntN(8)]
	header := ""
	switch s := 1 + n.rng.IntN(90); kind {
	case "seconds":
		wait, header = time.Duration(s)*time.Second, fmt.Sprint(s)
	case "decimals":
		wait, header = time.Duration(s)*101*time.Millisecond, fmt.Sprintf("%.3f", float64(s)*.101)
	case "a date":
		at := now.Add(time.Duration(1+s) * time.Second).UTC().Truncate(time.Second)
		wait, header = at.Sub(now), at.Format(http.TimeFormat)
	case "the body":
		wait, body = time.Duration(s)*time.Second, errorJSON(status, "rate_limited", "slow", fmt.Sprintf(`{"retry_after":"%d"}`, s))
	case "hours":
		wait, header = time.Duration(s)*5*time.Minute, fmt.Sprint(s*300)
	case "zero":
		header = "0"
	case "no sense":
		header = []string{"-5", "soon", "NaN"}[s%3]
	}
	n.kinds[kind]++
	if kind == "none" || kind == "zero" || kind == "no sense" || kind == "the body" { // its head says nothing
		n.guessed = now.Add(longestGuess)
	}
	if until := now.Add(wait); until.After(n.until) {
		n.told, n.until, n.awaited = now, until, wait >= 400*time.Millisecond // a token is there again
	}
	n.awaited = n.awaited && n.until.After(n.guessed)
	return respond(status, body, "Retry-After", header), nil
}

// process is one life of Dealbell, with callers in all lanes.
type process struct {
	stop   func()
	client *notion.Client
}

func (n *throttler) live(t *testing.T, kept notion.Pauses) process {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	client := newClient(t, notion.Options{Transport: n, Pauses: kept})
	n.mu.Lock()
	n.born = time.Now()
	n.mu.Unlock()
	var callers sync.WaitGroup
	for i := range 12 {
		callers.Go(func() {
			for ctx.Err() == nil {
				_, err := client.Lane(crm.Lanes[i%len(crm.Lanes)]).Page(ctx, pageID)
				if at, ok := crm.RetryAt(err); ok {
					sleepUntil(ctx, at)
				}
			}
		})
	}
	return process{func() { cancel(); callers.Wait() }, client}
}

func sleepUntil(ctx context.Context, at time.Time) {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// TestRetryAfterIsKept is goal R9: thousands of pauses of all shapes, many callers
// in all lanes, restarts in the middle of pauses, and not one request that
// starts too soon, too late or beyond the budget.
func TestRetryAfterIsKept(t *testing.T) {
	t.Parallel()
	seed, pauses := seedOf(), 10_000
	if os.Getenv("DEALBELL_TORTURE") == "full" {
		pauses = 30_000 // and the ends of 10,000
	}
	synctest.Test(t, func(t *testing.T) {
		n := &throttler{rng: rand.New(rand.NewPCG(seed, 2)), share: 0.5, kinds: map[string]int{}}
		dice := rand.New(rand.NewPCG(seed, 3))
		kept := &memory{}
		restarts, inPause := 0, 0
		p := n.live(t, kept)
		for n.count() < pauses {
			time.Sleep(time.Duration(dice.Int64N(int64(6 * time.Hour))))
			p.stop()
			restarts++
			if !p.client.State().PausedUntil.IsZero() {
				inPause++
			}
			time.Sleep(time.Duration(dice.Int64N(int64(2 * time.Second))))
			p = n.live(t, kept)
		}
		p.stop()
		if len(n.tooSoon) > 0 {
			t.Errorf("%d of %d requests started in a pause, the first %s", len(n.tooSoon), len(n.starts), n.tooSoon[0])
		}
		if n.late > 50*time.Millisecond || n.ends < n.pauses/50 {
			t.Errorf("after one of %d pauses nobody asked for %v", n.ends, n.late)
		}
		for kind, many := range n.kinds {
			if many < n.pauses/20 {
				t.Errorf("only %d pauses by %s", many, kind)
			}
		}
		minute, second := checkBudget(t, n.starts)
		t.Logf("figure: R9 Retry-After obeyed | %d pauses in 8 forms, %d restarts, %d of them in a pause: %d requests too soon, none later than %v after %d ends; at most %d requests in 60 s, %d in 1 s | seed %d",
			n.pauses, restarts, inPause, len(n.tooSoon), n.late, n.ends, minute, second, seed)
	})
}

func (n *throttler) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pauses
}

// checkBudget returns the most requests that started within a minute and
// within a second.
func checkBudget(t *testing.T, starts []time.Time) (minute, second int) {
	t.Helper()
	for _, limit := range []struct {
		window time.Duration
		most   int
		seen   *int
	}{{time.Minute, 153, &minute}, {time.Second, 5, &second}} {
		first := 0
		for i := range starts {
			for starts[i].Sub(starts[first]) >= limit.window {
				first++
			}
			*limit.seen = max(*limit.seen, i-first+1)
		}
		if *limit.seen > limit.most {
			t.Errorf("%d requests started within %v, want at most %d", *limit.seen, limit.window, limit.most)
		}
	}
	return minute, second
}

// TestBudget runs at full speed, with idle times and with restarts at bad
// moments: when the burst has just been spent, again and again.
func TestBudget(t *testing.T) {
	t.Parallel()
	seed := seedOf()
	synctest.Test(t, func(t *testing.T) {
		d := &double{answer: good}
		dice := rand.New(rand.NewPCG(seed, 4))
		const lives = 400
		for range lives {
			client := newClient(t, notion.Options{Transport: d})
			longest := []int{1000, 5000, 90_000}[dice.IntN(3)]
			ctx, stop := context.WithTimeout(t.Context(), time.Duration(dice.IntN(longest))*time.Millisecond)
			if dice.IntN(2) == 0 { // the burst is there
				time.Sleep(1200 * time.Millisecond)
			}
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for ctx.Err() == nil {
						_, _ = client.Lane(crm.Live).Page(ctx, pageID)
						if rest := rand.IntN(200); rest == 0 {
							time.Sleep(time.Duration(rand.IntN(10)) * time.Second)
						}
					}
				})
			}
			wg.Wait()
			stop()
		}
		var starts []time.Time
		for _, c := range d.transcript() {
			starts = append(starts, c.at)
		}
		minute, second := checkBudget(t, starts)
		t.Logf("figure: R9 rate limit | %d requests at full speed over %d restarts: at most %d in 60 s, %d in 1 s | seed %d", len(starts), lives, minute, second, seed)
	})
}

type memory struct {
	mu    sync.Mutex
	until time.Time
	saves int
	err   error
}

func (m *memory) LoadPause(context.Context) (time.Time, error) { return m.until, m.err }

func (m *memory) SavePause(ctx context.Context, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saves++
	m.until = until
	return errors.Join(ctx.Err(), m.err)
}
