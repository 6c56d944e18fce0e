package notion_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
)

func TestRateIsReachedAndStartsEmpty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &double{answer: good}
		c := newClient(t, notion.Options{Transport: d}).Lane(crm.Live)
		start := time.Now()
		for range 250 {
			if _, err := c.Page(t.Context(), pageID); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 100*time.Second {
			t.Errorf("250 requests took %v, want 1m40s", took)
		}
		if first := d.transcript()[0].at.Sub(start); first != 400*time.Millisecond {
			t.Errorf("the first request started after %v, want 400ms", first)
		}
		time.Sleep(time.Hour)
		idle := time.Now()
		for range 4 {
			_, _ = c.Page(t.Context(), pageID)
		}
		if took := time.Since(idle); took != 400*time.Millisecond {
			t.Errorf("after a rest four requests took %v, want three at once and one after 400ms", took)
		}
	})
}

// TestLiveNeverWaitsBehindBulk: 2,000 imports stand in line, a lead arrives.
func TestLiveNeverWaitsBehindBulk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, notion.Options{Transport: &double{answer: good}})
		ctx, stop := context.WithCancel(t.Context())
		for range 2_000 {
			go func() { _, _ = client.Lane(crm.Bulk).Page(ctx, pageID) }()
		}
		time.Sleep(time.Minute + 123*time.Millisecond)
		start := time.Now()
		if _, err := client.Lane(crm.Live).Page(t.Context(), pageID); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited > 400*time.Millisecond {
			t.Errorf("the lead waited %v, want at most one token", waited)
		}
		stop()
		synctest.Wait()
	})
}

func TestLanesAndOrderWithinALane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, notion.Options{Transport: &double{answer: good}})
		var mu sync.Mutex
		var got []string
		var wg sync.WaitGroup
		for i := range 3 {
			for _, lane := range []crm.Lane{crm.Bulk, crm.Sync, crm.Notify, crm.Live} {
				wg.Go(func() {
					_, _ = client.Lane(lane).Page(t.Context(), pageID)
					mu.Lock()
					defer mu.Unlock()
					got = append(got, fmt.Sprintf("%v%d", lane, i))
				})
				synctest.Wait()
			}
		}
		wg.Wait()
		want := "live0 live1 live2 notify0 notify1 notify2 sync0 sync1 sync2 bulk0 bulk1 bulk2"
		if s := strings.Join(got, " "); s != want {
			t.Errorf("order is %s\nwant     %s", s, want)
		}
	})
}

func TestCallersThatGiveUpLoseNoToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &double{answer: good}
		client := newClient(t, notion.Options{Transport: d})
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 200 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*400*time.Millisecond)
			wg.Go(func() {
				defer cancel()
				_, _ = client.Lane(crm.Live).Page(ctx, pageID)
			})
		}
		wg.Wait()
		sent := d.count()
		for d.count() < 100 {
			_, _ = client.Lane(crm.Live).Page(t.Context(), pageID)
		}
		if took := time.Since(start); took != 40*time.Second {
			t.Errorf("100 requests (%d before others gave up) took %v, want 40s", sent, took)
		}
	})
}

func TestPauseSurvivesARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept, seen := &memory{}, &observed{}
		d := &double{answer: always(429, errorJSON(429, "rate_limited", "slow"), "Retry-After", "600")}
		client := newClient(t, notion.Options{Transport: d, Pauses: kept, Observer: seen})
		_, err := client.Lane(crm.Live).Page(t.Context(), pageID)
		end := d.transcript()[0].at.Add(10 * time.Minute)
		if at, ok := crm.RetryAt(err); !ok || !at.Equal(end) || !kept.until.Equal(end) || !errors.Is(err, crm.ErrUnavailable) {
			t.Errorf("got %v, retry at %v, stored %v; want %v", err, at, kept.until, end)
		}
		if !slices.Equal(seen.pauses, []time.Duration{10 * time.Minute}) || !slices.Equal(seen.requests, []string{"GET pages/{id} 429"}) {
			t.Errorf("the observer saw %v %v", seen.requests, seen.pauses)
		}
		time.Sleep(time.Minute)
		d.answer = good
		client = newClient(t, notion.Options{Transport: d, Pauses: kept})
		start := time.Now()
		_, err = client.Lane(crm.Live).Page(t.Context(), pageID)
		if at, _ := crm.RetryAt(err); !at.Equal(end) || time.Since(start) != 0 || d.count() != 1 {
			t.Errorf("after a restart: got %v, retry at %v after %v", err, at, time.Since(start))
		}
		if n, until := client.Capacity(); n != 0 || !until.Equal(end) || !client.State().PausedUntil.Equal(end) {
			t.Errorf("capacity is %d until %v, state %+v", n, until, client.State())
		}
		time.Sleep(time.Until(end) - 4*time.Second)
		if n, _ := client.Capacity(); n != 8 {
			t.Errorf("capacity is %d four seconds before the end, want 8", n)
		}
		if _, err := client.Lane(crm.Live).Page(t.Context(), pageID); err != nil || !time.Now().Equal(end) {
			t.Errorf("got %v at %v, want an answer at %v", err, time.Now(), end)
		}
		kept.until = time.Now().Add(1000 * time.Hour)
		client = newClient(t, notion.Options{Transport: d, Pauses: kept})
		if got := time.Until(client.State().PausedUntil); got != 24*time.Hour {
			t.Errorf("an absurd stored pause is %v, want 24h", got)
		}
		kept.err = errors.New("disk on fire")
		if _, err := notion.New(t.Context(), notion.Options{Token: secretToken(), Pauses: kept}); !errors.Is(err, kept.err) {
			t.Errorf("got %v, want the store's error", err)
		}
	})
}

