package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestASlowAnswerOverASocketBeginsAtOnce(t *testing.T) {
	t.Parallel()
	c := newClient(t, sandbox.Options{})
	c.w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{{Fault: sandbox.SlowDrip}}})
	start := time.Now()
	res, err := newServer(t, c.w).get(c.request("GET", "/v1/users/me", nil))
	if err != nil || res.StatusCode != 200 || time.Since(start) > 10*time.Second {
		t.Errorf("got %v, %v after %v, want the head of the answer", res, err, time.Since(start))
	}
}

// socket is the sandbox behind a real server.
type socket struct {
	server *httptest.Server
}

func newServer(t *testing.T, w *sandbox.Workspace) socket {
	t.Helper()
	server := httptest.NewServer(w.Handler())
	t.Cleanup(server.Close)
	return socket{server}
}

func (s socket) get(req *http.Request) (*http.Response, error) {
	base, err := url.Parse(s.server.URL)
	if err != nil {
		return nil, err
	}
	req.URL.Scheme, req.URL.Host, req.Host = base.Scheme, base.Host, ""
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err == nil {
		err = res.Body.Close()
	}
	return res, err
}
