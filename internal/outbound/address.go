package outbound

import "net/netip"

// reach is how far a name may lead.
type reach int

const (
	toTheWorld   reach = iota // addresses of the public internet
	toTheNetwork              // private networks and this machine too: the operator says so
	toThisHost                // this machine alone, which is all that localhost means
	anywhere                  // the operator wrote the address itself
)

// covers reports whether a name of that reach may lead to an address.
func (r reach) covers(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	switch r {
	case toTheWorld:
		return isPublic(a)
	case toTheNetwork:
		return isPublic(a) || a.IsLoopback() || a.IsPrivate() || sharedAddresses.Contains(a)
	case toThisHost:
		return a.IsLoopback()
	case anywhere:
		return true
	}
	return false
}

// The blocks that are worth a name (https://www.iana.org/assignments/iana-ipv4-special-registry,
// https://www.iana.org/assignments/iana-ipv6-special-registry).
var (
	sharedAddresses = netip.MustParsePrefix("100.64.0.0/10") // of carriers; overlay networks use them too
	translated      = netip.MustParsePrefix("64:ff9b::/96")  // IPv4 through NAT64, the address in the last four bytes
	globalUnicast   = netip.MustParsePrefix("2000::/3")      // all that is in use on the public internet with IPv6
)

// special are the blocks that look public and are not: protocol assignments,
// documentation, benchmarks, tunnels that hide another address, reserved.
var special = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), sharedAddresses, netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("3fff::/20"),
}

// isPublic reports whether an address is one of the public internet. Cloud
// providers' metadata services are link-local, private or shared addresses,
// and so none.
func isPublic(a netip.Addr) bool {
	if translated.Contains(a) {
		b := a.As16()
		return isPublic(netip.AddrFrom4([4]byte(b[12:])))
	}
	if a.Is6() && !globalUnicast.Contains(a) || !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
