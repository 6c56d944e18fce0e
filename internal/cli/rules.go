package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/notion"
)

// lookTimeout is how long a command waits for Notion.
const lookTimeout = 10 * time.Second

type rulesCommand struct {
	Test rulesTest `cmd:"" help:"Say which rules a page would fire, and print their messages."`
}

type rulesTest struct {
	Page string `arg:"" help:"Id or link of a page."`
}

// Help implements kong.HelpProvider.
func (rulesTest) Help() string {
	return "Takes the page as it is in Notion now, supposes that each of its values has just been set, or has just changed the way " +
		"it last did, and shows what each rule of its database would say. Nothing is sent."
}

// Run tries the rules on a page.
func (c *rulesTest) Run(s *session) error {
	settings, db, err := s.open()
	if err != nil {
		return err
	}
	defer db.Close()
	compiled, err := settings.CompiledRules()
	if err != nil {
		return err
	}
	caller, err := dial(s.ctx, settings, db)
	if err != nil {
		return err
	}
	trial, err := notify.Tester{State: db, Pages: caller, Rules: compiled, Databases: settings.WatchedIDs(), Zone: settings.Zone}.Try(s.ctx, c.Page)
	if err != nil {
		return err
	}
	if trial.Missed != nil {
		fmt.Fprintf(s.Stderr, "Notion does not answer (%v); the page is shown as it was %s ago\n", oneLine(trial.Missed.Error()), age(trial.SeenAt))
	}
	for _, m := range trial.Mistakes {
		report(s.Stderr, m.Err())
	}
	if len(trial.Verdicts) == 0 {
		fmt.Fprintf(s.Stdout, "no rule is about database %q\n", trial.Database)
	}
	for _, v := range trial.Verdicts {
		if !v.Fires {
			fmt.Fprintf(s.Stdout, "%-16s would not fire\n", v.Rule)
			continue
		}
		fmt.Fprintf(s.Stdout, "%-16s would fire, to channel %s:\n%s\n", v.Rule, v.Channel, v.Text)
	}
	return nil
}

// dial connects a command to Notion. Beside a daemon it keeps to the pauses
// that Notion asked for.
func dial(ctx context.Context, settings *config.Config, pauses notion.Pauses) (*notion.Caller, error) {
	client, err := notion.New(ctx, notion.Options{
		Token: settings.NotionToken, BaseURL: settings.Notion.URL, Rate: settings.Notion.Rate, Burst: settings.Notion.Burst, Pauses: pauses,
		Private: settings.PrivateHosts,
	})
	if err != nil {
		return nil, err
	}
	return client.Lane(crm.Live), nil
}
