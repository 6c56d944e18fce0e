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
	wrong []string // what was said instead of 202
}

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

// end waits for the answers, fails the test for each that was not 202, and
// returns how many there were and the time that one in a hundred took longer
// than.
func (h *honest) end() (leads int, p99 time.Duration) {
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
	if len(h.took) == 0 {
		return 0, 0
	}
	slices.Sort(h.took)
	return len(h.took), h.took[len(h.took)*99/100]
}
