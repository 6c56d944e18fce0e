package app

import (
	"context"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/store"
)

// Status is the state of a Dealbell, as /api/v1/status and the status command
// show it. It holds no secret.
type Status struct {
	Version      string           `json:"version,omitempty"`
	Running      bool             `json:"running"`
	OpenLeads    int              `json:"open_leads"`           // accepted, not yet in Notion
	LeadsWait    string           `json:"leads_wait,omitempty"` // why the first of them that failed waits
	Queue        []Lane           `json:"queue"`
	DeadLetters  int              `json:"dead_letters"`
	Held         int              `json:"held"` // submissions that somebody has to look at
	Quarantined  int              `json:"quarantined"`
	Leftovers    []Leftover       `json:"leftovers"`      // the first of them
	LeftoverSum  int              `json:"leftover_count"` // values that wait for the schema to be fixed
	UnsureSum    int              `json:"unsure_creates"` // creates whose outcome is being looked up
	Databases    []DatabaseStatus `json:"databases"`
	Notion       NotionStatus     `json:"notion"`
	Webhook      WebhookStatus    `json:"webhook"`
	Outbox       OutboxStatus     `json:"outbox"`
	StorageBytes int64            `json:"storage_bytes"`
}

// Lane is how much of one lane waits.
type Lane struct {
	Lane          string  `json:"lane"`
	Ready         int     `json:"ready"`
	Running       int     `json:"running"`
	Waiting       int     `json:"waiting"`
	Blocked       int     `json:"blocked"`
	Dead          int     `json:"dead"`
	OldestSeconds float64 `json:"oldest_seconds"` // age of the oldest that is not dead
}

// Leftover says which value did not fit and why. Got may quote it.
type Leftover struct {
	Page     string `json:"page"`
	Property string `json:"property"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
}

// DatabaseStatus is how far a database was read.
type DatabaseStatus struct {
	ID         string    `json:"id"`
	Name       string    `json:"name,omitempty"`
	FirstRead  time.Time `json:"first_read"` // zero until it is complete
	Watermark  time.Time `json:"watermark"`
	PolledAt   time.Time `json:"polled_at"`  // the latest complete read
	Reconciled time.Time `json:"reconciled"` // the latest complete comparison of all rows
	Clues      int       `json:"clues"`      // pages that have to be looked at

	Import *ImportStatus `json:"import,omitempty"` // that is under way, or whose end nobody was told
}

// ImportStatus is how an import stands.
type ImportStatus struct {
	State  string    `json:"state"`
	Reason string    `json:"reason,omitempty"` // paused or stopped: why
	Rows   int       `json:"rows"`
	Left   int       `json:"left"` // to be written
	Begun  time.Time `json:"begun_at"`
}

// WebhookStatus is how Notion's webhook subscription stands.
type WebhookStatus struct {
	Subscribed  bool      `json:"subscribed"` // a verification token is known
	ArmedUntil  time.Time `json:"armed_until,omitzero"`
	LastEvent   time.Time `json:"last_event_at,omitzero"`
	SilentSince time.Time `json:"silent_since,omitzero"` // polls see changes of which no event tells
}

// OutboxStatus counts the messages of the last 90 days.
type OutboxStatus struct {
	Queued  int    `json:"queued"`
	Wait    string `json:"wait,omitempty"` // why the first of them that failed waits
	Sent    int    `json:"sent"`
	Maybe   int    `json:"maybe"` // nobody knows whether Slack took them
	Refused int    `json:"refused"`
	// Doubtful are the newest that may not have arrived, or did not.
	Doubtful []DoubtfulMessage `json:"doubtful"`
}

// DoubtfulMessage is a message that may not have arrived, and why.
type DoubtfulMessage struct {
	ID      int64     `json:"id"`
	Rule    string    `json:"rule"` // or digest
	Channel string    `json:"channel"`
	Page    string    `json:"page,omitempty"`
	State   string    `json:"state"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
}

// NotionStatus is the state of the connection.
type NotionStatus struct {
	PausedUntil  time.Time `json:"paused_until"`
	Away         bool      `json:"away"`
	TokenRefused bool      `json:"token_refused"`
	FullSince    time.Time `json:"full_since,omitzero"` // Notion takes no new pages: the plan's blocks are used up
	LastError    string    `json:"last_error,omitempty"`
}

// How many leftovers and messages a status names.
const (
	listedLeftovers = 20
	listedMessages  = 5
)

