package app_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// TestACrashAtEveryStep kills the process before each request, before each
// answer and after each commit of a morning in which every kind of job runs.
func TestACrashAtEveryStep(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it is about concurrency")
	}
	t.Parallel()
	for _, activities := range []bool{false, true} {
		t.Run(fmt.Sprintf("activities database %v", activities), func(t *testing.T) {
			t.Parallel()
			var sum tally
			steps := 0
			for step, more := 1, true; more; step++ {
				for keep, spare := 0, 0; keep <= spare && !t.Failed(); keep++ {
					synctest.Test(t, func(t *testing.T) {
						r := newRig(t, sandbox.Options{Latency: 60 * time.Millisecond, QueryLag: 10 * time.Second}, sandbox.DeliveryPlan{Duplicate: 1})
						r.activities = activities
						r.morning(func() { r.doom(step, keep) })
						r.finish()
						spare, more = r.spare, r.killed > 0
						sum.add(r.tally)
						if steps++; t.Failed() {
							t.Logf("killed at step %d, after %d of %d commits since the one before", step, keep, spare)
						}
					})
				}
				more = more && !t.Failed()
			}
			figure(t, "R8 exactly-once effect, killed at every step", 0,
				"%d steps, %v", steps, &sum)
			figure(t, "R11 digests, killed at every step", 0, "%d mornings with one digest each, %d killed between the post and its record, %d digests came again, none twice",
				steps, sum.doubtful, sum.digestsTwice)
		})
	}
}

// morning is half an hour in which Dealbell starts, reads the databases,
// brings a new and a known contact in, rings, and sends the digest.
func (r *rig) morning(started func()) {
	r.t.Helper()
	r.enters("stale@example.com", map[string]string{"Name": "Stale", "Status": "New lead", "Last Contacted": "1999-11-01"})
	r.enters("BOB@Example.com", map[string]string{"Name": "Bob by hand", "Status": "Customer"})
	deal := r.notion.AddRow(r.crm.Deals, map[string]any{"Deal Name": "D01", "Stage": "Negotiation", "Value": 1})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go r.hook.Run(ctx)
	time.Sleep(9*time.Hour - 3*time.Minute)
	r.start()
	started()
	r.pass(30 * time.Second)
	r.writes("ana@example.com", 2, "name", "Ana")
	r.pass(20 * time.Second)
	r.writes("bob@example.com", 1, "name", "bob", "company", "ACME")
	r.wins("D01", deal)
	r.pass(20 * time.Second)
	r.writes("Ana@example.com", 1, "company", "ACME")
	r.digests++
	r.pass(3 * time.Minute)
}
