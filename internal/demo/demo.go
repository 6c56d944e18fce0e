// Package demo lets a newcomer try Dealbell without an account: a company's
// website, a Notion and a Slack that are sandboxes, a real "dealbell serve"
// between them as a process of its own, and a playground that shows all of it
// on one page, with buttons for trouble.
//
// It knows Dealbell from the outside alone: by its commands, its environment
// and its HTTP interface. What it counts, it counts in the sandboxes.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

const (
	formSecret = "demo-form-secret" // what the website signs with
	apiToken   = "demo"             // of both sandboxes
	password   = "harbour-and-pine" // of the dashboard
	dirPrefix  = "dealbell-demo-"
)

const pageAddress = "127.0.0.1:8090" // when it is free

// Options says what runs.
type Options struct {
	// Program is the dealbell executable, and Arguments make it a daemon that
	// ends when its standard input does.
	Program   string
	Arguments []string
	Log       io.Writer // gets the daemon's log; nil for nobody
}

// Places are where things are, as URLs.
type Places struct {
	Playground string
	Leads      string // takes leads that are signed with Secret
	Secret     string
	Dashboard  string // Dealbell's own pages, which ask for Password
	Password   string
}

// company is everything around one Dealbell.
type company struct {
	data    string
	notion  *sandbox.Workspace
	crm     sandbox.CRM
	slack   *sandbox.Slack
	site    *sandbox.Website // of the page
	crowd   *sandbox.Website // of visitors who are made up
	events  *sandbox.Subscription
	daemon  *daemon
	journal journal
	ledger  ledger
	watch   watch
	trials  []*trial
	invited int // visitors made up so far, guarded by the journal's lock
}

