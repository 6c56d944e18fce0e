//go:build linux

package bench

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

const (
	singles = 150
	spacing = 300 * time.Millisecond
	moves   = 200
	// With so many channels no message waits for another one of its channel,
	// nor of its rule.
	ringing     = 20
	moveSpacing = 100 * time.Millisecond
	pageTime    = 50 * time.Millisecond // that Notion takes for each request
	fullPace    = "notion: {rate: 10, burst: 25}\n"
	refill      = 3 * time.Second // the token bucket starts empty
)

// measureToNotion times single leads of known contacts: from having read the
// 202 until the request that updates the contact is at Notion's handler.
// Tokens must not run out, or the pace would be measured: the rate is at its
// maximum and there is time between the leads.
func measureToNotion(b *testing.B, t *table, bin string) {
	notion := newNotion(b, 0)
	contacts := notion.seed(singles + 1)
	d := start(b, bin, settings{data: stateDir(b), notion: notion, yaml: fullPace})
	defer d.stop()
	c := connect(b, d.addr)
	defer c.close()
	oneByOne(b, c, notion, contacts[0]) // waits for the first read
	time.Sleep(refill)
	var took []time.Duration
	for _, email := range contacts[1:] {
		took = append(took, oneByOne(b, c, notion, email))
		time.Sleep(spacing)
	}
	t.add(row{
		measure: "from 202 to the request at Notion, idle", result: fmt.Sprintf("%d leads, one each %d ms", singles, spacing.Milliseconds()),
	}.latencies(took))
}

func oneByOne(b *testing.B, c *client, notion *notion, email string) time.Duration {
	b.Helper()
	if err := c.send(newLead(email)); err != nil {
		b.Fatal(err)
	}
	acknowledged := time.Now()
	return notion.updates.await(b, "the lead").Sub(acknowledged)
}

// measureToSlack times single moves of deals: from having the 200 of the event
// until the message is at Slack's handler, without the time in which Notion
// answered the one look at the deal.
func measureToSlack(b *testing.B, t *table, bin string) {
	notion, slack := newNotion(b, pageTime), newSlack(b)
	deals := notion.seedDeals(moves + 1)
	d := start(b, bin, settings{data: stateDir(b), notion: notion, slack: slack, yaml: fullPace + oneChannelEach(slack)})
	defer d.stop()
	hook := notion.subscribe(b, d)
	time.Sleep(idleSettle) // what moves before the first read rings nothing
	move(b, notion, slack, hook, deals[0])
	time.Sleep(refill)
	var took []time.Duration
	for _, deal := range deals[1:] {
		took = append(took, move(b, notion, slack, hook, deal))
		time.Sleep(moveSpacing)
	}
	t.add(row{
		measure: "from an event's 200 to the request at Slack, without Notion's GET",
		result:  fmt.Sprintf("%d moves, %d ms for each GET", moves, pageTime.Milliseconds()),
		target:  "p99 ≤ 50 ms", met: verdict(percentile(took, 99) <= 50*time.Millisecond),
	}.latencies(took))
}

// seedDeals adds deals whose value says in which channel they ring.
func (n *notion) seedDeals(count int) []string {
	var pages []string
	for i := range count {
		pages = append(pages, n.AddRow(n.crm.Deals, map[string]any{
			"Deal Name": fmt.Sprintf("Deal %d", i), "Stage": "Lead", "Value": float64(i % ringing), "Owner": []string{n.People()[0].ID},
		}))
	}
	return pages
}

// oneChannelEach configures a channel and a rule for each value of a deal.
func oneChannelEach(s *slack) string {
	channels, rules := "slack:\n  channels:\n", "rules:\n  negotiation: {off: true}\n"
	for i := range ringing {
		channels += fmt.Sprintf("    c%d: %s\n", i, s.Webhook(fmt.Sprint("c", i)))
		rules += fmt.Sprintf("  r%d: {when: {property: Stage, becomes: Negotiation}, if: Value == %d, channel: c%d, text: '{{link}}: {{old}} → {{new}}'}\n", i, i, i)
	}
	return channels + rules
}

// move moves a deal and returns how long the message took on its way.
func move(b *testing.B, notion *notion, slack *slack, hook *sandbox.Subscription, deal string) time.Duration {
	b.Helper()
	notion.ForgetTranscript()
	notion.EditRow(deal, map[string]any{"Stage": "Negotiation"})
	sent := hook.Deliver(b.Context())
	acknowledged := time.Now()
	if last := hook.Deliveries(); sent != 1 || last[len(last)-1].Status != http.StatusOK {
		b.Fatalf("%d events, the last answered %+v, want one 200", sent, last)
	}
	arrived := slack.posts.await(b, "the message")
	seen := notion.Transcript()
	if len(seen) != 1 || seen[0].Method != http.MethodGet || !strings.HasSuffix(seen[0].Path, deal) {
		b.Fatalf("a move took these requests to Notion, want one look at the deal: %+v", seen)
	}
	return arrived.Sub(acknowledged) - seen[0].End.Sub(seen[0].Start)
}
