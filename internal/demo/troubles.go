package demo

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

const (
	outage   = time.Minute     // at most
	askFor   = 5 * time.Second // with a 429
	darkness = 2 * time.Second // between a kill and the start
	burst    = 200
	clicks   = 20
)

// troubles are the buttons, in their order.
func (c *company) troubles() []*trial {
	return []*trial{
		{
			name: "down", title: "Notion goes down", button: "Take Notion down", back: "Bring Notion back", run: c.takeNotionDown,
			promise: "Every request gets 503, for a minute or until you press again. Three visitors write meanwhile, and are thanked at once.",
		},
		{
			name: "limit", title: "Notion says 429", button: "Answer 429", run: c.limit,
			promise: "The next request is told to wait 5 seconds. Three leads arrive; nobody may ask before.",
		},
		{
			name: "answer", title: "An answer gets lost", button: "Lose an answer", run: c.loseAnswer,
			promise: "Notion creates the next contact, but its answer never comes. Trying again blindly would make two.",
		},
		{
			name: "double", title: "Twenty clicks on Send", button: "Click 20 times", run: c.clickTwentyTimes,
			promise: "One visitor submits 20 times at once, with the address in four spellings.",
		},
		{
			name: "kill", title: "kill -9", button: "Kill Dealbell", run: c.killDealbell,
			promise: "Three leads are accepted, and Dealbell is killed on the spot. A fourth visitor writes; 2 seconds later it starts again.",
		},
		{
			name: "webhook", title: "A webhook, three times", button: "Send it 3 times", run: c.repeatWebhook,
			promise: "A colleague moves a deal, and Notion tells of it three times. Slack should ring once.",
		},
		{
			name: "rename", title: "A property is renamed", button: "Rename Company", back: "Name it back", run: c.renameProperty,
			promise: "A colleague calls “Company” “Firm”. The next lead has one.",
		},
		{
			name: "burst", title: "200 leads at once", button: "Send 200 leads", run: c.sendBurst,
			promise: "All are answered at once. Notion allows 3 requests a second, so they arrive over some 3 minutes.",
		},
	}
}

func (c *company) takeNotionDown(ctx context.Context, t *trial) {
	c.notion.SetDown(true)
	leads := c.newcomers(3)
	n, _ := c.visit(ctx, leads)
	c.journal.say(sandbox.Plain, "%d leads are accepted while Notion is down; they wait on Dealbell's disk.", n)
	t.report(sandbox.Troubled, "Notion is down. %d leads accepted, %d in Notion.", n, c.roll().arrived(leads))
	t.hold(ctx, outage)
	c.notion.SetDown(false)
	back := time.Now()
	c.journal.say(sandbox.Plain, "Notion is back.")
	l := c.settle(ctx, t, leads, patience, "Notion is back; Dealbell's next try finds out.")
	c.conclude(t, l.complete(leads), "%d leads accepted without Notion; %d of them in it %s after it came back.", n, l.in, brief(l.at.Sub(back)))
}

func (c *company) limit(ctx context.Context, t *trial) {
	pressed := time.Now()
	c.notion.AddFault(sandbox.Scripted{Nth: 1, Fault: sandbox.RateLimited, RetryAfter: askFor})
	leads := c.newcomers(3)
	n, _ := c.visit(ctx, leads)
	l := c.settle(ctx, t, leads, patience, fmt.Sprintf("%d leads accepted, all requests wait.", n))
	c.watch.mu.Lock()
	p := c.watch.pause
	c.watch.mu.Unlock()
	if p.from.Before(pressed) {
		t.report(sandbox.Plain, "Nobody has heard the 429: was Dealbell killed, or Notion down? Press again.")
		return
	}
	kept := l.complete(leads) && p.meanwhile == 0 && p.next >= p.asked
	c.conclude(t, kept, "Told to wait %s; %d requests came in that time, the next after %s. %d of %d leads are in Notion.",
		brief(p.asked), p.meanwhile, brief(p.next), l.in, len(leads))
}

func (c *company) loseAnswer(ctx context.Context, t *trial) {
	c.notion.AddFault(sandbox.Scripted{Match: sandbox.Match{Method: http.MethodPost, Path: "/v1/pages"}, Nth: 1, Fault: sandbox.ResetAfter})
	leads := c.newcomers(1)
	n, _ := c.visit(ctx, leads)
	l := c.settle(ctx, t, leads, patience, "Dealbell cannot know whether the contact exists, and looks first.")
	c.conclude(t, l.complete(leads), "Dealbell looked before it tried again: %d submission, %d contact.", n, len(c.roll()[address(leads[0].Email)]))
}

func (c *company) clickTwentyTimes(ctx context.Context, t *trial) {
	visitor := c.newcomers(1)[0]
	name, domain, _ := strings.Cut(visitor.Email, "@")
	spellings := []string{visitor.Email, strings.ToUpper(name) + "@" + domain, strings.ToUpper(visitor.Email), name + "@" + strings.ToUpper(domain)}
	leads := make([]sandbox.Lead, clicks)
	for i := range leads {
		leads[i] = visitor
		leads[i].Email = spellings[i%len(spellings)]
	}
	taken, repeats := c.visit(ctx, leads)
	l := c.settle(ctx, t, leads, patience, fmt.Sprintf("%d submissions answered.", taken+repeats))
	c.conclude(t, l.complete(leads), "%d submissions: %d taken, %d recognised as the same. %d contact.",
		taken+repeats, taken, repeats, len(c.roll()[address(visitor.Email)]))
}

