package slack

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dealbell/dealbell/internal/outbound"
)

// Error is a call that failed. It wraps one of the sentinels of package crm,
// which says what the failure means.
type Error struct {
	Op      string // what was tried, such as `post to channel "sales"`
	Status  int    // HTTP status, 0 when there was no answer
	Reason  string // Slack's word for it, such as no_service; "" when it gave none
	Message string // why, in our words

	kind    error // a crm sentinel
	cause   error // of the caller's context, or nil; others may hold the URL
	hint    string
	retryAt time.Time
}

// Error says what was tried and why it failed.
func (e *Error) Error() string {
	var details []string
	if e.Reason != "" {
		details = append(details, e.Reason)
	}
	if e.Status != 0 {
		details = append(details, strconv.Itoa(e.Status))
	}
	text := e.Op + ": " + e.Message
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	return text
}

// Unwrap returns the sentinel of package crm, and the context's error when
// the caller gave up.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

// RetryAt returns when the call may be made again, when that is known.
func (e *Error) RetryAt() (time.Time, bool) { return e.retryAt, !e.retryAt.IsZero() }

// describe says in our words what broke. The text of err is not repeated: it
// may hold the URL, or what a server sent.
func describe(err error) string {
	if refusal, ok := errors.AsType[*outbound.RefusedError](err); ok {
		return refusal.Error()
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return alert.Error()
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "the server's name cannot be resolved"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the server's certificate is not trusted"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server does not speak TLS"
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "no connection in time"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed"
	}
	return "the connection failed"
}
