package notion

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	readLimit  = 30 * time.Second
	writeLimit = 60 * time.Second // Notion gives up on its own after that long
)

var errTimeout = errors.New("no answer in time")

// deadline bounds one attempt, from sending to the end of the answer. It is
// not http.Client.Timeout, which would count the wait for a turn.
type deadline struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s deadline) RoundTrip(r *http.Request) (*http.Response, error) {
	limit := readLimit
	if exchangeOf(r.Context()).write {
		limit = writeLimit
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), limit, errTimeout)
	resp, err := s.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = cancelOnClose{resp.Body, cancel}
	return resp, nil
}

type cancelOnClose struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (b cancelOnClose) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
