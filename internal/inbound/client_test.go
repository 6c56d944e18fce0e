package inbound_test

import (
	"crypto/tls"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/inbound"
)

// seed is DEALBELL_TEST_SEED, to repeat a run, or new each time.
func seed(tb testing.TB) uint64 {
	tb.Helper()
	s, err := strconv.ParseUint(os.Getenv("DEALBELL_TEST_SEED"), 10, 64)
	if err != nil {
		s = uint64(time.Now().UnixNano())
	}
	return s
}

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// from is a request of that peer with some lines of X-Forwarded-For.
func from(peer string, forwarded ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/lead", http.NoBody)
	r.RemoteAddr = peer
	for _, line := range forwarded {
		r.Header.Add("X-Forwarded-For", line)
	}
	return r
}

func TestTheClientIsWhoTheNearestStrangerSays(t *testing.T) {
	t.Parallel()
	lan := prefixes("10.0.0.0/8", "fd00::/8")
	for _, tc := range []struct {
		name, peer string
		forwarded  []string
		want       string // "" for the zero Addr
	}{
		{"a stranger", "203.0.113.7:4000", nil, "203.0.113.7"},
		{"a stranger who claims to be another", "203.0.113.7:4000", []string{"198.51.100.1"}, "203.0.113.7"},
		{"a stranger on IPv6", "[2001:db8::7]:4000", []string{"198.51.100.1"}, "2001:db8::7"},
		{"a neighbour, with the zone", "[fe80::7%eth0]:4000", nil, "fe80::7"},
		{"IPv4 in the form of IPv6", "[::ffff:203.0.113.7]:4000", []string{"198.51.100.1"}, "203.0.113.7"},
		{"the proxy on this machine", "127.0.0.1:4000", []string{"203.0.113.7"}, "203.0.113.7"},
		{"the same on IPv6", "[::1]:4000", []string{"203.0.113.7"}, "203.0.113.7"},
		{"the same in the form of IPv6", "[::ffff:127.0.0.1]:4000", []string{"203.0.113.7"}, "203.0.113.7"},
		{"a proxy on a unix socket", "@", []string{"203.0.113.7"}, "203.0.113.7"},
		{"one whose socket has a path", "/run/caddy.sock", []string{"203.0.113.7"}, "203.0.113.7"},
		{"one whose socket has no name at all", "", []string{"203.0.113.7"}, "203.0.113.7"},
		{"a unix socket that says nothing", "@", nil, ""},
		{"a peer that is neither", "nonsense", []string{"203.0.113.7"}, ""},
		{"the last entry counts", "127.0.0.1:4000", []string{"198.51.100.1, 198.51.100.2,203.0.113.7"}, "203.0.113.7"},
		{"the last line counts", "127.0.0.1:4000", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},
		{"proxies are passed over", "127.0.0.1:4000", []string{"198.51.100.1, 203.0.113.7, 10.1.2.3", "fd00::9, 127.0.0.1"}, "203.0.113.7"},
		{"a proxy that is configured", "10.1.2.3:4000", []string{"203.0.113.7"}, "203.0.113.7"},
		{"a proxy that is not", "192.168.1.2:4000", []string{"203.0.113.7"}, "192.168.1.2"},
		{"proxies alone", "10.1.2.3:4000", []string{"10.9.9.9, 127.0.0.1"}, "10.1.2.3"},
		{"an entry with a port", "127.0.0.1:4000", []string{"203.0.113.7:52"}, "203.0.113.7"},
		{"an entry on IPv6", "127.0.0.1:4000", []string{"2001:DB8::7"}, "2001:db8::7"},
		{"one with brackets", "127.0.0.1:4000", []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"one with a port", "127.0.0.1:4000", []string{"[2001:db8::7]:52"}, "2001:db8::7"},
		{"one with a zone", "127.0.0.1:4000", []string{"fe80::7%eth1"}, "fe80::7"},
		{"a proxy in another form is still one", "127.0.0.1:4000", []string{"203.0.113.7, ::ffff:10.0.0.1, [::ffff:127.0.0.1]:9, fd00::1%lan"}, "203.0.113.7"},
		{"garbage further back is not looked at", "127.0.0.1:4000", []string{"<script>, 203.0.113.7"}, "203.0.113.7"},
		{"garbage", "127.0.0.1:4000", []string{"203.0.113.7, unknown"}, "127.0.0.1"},
		{"an obfuscated name", "127.0.0.1:4000", []string{"_hidden"}, "127.0.0.1"},
		{"a missing entry", "127.0.0.1:4000", []string{"203.0.113.7,"}, "127.0.0.1"},
		{"an empty line", "127.0.0.1:4000", []string{""}, "127.0.0.1"},
		{"a number that is no address", "127.0.0.1:4000", []string{"3405803783"}, "127.0.0.1"},
		{"octal digits", "127.0.0.1:4000", []string{"0313.0.0161.07"}, "127.0.0.1"},
		{"a port that is none", "127.0.0.1:4000", []string{"203.0.113.7:http"}, "127.0.0.1"},
		{"brackets around IPv4", "127.0.0.1:4000", []string{"[203.0.113.7]"}, "127.0.0.1"},
		{"half a bracket", "127.0.0.1:4000", []string{"[2001:db8::7"}, "127.0.0.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := inbound.ClientAddr(from(tc.peer, tc.forwarded...), lan)
			if want, err := netip.ParseAddr(tc.want); err == nil && got != want || tc.want == "" && got.IsValid() {
				t.Errorf("got %v, want %q", got, tc.want)
			}
		})
	}
}

