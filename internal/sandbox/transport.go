package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"syscall"
)

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

// Handler serves the API on a socket.
func (f *front) Handler() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil {
			breakConnection(rw)
			return
		}
		out, err := f.answer(r.Context(), r, body)
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
