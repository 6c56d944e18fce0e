package antispam_test

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/antispam"
)

// take counts n submissions at one moment: "." passes, "h" is held, "R" is
// refused.
func take(l *antispam.Limiter, at time.Duration, n int, address string) string {
	client, _ := netip.ParseAddr(address)
	var said strings.Builder
	for range n {
		switch tooMany, wait := l.Take(client, noon.Add(at)); {
		case wait > 0:
			said.WriteByte('R')
		case tooMany:
			said.WriteByte('h')
		default:
			said.WriteByte('.')
		}
	}
	return said.String()
}

func TestAClientMaySendFiveAMinute(t *testing.T) {
	t.Parallel()
	type step struct {
		at      time.Duration
		n       int
		address string
		want    string
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"the sixth is held", []step{{0, 7, "192.0.2.1", ".....hh"}}},
		{"also when they come slowly", []step{{0, 1, "192.0.2.1", "."}, {11 * time.Second, 4, "192.0.2.1", "...."}, {59 * time.Second, 1, "192.0.2.1", "h"}}},
		{"after a minute it may again", []step{{0, 5, "192.0.2.1", "....."}, {time.Minute, 6, "192.0.2.1", ".....h"}}},
		{"as each of them gets old", []step{{0, 1, "192.0.2.1", "."}, {30 * time.Second, 5, "192.0.2.1", "....h"}, {time.Minute, 1, "192.0.2.1", "h"}}},
		{"its neighbour is not meant", []step{{0, 6, "192.0.2.1", ".....h"}, {0, 5, "192.0.2.2", "....."}}},
		{"a client of IPv6 has many addresses", []step{{0, 5, "2001:db8::1", "....."}, {0, 1, "2001:db8::ffff:ffff:ffff:ffff", "h"}, {0, 1, "2001:db8:0:1::1", "."}}},
		{"IPv4 within IPv6 is IPv4", []step{{0, 5, "192.0.2.1", "....."}, {0, 1, "::ffff:192.0.2.1", "h"}, {0, 1, "::ffff:192.0.2.2", "."}}},
		{"a zone makes no other client", []step{{0, 5, "fe80::1%eth0", "....."}, {0, 1, "fe80::1%eth1", "h"}}},
		{"an unknown address is one client", []step{{0, 6, "", ".....h"}, {0, 1, "192.0.2.1", "."}}},
		{"alone it cannot shut the form", []step{{0, 32, "192.0.2.1", "....." + strings.Repeat("h", 25) + "RR"}, {0, 1, "192.0.2.2", "."}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := antispam.NewLimiter(antispam.PerClient, antispam.PerForm)
			for _, s := range c.steps {
				if got := take(l, s.at, s.n, s.address); got != s.want {
					t.Errorf("%s sends %d after %v: %s, want %s", s.address, s.n, s.at, got, s.want)
				}
			}
		})
	}
}

func TestAFormTakesSixtyAMinute(t *testing.T) {
	t.Parallel()
	l := antispam.NewLimiter(antispam.PerClient, antispam.PerForm)
	for i := range 60 {
		if tooMany, wait := l.Take(address(i), noon.Add(time.Duration(i)*time.Second/2)); tooMany || wait != 0 {
			t.Fatalf("submission %d: held %v, refused for %v", i+1, tooMany, wait)
		}
	}
	at := noon.Add(40 * time.Second)
	if _, wait := l.Take(address(1000), at); wait != 20*time.Second {
		t.Errorf("the next one is to wait for %v, want 20s: until the first is a minute old", wait)
	}
	if _, wait := l.Take(address(1000), at.Add(20*time.Second)); wait != 0 {
		t.Errorf("one who waited is refused for another %v", wait)
	}
	if _, wait := l.Take(address(1001), at.Add(20*time.Second)); wait != 500*time.Millisecond {
		t.Errorf("one who came then is to wait for %v, want 500ms", wait)
	}
}

func TestManyAtOnceGetNoMoreThanTheirShare(t *testing.T) {
	t.Parallel()
	l := antispam.NewLimiter(antispam.PerClient, antispam.PerForm)
	var passed atomic.Int64
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			if _, wait := l.Take(address(i), noon); wait == 0 {
				passed.Add(1)
			}
		})
	}
	all.Wait()
	if n := passed.Load(); n != antispam.PerForm {
		t.Errorf("%d of 200 at once passed, want %d", n, antispam.PerForm)
	}
}

// address makes up the n-th client.
func address(n int) netip.Addr {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], 0x2001_0db8_0000_0000+uint64(n))
	return netip.AddrFrom16(a)
}

func TestAMillionAddressesTakeNoMemory(t *testing.T) { //nolint:paralleltest // it measures memory
	l := antispam.NewLimiter(antispam.PerClient, antispam.PerForm)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	times := 1_000_000
	if testing.Short() {
		times = 50_000
	}
	before, passed := heap(), 0
	for i := range times {
		if _, wait := l.Take(address(i), noon.Add(time.Duration(i)*time.Millisecond)); wait == 0 {
			passed++
		}
	}
	after := heap()
	runtime.KeepAlive(l)
	grown := max(int64(after)-int64(before), 0)
	t.Logf("figure: S6 %d addresses leave %d bytes", times, grown)
	if grown > 64<<10 {
		t.Errorf("%d addresses leave %d bytes, want at most 64 KiB", times, grown)
	}
	if minutes := times/60_000 + 1; passed > 60*minutes || passed < 60*(minutes-1) { // one a millisecond
		t.Errorf("%d passed in the course of %d minutes", passed, minutes)
	}
}
