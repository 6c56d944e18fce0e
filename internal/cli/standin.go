package cli

import (
	"context"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/store"
)

// worker makes sure that somebody works on the queue: a running daemon, or
// else this command as the daemon would, until it is stopped.
func (s *session) worker(settings *config.Config) (stop func(), err error) {
	running, err := store.Running(settings.Data)
	if err != nil || running {
		return func() {}, err
	}
	a, err := app.New(s.ctx, app.Options{Config: settings, Log: s.logger(), Version: version()})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(s.ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.Work(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			report(s.Stderr, err)
		}
		a.Close()
	}, nil
}
