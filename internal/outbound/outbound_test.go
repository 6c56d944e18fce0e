package outbound_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/outbound"
)

func TestRetryAfterIsReadInEveryForm(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		value, date string
		want        time.Duration
		ok          bool
	}{
		{"7", "", 7 * time.Second, true},
		{"1.5", "", 1500 * time.Millisecond, true},
		{"0", "", 0, false},
		{"-5", "", 0, false},
		{"NaN", "", 0, false},
		{"", "", 0, false},
		{"soon", "", 0, false},
		{"1e9", "", time.Hour, true},
		{"Inf", "", time.Hour, true},
		{"Fri, 20 Nov 2026 12:00:30 GMT", "", 30 * time.Second, true},
		{"Fri, 20 Nov 2026 11:59:30 GMT", "", 0, false},
		{"Fri, 20 Nov 2026 13:00:00 GMT", "Fri, 20 Nov 2026 12:59:50 GMT", 10 * time.Second, true},
		{"Sat, 21 Nov 2026 12:00:00 GMT", "", time.Hour, true},
	} {
		h := http.Header{"Retry-After": {c.value}}
		if c.date != "" {
			h.Set("Date", c.date)
		}
		if got, ok := outbound.RetryAfter(h, now, time.Hour); ok != c.ok || ok && got != c.want {
			t.Errorf("Retry-After %q, Date %q: %v, %v; want %v, %v", c.value, c.date, got, ok, c.want, c.ok)
		}
	}
}

func TestATransportWithoutHooksIsBelieved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		sent bool
	}{
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, false},
		{&net.OpError{Op: "proxyconnect", Err: errors.New("refused")}, false},
		{fmt.Errorf("wrapped: %w", &net.DNSError{Err: "no such host"}), false},
		{&tls.CertificateVerificationError{Err: errors.New("unknown authority")}, false},
		{tls.RecordHeaderError{Msg: "not TLS"}, false},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, true},
		{context.DeadlineExceeded, true},
	} {
		if got := new(outbound.Trace).MayBeSent(c.err); got != c.sent {
			t.Errorf("%v: may be sent = %v, want %v", c.err, got, c.sent)
		}
	}
}

func TestARealConnectionTellsWhatLeft(t *testing.T) {
	t.Parallel()
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	t.Cleanup(cut.Close)
	for address, sent := range map[string]bool{cut.URL: true, closed.URL: false} {
		var trace outbound.Trace
		r, err := http.NewRequestWithContext(trace.Watch(t.Context()), http.MethodPost, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			resp.Body.Close()
			t.Fatal("the request did not fail")
		}
		if got := trace.MayBeSent(err); got != sent {
			t.Errorf("%v: may be sent = %v, want %v", err, got, sent)
		}
	}
}
