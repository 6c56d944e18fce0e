package app

import (
	"context"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// Status is the state of a Dealbell, as /api/v1/status and the status command
// show it. It holds no secret.
type Status struct {
	Version      string           `json:"version,omitempty"`
	Running      bool             `json:"running"`
	OpenLeads    int              `json:"open_leads"` // accepted, not yet in Notion
	Queue        []Lane           `json:"queue"`
	DeadLetters  int              `json:"dead_letters"`
	Quarantined  int              `json:"quarantined"`
	Leftovers    []Leftover       `json:"leftovers"`      // the first of them
	LeftoverSum  int              `json:"leftover_count"` // values that wait for the schema to be fixed
	UnsureSum    int              `json:"unsure_creates"` // creates whose outcome is being looked up
	Databases    []DatabaseStatus `json:"databases"`
	Notion       NotionStatus     `json:"notion"`
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
	ID        string    `json:"id"`
	FirstRead time.Time `json:"first_read"` // zero until it is complete
	Watermark time.Time `json:"watermark"`
}

// NotionStatus is the state of the connection.
type NotionStatus struct {
	PausedUntil  time.Time `json:"paused_until"`
	Away         bool      `json:"away"`
	TokenRefused bool      `json:"token_refused"`
	LastError    string    `json:"last_error,omitempty"`
}

// listedLeftovers is how many leftovers a status names.
const listedLeftovers = 20

// ReadStatus reads the status from the state directory alone.
func ReadStatus(ctx context.Context, db *store.DB) (Status, error) {
	sum, err := db.Summarise(ctx)
	if err != nil {
		return Status{}, err
	}
	s := Status{
		OpenLeads: sum.Open, Quarantined: sum.Quarantined, LeftoverSum: sum.Leftovers, UnsureSum: sum.Unsure,
		StorageBytes: sum.Bytes, Queue: lanes(sum.Depths), Leftovers: []Leftover{}, Databases: []DatabaseStatus{},
	}
	for _, l := range s.Queue {
		s.DeadLetters += l.Dead
	}
	for _, r := range sum.Reads {
		s.Databases = append(s.Databases, DatabaseStatus{r.Database, r.CompletedAt, r.Watermark})
		left, err := db.Leftovers(ctx, r.Database, listedLeftovers)
		if err != nil {
			return Status{}, err
		}
		for _, l := range left {
			s.Leftovers = append(s.Leftovers, Leftover{l.Page, l.Property, l.Expected, l.Got})
		}
	}
	s.Notion.PausedUntil, err = db.LoadPause(ctx)
	if s.Notion.PausedUntil.Before(time.Now()) {
		s.Notion.PausedUntil = time.Time{}
	}
	return s, err
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
