package notion

import (
	"errors"
	"net/http"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/secret"
)

// pace lets a request through when its turn comes, judges what came of it, and
// tells the gate. Beyond this stage every failure is an *Error.
type pace struct {
	next  http.RoundTripper
	gate  *gate
	token secret.String
}

// RoundTrip implements http.RoundTripper.
func (s pace) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, x := r.Context(), exchangeOf(r.Context())
	t, err := s.gate.admit(ctx, x.lane)
	if err != nil {
		return nil, s.notAdmitted(err)
	}
	finished := false
	defer func() { // a transport that panics must not keep the probe
		if !finished {
			s.gate.done(t, failed, "the transport panicked")
		}
	}()
	resp, err := s.next.RoundTrip(r)
	var e *Error
	switch lost, ok := errors.AsType[*lostError](err); {
	case err == nil:
		e = judge(x, resp)
	case ok:
		e = judgeLost(ctx, x, lost)
	default:
		e = judgeLost(ctx, x, &lostError{cause: err, sent: true})
	}
	finished = true
	if e != nil {
		e.Op = x.op
	}
	return s.settle(r, t, resp, e)
}

// settle tells the gate what became of a request, and returns that.
func (s pace) settle(r *http.Request, t ticket, resp *http.Response, e *Error) (*http.Response, error) {
	if e == nil {
		s.gate.done(t, answered, "")
		s.gate.tookBlocks(exchangeOf(r.Context()))
		return resp, nil
	}
	// A server that repeats what it was sent must not get the token into a log.
	for _, said := range []*string{&e.Message, &e.Code, &e.RequestID, &e.Reason} {
		*said = strings.ReplaceAll(*said, s.token.Reveal(), s.token.String())
	}
	if resp != nil && e.outcome == throttled {
		s.gate.lengthen(resp, e)
	}
	s.gate.done(t, e.outcome, e.brief())
	s.gate.refusedBlocks(e)
	s.gate.keepPause(r.Context())
	if until, closed := s.gate.closedUntil(); closed && (e.outcome == throttled || e.outcome == refused || e.outcome == failed) {
		e.retryAt = until
	}
	return nil, e
}

func (s pace) notAdmitted(err error) *Error {
	if closed, ok := errors.AsType[*closedError](err); ok {
		e := &Error{Message: closed.why, kind: crm.ErrUnavailable, retryAt: closed.until, outcome: notSent}
		if closed.refused {
			e.kind = crm.ErrForbidden
		}
		return e
	}
	return &Error{Message: err.Error() + " while waiting for its turn", kind: crm.ErrUnavailable, cause: err, outcome: abandoned}
}
