package torture

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// honest are the visitors of a website beside whom something bad goes on.
// Each lead is sent once and has to be accepted.
type honest struct {
	tb     testing.TB
	client *http.Client
	finish func()
	wg     sync.WaitGroup

	mu    sync.Mutex
	took  []time.Duration
	late  []time.Duration // how much longer than asked for a short sleep took
	wrong []string        // what was said instead of 202
}

// What is expected of the daemon, and of the machine for that to be judged.
const (
	honestMost = 100 * time.Millisecond
	lateMost   = 20 * time.Millisecond
)

// honestPeople is few: at Notion's pace, many would take long to drain.
const honestPeople = 8

// startHonest sends leads at an even pace until end is called.
func startHonest(tb testing.TB, target string, perSecond int) *honest {
	tb.Helper()
	ctx, finish := context.WithCancel(tb.Context())
	h := &honest{tb: tb, finish: finish, client: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}}
	h.wg.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				h.wg.Go(func() { h.send(target, n) })
			}
		}
	})
	h.wg.Go(func() {
		const nap = 10 * time.Millisecond
		for ctx.Err() == nil {
			began := time.Now()
			time.Sleep(nap)
			h.late = append(h.late, time.Since(began)-nap)
		}
	})
	tb.Cleanup(func() { h.end() })
	return h
}

func (h *honest) send(target string, n int) {
	body := fmt.Appendf(nil, `{"name":"Ana","email":%q,"message":%q}`, person(n%honestPeople).key(), message(n))
	began := time.Now()
	a, err := post(context.Background(), h.client, target, body)
	took := time.Since(began)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.took = append(h.took, took)
	if err != nil || a.status != http.StatusAccepted {
		h.wrong = append(h.wrong, fmt.Sprintf("lead %d after %v: %d %s, %v", n, took, a.status, a.body, err))
	}
}

// end waits for the answers and fails the test for each that was not 202.
func (h *honest) end() {
	h.tb.Helper()
	h.finish()
	h.wg.Wait()
	h.client.CloseIdleConnections()
	for i, wrong := range h.wrong {
		if i == 5 {
			h.tb.Errorf("… and %d more honest leads were not accepted", len(h.wrong)-i)
			break
		}
		h.tb.Errorf("an honest lead was not accepted: %s", wrong)
	}
	h.wrong = nil
}

// judge prints what one in a hundred leads took longer than. At full length
// it has to be fast, unless the machine has no time for the test either.
func (h *honest) judge(goal string, seed uint64) {
	h.tb.Helper()
	took, late := percentile(h.took), percentile(h.late)
	h.tb.Logf("figure: %s honest p99 ≤ %v | %v of %d leads, on a machine that wakes %v late | seed %d",
		goal, honestMost, took.Round(100*time.Microsecond), len(h.took), late.Round(100*time.Microsecond), seed)
	if full() && took > honestMost && late <= lateMost {
		h.tb.Errorf("one in a hundred honest leads took longer than %v, want %v", took, honestMost)
	}
}

// percentile is what one in a hundred is longer than.
func percentile(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)*99/100]
}