// Whoever is no proxy can write what they like.
func TestNobodyElseCanChooseTheAddress(t *testing.T) {
	t.Parallel()
	const combinations = 1000
	seed := seed(t)
	dice := rand.New(rand.NewPCG(seed, 9))
	peers := []string{"203.0.113.7", "2001:db8::7", "10.0.0.9", "169.254.1.1", "100.64.0.1"}
	fooled := 0
	for range combinations {
		peer := peers[dice.IntN(len(peers))]
		r := from(net.JoinHostPort(peer, "4000"))
		for range 1 + dice.IntN(4) {
			r.Header.Add(claims[dice.IntN(len(claims))], claim(dice))
		}
		if got := inbound.ClientAddr(r, prefixes("192.0.2.0/24")); got != netip.MustParseAddr(peer) {
			fooled++
			t.Errorf("%s with %v counts as %v", peer, r.Header, got)
		}
	}
	t.Logf("figure: S9 the true peer, whatever %d direct requests claim | %d fooled it | seed %d", combinations, fooled, seed)
}

// claims are the headers by which proxies tell of a client.
var claims = []string{
	"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip",
	"X-Cluster-Client-Ip", "Fastly-Client-Ip", "X-Original-Forwarded-For", "X-Forwarded", "X-Remote-Addr", "Via",
}

// claim is what somebody writes who would like to be another.
func claim(dice *rand.Rand) string {
	addresses := []string{
		"127.0.0.1", "::1", "192.0.2.1", "[::1]:80", "::ffff:127.0.0.1", "198.51.100.4:80", "8.8.8.8", "0.0.0.0", "localhost",
		"unknown", "2130706433", "0x7f.1", "127.1", "fe80::1%lo", "for=127.0.0.1;proto=https", `for="[::1]:80"`, "", "\xff", "a,b",
		strings.Repeat("1.1.1.1,", 200) + "127.0.0.1", "127.0.0.1\t", " 127.0.0.1 ,", ", ,", "2002:7f00:1::",
	}
	var parts []string
	for range 1 + dice.IntN(3) {
		parts = append(parts, addresses[dice.IntN(len(addresses))])
	}
	return strings.Join(parts, []string{",", ", ", " , "}[dice.IntN(3)])
}

func TestABrowserSpeaksTLSWhereAProxyToBeBelievedSaysSo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, peer, proto string
		tls, want         bool
	}{
		{"a plain request", "192.0.2.7:1", "", false, false},
		{"TLS with us", "192.0.2.7:1", "", true, true},
		{"Caddy on this machine", "127.0.0.1:1", "https", false, true},
		{"Caddy without TLS", "127.0.0.1:1", "http", false, false},
		{"a proxy in the list", "10.1.2.3:1", "HTTPS", false, true},
		{"a stranger who says so", "192.0.2.7:1", "https", false, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		r.Header.Set("X-Forwarded-Proto", c.proto)
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if got := inbound.Secure(r, prefixes("10.0.0.0/8")); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
