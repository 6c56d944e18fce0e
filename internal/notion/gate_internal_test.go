package notion

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// TestConfirmSeesAPauseThatCameMeanwhile holds still the moment between the
// verdict and the request, which no test from outside can hit.
func TestConfirmSeesAPauseThatCameMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, err := newGate(t.Context(), Options{Log: slog.New(slog.DiscardHandler)}.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		w := &waiter{verdict: make(chan verdict, 1)}
		g.mu.Lock()
		g.queues[crm.Live] = append(g.queues[crm.Live], w)
		g.dispatch(time.Now())
		g.mu.Unlock()
		v := <-w.verdict
		full := g.bucket.full
		g.pause(time.Now(), 3*time.Second)
		if g.confirm(crm.Live, w, v.ticket) {
			t.Fatal("a request starts in a pause")
		}
		if !g.bucket.full.Before(full) {
			t.Error("the token was lost")
		}
		start := time.Now()
		if v = <-w.verdict; v.closed != nil || time.Since(start) != 3*time.Second || !g.confirm(crm.Live, w, v.ticket) {
			t.Errorf("the next verdict is %+v after %v", v, time.Since(start))
		}
	})
}
