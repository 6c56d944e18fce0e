package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	demoSecret = "demo-form-secret" // what the demo's website signs with
	demoToken  = "demo"             // of both sandboxes
)

type demoCommand struct {
	Verbose bool `help:"Show the daemon's log."`
}

// Help implements kong.HelpProvider.
func (demoCommand) Help() string {
	return "Starts a small website with a contact form, a deals board, a Slack channel, a Dealbell, and sandboxes that behave " +
		"like Notion and Slack. Nothing leaves this machine, and nothing is kept after Ctrl-C."
}

// Run shows the main jobs until it is interrupted.
func (c *demoCommand) Run(s *session) error {
	err := c.run(s)
	if errors.Is(err, context.Canceled) { // before it was open
		return nil
	}
	return err
}

func (c *demoCommand) run(s *session) error {
	data, err := os.MkdirTemp("", "dealbell-demo-")
	if err != nil {
		return fmt.Errorf("make state directory: %w", err)
	}
	defer os.RemoveAll(data)
	log := slog.New(slog.DiscardHandler)
	if c.Verbose {
		log = s.logger()
	}
	d := newDemo(data)
	if err := d.connect(s.ctx, log); err != nil {
		return err
	}
	defer d.app.Close()
	if err := d.listen(s.ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(s.ctx)
	var opening sync.WaitGroup
	err = d.app.Serve(ctx, func(public, admin string) {
		opening.Go(func() {
			if err := d.open(ctx, public, log); err != nil {
				stop(fmt.Errorf("open the demo: %w", err))
				return
			}
			d.print(s.Stdout, public, admin)
		})
	})
	stop(nil)
	opening.Wait() // it reads the state directory
	return err
}

// demo is a Dealbell between a Notion and a Slack of its own.
type demo struct {
	data   string
	notion *sandbox.Workspace
	crm    sandbox.CRM
	slack  *sandbox.Slack
	app    *app.App
	pages  []demoPage
}

// demoPage is one of the places that the story leads to.
type demoPage struct {
	name, address string
	what          string // to do there
	listener      net.Listener
}

func (p demoPage) url() string { return "http://" + p.listener.Addr().String() + "/" }

func newDemo(data string) *demo {
	d := &demo{
		data:   data,
		notion: sandbox.New(sandbox.Options{Token: demoToken, Latency: 150 * time.Millisecond}),
		slack:  sandbox.NewSlack(sandbox.SlackOptions{Token: demoToken, Latency: 100 * time.Millisecond}),
		pages: []demoPage{
			{name: "website form", address: "127.0.0.1:8090", what: "fill it in and send it"},
			{name: "contacts", address: "127.0.0.1:8091", what: "and watch the contact appear here"},
			{name: "deals board", address: "127.0.0.1:8092", what: "then move a deal to Won"},
			{name: "Slack", address: "127.0.0.1:8093", what: "and hear it ring here; run the 9:00 digest, too"},
		},
	}
	d.crm = d.notion.StandardCRM()
	d.notion.Furnish(d.crm, time.Now())
	for _, p := range d.notion.People() {
		d.slack.AddMember(p.Name, p.Email)
	}
	return d
}

// connect sets a Dealbell between the two sandboxes.
func (d *demo) connect(ctx context.Context, log *slog.Logger) error {
	settings, err := config.Load(config.Source{Getenv: d.environment()})
	if err != nil {
		return err
	}
	d.app, err = app.New(ctx, app.Options{
		Config: settings, Log: log, Version: version(),
		Transport: d.notion.Transport(), SlackTransport: d.slack.Transport(),
	})
	return err
}

// environment is the whole configuration of a Dealbell.
func (d *demo) environment() func(string) string {
	values := map[string]string{
		"DEALBELL_DATA": d.data, "DEALBELL_LISTEN": "127.0.0.1:0", "DEALBELL_ADMIN_LISTEN": "127.0.0.1:0",
		"DEALBELL_CONFIG": os.DevNull, // not the file of a real one
		"FORM_SECRET":     demoSecret,
		"NOTION_TOKEN":    demoToken, "NOTION_CONTACTS_DB_ID": d.crm.Contacts.ID, "NOTION_DEALS_DB_ID": d.crm.Deals.ID,
		"SLACK_WEBHOOK_URL": d.slack.Webhook("sales"), "SLACK_BOT_TOKEN": demoToken,
	}
	return func(name string) string { return values[name] }
}

// listen takes the nice ports, or any free ones.
func (d *demo) listen(ctx context.Context) error {
	for i, p := range d.pages {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.address)
		if err != nil {
			l, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		}
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		d.pages[i].listener = l
	}
	return nil
}

