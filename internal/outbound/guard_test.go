package outbound_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/outbound"
)

// dns answers every question for an address with the next of its answers, and
// with the last one again and again.
func dns(answers ...string) *net.Resolver {
	var asked atomic.Int64
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer ours.Close()
			n := int(asked.Add(1)) - 1
			answer(ours, netip.MustParseAddr(answers[min(n, len(answers)-1)]))
		}()
		return theirs, nil
	}}
}

// answer reads one question, as over TCP, and says where the name leads.
func answer(conn net.Conn, to netip.Addr) {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return
	}
	question := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, question); err != nil {
		return
	}
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	head := dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 0}
	switch kind := m.Questions[0].Type; {
	case kind == dnsmessage.TypeA && to.Is4():
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: to.As4()}}}
	case kind == dnsmessage.TypeAAAA && to.Is6():
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: to.As16()}}}
	}
	packed, err := m.Pack()
	if err != nil {
		return
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...))
}

// house is a server on this machine that nobody should reach by accident.
type house struct {
	*httptest.Server
	visits atomic.Int64
	port   string
}

func build(t *testing.T, h http.Handler) *house {
	t.Helper()
	b := &house{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.visits.Add(1)
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	_, b.port, _ = net.SplitHostPort(b.Listener.Addr().String())
	return b
}

// visit asks for a URL through a guard.
func visit(t *testing.T, g outbound.Guard, resolver *net.Resolver, target string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: g.Transport(transport, net.Dialer{Resolver: resolver})}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func refused(err error) bool {
	_, ok := errors.AsType[*outbound.RefusedError](err)
	return ok
}

// inside are addresses that a name must not lead to.
var inside = []string{
	"127.0.0.1", "127.0.0.53", "127.255.255.254", "0.0.0.0", "0.1.2.3",
	"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
	"169.254.169.254", "169.254.170.2", "169.254.0.1", "100.64.0.1", "100.100.100.200", "100.127.255.255",
	"192.0.0.192", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
	"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "::127.0.0.1", "::7f00:1",
	"64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "64:ff9b:1::8.8.8.8",
	"2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1", "2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:db8::1", "3fff::1",
	"fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1", "ff05::2", "100::1", "5f00::1", "4000::1", "e000::1",
}

// spellings of this machine, or of what leads there, that are not the target.
var spellings = []string{
	"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "0",
	"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1%25lo]", "[2002:7f00:1::]",
	"localhost", "LOCALHOST", "localhost.", "sub.localhost", "①②⑦.⓪.⓪.①", "127。0。0。1", "target.test@127.0.0.1", "127.0.0.1.nip.io", "target.test.",
}

func TestNothingInsideIsReachedByAForeignName(t *testing.T) {
	t.Parallel()
	forms := 0
	secretPlace := build(t, http.NotFoundHandler())
	mine := "http://target.test:" + secretPlace.port + "/"
	try := func(g outbound.Guard, to, leads string) {
		forms++
		if err := visit(t, g, dns(leads), to); !refused(err) {
			t.Errorf("%s, a name of %s: %v, want it refused", to, leads, err)
		}
	}
	for _, address := range inside { // the name of the target leads inside
		try(outbound.Guard{Targets: []string{mine}}, mine, address)
	}
	for _, host := range spellings { // somebody else's choice, by a redirect or a link
		try(outbound.Guard{Targets: []string{mine}}, "http://"+host+":"+secretPlace.port+"/", "127.0.0.1")
	}
	for _, to := range []string{
		"https://target.test:" + secretPlace.port, "http://target.test:1", "http://target.test", "http://other.test:" + secretPlace.port,
		"http://target.test.other.test:" + secretPlace.port, "ftp://target.test:" + secretPlace.port,
	} {
		try(outbound.Guard{Targets: []string{mine}}, to, "127.0.0.1")
	}
	for _, address := range []string{"169.254.169.254", "fe80::1", "ff02::1", "0.0.0.0"} { // not even where private is meant
		try(outbound.Guard{Targets: []string{mine}, Private: []string{"target.test"}}, mine, address)
	}
	for _, address := range []string{"10.0.0.1", "8.8.8.8"} { // this machine's name leads to another
		own := "http://sub.localhost:" + secretPlace.port
		try(outbound.Guard{Targets: []string{own}}, own, address)
	}
	odd := "http://①②⑦.⓪.⓪.①:" + secretPlace.port // an operator who was led by the nose
	try(outbound.Guard{Targets: []string{odd}}, odd, "127.0.0.1")
	if n := secretPlace.visits.Load(); n != 0 {
		t.Errorf("%d visits", n)
	}
	t.Logf("figure: S10 60 forms of inside addresses refused | %d tried, %d visits | no seed, a table", forms, secretPlace.visits.Load())
}

// The check and the connection must not ask the DNS one after the other.
func TestANameThatChangesItsMindIsRefused(t *testing.T) {
	t.Parallel()
	place := build(t, http.NotFoundHandler())
	fickle := dns("8.8.8.8", "8.8.8.8", "127.0.0.1") // one answer for each family, then the other face
	if found, err := fickle.LookupNetIP(t.Context(), "ip", "target.test"); err != nil || found[0].Unmap() != netip.MustParseAddr("8.8.8.8") {
		t.Fatalf("before: %v, %v", found, err)
	}
	mine := "http://target.test:" + place.port
	if err := visit(t, outbound.Guard{Targets: []string{mine}}, fickle, mine); !refused(err) || place.visits.Load() != 0 {
		t.Errorf("got %v after %d visits, want it refused", err, place.visits.Load())
	}
}

func TestARedirectLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	other := build(t, http.NotFoundHandler())
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{other.URL, "http://localhost:" + other.port, "http://[::ffff:127.0.0.1]:" + other.port, "file:///etc/passwd", "//" + other.Listener.Addr().String()} {
			first := build(t, http.RedirectHandler(to, status))
			if err := visit(t, outbound.Guard{Targets: []string{first.URL}}, nil, first.URL); !refused(err) {
				t.Errorf("%d to %s: %v, want it refused", status, to, err)
			}
		}
	}
	if n := other.visits.Load(); n != 0 {
		t.Errorf("%d visits", n)
	}
}

