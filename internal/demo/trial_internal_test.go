package demo

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestATrialIsOneAtATimeAndEndsWhenItIsPressedAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		back  string
		press time.Duration // again, after that
		ends  time.Duration
	}{
		{"by itself", "", time.Second, time.Minute},
		{"when pressed again", "Enough", 10 * time.Second, 10 * time.Second},
		{"when nobody presses", "Enough", time.Hour, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun, runs, ended := time.Now(), 0, time.Duration(0)
				tr := &trial{name: "storm", button: "Blow", back: test.back, run: func(ctx context.Context, tr *trial) {
					runs++
					tr.hold(ctx, time.Minute)
					ended = time.Since(begun)
					tr.report(sandbox.Good, "It blew for %v.", ended)
				}}
				var beside sync.WaitGroup
				tr.begin = func() { beside.Go(func() { tr.work(t.Context()) }) }
				if s := tr.state(); s.Button != "Blow" || s.Busy {
					t.Errorf("before: %+v", s)
				}
				tr.press()
				synctest.Wait()
				if s := tr.state(); s.Busy != (test.back == "") || test.back != "" && s.Button != test.back {
					t.Errorf("meanwhile: %+v", s)
				}
				time.Sleep(min(test.press, 2*time.Minute))
				if test.press < test.ends || test.back != "" && test.press == test.ends {
					tr.press()
				}
				beside.Wait()
				if s := tr.state(); ended != test.ends || runs != 1 || s.Busy || s.Button != "Blow" || s.Mark != sandbox.Good {
					t.Errorf("ended after %v, want %v; %d runs; %+v", ended, test.ends, runs, s)
				}
			})
		})
	}
}
