package notion_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/secret"
)

// outage runs eager callers against a sandbox that is broken by fail for a
// while, and returns the workspace, the log and when it recovered.
func outage(t *testing.T, long time.Duration, fail func(*sandbox.Workspace, bool)) (*sandbox.Workspace, *notion.Client, *logbook, time.Time) {
	w := sandbox.New(sandbox.Options{Token: token})
	db := w.CreateDatabase("Contacts")
	log := &logbook{}
	client := newClient(t, notion.Options{Transport: w.Transport(), Log: log.logger()})
	page := w.AddRow(db, map[string]any{"Name": "Ana"})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			for ctx.Err() == nil {
				n, until := client.Capacity()
				if n == 0 {
					time.Sleep(time.Until(until))
				}
				_, err := client.Lane(crm.Live).Page(ctx, page)
				if at, ok := crm.RetryAt(err); ok {
					time.Sleep(time.Until(at))
				}
				time.Sleep(time.Second)
			}
		})
	}
	time.Sleep(time.Minute)
	w.ForgetTranscript()
	fail(w, true)
	time.Sleep(long)
	fail(w, false)
	recovered := time.Now()
	time.Sleep(2 * time.Minute)
	stop()
	wg.Wait()
	return w, client, log, recovered
}

// TestOutage is goal R7: at most one probe per minute once the outage is
// known, and the recovery is noticed within 90 seconds.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*sandbox.Workspace, bool){
		"503":         func(w *sandbox.Workspace, on bool) { w.SetDown(on) },
		"unreachable": func(w *sandbox.Workspace, on bool) { w.SetUnreachable(on) },
		"hangs": func(w *sandbox.Workspace, on bool) {
			w.SetFaults(sandbox.Faults{Chance: map[sandbox.Fault]float64{sandbox.HangBefore: map[bool]float64{true: 1}[on]}})
		},
		"html": func(w *sandbox.Workspace, on bool) {
			w.SetFaults(sandbox.Faults{Chance: map[sandbox.Fault]float64{sandbox.BadGatewayHTML: map[bool]float64{true: 1}[on]}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, client, log, recovered := outage(t, 24*time.Hour, fail)
				checkProbes(t, w.Transcript(), recovered)
				if s := client.State(); s.Open || s.LastError == "" || s.LastOK.Before(recovered) {
					t.Errorf("state is %+v", s)
				}
				if n := strings.Count(log.String(), "level=WARN"); n != 1 || strings.Count(log.String(), "level=INFO") != 1 {
					t.Errorf("%d warnings, want one when it opened and one line when it closed:\n%s", n, log)
				}
			})
		})
	}
}

func checkProbes(t *testing.T, all []sandbox.Exchange, recovered time.Time) {
	t.Helper()
	probes, known := 0, recovered.Add(-23*time.Hour)
	var previous time.Time
	for _, x := range all {
		if !x.Start.Before(recovered) {
			if late := x.Start.Sub(recovered); late > 90*time.Second {
				t.Errorf("the recovery was noticed after %v", late)
			}
			break
		}
		if x.Start.After(known) {
			probes++
			if gap := x.Start.Sub(previous); !previous.IsZero() && gap < time.Minute {
				t.Fatalf("two probes within %v", gap)
			}
			previous = x.Start
		}
	}
	if probes > 23*60+1 || probes < 23*30 {
		t.Errorf("%d probes in 23 hours", probes)
	}
}

func TestBreakerSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := sandbox.New(sandbox.Options{Token: token})
		w.SetDown(true)
		client := newClient(t, notion.Options{Transport: w.Transport(), Rate: fast})
		c := client.Lane(crm.Live)
		ask := operations()["write update"]
		for range 5 {
			if err := ask(t.Context(), c); !errors.Is(err, crm.ErrAmbiguous) {
				t.Fatalf("got %v, want ErrAmbiguous", err)
			}
		}
		opened := time.Now()
		if n, until := client.Capacity(); n != 0 || until.Sub(opened) != 5*time.Second || !client.State().Open {
			t.Errorf("capacity is %d for %v", n, until.Sub(opened))
		}
		w.ForgetTranscript()
		for time.Since(opened) < 5*time.Minute {
			err := ask(t.Context(), c)
			at, ok := crm.RetryAt(err)
			if !ok {
				t.Fatalf("got %v, without a time to try again", err)
			}
			time.Sleep(time.Until(at))
		}
		var got []time.Duration
		last := opened
		for _, x := range w.Transcript() {
			got = append(got, x.Start.Sub(last).Round(time.Second)/time.Second)
			last = x.Start
		}
		want := []time.Duration{5, 10, 20, 40, 60, 60, 60}
		for i := range want {
			if i < len(got) && got[i] != want[i] {
				t.Errorf("waits are %v, want %v", got, want)
				break
			}
		}
		if n, _ := client.Capacity(); n != 1 {
			t.Errorf("capacity is %d when a probe is due, want 1", n)
		}
		w.SetDown(false)
		if _, err := c.Me(t.Context()); err != nil || client.State().Open {
			t.Errorf("got %v, open %v; want a closed breaker", err, client.State().Open)
		}
	})
}

func TestOneProbeAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &double{answer: always(503, "")}
		client := newClient(t, notion.Options{Transport: d, Rate: fast})
		ask := operations()["write update"]
		for range 5 {
			_ = ask(t.Context(), client.Lane(crm.Live))
		}
		d.answer = hangs
		sent := d.count()
		var wg sync.WaitGroup
		start := time.Now()
		for range 20 {
			wg.Go(func() {
				err := ask(t.Context(), client.Lane(crm.Live))
				if _, ok := crm.RetryAt(err); !ok {
					t.Errorf("got %v, without a time to try again", err)
				}
			})
		}
		time.Sleep(11 * time.Second)
		if d.count() != sent+1 {
			t.Errorf("%d requests while Notion was being tried, want 1", d.count()-sent)
		}
		if n, _ := client.Capacity(); n != 1 {
			t.Errorf("capacity is %d during a probe, want 1", n)
		}
		wg.Wait()
		if took := time.Since(start); took != 65*time.Second {
			t.Errorf("the probe ended after %v, want 1m5s", took)
		}
		// The next one is counted from the start of this one, long ago.
		err := ask(t.Context(), client.Lane(crm.Live))
		if took := time.Since(start); took != 126*time.Second || !errors.Is(err, crm.ErrAmbiguous) {
			t.Errorf("the next probe ended after %v with %v, want 2m6s", took, err)
		}
	})
}

func TestAProbeThatIsGivenUpIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &double{answer: always(503, "")}
		c := newClient(t, notion.Options{Transport: d, Rate: fast}).Lane(crm.Live)
		ask := operations()["write update"]
		for range 5 {
			_ = ask(t.Context(), c)
		}
		time.Sleep(5 * time.Second)
		d.answer = hangs
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = ask(ctx, c)
		d.answer = good
		if err := ask(t.Context(), c); err != nil {
			t.Errorf("got %v after a probe that was given up", err)
		}
	})
}

func TestRefusedToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, client, log, recovered := outage(t, 24*time.Hour, func(w *sandbox.Workspace, on bool) {
			w.SetToken(map[bool]string{true: "another", false: token}[on])
		})
		checkProbes(t, w.Transcript(), recovered)
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "NOTION_TOKEN") {
			t.Errorf("%d errors, want one with a hint:\n%s", n, log)
		}
		if client.State().Open {
			t.Error("still closed after the token was accepted")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := sandbox.New(sandbox.Options{Token: "another"})
		client := newClient(t, notion.Options{Transport: w.Transport(), Token: secret.New(token)})
		for range 3 {
			_, err := client.Lane(crm.Live).Me(t.Context())
			if at, ok := crm.RetryAt(err); !errors.Is(err, crm.ErrForbidden) || !ok || time.Until(at) > time.Minute {
				t.Errorf("got %v, retry at %v", err, at)
			}
		}
		if s := client.State(); len(w.Transcript()) != 1 || !s.Refused || !s.Open {
			t.Errorf("%d requests with a refused token, want 1; state %+v", len(w.Transcript()), s)
		}
		if n, until := client.Capacity(); n != 0 || time.Until(until) != time.Minute {
			t.Errorf("capacity is %d for %v", n, time.Until(until))
		}
	})
}

func TestOnlyFailuresInARowOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &double{}
		client := newClient(t, notion.Options{Transport: d, Rate: fast})
		ask := operations()["write update"]
		for i := range 20 {
			if d.answer = always(503, ""); i%5 == 4 {
				d.answer = always(404, errorJSON(404, "object_not_found", "no"))
			}
			_ = ask(t.Context(), client.Lane(crm.Live))
		}
		if client.State().Open || d.count() != 20 {
			t.Errorf("open after %d requests, though every fifth was answered", d.count())
		}
	})
}

func TestA403ConcernsOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &double{answer: always(403, errorJSON(403, "restricted_resource", "no"))}
		client := newClient(t, notion.Options{Transport: d})
		for range 10 {
			_, err := client.Lane(crm.Live).Page(t.Context(), pageID)
			if _, ok := crm.RetryAt(err); ok || !errors.Is(err, crm.ErrForbidden) {
				t.Fatalf("got %v", err)
			}
		}
		if n, _ := client.Capacity(); n != 8 || d.count() != 10 {
			t.Errorf("capacity is %d after %d requests", n, d.count())
		}
	})
}

// What a server says may repeat what a person entered: whoever works on the
// job needs it, and the log must not have it.
func TestAServersWordsStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, status := range []int{401, 500, 503, 529} {
			log := &logbook{}
			d := &double{answer: always(status, errorJSON(status, "odd", "could not save Nadia Canary"))}
			client := newClient(t, notion.Options{Transport: d, Rate: fast, Burst: 1000, Log: slog.New(slog.NewTextHandler(log, nil))})
			var err error
			for range 8 {
				if _, asked := client.Lane(crm.Live).Page(t.Context(), pageID); d.count() > 0 && err == nil {
					err = asked
				}
			}
			if err == nil || !strings.Contains(err.Error(), "Nadia Canary") {
				t.Errorf("%d: the job is told %v, want what the server says", status, err)
			}
			if state := client.State(); strings.Contains(log.b.String()+state.LastError, "Canary") || !strings.Contains(state.LastError, fmt.Sprint(status)) {
				t.Errorf("%d: the log says %s, the state %q", status, log.b.String(), state.LastError)
			}
		}
	})
}
