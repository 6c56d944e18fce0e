package antispam

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// What one minute may bring, where the form says nothing else.
const (
	PerClient = 5
	PerForm   = 60
)

const window = time.Minute

// Limiter counts the submissions of one form over the last minute, whatever
// number of addresses they come from: it remembers only those it let through,
// so its memory is bounded by the form's own limit.
type Limiter struct {
	perClient, perForm int

	mu   sync.Mutex
	hits []hit // in order of time
}

type hit struct {
	at     time.Time
	client netip.Prefix
}

// NewLimiter returns a limiter of so many submissions a minute for each
// client and for the form as a whole.
func NewLimiter(perClient, perForm int) *Limiter {
	return &Limiter{perClient: perClient, perForm: perForm}
}

// Take counts a submission. Beyond the client's limit tooMany is true. Beyond
// the form's it returns how long to wait, and the submission is to be refused;
// so it does for a client that alone makes up half of that, lest one address
// shut the form for all others.
func (l *Limiter) Take(client netip.Addr, now time.Time) (tooMany bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hits = slices.DeleteFunc(l.hits, func(h hit) bool { return now.Sub(h.at) >= window })
	from := network(client)
	var own []hit
	for _, h := range l.hits {
		if h.client == from {
			own = append(own, h)
		}
	}
	wait = max(room(l.hits, l.perForm, now), room(own, max(l.perClient, l.perForm/2), now))
	if wait > 0 {
		return true, wait
	}
	l.hits = append(l.hits, hit{now, from})
	return len(own) >= l.perClient, 0
}

// room returns how long it takes until there are fewer than limit.
func room(hits []hit, limit int, now time.Time) time.Duration {
	if len(hits) < limit {
		return 0
	}
	return window - now.Sub(hits[len(hits)-limit].at)
}

// network is what counts as one client: an IPv4 address, or the /64 that a
// provider gives to one IPv6 customer.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // an address that is none makes one client of all its like
	return p
}
