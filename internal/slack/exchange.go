package slack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/outbound"
)

// errand is what a call is for. It decides what a reason means.
type errand int

const (
	toWebhook errand = iota
	toChannel
	toMember
	lookup
)

// doubt is what it means that no readable answer came to a request that was
// sent: a lookup was not done, a message may have been posted.
func (e errand) doubt() error {
	if e == lookup {
		return crm.ErrUnavailable
	}
	return crm.ErrAmbiguous
}

// exchange is one call: the transport of the single request that the library
// makes for it, and what came of it.
type exchange struct {
	errand  errand
	op      string // for errors
	next    http.RoundTripper
	timeout time.Duration

	begun   bool   // the library made its request
	body    []byte // Slack's answer, when it is good
	failure *Error
}

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte // nil when only the head came
	at     time.Time
}

// do makes the call. What the library thinks of it does not count, and its
// errors are dropped: they hold the URL.
func (x *exchange) do(ask func(*http.Client) error) error {
	x.safely(func() { _ = ask(&http.Client{Transport: x}) })
	if x.failure == nil && !x.begun {
		x.failure = &Error{Message: "the request cannot be built", kind: crm.ErrInvalid}
	}
	if x.failure == nil {
		return nil
	}
	x.failure.Op = x.op
	if x.failure.hint == "" {
		return x.failure
	}
	return crm.WithHint(x.failure, x.failure.hint)
}

// safely turns a panic into a failure. Its value may hold anything, so only
// its type is told.
func (x *exchange) safely(ask func()) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		x.failure = &Error{Message: fmt.Sprintf("the client library panicked with a %T", p), kind: crm.ErrInvalid}
		if x.begun {
			x.failure.kind = x.errand.doubt()
		}
	}()
	ask()
}

var (
	errRefused  = errors.New("judged") // the library's part ends here; see exchange.failure
	goodWebhook = []byte("ok")
	goodAPI     = []byte(`{"ok":true}`)
)

// RoundTrip implements http.RoundTripper. The library gets a good answer or an
// error, and nothing that it could misread: no redirect, no 429, no odd JSON.
func (x *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	x.begun = true
	a, failure := x.send(r)
	if failure == nil {
		failure = judge(x.errand, a)
	}
	if failure != nil {
		x.failure = failure
		return nil, errRefused
	}
	x.body = a.body
	good := goodAPI
	if x.errand == toWebhook {
		good = goodWebhook
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{}, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(good)), ContentLength: int64(len(good)),
	}, nil
}

// largestAnswer bounds what a server can make us keep. What is longer is cut,
// and then not readable.
const largestAnswer = 1 << 20

// send makes the request and reads the whole answer within the time-out. A
// head that refuses is an answer even when its body breaks off.
func (x *exchange) send(r *http.Request) (answer, *Error) {
	if err := r.Context().Err(); err != nil {
		return answer{}, &Error{Message: err.Error(), kind: crm.ErrUnavailable, cause: err}
	}
	ctx, cancel := context.WithTimeout(r.Context(), x.timeout)
	defer cancel()
	var trace outbound.Trace
	out := r.Clone(trace.Watch(ctx))
	out.Header.Set("User-Agent", "dealbell (+https://github.com/dealbell/dealbell)")
	resp, err := x.next.RoundTrip(out)
	if err != nil {
		return answer{}, x.lost(r.Context(), ctx, err, trace.MayBeSent(err))
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, header: resp.Header, at: time.Now()}
	body, err := io.ReadAll(io.LimitReader(resp.Body, largestAnswer))
	switch {
	case err == nil:
		a.body = body
	case a.status/100 == 2:
		return answer{}, x.lost(r.Context(), ctx, err, true)
	}
	return a, nil
}

// lost is a request to which no whole answer came.
func (x *exchange) lost(caller, ours context.Context, err error, sent bool) *Error {
	e := &Error{Message: describe(err), kind: crm.ErrUnavailable}
	if refusal, ok := errors.AsType[*outbound.RefusedError](err); ok {
		e.hint = refusal.Hint()
	}
	if sent {
		e.kind = x.errand.doubt()
	}
	switch {
	case caller.Err() != nil:
		e.cause, e.Message = caller.Err(), caller.Err().Error()
	case ours.Err() != nil:
		e.Message = "no answer within " + x.timeout.String()
	}
	return e
}
