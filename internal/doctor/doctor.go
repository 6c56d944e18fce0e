// Package doctor looks at everything that a Dealbell needs and says of each
// thing how it is, and what to do about it.
//
// It changes nothing and posts nothing. What it says holds no secret, no
// e-mail address and no name of a host, so that it can be shown to strangers
// who help; names of databases, properties and options are in it.
package doctor

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/store"
	"github.com/dealbell/dealbell/internal/upsert"
)

// State is how a thing is.
type State string

// The states of a finding, the best first.
const (
	Fine    State = "fine"
	Unknown State = "unknown" // it could not be looked at, or is not set up
	Warning State = "warning" // it works, and will not for ever
	Failing State = "failing" // something does not work until a person mends it
)

// Finding is what was found out about one thing.
type Finding struct {
	Check string `json:"check"` // such as "notion token"
	State State  `json:"state"`
	Text  string `json:"text"`
	Next  string `json:"next,omitempty"` // what to do; never empty for what is failing
}

// Report is the result of one look at everything.
type Report struct {
	At       time.Time `json:"at"`
	Findings []Finding `json:"findings"`
}

// Worst returns the worst state among the findings.
func (r Report) Worst() State {
	worst := Fine
	for _, f := range r.Findings {
		if rank[f.State] > rank[worst] {
			worst = f.State
		}
	}
	return worst
}

var rank = map[State]int{Fine: 0, Unknown: 1, Warning: 2, Failing: 3}

// Notion is what the package needs of the client.
type Notion interface {
	Me(ctx context.Context) (notion.Bot, error)
	Capabilities(ctx context.Context) (notion.Capabilities, error)
	RefreshSchema(ctx context.Context, database string) (crm.Schema, error)
}

// Store is what the package needs of the store.
type Store interface {
	Summarise(ctx context.Context) (store.Summary, error)
	Hooks(ctx context.Context) (store.Hooks, error)
	Jobs(ctx context.Context, f store.JobFilter) ([]crm.Job, error)
	Bindings(ctx context.Context, database string) (map[string]string, error)
	Count(ctx context.Context, database string) (int, error)
	Space() (store.Space, error)
	LastBackup(ctx context.Context) (time.Time, error)
}

// Slack is what the package needs of the client.
type Slack interface {
	Check(ctx context.Context, channel string) error
}

// Database is one that Dealbell reads or writes.
type Database struct{ Name, ID string }

// Options are what to look at. Of a Dealbell that never ran there is no Store.
type Options struct {
	Notion     Notion
	Connection func() notion.State // how the client's connection is, after it was used
	Store      Store               // nil when there is none yet
	Slack      Slack
	Channels   []string // of Slack, by configured name
	Databases  []Database
	Needs      []upsert.Need
	// Mistakes compares the names in rules and digests with a database: those
	// of the operator, and those that every Dealbell has.
	Mistakes   func(crm.Bindings) (own, standard []rules.Mistake, err error)
	Subscribed bool // a webhook's token is configured
	Running    bool // the daemon is
	// PublicURL is where the world finds the public listener; "" when not told.
	PublicURL string
	World     http.RoundTripper // to PublicURL
}

// Service looks.
type Service struct{ o Options }

// New returns a Service.
func New(o Options) *Service { return &Service{o} }

const patience = 15 * time.Second // for one check

// Examine looks at everything. A check that fails is a finding, so it never
// fails itself. What does not answer is waited for side by side, so that a
// report takes half a minute at most.
func (s *Service) Examine(ctx context.Context) Report {
	r := Report{At: time.Now().UTC()}
	groups := [][]func(context.Context) []Finding{
		{s.daemon},
		{s.token, s.databases, s.clock, s.blocks}, // each knows what those before it have learned
		{s.queue, s.outbox, s.webhook},
		{s.channels},
		{s.disk, s.backup},
		{s.public},
	}
	found := make([][]Finding, len(groups))
	var all sync.WaitGroup
	for i, checks := range groups {
		all.Go(func() { found[i] = examine(ctx, checks) })
	}
	all.Wait()
	r.Findings = slices.Concat(found...)
	return r
}

// examine makes checks one after the other.
func examine(ctx context.Context, checks []func(context.Context) []Finding) (found []Finding) {
	for _, check := range checks {
		ctx, cancel := context.WithTimeout(ctx, patience)
		for _, f := range check(ctx) {
			f.Text, f.Next = redact(f.Text), redact(f.Next)
			found = append(found, f)
		}
		cancel()
	}
	return found
}

var address = regexp.MustCompile("[^\\s\"'`<>(),:;@]+@[^\\s\"'`<>(),:;@]+")

// redact is the last line of defence: what others say may name a person.
func redact(s string) string { return address.ReplaceAllString(s, "«email»") }

func fine(check, text string) Finding { return Finding{check, Fine, text, ""} }

// unreadable is a check that could not be made because of err.
func unreadable(check string, err error, next string) []Finding {
	if hint, ok := crm.Hint(err); ok && hint != "" {
		next = hint
	}
	return []Finding{{check, Failing, err.Error(), next}}
}
