package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// hangLimit is how long a request hangs before the sandbox drops it.
const hangLimit = 70 * time.Second

// reply is what the sandbox decided to send, before it meets a socket.
type reply struct {
	status int
	header http.Header
	body   []byte
	reset  bool // no answer: the connection breaks
}

func jsonReply(status int, v any, requestID string) reply {
	b, err := json.Marshal(v)
	if err != nil {
		b = []byte(`{"object":"error"}`)
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Notion-Request-Id", requestID)
	return reply{status: status, header: h, body: b}
}

// Handler serves the API under /v1/.
func (w *Workspace) Handler() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil {
			breakConnection(rw)
			return
		}
		out, err := w.answer(r.Context(), r, body)
		if err != nil || out.reset {
			breakConnection(rw)
			return
		}
		maps.Copy(rw.Header(), out.header)
		rw.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
		rw.WriteHeader(out.status)
		_, _ = rw.Write(out.body)
	})
}

// breakConnection closes the socket so that the client sees a reset.
func breakConnection(rw http.ResponseWriter) {
	hijacker, ok := rw.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// Transport serves the API in process, for any host. A request ends when its
// context ends, with the context's error; a reset is a *net.OpError around
// ECONNRESET, as a real connection gives.
func (w *Workspace) Transport() http.RoundTripper { return transport{w} }

type transport struct{ w *Workspace }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		b, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		_ = r.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("read request body: %w", err)
		}
		body = b
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	out, err := t.w.answer(r.Context(), r, body)
	if err != nil {
		return nil, err
	}
	if out.reset {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", out.status, http.StatusText(out.status)), StatusCode: out.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: out.header, Body: io.NopCloser(bytes.NewReader(out.body)),
		ContentLength: int64(len(out.body)), Request: r,
	}, nil
}

var errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

// answer takes one request through latency, outages, the rate limit and the
// fault plan to its endpoint. An error means that the client is gone or that
// nobody answered.
func (w *Workspace) answer(ctx context.Context, r *http.Request, body []byte) (reply, error) {
	x := w.record(r, body)
	out, err := w.decide(ctx, x, r, body)
	w.finish(x, out, err)
	return out, err
}

func (w *Workspace) decide(ctx context.Context, x *Exchange, r *http.Request, body []byte) (reply, error) {
	if w.isUnreachable() {
		return reply{}, errRefused
	}
	if err := sleep(ctx, w.opts.Latency); err != nil {
		return reply{}, err
	}
	out, hang := w.serve(x, r, body)
	if hang {
		if err := sleep(ctx, hangLimit); err != nil {
			return reply{}, err
		}
		return reply{reset: true}, nil
	}
	return out, nil
}

func (w *Workspace) isUnreachable() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unreachable
}

// serve is the part of a request that happens at one instant.
func (w *Workspace) serve(x *Exchange, r *http.Request, body []byte) (out reply, hang bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.down {
		return w.faultReply(Unavailable, 0, nil), false
	}
	if wait := w.meter.take(now); wait > 0 {
		return w.rateLimited(wait), false
	}
	hit := w.faults.draw(r.Method, r.URL.Path)
	x.Fault = hit.fault
	if hit.fault.unprocessed() {
		return w.faultReply(hit.fault, hit.retryAfter, nil), hit.fault == HangBefore
	}
	out, c := w.process(r, body, now)
	x.Wrote = c.wrote
	if hit.fault == "" {
		return out, false
	}
	return w.spoil(hit, out, c), hit.fault == HangAfter
}

// sleep waits for d, or less when the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// abandoned says that the request ended because the client gave up.
func abandoned(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
