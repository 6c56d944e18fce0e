package cli

import (
	"fmt"
	"runtime"

	"github.com/dealbell/dealbell/internal/app"
)

type serveCommand struct{}

// Help implements kong.HelpProvider.
func (serveCommand) Help() string {
	return "Needs NOTION_TOKEN, NOTION_CONTACTS_DB_ID and FORM_SECRET; every variable X may be given as X_FILE. " +
		"State is kept in DEALBELL_DATA (default /var/lib/dealbell). SIGTERM drains and stops within 20 seconds."
}

// Run starts the daemon and returns when it has stopped.
func (serveCommand) Run(s *session) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	if err := c.CheckServe(); err != nil {
		return err
	}
	if runtime.NumCPU() == 1 && s.Getenv("GOMAXPROCS") == "" {
		// On one processor the disk's flush would hold up the requests that
		// could share it.
		runtime.GOMAXPROCS(2)
	}
	log := s.logger()
	a, err := app.New(s.ctx, app.Options{Config: c, Log: log, Version: version()})
	if err != nil {
		return err
	}
	err = a.Serve(s.ctx, func(public, admin string) {
		log.Info("ready for leads", "public", "http://"+public, "admin", "http://"+admin, "data", c.Data, "version", version())
	})
	if closed := a.Close(); err == nil && closed != nil {
		err = fmt.Errorf("close state directory: %w", closed)
	}
	if err == nil {
		log.Info("stopped")
	}
	return err
}
