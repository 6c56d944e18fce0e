package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dealbell/dealbell/internal/demo"
)

type demoCommand struct {
	Verbose bool `help:"Show the daemon's log."`
	Daemon  bool `hidden:"" help:"Serve, for a playground that holds the standard input."`
}

// Help implements kong.HelpProvider.
func (demoCommand) Help() string {
	return "Opens a playground: a small website with a contact form, a deals board, a Slack channel, a Dealbell, sandboxes that behave " +
		"like Notion and Slack, and buttons for trouble. Nothing leaves this machine, and nothing is kept after Ctrl-C."
}

// Run shows the main jobs until it is interrupted.
func (c *demoCommand) Run(s *session) error {
	if c.Daemon {
		return serveDemo(s)
	}
	program, err := s.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	o := demo.Options{Program: program, Arguments: []string{"--log-level", s.flags.LogLevel, "demo", "--daemon"}}
	if c.Verbose {
		o.Log = s.log
	}
	return demo.Run(s.ctx, o, func(at demo.Places) {
		fmt.Fprintf(s.Stdout, `Dealbell's playground: open it in a browser.

  playground   %s
  dashboard    %s    password %s
  for curl     %s    takes leads signed with %s

Press Ctrl-C to stop. Nothing is kept.
`, at.Playground, at.Dashboard, at.Password, at.Leads, at.Secret)
	})
}

// serveDemo serves as long as the playground lives. When that is gone without
// a word, it clears up.
func serveDemo(s *session) error {
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	orphaned := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, s.Stdin) // it ends with the playground, one way or another
		close(orphaned)
		stop()
	}()
	own := *s
	own.ctx = ctx
	err := serveCommand{}.Run(&own)
	select {
	case <-orphaned:
		return errors.Join(err, demo.Remove(s.Getenv("DEALBELL_DATA")))
	default:
		return err
	}
}