// ReadStatus reads the status from the state directory alone. subscribed says
// that a webhook's token is configured.
func ReadStatus(ctx context.Context, db *store.DB, subscribed bool) (Status, error) {
	sum, err := db.Summarise(ctx)
	if err != nil {
		return Status{}, err
	}
	s := Status{
		OpenLeads: sum.Open, Held: sum.Held, Quarantined: sum.Quarantined, LeftoverSum: sum.Leftovers, UnsureSum: sum.Unsure,
		StorageBytes: sum.Bytes, Queue: lanes(sum.Depths), Leftovers: []Leftover{}, Databases: []DatabaseStatus{},
	}
	for _, l := range s.Queue {
		s.DeadLetters += l.Dead
	}
	for _, r := range sum.Reads {
		known, err := databaseStatus(ctx, db, r)
		if err != nil {
			return Status{}, err
		}
		s.Databases = append(s.Databases, known)
		left, err := db.Leftovers(ctx, r.Database, listedLeftovers)
		if err != nil {
			return Status{}, err
		}
		for _, l := range left {
			s.Leftovers = append(s.Leftovers, Leftover{l.Page, l.Property, l.Expected, l.Got})
		}
	}
	if err := s.readOut(ctx, db, subscribed, sum.Messages); err != nil {
		return Status{}, err
	}
	if s.LeadsWait, err = whyWaits(ctx, db, lead.KindUpsert); err != nil {
		return Status{}, err
	}
	s.LeadsWait = notion.Brief(s.LeadsWait)
	if s.Outbox.Wait, err = whyWaits(ctx, db, notify.KindSend); err != nil {
		return Status{}, err
	}
	s.Notion.PausedUntil, err = db.LoadPause(ctx)
	if s.Notion.PausedUntil.Before(time.Now()) {
		s.Notion.PausedUntil = time.Time{}
	}
	return s, err
}

// whyWaits tells why the oldest job of a kind waits that was tried. Of Slack's
// words a reason never holds more than one.
func whyWaits(ctx context.Context, db *store.DB, kind string) (string, error) {
	waiting, err := db.Jobs(ctx, store.JobFilter{State: crm.JobWaiting, Kind: kind})
	for _, j := range waiting {
		if j.LastError != "" {
			return j.LastError, err
		}
	}
	return "", err
}

func databaseStatus(ctx context.Context, db *store.DB, r crm.Read) (DatabaseStatus, error) {
	s := DatabaseStatus{ID: r.Database, FirstRead: r.CompletedAt, Watermark: r.Watermark, PolledAt: r.PolledAt}
	reconciled, err := db.Reconcile(ctx, r.Database)
	if err != nil {
		return s, err
	}
	s.Reconciled = reconciled.CompletedAt
	schema, _, err := db.Schema(ctx, r.Database)
	if err != nil {
		return s, err
	}
	s.Name = schema.Name
	in, found, err := db.ImportInto(ctx, r.Database)
	if err != nil {
		return s, err
	}
	if found {
		s.Import = &ImportStatus{State: string(in.State), Reason: in.Reason, Rows: in.Rows, Left: in.Open(), Begun: in.BegunAt}
	}
	clues, err := db.Clues(ctx, r.Database, 10_000)
	s.Clues = len(clues)
	return s, err
}

// readOut reads how the webhook and the outbox stand.
func (s *Status) readOut(ctx context.Context, db *store.DB, subscribed bool, messages map[crm.MessageState]int) error {
	hooks, err := db.Hooks(ctx)
	if err != nil {
		return err
	}
	s.Webhook = WebhookStatus{
		Subscribed: subscribed || len(hooks.Tokens) > 0, ArmedUntil: hooks.ArmedUntil, LastEvent: hooks.LastEvent,
		SilentSince: hooks.SilentSince(time.Now(), subscribed),
	}
	s.Outbox = OutboxStatus{
		Queued: messages[crm.MessageQueued] + messages[crm.MessageSending], Sent: messages[crm.MessageSent],
		Maybe: messages[crm.MessageMaybe], Refused: messages[crm.MessageRefused], Doubtful: []DoubtfulMessage{},
	}
	doubtful, err := db.Outbox(ctx, listedMessages, crm.MessageMaybe, crm.MessageRefused)
	for _, m := range doubtful {
		s.Outbox.Doubtful = append(s.Outbox.Doubtful, DoubtfulMessage{m.ID, m.Rule, m.Channel, m.Page, string(m.State), m.Reason, m.CreatedAt})
	}
	return err
}

func lanes(depths []store.Depth) []Lane {
	found := make([]Lane, len(crm.Lanes))
	for i, lane := range crm.Lanes {
		found[i].Lane = lane.String()
	}
	for _, d := range depths {
		if int(d.Lane) >= len(found) {
			continue
		}
		l := &found[d.Lane]
		*map[crm.JobState]*int{
			crm.JobReady: &l.Ready, crm.JobRunning: &l.Running, crm.JobWaiting: &l.Waiting, crm.JobBlocked: &l.Blocked, crm.JobDead: &l.Dead,
		}[d.State] = d.Count
		if age := time.Since(d.Oldest).Seconds(); d.State != crm.JobDead && age > l.OldestSeconds {
			l.OldestSeconds = age
		}
	}
	return found
}