// Run opens a playground, tells ready where, and works until ctx ends. Nothing
// is left behind then.
func Run(ctx context.Context, o Options, ready func(Places)) error {
	data, err := os.MkdirTemp("", dirPrefix)
	if err != nil {
		return fmt.Errorf("make state directory: %w", err)
	}
	defer os.RemoveAll(data)
	// What surrounds Dealbell outlives it, so that it can stop in order.
	around, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	c := &company{data: data}
	if err := c.build(around, o); err != nil {
		return err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	defer c.daemon.stop()
	if err := c.daemon.open(ctx); err != nil {
		return unlessAsked(ctx, err)
	}
	c.daemon.tell(fail)
	if err := c.daemon.command(ctx, password+"\n", "password"); err != nil {
		return unlessAsked(ctx, fmt.Errorf("set the dashboard's password: %w", err))
	}
	if err := c.connect(ctx); err != nil {
		return unlessAsked(ctx, err)
	}
	c.journal.say(sandbox.Good, "Dealbell has read Notion, and is ready. Send the form, or drag a deal.")
	var beside sync.WaitGroup
	beside.Go(func() { c.keepWatch(ctx) })
	c.prepareTrials(ctx, &beside)
	page, err := c.serve(around, pageAddress, c.playground())
	if err == nil {
		ready(Places{Playground: page, Leads: "http://" + c.daemon.public + "/lead", Secret: formSecret, Dashboard: c.daemon.dashboard(), Password: password})
		<-ctx.Done()
	}
	failure := unlessAsked(ctx, err)
	fail(nil)
	beside.Wait()
	return failure
}

// unlessAsked returns why the work ended: nil when somebody asked for that.
func unlessAsked(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// build makes the sandboxes and the website, and knows how to start a daemon
// between them.
func (c *company) build(ctx context.Context, o Options) error {
	c.notion = sandbox.New(sandbox.Options{Token: apiToken, Latency: 150 * time.Millisecond, Limit: sandbox.Average, Steadfast: true})
	c.crm = c.notion.StandardCRM()
	c.notion.Furnish(c.crm, time.Now())
	notion, err := c.serve(ctx, "", c.notion.Handler())
	if err != nil {
		return err
	}
	l, err := listen(ctx, "")
	if err != nil {
		return err
	}
	slack := "http://" + l.Addr().String()
	c.slack = sandbox.NewSlack(sandbox.SlackOptions{BaseURL: slack, Token: apiToken, Latency: 100 * time.Millisecond})
	go serve(ctx, l, c.slack.Handler())
	for _, p := range c.notion.People() {
		c.slack.AddMember(p.Name, p.Email)
	}
	c.daemon = &daemon{o: o, data: c.data, environment: []string{
		"DEALBELL_DATA=" + c.data,
		"DEALBELL_CONFIG=" + os.DevNull, // not the file of a real one
		"DEALBELL_NOTION_URL=" + strings.TrimSuffix(notion, "/"), "DEALBELL_SLACK_URL=" + slack + "/api/",
		"FORM_SECRET=" + formSecret, "NOTION_TOKEN=" + apiToken,
		"NOTION_CONTACTS_DB_ID=" + c.crm.Contacts.ID, "NOTION_DEALS_DB_ID=" + c.crm.Deals.ID,
		"SLACK_WEBHOOK_URL=" + c.slack.Webhook("sales"), "SLACK_BOT_TOKEN=" + apiToken,
	}}
	return nil
}

func (c *company) website(heard func(sandbox.Lead, sandbox.Acceptance), visitors []sandbox.Lead) *sandbox.Website {
	return sandbox.NewWebsite(sandbox.WebsiteOptions{
		LeadURL: "http://" + c.daemon.public + "/lead", Secret: formSecret, Patience: 20 * time.Second, Heard: heard, Visitors: visitors,
	})
}

// connect opens the website, subscribes Dealbell to Notion's events as an
// operator would, and returns once it knows the deals: what moves before that
// is no news to it.
func (c *company) connect(ctx context.Context) error {
	c.site, c.crowd = c.website(c.heard, regulars()), c.website(nil, nil)
	c.events = c.notion.Subscribe(sandbox.SubscriptionOptions{
		URL:  "http://" + c.daemon.public + "/notion-webhook",
		Plan: sandbox.DeliveryPlan{Delay: sandbox.Span{Min: 200 * time.Millisecond, Max: 700 * time.Millisecond}},
	})
	if err := c.events.Verify(ctx); err != nil {
		return err
	}
	c.events.Activate()
	go c.events.Run(ctx)
	return until(ctx, func() bool {
		status, err := c.daemon.status(ctx)
		read := 0
		for _, db := range status.Databases {
			if !db.FirstRead.IsZero() {
				read++
			}
		}
		return err == nil && read == 2
	})
}

func (c *company) playground() http.Handler {
	o := sandbox.PlaygroundOptions{
		Website: c.site, Notion: c.notion, CRM: c.crm, Slack: c.slack, Score: c.score,
		Actions: []sandbox.Action{{Label: "Run the 9:00 digest now", Run: func(ctx context.Context) error {
			return c.daemon.command(ctx, "", "digest", "stale-leads")
		}}},
	}
	for _, t := range c.trials {
		o.Trouble = append(o.Trouble, t.trouble())
	}
	return sandbox.Playground(o)
}

// serve answers on a loopback address until ctx ends.
func (c *company) serve(ctx context.Context, address string, h http.Handler) (url string, err error) {
	l, err := listen(ctx, address)
	if err != nil {
		return "", err
	}
	go serve(ctx, l, h)
	return "http://" + l.Addr().String() + "/", nil
}

func serve(ctx context.Context, l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	_ = server.Serve(l) // it ends with ctx alone
}

// listen takes the address, or any free one of this machine.
func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil || address == "" {
		l, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// until returns once done says so, or with the error of ctx.
func until(ctx context.Context, done func() bool) error {
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// Remove deletes the state directory of a demo that was killed. It refuses any
// other.
func Remove(dir string) error {
	if !strings.HasPrefix(filepath.Base(dir), dirPrefix) {
		return fmt.Errorf("remove state directory: %s is not one of a demo", dir)
	}
	return os.RemoveAll(dir)
}
