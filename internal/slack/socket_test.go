package slack_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/slack"
)

// over makes a client whose webhook and Web API are at address.
func over(t *testing.T, address string) *slack.Client {
	t.Helper()
	c, err := slack.New(slack.Options{
		Webhooks: map[string]secret.String{"hooked": secret.New(address + "/services/CANARY")},
		Channels: map[string]string{"sales": "C0SALES"},
		Token:    secret.New(token),
		BaseURL:  address + "/api",
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestOverARealSocket checks that the in-process double does not hide what
// net/http does to requests.
func TestOverARealSocket(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.HasPrefix(r.URL.Path, "/services/") && strings.Contains(string(body), `"text":"deal won`):
			_, _ = io.WriteString(w, "ok")
		case r.URL.Path == "/api/users.lookupByEmail":
			_, _ = io.WriteString(w, `{"ok":true,"user":{"id":"U0ANA"}}`)
		default:
			_, _ = io.WriteString(w, `{"ok":true,"ts":"1.2"}`)
		}
	}))
	defer server.Close()
	c := over(t, server.URL)
	for way, ask := range ways() {
		if err := ask(t.Context(), c); err != nil {
			t.Errorf("%s: got %v", way, err)
		}
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	defer evil.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(evil.URL+"/canary", status))
		c := over(t, server.URL)
		for way, ask := range ways() {
			if err := ask(t.Context(), c); kind(t, err) != "unavailable" || leaks(err) != "" {
				t.Errorf("%s %d: got %v, want unavailable", way, status, err)
			}
		}
		server.Close()
	}
	if followed.Load() {
		t.Error("a redirect was followed")
	}
}

// The host is this machine in digits that only browsers take for digits: a
// name that leads inside without a DNS to say so.
func TestANameThatLeadsInsideIsNotAskedUnlessTheOperatorMeansIt(t *testing.T) {
	t.Parallel()
	const name = "①②⑦.⓪.⓪.①"
	var visits atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		visits.Add(1)
		_, _ = io.WriteString(w, "ok")
	}))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	o := slack.Options{Webhooks: map[string]secret.String{"hooked": secret.New("http://" + name + ":" + port + "/services/CANARY")}}
	for _, private := range []bool{false, true} {
		if private {
			o.Private = []string{name}
		}
		c, err := slack.New(o)
		if err != nil {
			t.Fatal(err)
		}
		err = c.Post(t.Context(), "hooked", "hello")
		hint, _ := crm.Hint(err)
		switch {
		case private && (err != nil || visits.Load() != 1):
			t.Errorf("as the operator means it: %v after %d visits", err, visits.Load())
		case !private && (kind(t, err) != "unavailable" || !strings.Contains(err.Error(), "leads to 127.0.0.1") || !strings.Contains(hint, "private_hosts") || leaks(err) != "" || visits.Load() != 0):
			t.Errorf("got %v, hint %q, after %d visits; want it refused with the next step", err, hint, visits.Load())
		}
	}
}

// TestTheNetworkKnowsWhatWasSent breaks real connections before and after the
// request is on its way.
func TestTheNetworkKnowsWhatWasSent(t *testing.T) {
	t.Parallel()
	dropping := listen(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 64<<10)) })
	babbling := listen(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 64<<10))
		_, _ = io.WriteString(conn, "canary speaks no HTTP\r\n\r\n")
	})
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, tt := range []struct {
		name, address, want string
	}{
		{"a closed port was not posted", closed.URL, "unavailable"},
		{"a name that does not resolve was not posted", "http://canary.invalid", "unavailable"},
		{"a certificate that is not trusted was not posted", untrusted.URL, "unavailable"},
		{"a broken TLS handshake was not posted", "https://" + dropping, "unavailable"},
		{"a server without TLS was not posted", "https://" + babbling, "unavailable"},
		{"a dropped connection may have been posted", "http://" + dropping, "ambiguous"},
		{"an answer that is not HTTP may have been posted", "http://" + babbling, "ambiguous"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := over(t, tt.address)
			for _, way := range []string{"webhook", "channel"} {
				if err := ways()[way](t.Context(), c); kind(t, err) != tt.want || leaks(err) != "" {
					t.Errorf("%s: got %v, want %s; %s", way, err, tt.want, leaks(err))
				}
			}
		})
	}
}

// listen treats every connection with serve, and then closes it.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback:", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}
