package outbound

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/net/idna"
)

// RefusedError is a connection that Dealbell does not make. Its text names no
// URL, which may hold a secret.
type RefusedError struct{ why, hint string }

// Error implements error.
func (e *RefusedError) Error() string { return e.why }

// Hint returns the operator's next step.
func (e *RefusedError) Hint() string { return e.hint }

const hintPrivate = "if it is meant to, list its host name under private_hosts in the configuration file; else look into the machine's DNS"

// Guard says where a client may connect to. Whoever gets it to ask for
// another host, by a redirect or an answer that names a link, gets nothing;
// and whoever answers for the right name with a wrong address does not lead it
// into the private network.
type Guard struct {
	Targets []string // the URLs that the operator configured: their hosts alone are asked
	Private []string // host names that may lead to private addresses
}

// Transport returns a transport that keeps to the guard, made of t and a
// dialer. A name is judged by the address that is about to be dialled, so that
// no answer of the DNS comes between; an address or localhost that is the
// target itself is dialled as it is written. A proxy of the environment is one
// of the operator's addresses, too, and resolves names on its side.
func (g Guard) Transport(t *http.Transport, dialer net.Dialer) http.RoundTripper {
	guarded := &guarded{next: t, targets: map[string]bool{}}
	reaches := map[string]reach{} // by host:port as the transport dials it
	for _, target := range g.Targets {
		u, err := url.Parse(target)
		if err != nil {
			continue // its own package says so; nothing is dialled for it
		}
		guarded.targets[origin(u)] = true
		reaches[address(u)] = g.reachOf(u.Hostname())
		if t.Proxy != nil {
			if proxy, err := t.Proxy(&http.Request{URL: u}); err == nil && proxy != nil {
				reaches[address(proxy)] = anywhere
			}
		}
	}
	t.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		far, known := reaches[strings.ToLower(to)]
		if !known {
			return nil, errElsewhere()
		}
		d := dialer
		d.ControlContext = func(_ context.Context, _, to string, _ syscall.RawConn) error { return far.check(to) }
		return d.DialContext(ctx, network, to)
	}
	return guarded
}

// reachOf is how far a configured host may lead.
func (g Guard) reachOf(host string) reach {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	_, err := netip.ParseAddr(host)
	switch {
	case err == nil:
		return anywhere
	case host == "localhost" || strings.HasSuffix(host, ".localhost"):
		return toThisHost
	case slices.ContainsFunc(g.Private, func(p string) bool { return strings.EqualFold(strings.TrimSuffix(strings.TrimSpace(p), "."), host) }):
		return toTheNetwork
	}
	return toTheWorld
}

// check refuses an address that is about to be dialled.
func (r reach) check(to string) error {
	target, err := netip.ParseAddrPort(to)
	if err == nil && r.covers(target.Addr()) {
		return nil
	}
	return &RefusedError{fmt.Sprintf("the server's name leads to %s, which is not an address of the public internet", target.Addr()), hintPrivate}
}

// guarded passes on what goes to the targets.
type guarded struct {
	next    http.RoundTripper
	targets map[string]bool // by origin
}

// RoundTrip implements http.RoundTripper.
func (s *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !s.targets[origin(r.URL)] {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, errElsewhere()
	}
	return s.next.RoundTrip(r)
}

func errElsewhere() error {
	return &RefusedError{why: "the request is to a server that is not configured"}
}

func origin(u *url.URL) string { return strings.ToLower(u.Scheme) + "://" + address(u) }

// address is host:port as net/http dials it, but in lower case.
func address(u *url.URL) string {
	host := u.Hostname()
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[strings.ToLower(u.Scheme)])
	return strings.ToLower(net.JoinHostPort(host, port))
}