func (c *company) killDealbell(ctx context.Context, t *trial) {
	leads := c.newcomers(4)
	n, _ := c.visit(ctx, leads[:3])
	c.daemon.kill()
	release := c.daemon.hold(ctx)
	defer release()
	early := c.roll().arrived(leads)
	c.journal.say(sandbox.Troubled, "Dealbell is killed with %d leads accepted, %d of them in Notion.", n, early)
	t.report(sandbox.Troubled, "Killed with %d leads accepted, %d of them in Notion. A visitor's website tries again and again …", n, early)
	called := time.Now()
	waited := make(chan time.Duration, 1)
	go func() {
		c.visit(ctx, leads[3:])
		waited <- time.Since(called)
	}()
	wait(ctx, darkness)
	release()
	begun := time.Now()
	if err := c.daemon.start(ctx); err != nil {
		c.conclude(t, ctx.Err() != nil, "It did not start again: %v", err)
		return
	}
	ready := brief(time.Since(begun))
	c.journal.say(sandbox.Good, "Dealbell is started again, and ready after %s.", ready)
	l := c.settle(ctx, t, leads, patience, "Started again.")
	c.conclude(t, l.complete(leads), "Killed with %d leads accepted, %d of them in Notion. Ready %s after its start; the visitor between was answered after %s. %d of %d are in Notion, each once.",
		n, early, ready, brief(<-waited), l.in, len(leads))
}

func (c *company) repeatWebhook(ctx context.Context, t *trial) {
	deal, from, to := c.someMove()
	name, before := deal.Values["Deal Name"], len(c.events.Deliveries())
	rang := func() int {
		n := 0
		for _, m := range c.slack.Messages("") {
			if strings.Contains(m.Text, name) {
				n++
			}
		}
		return n
	}
	earlier := rang()
	c.notion.EditRow(deal.ID, map[string]any{"Stage": to})
	t.report(sandbox.Troubled, "%s moves from %s to %s …", name, from, to)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var event sandbox.EventDelivery
	_ = until(ctx, func() bool { // what came is told below
		for _, d := range c.events.Deliveries()[before:] {
			if d.EntityID == deal.ID && d.Status == http.StatusOK {
				event = d
			}
		}
		return event.EventID != ""
	})
	sent := 1
	for range 2 {
		if c.sendEvent(ctx, event.Body) {
			sent++
		}
	}
	c.journal.say(sandbox.Troubled, "Notion sends the event of this move %d times.", sent)
	_ = until(ctx, func() bool { return rang() > earlier })
	wait(ctx, 3*time.Second) // for a second ring
	c.conclude(t, rang() == earlier+1, "%s moved to %s; the event came %d times, and Slack rang %s.", name, to, sent, times(rang()-earlier))
}

// someMove finds a deal that can be won, or else taken up again.
func (c *company) someMove() (deal sandbox.Row, from, to string) {
	for _, row := range c.notion.Rows(c.crm.Deals) {
		if from = row.Values["Stage"]; !row.InTrash && from != "Won" {
			return row, from, "Won"
		}
		deal = row
	}
	return deal, from, "Negotiation"
}

// sendEvent posts an event once more, as Notion does when it missed the answer.
func (c *company) sendEvent(ctx context.Context, body []byte) bool {
	req, err := c.events.Request(ctx, body)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func (c *company) renameProperty(ctx context.Context, t *trial) {
	const old, renamed = "Company", "Firm"
	c.notion.RenameProperty(c.crm.Contacts, old, renamed)
	defer c.notion.RenameProperty(c.crm.Contacts, renamed, old)
	c.journal.say(sandbox.Troubled, "A colleague renames the property “%s” to “%s”.", old, renamed)
	leads := c.newcomers(1)
	c.visit(ctx, leads)
	l := c.settle(ctx, t, leads, patience, "A lead with a company is accepted.")
	got := ""
	for _, row := range c.roll()[address(leads[0].Email)] {
		got = row.Values[renamed]
	}
	c.conclude(t, l.complete(leads) && got == leads[0].Company, "%s came with the company “%s”; “%s” says “%s”.", leads[0].Name, leads[0].Company, renamed, got)
	t.hold(ctx, 24*time.Hour)
}

func (c *company) sendBurst(ctx context.Context, t *trial) {
	leads := c.newcomers(burst)
	begun := time.Now()
	n, _ := c.visit(ctx, leads)
	answered := brief(time.Since(begun))
	c.journal.say(sandbox.Plain, "%d leads are accepted within %s.", n, answered)
	l := c.settle(ctx, t, leads, 5*patience, fmt.Sprintf("%d accepted within %s.", n, answered))
	c.conclude(t, l.complete(leads), "%d accepted within %s, %d of %d in Notion %s later, each once.", n, answered, l.in, burst, brief(l.at.Sub(begun)))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
