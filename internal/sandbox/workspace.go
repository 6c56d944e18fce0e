// Package sandbox is a working Notion workspace in memory, and a working Slack
// beside it, behind http.Handler or an in-process http.RoundTripper, with
// faults, rate limits and a transcript. It is the demo of Dealbell and the test
// bed of its packages.
//
// It owns a strict reading of the public API, versions 2022-06-28,
// 2025-09-03 and 2026-03-11: databases and data sources, queries, pages,
// blocks, users, search and webhook subscriptions. It promises to be at least
// as strict as Notion: what it accepts, Notion accepts, and where the
// documentation is silent it takes the reading that is harder on the client
// (case-sensitive equality, unspecified order, minute-floored times, opaque
// cursors). Shapes and error texts are those of recorded answers where there
// are some; the words of other refusals are its own, so clients should tell
// errors by their code. Of Slack it owns incoming webhooks and the five methods
// that a bot needs to ring, in the same spirit.
//
// Some things that Notion takes are refused for want of a use: mentions and
// equations in text, blocks within blocks, uploaded files, new pages outside of
// databases, filters on rollups, and new databases over the API on 2022-06-28.
//
// It refuses to know its clients: it imports no other package of this module,
// so it cannot share their mistakes. It starts no goroutine that outlives a
// request (events are delivered by a goroutine of the caller, see
// Subscription) and takes time only from the time package, so it works inside
// testing/synctest bubbles when it is reached through Transport.
package sandbox

import (
	"math/rand/v2"
	"time"
)

const (
	version2022 = "2022-06-28"
	version2025 = "2025-09-03"
	version2026 = "2026-03-11"
)

// Options shapes a Workspace. Every zero value has a meaning.
type Options struct {
	// Token is the bearer token that is accepted. Default "sandbox-token".
	Token string
	// Seed makes ids, orders and fault draws repeatable.
	Seed uint64
	// Latency is how long each request takes. Default none.
	Latency time.Duration
	// QueryLag is how long a created or edited page keeps its old form, or
	// its absence, in query results. Reading the page by id is immediate.
	QueryLag time.Duration
	// SearchLag is how long a new page or database is missing from search.
	SearchLag time.Duration
	// Limit is the rate limit that is enforced. Default None.
	Limit Limit
	// Personal makes the token the first person's own instead of a
	// connection's.
	Personal bool
	// Steadfast is true when a request that has come is worked on although its
	// client is gone, as Notion does. Without it, such a request is forgotten
	// as long as Latency lasts.
	Steadfast bool
}

// Workspace is one Notion workspace with one connection to it. All methods
// are safe for concurrent use.
type Workspace struct {
	front

	opts  Options
	kinds map[string]kind

	// The lock of the front guards everything below.
	rng           *rand.Rand // ids; a stream of its own, so that faults do not shift them
	token         string
	bot           *user
	people        []*user
	spaceID       string
	withheld      map[Capability]bool
	homeID        string // the page that databases live on, which is not shared
	folders       map[string]*folder
	databases     map[string]*database
	sources       map[string]*dataSource
	pages         map[string]*page
	blocks        map[string]*block
	created       int // pages ever made
	requests      int // answers ever given
	meter         meter
	subscriptions []*Subscription
}

// New returns an empty workspace with a bot and three people.
func New(o Options) *Workspace {
	if o.Token == "" {
		o.Token = "sandbox-token"
	}
	w := &Workspace{
		front:     front{latency: o.Latency, steadfast: o.Steadfast, seed: o.Seed, faults: newFaultPlan(Faults{}, o.Seed)},
		opts:      o,
		kinds:     newKinds(),
		rng:       rand.New(rand.NewPCG(o.Seed, 1)),
		token:     o.Token,
		databases: map[string]*database{},
		sources:   map[string]*dataSource{},
		pages:     map[string]*page{},
		blocks:    map[string]*block{},
		folders:   map[string]*folder{},
		withheld:  map[Capability]bool{},
		meter:     meter{limit: o.Limit},
	}
	w.backend = w
	w.spaceID = w.newID()
	w.homeID = w.newID()
	w.populate()
	return w
}

// SetToken replaces the accepted token: whoever holds the old one gets 401.
func (w *Workspace) SetToken(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.token = token
}
