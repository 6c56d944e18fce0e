package cli

import (
	"fmt"
	"time"
)

type checkCommand struct{}

// Run loads the configuration and says what it amounts to.
func (checkCommand) Run(s *session) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	if err := c.CheckServe(); err != nil {
		return err
	}
	file := c.File
	if file == "" {
		file = "none, the standard CRM"
	}
	activities := c.Activities.ID
	if activities == "" {
		activities = "none, messages go on the contact's page"
	}
	fmt.Fprintf(s.Stdout, "configuration is complete\n")
	fmt.Fprintf(s.Stdout, "  file        %s\n", file)
	fmt.Fprintf(s.Stdout, "  data        %s\n", c.Data)
	fmt.Fprintf(s.Stdout, "  public      %s\n", c.Listen)
	fmt.Fprintf(s.Stdout, "  admin       %s\n", c.AdminListen)
	fmt.Fprintf(s.Stdout, "  notion      %s, %g requests/s, burst %d\n", c.Notion.URL, c.Notion.Rate, c.Notion.Burst)
	fmt.Fprintf(s.Stdout, "  contacts    %s, key %q, read every %s\n", c.Contacts.ID, c.Lead.Mapping().Key, time.Duration(c.Contacts.Poll))
	fmt.Fprintf(s.Stdout, "  activities  %s\n", activities)
	fmt.Fprintf(s.Stdout, "  time zone   %s\n", c.Zone)
	return nil
}
