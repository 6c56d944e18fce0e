package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/ingest"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/slack"
	"github.com/dealbell/dealbell/internal/store"
)

type checkCommand struct {
	Offline bool `help:"Do not compare the names in rules and digests with Notion."`
}

// Help implements kong.HelpProvider.
func (checkCommand) Help() string {
	return "Reads the configuration, and from Notion the properties of the databases that rules and digests name. It changes nothing."
}

// Run loads the configuration and says what it amounts to.
func (c *checkCommand) Run(s *session) error {
	settings, err := s.config()
	if err != nil {
		return err
	}
	if err := errors.Join(settings.CheckServe(), checkSlack(settings)); err != nil {
		return err
	}
	if !c.Offline {
		if err := checkNames(s, settings); err != nil {
			return err
		}
	}
	printConfig(s, settings)
	return nil
}

func printConfig(s *session, c *config.Config) {
	file := c.File
	if file == "" {
		file = "none, the standard CRM"
	}
	activities := c.Activities.ID
	if activities == "" {
		activities = "none, messages go on the contact's page"
	}
	channels := strings.Join(slices.Sorted(maps.Keys(c.Slack.Channels)), ", ")
	if channels == "" {
		channels = "none, no rule rings: set SLACK_WEBHOOK_URL"
	}
	fmt.Fprintf(s.Stdout, "configuration is complete\n")
	fmt.Fprintf(s.Stdout, "  file        %s\n", file)
	fmt.Fprintf(s.Stdout, "  data        %s\n", c.Data)
	fmt.Fprintf(s.Stdout, "  public      %s\n", c.Listen)
	fmt.Fprintf(s.Stdout, "  admin       %s\n", c.AdminListen)
	fmt.Fprintf(s.Stdout, "  notion      %s, %g requests/s, burst %d\n", c.Notion.URL, c.Notion.Rate, c.Notion.Burst)
	for _, db := range c.Watched() {
		key := ""
		if db.Name == "contacts" {
			key = fmt.Sprintf(", key %q", c.Lead.Mapping().Key)
		}
		fmt.Fprintf(s.Stdout, "  %-11s %s%s, read every %s\n", db.Name, db.ID, key, time.Duration(db.Poll))
	}
	fmt.Fprintf(s.Stdout, "  activities  %s\n", activities)
	for _, f := range c.Intakes() {
		fmt.Fprintf(s.Stdout, "  form        %s at %s, %s\n", f.Name, f.Path, wayOf(f))
	}
	fmt.Fprintf(s.Stdout, "  channels    %s\n", channels)
	fmt.Fprintf(s.Stdout, "  rules       %s\n", on(c.Rules, func(r rules.Spec) bool { return r.Off }))
	fmt.Fprintf(s.Stdout, "  digests     %s\n", on(c.Digests, func(d digest.Spec) bool { return d.Off != nil && *d.Off }))
	fmt.Fprintf(s.Stdout, "  time zone   %s\n", c.Zone)
}

// wayOf says who sends a form, and where what it says goes.
func wayOf(f ingest.Form) string {
	by, to := "by "+f.Vendor.Name, "contacts"
	if f.Public != nil {
		by = "by browsers on " + strings.Join(f.Public.Origins, ", ")
	}
	if f.Database != "" {
		to = "database " + f.Database
	}
	return by + ", to " + to
}

// on names what is not switched off.
func on[T any](all map[string]T, off func(T) bool) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !off(all[name]) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// checkSlack finds channels that cannot work.
func checkSlack(c *config.Config) error {
	webhooks, channels := c.Slack.Ways()
	_, err := slack.New(slack.Options{Webhooks: webhooks, Channels: channels, Token: c.SlackToken, BaseURL: c.Slack.URL})
	if err == nil {
		return nil
	}
	hint, _ := crm.Hint(err)
	return &config.Error{Problem: err.Error(), Advice: hint}
}

// checkNames compares what rules and digests name with the databases. That
// Notion does not answer is no mistake of the configuration.
func checkNames(s *session, c *config.Config) error {
	ctx, cancel := context.WithTimeout(s.ctx, lookTimeout)
	defer cancel()
	caller, err := dial(ctx, c, nil)
	if err != nil {
		return err
	}
	var wrong []error
	for _, watched := range c.Watched() {
		schema, err := caller.Schema(ctx, watched.ID)
		if err != nil {
			fmt.Fprintf(s.Stderr, "the names in rules and digests were not compared with Notion: %s\n", oneLine(err.Error()))
			return nil
		}
		names, err := learntNames(s, c, schema.Database)
		if err != nil {
			return err
		}
		own, standard, err := c.Mistakes(crm.Bindings{Schema: schema, Known: names})
		if err != nil {
			return err
		}
		for _, m := range standard { // a database may lack a part of the standard CRM
			fmt.Fprintf(s.Stderr, "%s; it is skipped\n", oneLine(m.String()))
		}
		for _, m := range own {
			wrong = append(wrong, &config.Error{Problem: m.String(), Advice: m.Hint})
		}
	}
	return errors.Join(wrong...)
}

// learntNames are the names that properties had before, where a daemon has
// run.
func learntNames(s *session, c *config.Config, database string) (map[string]string, error) {
	db, err := store.Attach(s.ctx, c.Data, s.logger())
	if err != nil {
		return nil, nil // nothing was learnt yet
	}
	defer db.Close()
	return db.Bindings(s.ctx, database)
}
