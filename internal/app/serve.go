package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	lateTimeout = 500 * time.Millisecond // for requests of connections that have come when the listener closes
	stopTimeout = 3 * time.Second        // for those that are being answered
)

// Serve opens both listeners and works until ctx ends. ready is called with
// their addresses once requests are answered. Leads are taken until the jobs
// have ended: that may last as long as Notion takes to answer.
func (a *App) Serve(ctx context.Context, ready func(public, admin string)) error {
	listeners, err := a.listen(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	servers := []*http.Server{a.server(a.public), a.server(a.admin)}
	var running, connections sync.WaitGroup
	for i, s := range servers {
		s.ConnState = count(&connections)
		running.Go(func() {
			if err := s.Serve(listeners[i]); !errors.Is(err, net.ErrClosed) {
				cancel(fmt.Errorf("serve %s: %w", listeners[i].Addr(), err))
			}
		})
	}
	ready(listeners[0].Addr().String(), listeners[1].Addr().String())

	worked := make(chan error, 1)
	go func() { worked <- a.Work(ctx) }()
	var workErr error
	select {
	case <-ctx.Done():
		close(a.draining) // whoever waits for an outcome is answered now
		workErr = <-worked
	case workErr = <-worked: // the disk failed
		close(a.draining)
	}
	for i, s := range servers {
		s.SetKeepAlivesEnabled(false)
		listeners[i].Close()
	}
	running.Wait()
	answerLast(servers, &connections)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return errors.Join(cause, workErr)
	}
	return workErr
}

// answerLast waits until the connections that have come are served, and closes
// what is left of them. Shutdown alone would close those that it finds before
// their first request was read.
func answerLast(servers []*http.Server, connections *sync.WaitGroup) {
	served := make(chan struct{})
	go func() {
		connections.Wait()
		close(served)
	}()
	select {
	case <-served:
	case <-time.After(lateTimeout):
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	for _, s := range servers {
		if err := s.Shutdown(ctx); err != nil {
			_ = s.Close() // a slow client does not hold up the stop
		}
	}
}

// count keeps the number of open connections.
func count(connections *sync.WaitGroup) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			connections.Add(1)
		case http.StateClosed, http.StateHijacked:
			connections.Done()
		}
	}
}

func (a *App) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      50 * time.Second, // longer than the longest "Prefer: wait"
		IdleTimeout:       3 * time.Minute,  // longer than Caddy keeps its connections
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(a.o.Log.Handler(), slog.LevelDebug),
	}
}

// listen opens the listeners that were not handed over.
func (a *App) listen(ctx context.Context) ([]net.Listener, error) {
	public := a.o.Socket
	if public == nil {
		var err error
		if public, err = listenOn(ctx, a.o.Config.Listen); err != nil {
			return nil, err
		}
	}
	admin, err := listenOn(ctx, a.o.Config.AdminListen)
	if err != nil {
		public.Close()
		return nil, err
	}
	return []net.Listener{public, admin}, nil
}

func listenOn(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}
