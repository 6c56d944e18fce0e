package demo

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/sandbox"
)

// look is how often the company looks at itself.
const look = 200 * time.Millisecond

// watch is what was seen last.
type watch struct {
	mu     sync.Mutex // guards what follows; taken under the sandbox's lock, so never around it
	status app.Status // of the daemon when it last answered
	lost   int
	twice  int
	people int
	rung   int // messages in Slack
	down   bool
	pause  pause
	stages map[string]string // by deal
}

// pause is one that Notion asked for with a 429.
type pause struct {
	asked     time.Duration
	from      time.Time
	meanwhile int           // requests that came before it was over
	next      time.Duration // when the next request came; 0 when none has
}

// keepWatch looks until ctx ends.
func (c *company) keepWatch(ctx context.Context) {
	c.notion.Watch(c.overhear)
	for ctx.Err() == nil {
		c.lookAround(ctx)
		c.notion.ForgetTranscript() // all was overheard, and a demo may run for long
		c.slack.ForgetTranscript()
		select {
		case <-ctx.Done():
		case <-time.After(look):
		}
	}
}

func (c *company) lookAround(ctx context.Context) {
	due := c.ledger.owed()
	status, err := c.daemon.status(ctx)
	contacts := c.roll()
	arrived, missing := c.ledger.settle(contacts, due)
	messages := c.slack.Messages("")
	for _, r := range arrived {
		c.journal.say(sandbox.Good, "%s's lead is in Notion, %s after its answer.", r.lead.Name, brief(time.Since(r.at)))
	}
	c.watchDeals()
	c.watch.mu.Lock()
	defer c.watch.mu.Unlock()
	for ; c.watch.rung < len(messages); c.watch.rung++ {
		c.journal.say(sandbox.Good, "Slack rings: %s", heading(messages[c.watch.rung].Text))
	}
	c.watch.people, c.watch.twice = 0, contacts.twice()
	for _, rows := range contacts {
		c.watch.people += len(rows)
	}
	if err != nil { // it is dead or starting: what is owed is on its disk
		return
	}
	c.watch.status = status
	// What was owed before Dealbell was asked, and is missing after, it must
	// have known of: as work to do, or as a dead letter with a reason.
	lost := max(0, missing-status.OpenLeads-status.DeadLetters)
	if lost > c.watch.lost {
		c.journal.say(sandbox.Bad, "%d leads are neither in Notion nor known to Dealbell.", lost)
	}
	c.watch.lost = lost
}

// watchDeals tells of every move, whoever made it.
func (c *company) watchDeals() {
	stages := map[string]string{}
	for _, row := range c.notion.Rows(c.crm.Deals) {
		stage := row.Values["Stage"]
		stages[row.ID] = stage
		if was, known := c.watch.stages[row.ID]; known && was != stage {
			c.journal.say(sandbox.Plain, "%s moves from %s to %s.", row.Values["Deal Name"], was, stage)
		}
	}
	c.watch.stages = stages
}

// overhear hears every request to Notion and what became of it. It is called
// under the sandbox's lock.
func (c *company) overhear(x sandbox.Exchange) {
	c.watch.mu.Lock()
	defer c.watch.mu.Unlock()
	p := &c.watch.pause
	if !p.from.IsZero() && p.next == 0 && x.Start.After(p.from) {
		if after := x.Start.Sub(p.from); after < p.asked {
			p.meanwhile++
		} else {
			p.next = after
			c.journal.say(sandbox.Good, "Dealbell asks again after %s; %d requests came before.", brief(after), p.meanwhile)
		}
	}
	switch {
	case x.Abandoned: // by a Dealbell that was killed: it has not heard the answer
	case x.Status == http.StatusTooManyRequests:
		*p = pause{asked: x.RetryAfter, from: x.End}
		c.journal.say(sandbox.Troubled, "Notion answers 429, Retry-After %s: all wait.", brief(x.RetryAfter))
	case x.Fault == sandbox.ResetAfter:
		c.journal.say(sandbox.Troubled, "Notion makes the contact, and its answer never comes.")
	case x.Status == http.StatusServiceUnavailable && !c.watch.down:
		c.watch.down = true
		c.journal.say(sandbox.Troubled, "Notion answers 503: Dealbell keeps its work, and asks less and less often.")
	case x.Status == http.StatusOK && c.watch.down:
		c.watch.down = false
		c.journal.say(sandbox.Good, "Notion answers again, and Dealbell has noticed.")
	}
}

// score tells the page how things stand.
func (c *company) score() sandbox.Score {
	accepted, repeats, waiting := c.ledger.counts()
	c.watch.mu.Lock()
	defer c.watch.mu.Unlock()
	perfect := func(n int) sandbox.Mark {
		if n > 0 {
			return sandbox.Bad
		}
		return sandbox.Good
	}
	return sandbox.Score{
		Lamps: []sandbox.Lamp{c.dealbellLamp(), c.notionLamp()},
		Counters: []sandbox.Counter{
			{Name: "accepted", Label: "leads accepted", Value: accepted},
			{Name: "repeats", Label: "repeats recognised", Value: repeats},
			{Name: "waiting", Label: "on their way", Value: waiting},
			{Name: "contacts", Label: "contacts in Notion", Value: c.watch.people},
			{Name: "duplicates", Label: "duplicate contacts", Value: c.watch.twice, Mark: perfect(c.watch.twice)},
			{Name: "lost", Label: "leads lost", Value: c.watch.lost, Mark: perfect(c.watch.lost)},
			{Name: "messages", Label: "Slack messages", Value: c.watch.rung},
		},
		Log:       c.journal.all(),
		Dashboard: sandbox.Link{Label: "Dashboard", URL: c.daemon.dashboard()},
		Password:  password,
	}
}

func (c *company) dealbellLamp() sandbox.Lamp {
	if c.daemon.alive() {
		return sandbox.Lamp{Name: "Dealbell", Text: "running", Mark: sandbox.Good}
	}
	return sandbox.Lamp{Name: "Dealbell", Text: "killed", Mark: sandbox.Bad}
}

func (c *company) notionLamp() sandbox.Lamp {
	p := c.watch.pause
	switch left := time.Until(p.from.Add(p.asked)); {
	case c.watch.down:
		return sandbox.Lamp{Name: "Notion", Text: "down", Mark: sandbox.Bad}
	case left > 0:
		return sandbox.Lamp{Name: "Notion", Text: fmt.Sprintf("wait %.0f s", math.Ceil(left.Seconds())), Mark: sandbox.Troubled}
	}
	return sandbox.Lamp{Name: "Notion", Text: "up", Mark: sandbox.Good}
}

// brief is a duration as people say it.
func brief(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// heading is the first line of a message, without what makes it bold.
func heading(text string) string {
	line, _, more := strings.Cut(strings.ReplaceAll(text, "*", ""), "\n")
	if more {
		line += " …"
	}
	return line
}
