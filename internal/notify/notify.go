// Package notify is the way out: it turns changes into Slack messages.
//
// It owns the outbox. Match looks at each change once, in order, and lets the
// rules that it fires write their message; Send hands the messages of one
// channel to Slack, in order, at most one a second, many of one rule as one.
// It promises that a rule answers a change at most once, whatever crashes:
// what nobody knows to be sent is recorded as such, and repeated only where a
// repetition does no harm.
package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/store"
)

// The kinds of job that this package handles.
const (
	KindMatch = "notify.match"
	KindSend  = "notify.send"
)

// State is what the package needs of the store.
type State interface {
	Matched(ctx context.Context) (int64, error)
	Changes(ctx context.Context, f store.ChangeFilter) ([]crm.Change, error)
	Snapshot(ctx context.Context, page string) (crm.Snapshot, bool, error)
	Schema(ctx context.Context, database string) (crm.Schema, bool, error)
	Bindings(ctx context.Context, database string) (map[string]string, error)
	SaveBindings(ctx context.Context, database string, names map[string]string) error
	Waiting(ctx context.Context, channel string) ([]crm.Message, error)
	SentSince(ctx context.Context, channel string, since time.Time) ([]crm.Message, error)
	Person(ctx context.Context, id string) (crm.Person, bool, error)
	Apply(ctx context.Context, c crm.Commit) error
}

// Slack is what the package needs of the client.
type Slack interface {
	Post(ctx context.Context, channel, text string) error
	Direct(ctx context.Context, member, text string) error
	Member(ctx context.Context, email string) (id string, err error)
	HasToken() bool
}

// Workspace tells who a member of the Notion workspace is.
type Workspace interface {
	Person(ctx context.Context, id string) (crm.Person, error)
}

// Rule is a rule with the id of its database, as configured.
type Rule struct {
	Database string
	*rules.Rule
}

// Options are what a Service needs.
type Options struct {
	State     State
	Slack     Slack
	Workspace Workspace
	Rules     []Rule
	Members   map[string]string // a person's Notion id, email or name -> Slack member id
	Quiet     Quiet
	Zone      *time.Location
	Log       *slog.Logger
}

// Service handles the jobs of messages.
type Service struct {
	o       Options
	mu      sync.Mutex        // guards what follows
	bound   map[string]bound  // by database
	lines   map[string]line   // by channel
	doubts  map[int64]doubt   // by message
	asked   map[string]lookUp // in Notion, by person
	lookUps lookUp            // in Slack
}

// New returns a Service.
func New(o Options) *Service {
	return &Service{o: o, bound: map[string]bound{}, lines: map[string]line{}, doubts: map[int64]doubt{}, asked: map[string]lookUp{}}
}

// MatchJob returns the job that looks at changes.
func MatchJob() crm.Job {
	return crm.Job{Kind: KindMatch, Lane: crm.Notify, Key: KindMatch, Unique: KindMatch}
}

// SendJob returns the job that sends the messages of a channel; with the zero
// time, now.
func SendJob(channel string, at time.Time) crm.Job {
	return crm.Job{
		Kind: KindSend, Lane: crm.Notify, Key: KindSend + " " + channel, Unique: channel, Payload: payload(channel), NotBefore: at,
	}
}