func TestTheOperatorsOwnWordCounts(t *testing.T) {
	t.Parallel()
	place := build(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	other := build(t, http.NotFoundHandler())
	for _, tc := range []struct {
		name, host string
		private    []string
		leads      string // what the DNS says
	}{
		{"an address", "127.0.0.1", nil, "8.8.8.8"},
		{"an address in the form of IPv6", "[::ffff:127.0.0.1]", nil, "8.8.8.8"},
		{"localhost", "localhost", nil, "127.0.0.1"},
		{"localhost in capitals", "LocalHost", nil, "127.0.0.1"},
		{"a name below it", "notion.localhost", nil, "127.0.0.1"},
		{"a name of the private network", "chat.example.com", []string{"other.example.com", "chat.example.com"}, "127.0.0.1"},
		{"the same in another case", "Chat.Example.com", []string{" CHAT.example.com. "}, "127.0.0.1"},
		{"the same with a final dot", "chat.example.com.", []string{"chat.example.com"}, "127.0.0.1"},
		{"a short name", "mattermost", []string{"mattermost"}, "127.0.0.1"},
		{"a name that is not of ASCII", "bücher.example", []string{"bücher.example"}, "127.0.0.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := outbound.Guard{Targets: []string{other.URL, "http://" + tc.host + ":" + place.port + "/base"}, Private: tc.private}
			if err := visit(t, g, dns(tc.leads), "http://"+tc.host+":"+place.port+"/base/path?q"); err != nil {
				t.Errorf("%v, want an answer", err)
			}
		})
	}
	if n := place.visits.Load(); n != 10 {
		t.Errorf("%d visits, want one of each", n)
	}
}

func TestAProxyOfTheOperatorIsOneOfTheOperatorsAddresses(t *testing.T) {
	t.Parallel()
	proxy := build(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "http://target.test/x" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyURL(at)}
	client := &http.Client{Transport: outbound.Guard{Targets: []string{"http://target.test"}}.Transport(transport, net.Dialer{Resolver: dns("127.0.0.1")})}
	resp, err := client.Get("http://target.test/x")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("through the proxy: %v, %v", resp, err)
	}
	resp.Body.Close()
	if _, err := client.Get("http://other.test/x"); !refused(err) || proxy.visits.Load() != 1 {
		t.Errorf("another host through the proxy: %v, want it refused", err)
	}
}

func TestARefusalSaysWhatToDoAndNoSecret(t *testing.T) {
	t.Parallel()
	mine := "http://user:CANARY@target.test/services/CANARY"
	transport := outbound.Guard{Targets: []string{mine}}.Transport(&http.Transport{}, net.Dialer{Resolver: dns("10.1.2.3")})
	for to, says := range map[string]string{mine: "10.1.2.3", "http://other.test/CANARY": "not configured"} {
		var trace outbound.Trace
		r, err := http.NewRequestWithContext(trace.Watch(t.Context()), http.MethodGet, to, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(r)
		if err == nil {
			resp.Body.Close()
			t.Fatal("it was not refused")
		}
		if text := fmt.Sprintf("%v %+v", err, err); !strings.Contains(text, says) || strings.Contains(text, "CANARY") {
			t.Errorf("%v, want %q and no secret", err, says)
		}
		if trace.MayBeSent(err) {
			t.Errorf("%v counts as perhaps sent", err)
		}
		if hint, _ := crm.Hint(err); to == mine && !strings.Contains(hint, "private_hosts") {
			t.Errorf("hint %q", hint)
		}
	}
}