// open subscribes Dealbell to Notion's events, as an operator would, and shows
// the pages once it knows the deals: what moves before that is no news to it.
func (d *demo) open(ctx context.Context, public string, log *slog.Logger) error {
	events := d.notion.Subscribe(sandbox.SubscriptionOptions{
		URL:  "http://" + public + "/notion-webhook",
		Plan: sandbox.DeliveryPlan{Delay: sandbox.Span{Min: 200 * time.Millisecond, Max: 700 * time.Millisecond}},
	})
	if err := events.Verify(ctx); err != nil {
		return err
	}
	events.Activate()
	go events.Run(ctx)
	if err := d.firstRead(ctx, log); err != nil {
		return err
	}
	for i, h := range d.handlers("http://" + public + "/lead") {
		go serveDemo(ctx, d.pages[i].listener, h)
	}
	return nil
}

// firstRead waits until Dealbell has read Contacts and Deals.
func (d *demo) firstRead(ctx context.Context, log *slog.Logger) error {
	db, err := store.Attach(ctx, d.data, log)
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		status, err := app.ReadStatus(ctx, db, false)
		if err != nil {
			return err
		}
		unread := func(s app.DatabaseStatus) bool { return s.FirstRead.IsZero() }
		if len(status.Databases) == 2 && !slices.ContainsFunc(status.Databases, unread) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// handlers returns what the pages show, in their order.
func (d *demo) handlers(lead string) []http.Handler {
	digest := sandbox.Action{Label: "Run the 9:00 digest now", Run: func(ctx context.Context) error { return d.app.Digest(ctx, "stale-leads") }}
	return []http.Handler{
		sandbox.Website(sandbox.WebsiteOptions{LeadURL: lead, Secret: demoSecret, ContactsURL: d.pages[1].url(), Nav: d.nav(0)}),
		d.notion.ContactsPage(d.crm.Contacts, d.nav(1)...),
		d.notion.DealsBoard(d.crm.Deals, sandbox.BoardOptions{Nav: d.nav(2)}),
		d.slack.ChannelPage(sandbox.ChannelPageOptions{Actions: []sandbox.Action{digest}, Nav: d.nav(3)}),
	}
}

// nav leads from one page to the others.
func (d *demo) nav(from int) []sandbox.Link {
	var links []sandbox.Link
	for i, p := range d.pages {
		link := sandbox.Link{Label: p.name, URL: p.url()}
		if i == from {
			link.URL = ""
		}
		links = append(links, link)
	}
	return links
}

func (d *demo) print(w io.Writer, public, admin string) {
	fmt.Fprint(w, "Dealbell demo: a website, a Dealbell, and sandboxes that behave like Notion and Slack.\n\n")
	for _, p := range d.pages {
		fmt.Fprintf(w, "  %-14s %s    %s\n", p.name, p.url(), p.what)
	}
	fmt.Fprintf(w, `  Dealbell       http://%s/lead    takes leads signed with %s
  metrics        http://%s/metrics

Press Ctrl-C to stop. Nothing is kept.
`, public, demoSecret, admin)
}

func serveDemo(ctx context.Context, l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return // the demo ends with its pages
	}
}
