package app_test

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// faults are all the ways in which a request can go wrong without Dealbell
// being refused for good.
var faults = []sandbox.Fault{
	sandbox.RateLimited, sandbox.RateLimitedBare, sandbox.RateLimitedDate, sandbox.Overloaded,
	sandbox.InternalError, sandbox.BadGatewayHTML, sandbox.Unavailable, sandbox.SavedButUnavailable, sandbox.GatewayTimeout,
	sandbox.ResetBefore, sandbox.ResetAfter, sandbox.HangBefore, sandbox.HangAfter, sandbox.Truncated, sandbox.Conflict,
}

func TestEveryFaultAtTwentyPercent(t *testing.T) {
	t.Parallel()
	leads := size(300, 1000)
	if testing.Short() {
		leads = 40
	}
	for i, fault := range faults {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			torture(t, leads, sandbox.Options{Seed: uint64(i), Latency: 250 * time.Millisecond, QueryLag: 8 * time.Second},
				sandbox.Faults{Chance: map[sandbox.Fault]float64{fault: .2}, RetryAfter: 3 * time.Second})
		})
	}
	t.Run("all together, and Notion's own limit", func(t *testing.T) {
		t.Parallel()
		chance := map[sandbox.Fault]float64{}
		for _, fault := range faults {
			chance[fault] = .3 / float64(len(faults))
		}
		torture(t, leads, sandbox.Options{Seed: 99, Latency: 400 * time.Millisecond, QueryLag: 25 * time.Second, Limit: sandbox.Window},
			sandbox.Faults{Chance: chance, RetryAfter: 20 * time.Second})
	})
}

// torture sends leads while everything goes wrong, with two crashes and a
// restart in the middle, and then asks for the promises.
func torture(t *testing.T, leads int, o sandbox.Options, f sandbox.Faults) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, o)
		w.notion.SetFaults(f)
		w.start()
		for i := range leads {
			w.accepted(person(i))
			switch i {
			case leads / 4, leads / 2:
				w.crash()
			case leads * 3 / 4:
				w.stop()
				w.start()
			}
			time.Sleep(700 * time.Millisecond)
		}
		for range 3 { // and in the middle of the backlog
			time.Sleep(time.Minute)
			w.crash()
		}
		w.settle(48 * time.Hour)
		w.stop()
		w.checkContacts(leads)
		w.checkPace()
	})
}

// checkContacts asks for one contact and one message of each person.
func (w *world) checkContacts(leads int) {
	w.t.Helper()
	byEmail := map[string][]sandbox.Row{}
	for _, row := range w.contacts() {
		email := strings.ToLower(row.Values["Email"])
		byEmail[email] = append(byEmail[email], row)
	}
	for i := range leads {
		p := person(i)
		rows := byEmail[p["email"]]
		if len(rows) != 1 {
			w.t.Errorf("%s: %d contacts, want 1", p["email"], len(rows))
			continue
		}
		if n := strings.Count(strings.Join(rows[0].Blocks, "\n")+"\n", "\n"+p["message"]+"\n"); n != 1 {
			w.t.Errorf("%s: the message is kept %d times, want once: %q", p["email"], n, rows[0].Blocks)
		}
		if got := rows[0].Values["Name"]; got != p["name"] {
			w.t.Errorf("%s: Name = %q, want %q", p["email"], got, p["name"])
		}
	}
	if dead := w.jobs("dead"); len(dead) > 0 {
		w.t.Errorf("%d dead letters, such as %+v", len(dead), dead[0])
	}
}

// checkPace asks for Notion's limits: at most 153 requests in any 60 seconds
// and 5 in any second, and none while a pause was asked for.
func (w *world) checkPace() {
	w.t.Helper()
	seen := w.notion.Transcript()
	slices.SortStableFunc(seen, func(a, b sandbox.Exchange) int { return cmp.Compare(a.Start.UnixNano(), b.Start.UnixNano()) })
	for _, limit := range []struct {
		window time.Duration
		most   int
	}{{time.Minute, 153}, {time.Second, 5}} {
		first, worst := 0, 0
		for i, x := range seen {
			for x.Start.Sub(seen[first].Start) >= limit.window {
				first++
			}
			worst = max(worst, i-first+1)
		}
		if worst > limit.most {
			w.t.Errorf("%d requests within %v, want at most %d", worst, limit.window, limit.most)
		}
	}
	var until, asked time.Time
	for _, x := range w.mergeEnds(seen) {
		switch {
		case x.start && x.at.Before(until) && x.at.After(asked):
			w.t.Errorf("a request started %v before the end of the pause", until.Sub(x.at))
			return
		case !x.start && x.at.Add(x.wait).After(until):
			until, asked = x.at.Add(x.wait), x.at
		}
	}
}

type moment struct {
	at    time.Time
	start bool
	wait  time.Duration
}

// mergeEnds orders the starts of requests and the ends of those that asked
// for a pause. A process that was killed before the answer never heard of it.
func (w *world) mergeEnds(seen []sandbox.Exchange) []moment {
	var all []moment
	for _, x := range seen {
		all = append(all, moment{at: x.Start, start: true})
		heard := !slices.ContainsFunc(w.crashes, func(at time.Time) bool { return !x.Start.After(at) && !x.End.Before(at) })
		if x.RetryAfter > 0 && heard {
			all = append(all, moment{at: x.End, wait: x.RetryAfter})
		}
	}
	slices.SortStableFunc(all, func(a, b moment) int { return a.at.Compare(b.at) })
	return all
}

func TestARevokedTokenParksLeadsAndProbesOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.accepted(person(0))
		w.settle(time.Minute)
		w.notion.SetToken("another")
		w.notion.ForgetTranscript()
		for i := range 50 {
			w.accepted(person(i))
		}
		time.Sleep(30 * time.Minute)
		if n := len(w.notion.Transcript()); n > 40 {
			t.Errorf("%d requests in 30 minutes with a refused token, want about one a minute", n)
		}
		w.notion.SetToken("token")
		w.settle(10 * time.Minute)
		w.checkContacts(50)
		w.stop()
	})
}

func TestAFullFreeWorkspaceParksLeads(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.start()
		w.settle(time.Minute)
		w.notion.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{
			Match: sandbox.Match{Method: "POST", Path: "/v1/pages"}, Fault: sandbox.BlockLimit,
		}}})
		w.notion.ForgetTranscript()
		for i := range 20 {
			w.accepted(person(i))
		}
		time.Sleep(30 * time.Minute)
		if n := w.requests()["POST pages"]; n > 40 {
			t.Errorf("%d creates in 30 minutes although each was forbidden", n)
		}
		if n := len(w.jobs("dead")); n != 0 {
			t.Errorf("%d dead letters, want the leads parked", n)
		}
		ready := httptest.NewRecorder()
		w.app.Public().ServeHTTP(ready, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if ready.Code != http.StatusOK || !strings.Contains(ready.Body.String(), "Free plan") {
			t.Errorf("/readyz = %d %s, want it ready and saying why leads wait", ready.Code, ready.Body)
		}
		w.notion.SetFaults(sandbox.Faults{})
		w.settle(10 * time.Minute)
		w.checkContacts(20)
		w.stop()
	})
}
