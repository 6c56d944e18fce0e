package notion

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/outbound"
	"github.com/dealbell/dealbell/internal/secret"
)

// largestAnswer bounds what a server can make us keep in memory.
const largestAnswer = 16 << 20

var errTooLarge = errors.New("the answer is larger than 16 MB")

// lostError is a request to which no whole answer came.
type lostError struct {
	cause error
	sent  bool // the request may have reached Notion
}

// Error implements error.
func (e *lostError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *lostError) Unwrap() error { return e.cause }

// collect reads the whole answer, so that a connection that breaks in the
// middle of it counts as broken, and tells the observer.
type collect struct {
	next     http.RoundTripper
	observer Observer
	token    secret.String
}

// RoundTrip implements http.RoundTripper.
func (s collect) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	var trace outbound.Trace
	resp, err := s.next.RoundTrip(r.WithContext(trace.Watch(r.Context())))
	var body []byte
	x := exchangeOf(r.Context())
	seen := Request{Endpoint: x.endpoint, Page: x.page, At: start}
	if err == nil {
		if body, err = readAnswer(resp); err == nil {
			seen.Status, seen.ID = resp.StatusCode, s.requestID(resp.Header, body)
		}
	} else {
		err = &lostError{cause: err, sent: trace.MayBeSent(err)}
	}
	seen.Took = time.Since(start)
	s.observer.Request(r.Context(), seen)
	if err != nil {
		return nil, err
	}
	return reply(r, resp.StatusCode, resp.Header, body), nil
}

// requestID looks into the body only where it has to. A server that answers
// with the token instead gets it nowhere.
func (s collect) requestID(header http.Header, body []byte) string {
	id := requestID(header, wireError{})
	if id == "" {
		w, _ := decode[wireError](body)
		id = requestID(header, w)
	}
	if strings.Contains(id, s.token.Reveal()) {
		return ""
	}
	return id
}

func readAnswer(resp *http.Response) ([]byte, error) {
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, largestAnswer+1))
	if err != nil {
		return nil, &lostError{cause: fmt.Errorf("read answer: %w", err), sent: true}
	}
	if len(body) > largestAnswer {
		return nil, &lostError{cause: errTooLarge, sent: true}
	}
	return body, nil
}
