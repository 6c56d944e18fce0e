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
