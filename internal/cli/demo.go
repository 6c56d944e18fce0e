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
	"time"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/secret"
)

// demoSecret is what the demo's website signs with.
const demoSecret = "demo-form-secret"

type demoCommand struct {
	Verbose bool `help:"Show the daemon's log."`
}

// Help implements kong.HelpProvider.
func (demoCommand) Help() string {
	return "Starts a small website with a contact form, a Dealbell, and a sandbox that behaves like Notion. " +
		"Nothing leaves this machine, and nothing is kept after Ctrl-C."
}

// Run shows the main job until it is interrupted.
func (c *demoCommand) Run(s *session) error {
	data, err := os.MkdirTemp("", "dealbell-demo-")
	if err != nil {
		return fmt.Errorf("make state directory: %w", err)
	}
	defer os.RemoveAll(data)
	log := slog.New(slog.DiscardHandler)
	if c.Verbose {
		log = s.logger()
	}
	notion := sandbox.New(sandbox.Options{Token: "demo", Latency: 150 * time.Millisecond})
	crm := notion.StandardCRM()
	settings, err := config.Load(config.Source{Getenv: demoEnvironment(data, crm.Contacts.ID)})
	if err != nil {
		return err
	}
	settings.NotionToken = secret.New("demo")
	a, err := app.New(s.ctx, app.Options{Config: settings, Log: log, Transport: notion.Transport(), Version: version()})
	if err != nil {
		return err
	}
	defer a.Close()
	pages, err := listenDemo(s.ctx, "127.0.0.1:8090", "127.0.0.1:8091")
	if err != nil {
		return err
	}
	website, contacts := "http://"+pages[0].Addr().String()+"/", "http://"+pages[1].Addr().String()+"/"
	return a.Serve(s.ctx, func(public, admin string) {
		lead := "http://" + public + "/lead"
		go serveDemo(s.ctx, pages[0], sandbox.Website(sandbox.WebsiteOptions{LeadURL: lead, Secret: demoSecret, ContactsURL: contacts}))
		go serveDemo(s.ctx, pages[1], notion.ContactsPage(crm.Contacts))
		printDemo(s.Stdout, website, contacts, lead, "http://"+admin+"/metrics")
	})
}

// demoEnvironment is the whole configuration of a Dealbell.
func demoEnvironment(data, contacts string) func(string) string {
	return func(name string) string {
		return map[string]string{
			"DEALBELL_DATA": data, "FORM_SECRET": demoSecret, "NOTION_CONTACTS_DB_ID": contacts,
			"DEALBELL_LISTEN": "127.0.0.1:0", "DEALBELL_ADMIN_LISTEN": "127.0.0.1:0",
			"DEALBELL_CONFIG": os.DevNull, // not the file of a real one
		}[name]
	}
}

func printDemo(w io.Writer, website, contacts, lead, metrics string) {
	fmt.Fprintf(w, `Dealbell demo: a website, a Dealbell, and a sandbox that behaves like Notion.

  website form   %s    fill it in and send it
  contacts       %s    and watch the contact appear here
  Dealbell       %s    takes leads signed with %s
  metrics        %s

Press Ctrl-C to stop. Nothing is kept.
`, website, contacts, lead, demoSecret, metrics)
}

// listenDemo takes the nice ports, or any free ones.
func listenDemo(ctx context.Context, addresses ...string) ([]net.Listener, error) {
	var open []net.Listener
	for _, address := range addresses {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			l, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		}
		if err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
		open = append(open, l)
	}
	return open, nil
}

func serveDemo(ctx context.Context, l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return // the demo ends with its pages
	}
}
