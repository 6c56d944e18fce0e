// Package outbound is what every client of an outside system has to know of
// HTTP: whether a request that failed may have reached the other side, and
// how long the other side asks to wait, which both decide whether something
// may be done again; and whom it may connect to at all.
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// Trace sees whether a request left. Its hooks may be called by other
// goroutines, even after the answer.
type Trace struct{ heard, written atomic.Bool }

// Watch returns a context that lets the trace see the request made with it.
//
// It listens for the headers and not for the whole request: only they are
// reported before anything can reach the other side.
func (t *Trace) Watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { t.heard.Store(true) },
		WroteHeaders: func() { t.written.Store(true) },
	})
}

// MayBeSent reports whether the request that failed with err may have reached
// the other side. A transport that calls no hooks is believed when it says
// that it could not connect.
func (t *Trace) MayBeSent(err error) bool {
	if t.heard.Load() {
		return t.written.Load()
	}
	return !neverConnected(err)
}

// neverConnected reports whether err says that no connection came about, so
// that nothing can have been sent.
func neverConnected(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*RefusedError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}
