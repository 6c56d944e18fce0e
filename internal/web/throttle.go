package web

import (
	"net/netip"
	"sync"
	"time"
)

// How guesses are slowed down. An address has a few tries, then waits twice as
// long after each. All strangers together share a trickle, so that many
// addresses do not help. None of it is for ever, an address that has logged in
// does not wait for strangers, and a setup link never waits: the owner gets in.
const (
	freeTries   = 3
	firstWait   = 2 * time.Second
	longestWait = 15 * time.Minute
	forgetTries = 24 * time.Hour

	sharedTries = 30               // of strangers at once
	sharedEvery = 10 * time.Second // and then one each

	knownAddresses = 4096 // as many are remembered
)

// throttle remembers who guessed wrongly.
type throttle struct {
	mu      sync.Mutex
	tries   map[netip.Prefix]*tries
	shared  float64 // tries left to strangers
	counted time.Time
}

type tries struct {
	failed  int
	last    time.Time
	trusted bool // it has logged in before
}

func newThrottle() *throttle { return &throttle{tries: map[netip.Prefix]*tries{}, shared: sharedTries} }

// neighbourhood is what one person can choose addresses from.
func neighbourhood(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // a peer without an address
	}
	return p
}

// begin counts a guess as wrong until it is known to be right. It returns how
// long to wait before it may be made; 0 for now.
func (t *throttle) begin(from netip.Addr, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refill(now)
	one := t.of(neighbourhood(from), now)
	if over := one.failed - freeTries; over >= 0 {
		wait := longestWait
		if over < 10 {
			wait = min(wait, firstWait<<over)
		}
		if left := one.last.Add(wait).Sub(now); left > 0 {
			return left
		}
	}
	if !one.trusted {
		if t.shared < 1 {
			return sharedEvery
		}
		t.shared--
	}
	one.failed++
	one.last = now
	return 0
}

// right takes a guess back: it was no guess.
func (t *throttle) right(from netip.Addr, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.of(neighbourhood(from), now)
	one.failed, one.trusted = 0, true
	t.shared = min(sharedTries, t.shared+1)
}

func (t *throttle) refill(now time.Time) {
	if !t.counted.IsZero() {
		t.shared = min(sharedTries, t.shared+now.Sub(t.counted).Seconds()/sharedEvery.Seconds())
	}
	t.counted = now
}

// of returns the tries of an address; the one that was quiet longest makes
// room for a new one.
func (t *throttle) of(p netip.Prefix, now time.Time) *tries {
	one, known := t.tries[p]
	if known && now.Sub(one.last) < forgetTries {
		return one
	}
	if !known && len(t.tries) >= knownAddresses {
		var oldest netip.Prefix
		first := true
		for q, other := range t.tries {
			if first || other.last.Before(t.tries[oldest].last) {
				oldest, first = q, false
			}
		}
		delete(t.tries, oldest)
	}
	fresh := &tries{last: now, trusted: known && one.trusted}
	t.tries[p] = fresh
	return fresh
}
