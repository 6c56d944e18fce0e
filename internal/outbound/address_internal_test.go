package outbound

import (
	"net/netip"
	"testing"
)

func TestANameLeadsAsFarAsItMay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, address           string
		world, network, thisOne bool
	}{
		{"a public address", "104.16.0.1", true, true, false},
		{"another", "8.8.8.8", true, true, false},
		{"one beside a private block", "172.32.0.1", true, true, false},
		{"a public address on IPv6", "2606:4700::1111", true, true, false},
		{"a public IPv4 address through NAT64", "64:ff9b::808:808", true, true, false},
		{"a public one in the form of IPv6", "::ffff:8.8.8.8", true, true, false},
		{"this machine", "127.0.0.1", false, true, true},
		{"this machine on IPv6", "::1", false, true, true},
		{"this machine in the form of IPv6", "::ffff:127.9.9.9", false, true, true},
		{"a private network", "10.0.0.5", false, true, false},
		{"another private network", "192.168.1.1", false, true, false},
		{"a third one", "172.31.255.255", false, true, false},
		{"a private network on IPv6", "fd12:3456::1", false, true, false},
		{"an overlay network", "100.100.100.200", false, true, false},
		{"the metadata of a cloud", "169.254.169.254", false, false, false},
		{"the same on IPv6", "fd00:ec2::254", false, true, false}, // a private address as any other
		{"a neighbour with a zone", "fe80::1%eth0", false, false, false},
		{"multicast", "224.0.0.1", false, false, false},
		{"no address at all", "0.0.0.0", false, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := netip.MustParseAddr(tc.address)
			for r, want := range map[reach]bool{toTheWorld: tc.world, toTheNetwork: tc.network, toThisHost: tc.thisOne, anywhere: true, 99: false} {
				if r.covers(a) != want {
					t.Errorf("reach %d covers %s: %v, want %v", r, a, !want, want)
				}
			}
		})
	}
}
