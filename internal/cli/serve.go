package cli

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/crm"
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
	socket, err := s.socket()
	if err != nil {
		return err
	}
	log := s.logger()
	a, err := app.New(s.ctx, app.Options{Config: c, Log: log, Version: version(), Socket: socket})
	if err != nil {
		return err
	}
	err = a.Serve(s.ctx, func(public, admin string) {
		link, err := a.SetupLink(s.ctx, admin)
		switch {
		case err != nil:
			log.Error("no setup link could be made", "error", err, "hint", "dealbell password sets a password")
		case !link.Empty():
			log.Info("the dashboard has no password yet: open this link within 24 hours to set one", "link", link.Reveal())
		}
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

// socket is the public listener where systemd has opened it (dealbell.socket);
// nil where it has not. Other than a listener of this process it outlives it:
// what arrives during a restart waits in it.
func (s *session) socket() (net.Listener, error) {
	if s.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	if n := s.Getenv("LISTEN_FDS"); n != "1" {
		return nil, crm.WithHint(fmt.Errorf("systemd has handed over %s sockets, want one", n), "give dealbell.socket one ListenStream=")
	}
	const first = 3 // descriptor, by systemd's protocol
	file := os.NewFile(first, "dealbell.socket")
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("take over systemd's socket: %w", err)
	}
	return l, nil
}
