package sandbox

import (
	"math/rand/v2"
	"net/http"
	gopath "path"
	"strings"
	"time"
)

// Fault is one way in which a request goes wrong.
type Fault string

// The faults. "Processed" means that a write is applied although the client
// does not hear of it.
const (
	RateLimited         Fault = "rate_limited"          // 429 with Retry-After, not processed
	RateLimitedBare     Fault = "rate_limited_bare"     // 429 without Retry-After, not processed
	RateLimitedDate     Fault = "rate_limited_date"     // 429 with an HTTP date, not processed
	RateLimitedAbsurd   Fault = "rate_limited_absurd"   // 429 that asks to wait for a year, not processed
	Overloaded          Fault = "overloaded"            // 529 with Retry-After, not processed
	InternalError       Fault = "internal_error"        // 500, not processed
	BadGatewayHTML      Fault = "bad_gateway_html"      // 502 with a page of the edge, not processed
	Unavailable         Fault = "unavailable"           // 503, not processed
	SavedButUnavailable Fault = "saved_but_unavailable" // 503, processed, with what was committed; plain 503 for reads
	GatewayTimeout      Fault = "gateway_timeout"       // 504, not processed
	ConnectionRefused   Fault = "connection_refused"    // nobody listens, not processed
	ResetBefore         Fault = "reset_before"          // connection reset, not processed
	ResetAfter          Fault = "reset_after"           // connection reset, processed
	HangBefore          Fault = "hang_before"           // no answer for 70 s, not processed
	HangAfter           Fault = "hang_after"            // no answer for 70 s, processed
	SlowDrip            Fault = "slow_drip"             // processed, the answer comes one byte a second
	Truncated           Fault = "truncated"             // processed, half of the answer
	BadRequest          Fault = "bad_request"           // 400, not processed
	Unauthorized        Fault = "unauthorized"          // 401, not processed
	Forbidden           Fault = "forbidden"             // 403, not processed
	NotFound            Fault = "not_found"             // 404, not processed
	Conflict            Fault = "conflict"              // 409, not processed
	RequestBlocked      Fault = "request_blocked"       // 429 that asks not to retry, not processed
	BlockLimit          Fault = "block_limit"           // 403 of a free workspace that is full, not processed
)

func (f Fault) unprocessed() bool {
	switch f {
	case "", SavedButUnavailable, ResetAfter, HangAfter, SlowDrip, Truncated:
		return false
	default:
		return true
	}
}

// Faults is a plan of what goes wrong. Scripted faults are looked at first,
// then the draw.
type Faults struct {
	// Chance is the probability of each fault, 0 to 1. The sum should not
	// exceed 1.
	Chance map[Fault]float64
	// Only narrows the random faults to matching requests.
	Only Match
	// Script gives exact requests exact faults.
	Script []Scripted
	// RetryAfter is what RateLimited and Overloaded ask for. Default 1 s.
	RetryAfter time.Duration
}

// Match picks requests. The zero value matches all.
type Match struct {
	// Method is an HTTP method, or "" for any.
	Method string
	// Path is a path.Match pattern such as "/v1/pages/*", or "" for any.
	Path string
	// WritesOnly leaves out reads; a query is a read.
	WritesOnly bool
	// ReadsOnly leaves out writes.
	ReadsOnly bool
}

// Scripted is a fault for the requests that match: for the Nth one, counted
// from 1, or for all of them when Nth is 0.
type Scripted struct {
	Match
	Nth        int
	Fault      Fault
	RetryAfter time.Duration // overrides that of the plan
}

func isWrite(method, target string) bool {
	return method != http.MethodGet && !strings.HasSuffix(target, "/query") && target != "/v1/search"
}

func (m Match) covers(method, target string) bool {
	if m.Method != "" && m.Method != method {
		return false
	}
	write := isWrite(method, target)
	if m.WritesOnly && !write || m.ReadsOnly && write {
		return false
	}
	if m.Path == "" {
		return true
	}
	ok, err := gopath.Match(m.Path, target)
	return ok && err == nil
}

// faultPlan is a plan with its counters.
type faultPlan struct {
	Faults
	seen []int
	rng  *rand.Rand
}

func newFaultPlan(f Faults, seed uint64) faultPlan {
	return faultPlan{Faults: f, seen: make([]int, len(f.Script)), rng: rand.New(rand.NewPCG(seed, 2))}
}

type hit struct {
	fault      Fault
	retryAfter time.Duration
}

// draw decides the fate of one request.
func (p *faultPlan) draw(method, target string) hit {
	var out hit
	for i, s := range p.Script {
		if !s.covers(method, target) {
			continue
		}
		p.seen[i]++
		if out.fault == "" && (s.Nth == 0 || s.Nth == p.seen[i]) {
			out = hit{s.Fault, s.RetryAfter}
		}
	}
	if out.fault == "" && p.Only.covers(method, target) && len(p.Chance) > 0 {
		x := p.rng.Float64()
		for _, name := range sortedFaults(p.Chance) {
			if x -= p.Chance[name]; x < 0 {
				out.fault = name
				break
			}
		}
	}
	if out.retryAfter == 0 {
		out.retryAfter = max(p.RetryAfter, time.Second)
	}
	if out.fault == SavedButUnavailable && !isWrite(method, target) {
		out.fault = Unavailable
	}
	return out
}
