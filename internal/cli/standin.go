package cli

import (
	"context"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/store"
)

// worker opens the state directory and makes sure that somebody works on the
// queue: a running daemon, or else this command as the daemon would, until it
// is done. When that fails, the command is over as well.
func (s *session) worker(settings *config.Config) (db *store.DB, done func(), err error) {
	stop, err := s.standIn(settings)
	if err != nil {
		return nil, nil, err
	}
	if db, err = store.Attach(s.ctx, settings.Data, s.logger()); err != nil {
		stop()
		return nil, nil, err
	}
	return db, func() {
		db.Close()
		stop()
	}, nil
}

func (s *session) standIn(settings *config.Config) (stop func(), err error) {
	running, err := store.Running(settings.Data)
	if err != nil || running {
		return func() {}, err
	}
	a, err := app.New(s.ctx, app.Options{Config: settings, Log: s.logger(), Version: version()})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.ctx = ctx
	ended := make(chan error, 1)
	go func() {
		ended <- a.Work(ctx)
		cancel()
	}()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			report(s.Stderr, err)
		}
		a.Close()
	}, nil
}
