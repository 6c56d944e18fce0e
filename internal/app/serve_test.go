package app_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/app"
	"github.com/dealbell/dealbell/internal/sandbox"
)

// lateSocket hands over its one connection while it is being closed, as the
// kernel may.
type lateSocket struct {
	conn   net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *lateSocket) Accept() (net.Conn, error) {
	<-l.closed
	time.Sleep(50 * time.Millisecond)
	conn := l.conn
	if l.conn = nil; conn == nil {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l *lateSocket) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *lateSocket) Addr() net.Addr { return l.conn.LocalAddr() }

func TestAConnectionThatComesDuringTheStopIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	ours, theirs := net.Pipe()
	c := w.config()
	c.AdminListen = "127.0.0.1:0"
	a, err := app.New(t.Context(), app.Options{
		Config: c, Log: slog.New(slog.DiscardHandler), Transport: w.notion.Transport(), Socket: &lateSocket{conn: theirs, closed: make(chan struct{})},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		err := a.Serve(ctx, func(string, string) { stop() })
		ended <- err
		a.Close()
	}()
	const body = `{"email":"ana@example.com"}`
	<-ctx.Done()
	time.Sleep(200 * time.Millisecond) // the request takes its time, too
	fmt.Fprintf(ours, "POST /lead HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nX-Form-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		signature(body), len(body), body)
	response, err := http.ReadResponse(bufio.NewReader(ours), nil)
	if err != nil || response.StatusCode != http.StatusAccepted {
		t.Errorf("a lead that came during the stop: %+v, %v, want 202", response, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
