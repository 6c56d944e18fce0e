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

// reply is what the sandbox decided to send, before it meets a socket.
type reply struct {
	status int
	header http.Header
	body   []byte
	drip   time.Duration // between one byte of the body and the next
	broken error         // no answer: the connection breaks with this
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

// Handler serves the API on a socket.
func (f *front) Handler() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil {
			breakConnection(rw)
			return
		}
		out, err := f.answer(r.Context(), r, body)
		if err != nil || out.broken != nil {
			breakConnection(rw)
			return
		}
		maps.Copy(rw.Header(), out.header)
		rw.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
		rw.WriteHeader(out.status)
		if out.drip > 0 {
			rw = flushed{rw, http.NewResponseController(rw)}
		}
		_, _ = io.Copy(rw, out.reader(r.Context()))
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

// flushed sends what is written at once.
type flushed struct {
	http.ResponseWriter
	socket *http.ResponseController
}

func (f flushed) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	return n, errors.Join(err, f.socket.Flush())
}

// reader returns the body as it comes over the network.
func (r reply) reader(ctx context.Context) io.Reader {
	if r.drip == 0 {
		return bytes.NewReader(r.body)
	}
	return &dripping{ctx, r.body, r.drip}
}

// dripping is a body of which every byte takes its time.
type dripping struct {
	ctx   context.Context
	left  []byte
	pause time.Duration
}

func (d *dripping) Read(p []byte) (int, error) {
	if len(d.left) == 0 {
		return 0, io.EOF
	}
	if err := sleep(d.ctx, d.pause); err != nil {
		return 0, err
	}
	n := copy(p[:min(1, len(p))], d.left)
	d.left = d.left[n:]
	return n, nil
}

// Transport serves the API in process, for any host. A request ends when its
// context ends, with the context's error; a broken connection is a
// *net.OpError, as a real connection gives.
func (f *front) Transport() http.RoundTripper { return transport{f} }

type transport struct{ f *front }

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
	out, err := t.f.answer(r.Context(), r, body)
	if err != nil {
		return nil, err
	}
	if out.broken != nil {
		return nil, out.broken
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", out.status, http.StatusText(out.status)), StatusCode: out.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: out.header, Body: io.NopCloser(out.reader(r.Context())),
		ContentLength: int64(len(out.body)), Request: r,
	}, nil
}

var (
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
)
