package app_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/sandbox"
)

// everyFault is each way in which a request can go wrong. What is missing
// here happens in all tests of the matrix: everything is delivered twice, and
// queries are stale for ten seconds. A connection that breaks before or while
// the request is read is ResetBefore: nobody can tell one from the other.
var everyFault = slices.Concat(faults, []sandbox.Fault{
	sandbox.ConnectionRefused, sandbox.SlowDrip, sandbox.RateLimitedAbsurd, sandbox.RequestBlocked, sandbox.BlockLimit,
	sandbox.BadRequest, sandbox.Unauthorized, sandbox.Forbidden, sandbox.NotFound,
})

// places are where a fault can hit. Each has the requests that it hits, and
// what brings the process there.
var places = []struct {
	name  string
	match sandbox.Match
	slack bool
	goes  func(r *rig, name string)
}{
	{"before the look-up", sandbox.Match{Method: "GET", Path: "/v1/data_sources/*"}, false, func(r *rig, name string) {
		r.stop()
		r.start() // with no schema in memory
		r.writes(name+"@example.com", 2, "name", name)
	}},
	{"at the look-up", sandbox.Match{Method: "POST", Path: "/v1/data_sources/*/query"}, false, func(r *rig, name string) {
		r.writes(name+"@example.com", 2, "name", name)
	}},
	{"at the create", sandbox.Match{Method: "POST", Path: "/v1/pages"}, false, func(r *rig, name string) {
		r.writes(name+"@example.com", 2, "name", name)
	}},
	{"at the message", sandbox.Match{Method: "PATCH", Path: "/v1/blocks/*/children"}, false, func(r *rig, name string) {
		r.enters(name+"@example.com", map[string]string{"Name": name + " by hand"})
		r.pass(6 * time.Minute) // until it is known
		r.writes(name+"@example.com", 2)
	}},
	{"at the update", sandbox.Match{Method: "PATCH", Path: "/v1/pages/*"}, false, func(r *rig, name string) {
		r.enters(name+"@example.com", map[string]string{"Name": name + " by hand"})
		r.pass(6 * time.Minute)
		r.writes(name+"@example.com", 2, "name", name, "company", "ACME")
	}},
	{"at an alert", sandbox.Match{Path: "/services/*/*/*"}, true, func(r *rig, _ string) {
		deal := fmt.Sprintf("D%02d", len(r.deals))
		r.wins(deal, r.notion.AddRow(r.crm.Deals, map[string]any{"Deal Name": deal, "Stage": "Won", "Value": 1}))
	}},
	{"at a digest", sandbox.Match{Path: "/services/*/*/*"}, true, func(r *rig, _ string) {
		if err := r.app.Digest(context.Background(), "stale-leads"); err != nil {
			r.t.Fatal(err)
		}
		r.show(r.marked())
		r.digests++
	}},
}

// TestEveryFaultAtEveryStep lets each fault hit each kind of request, once and
// for ten minutes, in full with the Activities database and without.
func TestEveryFaultAtEveryStep(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	t.Parallel()
	var all tally
	t.Run("faults", func(t *testing.T) {
		results := make(chan tally, 2*len(everyFault))
		for i, fault := range everyFault {
			for _, activities := range []bool{false, true} {
				if !full() && activities == (i%2 == 0) {
					continue
				}
				t.Run(fmt.Sprintf("%s, activities database %v", fault, activities), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { results <- everyPlace(t, fault, activities) })
				})
			}
		}
		t.Cleanup(func() {
			close(results)
			for sum := range results {
				all.add(sum)
			}
		})
	})
	figure(t, "R8 exactly-once effect, every fault at every step", 0,
		"%d faults at %d kinds of request, once and for ten minutes, %v", len(everyFault), len(places), &all)
}

func everyPlace(t *testing.T, fault sandbox.Fault, activities bool) tally {
	r := newRig(t, sandbox.Options{Latency: 60 * time.Millisecond, QueryLag: 10 * time.Second}, sandbox.DeliveryPlan{Duplicate: 1})
	r.activities = activities
	r.change = func(c *config.Config) {
		d := c.Digests["stale-leads"]
		d.Schedule = "0 0 1 12 *" // never
		c.Digests["stale-leads"] = d
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go r.hook.Run(ctx)
	r.enters("stale@example.com", map[string]string{"Name": "Stale", "Status": "New lead", "Last Contacted": "1999-11-01"})
	r.start()
	r.pass(time.Minute)
	for i, place := range places {
		for _, nth := range []int{1, 0} {
			if fault == sandbox.RateLimitedAbsurd && !full() && (nth == 0 || place.name != "at the create") {
				continue // each is a day
			}
			met := r.hit(fault, place.match, nth, place.slack, func() { place.goes(r, fmt.Sprintf("%d-%d", i, nth)) })
			if !met {
				r.wrong("no request %s met the fault", place.name)
			}
		}
	}
	r.finish()
	return r.tally
}

// hit lets a fault come over the n-th request of a kind, or over all of them
// for ten minutes, and an operator mend what it left.
func (r *rig) hit(fault sandbox.Fault, match sandbox.Match, nth int, slack bool, do func()) (met bool) {
	if match.Path == "/v1/blocks/*/children" && r.activities {
		match = sandbox.Match{Method: http.MethodPost, Path: "/v1/pages"} // where messages are rows
	}
	if slack && fault == sandbox.SavedButUnavailable {
		return true // a Slack that posts and says that it failed rings twice
	}
	plan := sandbox.Faults{Script: []sandbox.Scripted{{Match: match, Nth: nth, Fault: fault}}, RetryAfter: 3 * time.Second}
	set, transcript := r.notion.SetFaults, r.notion.Transcript
	if slack {
		set, transcript = r.slack.SetFaults, r.slack.Transcript
	}
	before := len(transcript())
	set(plan)
	do()
	if r.pass(time.Minute); nth == 0 {
		r.pass(9 * time.Minute)
	}
	set(sandbox.Faults{})
	r.calm()
	return slices.ContainsFunc(transcript()[before:], func(x sandbox.Exchange) bool { return x.Fault != "" })
}
