// Package web is the dashboard: what an operator sees and does in a browser,
// on the admin listener.
//
// Every page is made here from templates and works without JavaScript; the
// little script that comes along only keeps numbers fresh. It promises that
// nothing but the login, the setup, static files and metrics is shown without
// a session, that nothing changes without proof that the page itself asked for
// it, and that no address and no submission is part of a URL or a log line.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/doctor"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/pipeline"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/store"
	"github.com/dealbell/dealbell/internal/story"
)

// Passwords keeps the hash of the password, and the links that may set one.
type Passwords interface {
	Password(ctx context.Context) (hash string, err error) // "" when none is set
	SetupOffered(ctx context.Context, token []byte) (bool, error)
	Setup(ctx context.Context, token []byte, hash string) error
}

// Sessions keeps who is logged in, by the hash of a cookie.
type Sessions interface {
	StartSession(ctx context.Context, cookie []byte, password string) error
	Session(ctx context.Context, cookie []byte) (bool, error)
	EndSession(ctx context.Context, cookie []byte) error
}

// Figures are the numbers of the overview.
type Figures interface {
	Summarise(ctx context.Context) (store.Summary, error)
	Hooks(ctx context.Context) (store.Hooks, error)
	// Arrivals counts the leads between each two neighbouring times.
	Arrivals(ctx context.Context, bounds []time.Time) ([]int, error)
}

// Leads are the deliveries that were accepted.
type Leads interface {
	Leads(ctx context.Context, f store.LeadFilter) (found []store.Lead, before int64, err error)
	Lead(ctx context.Context, id string) (store.Lead, error)
}

// Replay lets deliveries go on that went no further.
type Replay interface {
	Admit(ctx context.Context, d crm.Delivery) error
	Discard(ctx context.Context, id string) error
	Release(ctx context.Context, q store.Rejected, force bool) error
}

// Jobs are those that cannot go on without a person.
type Jobs interface {
	Jobs(ctx context.Context, f store.JobFilter) ([]crm.Job, error)
	JobDeliveries(ctx context.Context, j crm.Job) ([]crm.Delivery, error)
	RetryJob(ctx context.Context, j crm.Job) error
	DropJob(ctx context.Context, j crm.Job) error
}

// Repairs changes what a submission says, and knows what waits for Notion to
// be mended.
type Repairs interface {
	Correct(ctx context.Context, dead crm.Job, c crm.Correction) error
	Leftovers(ctx context.Context, database string, limit int) ([]crm.Leftover, error)
}

// Rejects are the submissions that were not believed.
type Rejects interface {
	Rejects(ctx context.Context, limit int) ([]store.Rejected, error)
	Reject(ctx context.Context, id string) (store.Rejected, error)
	DropRejected(ctx context.Context, id string) error
}

// Messages are what was said in Slack.
type Messages interface {
	Fired(ctx context.Context) (map[string]store.Fired, error)
	Outbox(ctx context.Context, limit int, states ...crm.MessageState) ([]crm.Message, error)
	digest.Orders
}

// Tester tries the rules on a page.
type Tester interface {
	Try(ctx context.Context, page string) (notify.Trial, error)
}

// Notion is the connection to Notion, as this process has it.
type Notion interface {
	State() notion.State
	Budget() (used, most int) // requests in the last minute, and how many there may be
}

// Database is one that is read.
type Database struct {
	ID, Name string
	Every    time.Duration // how often
}

// Rule is one that is configured.
type Rule struct {
	Name, Database, Channel string
	Words                   string // when it fires
	Text                    string // what it says, as a template
	Asleep                  string // why it never fires; "" when it does
}

// Digest is one that is configured.
type Digest struct {
	Name, Database, Channel string
	Schedule, Filter        string                          // as configured
	Asleep                  string                          // why it is never made; "" when it is
	Next                    func(after time.Time) time.Time // when it is due, unless it is asleep
}

// Options are what the admin listener needs.
type Options struct {
	Passwords Passwords
	Sessions  Sessions
	Figures   Figures
	Notion    Notion
	Leads     Leads
	Replay    Replay
	Jobs      Jobs
	Repairs   Repairs
	Rejects   Rejects
	Examine   func(ctx context.Context) doctor.Report                           // looks at everything
	Story     func(ctx context.Context, what string) (story.Story, error)       // of a record
	Pipeline  func(ctx context.Context, now time.Time) (pipeline.Report, error) // how deals stand
	Messages  Messages
	Tester    Tester
	Order     func(ctx context.Context, digest string, dry bool) (digest.Order, error) // asks for a digest now

	Wake       func()               // called after there is something to do
	Forms      map[string]lead.Form // that submissions come in by
	Databases  []Database           // that are read
	Rules      []Rule
	Digests    []Digest
	Subscribed bool          // a webhook's token is configured
	Keep       time.Duration // how long finished deliveries are there to be counted

	Trusted []netip.Prefix // proxies whose word on the client counts, beside those on this machine
	Hosts   []string       // names of the dashboard beside addresses and names of this machine
	Token   secret.String  // of scripts that read the API
	Status  http.Handler   // GET /api/v1/status
	Metrics http.Handler   // GET /metrics, for everybody

	Zone     *time.Location  // of all times that are shown
	Draining <-chan struct{} // closed when the process is stopping
	Version  string
	Log      *slog.Logger
}

// site is the dashboard.
type site struct {
	Options
	*pages
	hashing   chan struct{} // one password at a time: each takes 19 MiB
	throttle  *throttle
	figures   figures
	passes    passes
	examined  examination
	following chan struct{} // tabs that follow the numbers
}

// Handler returns the routes of the admin listener.
func Handler(o Options) (http.Handler, error) { return newRouter(o) }
