// Package inbound is what both listeners have to know of the requests that
// come: whose they are, whether the browser spoke TLS, and how a handler that
// fails harms no other.
package inbound

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddr returns the address of whoever made the request: the one thing
// about a stranger that the stranger cannot choose.
//
// That is the peer's own address, unless the peer is a proxy to be believed:
// one on this machine (loopback or a unix socket), or one in trusted. Then it
// is the last entry of X-Forwarded-For that is not such a proxy itself. What
// comes before that entry was written by the client, as was every other
// header that claims an address. Where the header is missing, malformed up to
// that entry or names proxies alone, the peer stands for the client.
//
// IPv4 addresses are never in their IPv6 form and zones are dropped, so that
// one client has one address. Only a peer on a unix socket has none: then the
// zero Addr is returned, unless the header names the client.
func ClientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, _ := parseHost(r.RemoteAddr)
	if !fromProxy(r, trusted) {
		return peer
	}
	entries := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, entry := range slices.Backward(entries) {
		addr, ok := parseHost(strings.Trim(entry, " \t"))
		if !ok {
			return peer
		}
		if !isProxy(addr, trusted) {
			return addr
		}
	}
	return peer
}

// Secure reports whether the browser spoke TLS: with this process, or with a
// proxy to be believed that says so.
func Secure(r *http.Request, trusted []netip.Prefix) bool {
	return r.TLS != nil || fromProxy(r, trusted) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// fromProxy reports whether the peer is a proxy to be believed.
func fromProxy(r *http.Request, trusted []netip.Prefix) bool {
	peer, isIP := parseHost(r.RemoteAddr)
	return isIP && isProxy(peer, trusted) || !isIP && isSocket(r.RemoteAddr)
}

func isProxy(a netip.Addr, trusted []netip.Prefix) bool {
	return a.IsLoopback() || slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// isSocket knows how net/http names a peer on a unix socket.
func isSocket(peer string) bool { return peer == "" || peer[0] == '@' || peer[0] == '/' }

// parseHost reads an address with or without a port, an IPv6 address with or
// without brackets.
func parseHost(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		withPort, portErr := netip.ParseAddrPort(s)
		addr, err = withPort.Addr(), portErr
	}
	if inside, ok := strings.CutPrefix(s, "["); err != nil && ok {
		inside, ok = strings.CutSuffix(inside, "]")
		if addr, err = netip.ParseAddr(inside); !ok || addr.Is4() {
			return netip.Addr{}, false
		}
	}
	return addr.Unmap().WithZone(""), err == nil
}
