package crm

import (
	"encoding/json"
	"time"
)

// Lane is the priority class of a job and of the Notion requests made for it.
// Lower is more urgent.
type Lane int

// The lanes, most urgent first.
const (
	Live   Lane = iota // leads and webhooks: a person is waiting
	Notify             // outgoing messages
	Sync               // polls and scheduled reads
	Bulk               // imports and backfill
)

// Lanes lists all lanes, most urgent first.
var Lanes = [...]Lane{Live, Notify, Sync, Bulk}

// String returns the lane's name, as logs and metrics show it.
func (l Lane) String() string {
	switch l {
	case Live:
		return "live"
	case Notify:
		return "notify"
	case Sync:
		return "sync"
	case Bulk:
		return "bulk"
	}
	return "unknown"
}

// NeedsNotion reports whether the lane's jobs are useless while Notion takes
// no requests.
func (l Lane) NeedsNotion() bool { return l != Notify }

// JobState is where a job stands. The queue's package comment draws how the
// states follow each other.
type JobState string

// The states of a job. A finished job is deleted.
const (
	JobReady   JobState = "ready"
	JobRunning JobState = "running"
	JobWaiting JobState = "waiting" // until NotBefore
	JobBlocked JobState = "blocked" // behind an older job of the same key
	JobDead    JobState = "dead"    // a dead letter: it needs a person
)

// Job is one durable unit of work.
type Job struct {
	ID        int64
	Kind      string // what to do, such as "lead.upsert"
	Lane      Lane
	Ahead     bool            // before the others of its lane: there are few of its kind, and they ask little
	Key       string          // at most one job of a key runs at a time; "" for none
	Unique    string          // jobs of one kind that wait with the same Unique are one; "" for none
	Payload   json.RawMessage // what the kind needs
	State     JobState
	Attempts  int // failed tries so far
	CreatedAt time.Time
	NotBefore time.Time
	LastError string // of the latest failed try, or why it is dead
}

// Room is how many jobs may start now.
type Room struct {
	Notion int          // at most so many that need Notion
	Lanes  map[Lane]int // at most so many of a lane
}

// In returns how many jobs of a lane may start when so many that need Notion
// have just started.
func (r Room) In(l Lane, started int) int {
	if l.NeedsNotion() {
		return min(r.Lanes[l], r.Notion-started)
	}
	return r.Lanes[l]
}

// End is how one run of a job ended. Its Commit becomes durable together
// with the end.
type End struct {
	Job    Job
	Commit Commit
	State  JobState  // JobWaiting or JobDead; "" when the job is finished
	At     time.Time // waiting: not before
	Tried  bool      // the run counts as an attempt
	Reason string    // waiting or dead: why
}