func TestPauseIsStoredEvenWhenTheCallerIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := &memory{}
		ctx, cancel := context.WithCancel(t.Context())
		d := &double{answer: func(*http.Request) (*http.Response, error) {
			cancel()
			return respond(429, "{", "Retry-After", "600"), nil
		}}
		_, err := newClient(t, notion.Options{Transport: d, Pauses: kept}).Lane(crm.Live).Page(ctx, pageID)
		if err == nil || time.Until(kept.until) != 10*time.Minute {
			t.Errorf("got %v, stored %v", err, kept.until)
		}
	})
}

func TestRetryAfterSpellings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header, date string
		low, high    time.Duration
	}{
		{"49", "", 49 * time.Second, 49 * time.Second},
		{"1.5", "", 1500 * time.Millisecond, 1500 * time.Millisecond},
		{"99999999", "", 24 * time.Hour, 24 * time.Hour},
		{"1e300", "", 24 * time.Hour, 24 * time.Hour},
		{"Sat, 01 Jan 2000 00:00:20 GMT", "", 20*time.Second - 400*time.Millisecond, 20 * time.Second},
		{"Fri, 20 Nov 2026 10:00:30 GMT", "Fri, 20 Nov 2026 10:00:00 GMT", 30 * time.Second, 30 * time.Second},
		{"Fri, 20 Nov 2099 10:00:30 GMT", "", 24 * time.Hour, 24 * time.Hour},
		{"Sat, 01 Jan 1999 00:00:20 GMT", "", time.Second, 1250 * time.Millisecond},
		{"", "", time.Second, 1250 * time.Millisecond},
		{"0", "", time.Second, 1250 * time.Millisecond},
		{"-5", "", time.Second, 1250 * time.Millisecond},
		{"NaN", "", time.Second, 1250 * time.Millisecond},
		{"soon", "", time.Second, 1250 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			seen := &observed{}
			first := true
			d := &double{answer: func(r *http.Request) (*http.Response, error) {
				if !first {
					return good(r)
				}
				first = false
				return respond(429, errorJSON(429, "rate_limited", "slow"), "Retry-After", tt.header, "Date", tt.date), nil
			}}
			_, _ = newClient(t, notion.Options{Transport: d, Observer: seen}).Lane(crm.Live).Page(t.Context(), pageID)
			if got := seen.pauses[0]; got < tt.low || got > tt.high {
				t.Errorf("%q: paused %v, want %v to %v", tt.header, got, tt.low, tt.high)
			}
		})
	}
}

func TestPausesOfUnknownLengthGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := &observed{}
		d := &double{answer: always(529, "{}")}
		c := newClient(t, notion.Options{Transport: d, Observer: seen}).Lane(crm.Live)
		for len(seen.pauses) < 8 {
			_, err := c.Page(t.Context(), pageID)
			at, _ := crm.RetryAt(err)
			time.Sleep(time.Until(at))
		}
		for i, seconds := range []int{1, 2, 4, 8, 16, 30, 30, 30} {
			want := time.Duration(seconds) * time.Second
			if got := seen.pauses[i]; got < want || got > want*5/4 {
				t.Errorf("pause %d is %v, want about %v", i, got, want)
			}
		}
		d.answer = good
		_, _ = c.Page(t.Context(), pageID)
		d.answer = always(529, "{}")
		_, _ = c.Page(t.Context(), pageID)
		if got := seen.pauses[8]; got > 2*time.Second {
			t.Errorf("the first pause after an answer is %v, want about 1s", got)
		}
	})
}

func TestAShortPauseIsWaitedOutByWritesToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refusals := 2
		d := &double{answer: func(r *http.Request) (*http.Response, error) {
			if refusals--; refusals >= 0 {
				return respond(429, errorJSON(429, "rate_limited", "slow"), "Retry-After", "3"), nil
			}
			return good(r)
		}}
		c := newClient(t, notion.Options{Transport: d}).Lane(crm.Live)
		if err := operations()["write update"](t.Context(), c); err != nil {
			t.Fatal(err)
		}
		calls := d.transcript()
		if len(calls) != 3 || calls[2].body != calls[0].body || calls[0].body == "" || calls[2].at.Sub(calls[0].at) != 6*time.Second {
			t.Errorf("got %+v", calls)
		}
	})
}
