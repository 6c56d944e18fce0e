package crm

import "time"

// DeliveryState is where a delivery of the inbox stands.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryHeld    DeliveryState = "held" // a person has to look at it first
	DeliveryQueued  DeliveryState = "queued"
	DeliveryNoting  DeliveryState = "noting" // its message or row may be there already: look first
	DeliveryDone    DeliveryState = "done"
	DeliveryDead    DeliveryState = "dead"    // part of a dead letter, with which it goes on or is dropped
	DeliveryDropped DeliveryState = "dropped" // given up by a person
)

// Delivery is one verified inbound request, kept raw.
type Delivery struct {
	ID          string
	Source      string // the form it came in by
	Key         string // the contact's key; the delivery's own id where it has no contact
	ContentType string
	Body        []byte
	ReceivedAt  time.Time
	State       DeliveryState
	Reason      string // why it is or was held: words, separated by spaces
	Original    []byte // what it said before a person corrected it; nil when nobody did
	CorrectedAt time.Time
}

// Outcome says what became of a delivery, or of a row.
type Outcome string

// The outcomes of a lead and of a row; the last two of a row alone.
const (
	Created   Outcome = "created"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged" // all of it was there already
	Rejected  Outcome = "rejected"
)

// Progress moves one delivery to another state.
type Progress struct {
	Delivery string
	State    DeliveryState
	Outcome  Outcome // when done
	Page     string  // when done
}

// Addressed says whose a delivery is, where that was not known when it came.
type Addressed struct {
	Delivery string
	Key      string // the contact's key
}

// Snapshot is the last state of a Notion page that Dealbell saw.
type Snapshot struct {
	Page      string
	Database  string // as configured
	Key       string // normalised key property; "" when the row has none
	URL       string
	CreatedAt time.Time
	EditedAt  time.Time
	EditedBy  string // user id
	Trashed   bool   // in the trash, or gone
	Values    map[string]Value
	SeenAt    time.Time // when it was written here
}

// Intent records that a page is about to be created, so that nobody creates
// it again before its fate is known.
type Intent struct {
	Database string
	Key      string
	BegunAt  time.Time
	UnsureAt time.Time // since when the outcome is unknown; zero while the call runs
	Looks    int       // look-ups that found nothing since then
}

// Leftover is a value that did not fit the schema: it is kept until it does.
type Leftover struct {
	Database string
	Page     string
	Property string // name as configured
	Value    Value
	Expected string
	Got      string
	NotedAt  time.Time
}

// Read is how far a database was read.
type Read struct {
	Database    string
	ResumeAt    time.Time // created_time from which an unfinished first read goes on
	CompletedAt time.Time // when the first read was complete; zero until then
	Watermark   time.Time // last_edited_time up to which every edit is known to be seen
	PolledAt    time.Time // when the latest complete read began
}

// Reconcile is how far a database was compared with what is known of it.
type Reconcile struct {
	Database    string
	ResumeAt    time.Time // created_time from which an unfinished one goes on
	CompletedAt time.Time // when the latest was complete
}

// Commit is everything that changes together: the store applies it in one
// transaction with one timestamp, or not at all.
type Commit struct {
	Steps      []Step // what was done, for the record's story
	Progress   []Progress
	Addressed  []Addressed
	Sights     []Sight  // to be compared with what is known: snapshots, changes and jobs follow
	Writes     []Write  // about to be made
	Unwritten  []string // pages, or what stands for new ones, whose writes were refused
	Gone       []string // pages that are no longer there
	Intents    []Intent // begun, or known better
	Settled    []Intent // over; only database and key count
	Leftovers  []Leftover
	Completed  []Leftover // no longer left over; only page and property count
	Reads      []Read
	Reconciles []Reconcile
	Schemas    []Schema
	People     []Person // what is known of them; blank fields say nothing
	Clues      []Clue
	Heeded     []Clue    // looked into; only page and time count
	Handled    []string  // ids of events
	Messages   []Message // to send; of one rule and change, or one rule and slot, the first counts
	Delivered  []Delivered
	Imported   []Imported
	Stops      []ImportStop
	Matched    int64    // the rules have seen all changes up to this one; 0 says nothing
	Jobs       []Job    // to enqueue
	Hurry      []string // kinds of job that need not wait any longer
}
