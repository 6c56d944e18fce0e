package notion

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// outcome says what an attempt tells about Notion's health.
type outcome int

const (
	answered  outcome = iota // Notion did its part, whatever it said
	throttled                // Notion wants everybody to wait
	failed                   // no answer, or not one of Notion's
	refused                  // the token is not accepted
	abandoned                // the caller gave up: it tells nothing
	notSent                  // held back by the gate
)

// wireError is the body of a refusal
// (https://developers.notion.com/reference/status-codes).
type wireError struct {
	Object     string                     `json:"object"`
	Code       string                     `json:"code"`
	Message    string                     `json:"message"`
	RequestID  string                     `json:"request_id"`
	Additional map[string]json.RawMessage `json:"additional_data"`
}

func (w wireError) additional(key string) string {
	s, _ := decode[string](w.Additional[key])
	return s
}

// judge returns nil for an answer that holds a JSON object, and else what the
// answer means.
func judge(x *exchange, resp *http.Response) *Error {
	body, err := bodyOf(resp)
	if err != nil {
		return &Error{Status: resp.StatusCode, Message: err.Error(), kind: x.doubt(), cause: err, outcome: failed}
	}
	if resp.StatusCode/100 == 2 {
		if isObject(body) {
			return nil
		}
		return &Error{Status: resp.StatusCode, Message: "the answer is cut off or not JSON", kind: x.doubt(), outcome: failed}
	}
	w, _ := decode[wireError](body)
	fromNotion := w.Object == "error" || w.Code != ""
	e := &Error{
		Status:    resp.StatusCode,
		Code:      word(w.Code),
		Message:   discreet(w.Message),
		quoted:    w.Message != "",
		RequestID: requestID(resp.Header, w),
		Reason:    cmp.Or(word(w.additional("rate_limit_reason")), word(w.additional("block_limit"))),
	}
	e.kind, e.outcome = meaning(x, e, fromNotion)
	if e.Status == http.StatusServiceUnavailable {
		e.readCommitted(w)
	}
	return e
}

// requestID is the id by which Notion's support finds a request. Notion gives
// it in a header, and in the body.
func requestID(header http.Header, w wireError) string {
	return cmp.Or(word(w.RequestID), word(header.Get("X-Notion-Request-Id")))
}

// bodyOf returns the body of a collected answer and leaves it readable.
func bodyOf(resp *http.Response) ([]byte, error) {
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		return nil, err
	}
	*resp = *reply(resp.Request, resp.StatusCode, resp.Header, b.Bytes()) //nolint:bodyclose // the reader is in memory
	return b.Bytes(), nil
}

func isObject(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) && json.Valid(body)
}

// refusals maps the statuses by which Notion refuses a single request.
var refusals = map[int]error{
	http.StatusForbidden: crm.ErrForbidden,
	http.StatusNotFound:  crm.ErrNotFound,
	http.StatusConflict:  crm.ErrConflict,
}

const (
	reasonBlocked   = "public_api_request_blocked" // a person has to write to Notion's support
	archivedMessage = "Can't edit "
)

// meaning maps a status to what callers ask for and what the breaker learns.
func meaning(x *exchange, e *Error, fromNotion bool) (kind error, o outcome) { //nolint:revive,staticcheck // kind is a value here, not a failure
	switch {
	case throttling(e.Status) && e.Reason == reasonBlocked:
		return crm.ErrForbidden, throttled
	case throttling(e.Status):
		return crm.ErrUnavailable, throttled
	case e.Status == http.StatusUnauthorized:
		return crm.ErrForbidden, refused
	case e.Status >= 500, e.Status == http.StatusRequestTimeout:
		return x.doubt(), failed
	case e.Status == http.StatusRequestEntityTooLarge:
		return crm.ErrInvalid, answered
	case !fromNotion:
		// A proxy or a portal answered. To take its 404 for Notion's would
		// make us forget a page and create it anew.
		e.Message = cmp.Or(e.Message, "the answer is not Notion's")
		return crm.ErrUnavailable, failed
	case refusals[e.Status] != nil:
		return refusals[e.Status], answered
	case isTrashMessage(e.Message):
		return crm.ErrTrashed, answered
	}
	return crm.ErrInvalid, answered
}

// isTrashMessage recognises a write to what is in the trash. Notion has no
// code for it, only two texts under validation_error.
func isTrashMessage(s string) bool {
	return strings.HasPrefix(s, archivedMessage) && (strings.Contains(s, "archived") || strings.Contains(s, "trash"))
}

// readCommitted reads what a 503 says about a write that was saved all the
// same (https://developers.notion.com/reference/request-limits). Such a 503
// is an answer, not an outage.
func (e *Error) readCommitted(w wireError) {
	if id := w.additional("committed_resource_id"); id != "" {
		e.committed, e.outcome = crm.NormalID(id), answered
	}
	if children, _ := decode[[]string](w.Additional["committed_child_ids"]); len(children) > 0 {
		e.saved, e.outcome = true, answered
	}
	guidance, _ := decode[[]string](w.Additional["retry_guidance"])
	if strings.Contains(strings.Join(guidance, " "), "Do not repeat the write") {
		e.outcome = answered
	}
}

// judgeLost returns what it means that no whole answer came.
func judgeLost(ctx context.Context, x *exchange, lost *lostError) *Error {
	e := &Error{Message: discreet(lost.Error()), kind: crm.ErrUnavailable, cause: lost, outcome: failed}
	if lost.sent {
		e.kind = x.doubt()
	}
	switch {
	case ctx.Err() != nil:
		e.outcome, e.cause, e.Message = abandoned, ctx.Err(), ctx.Err().Error()
	case errors.Is(lost, context.DeadlineExceeded):
		e.cause, e.Message = errTimeout, errTimeout.Error()
	case errors.Is(lost, errTooLarge):
		e.outcome = answered
		if !x.write {
			e.kind = crm.ErrInvalid // it would be as large again
		}
	}
	return e
}
