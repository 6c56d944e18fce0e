package crm

import "time"

// SeenBy says how Dealbell came to see a page.
type SeenBy string

// The ways to see a page.
const (
	SeenPoll    SeenBy = "poll"    // listed by a read of its database
	SeenLookup  SeenBy = "lookup"  // listed by a search for its key
	SeenWebhook SeenBy = "webhook" // fetched, because an event named it
	SeenFetch   SeenBy = "fetch"   // fetched for another reason
	SeenWrite   SeenBy = "write"   // the answer to our own write
)

// Listed reports whether the sight comes from an index, which may lag behind
// the pages.
func (b SeenBy) Listed() bool { return b == SeenPoll || b == SeenLookup }

// Sight is one look at one page.
type Sight struct {
	Database string // as configured
	Key      string // normalised key property; "" when the row has none
	Page     Page
	By       SeenBy
	AskedAt  time.Time // when the request began: what it shows is not older, unless listed
	Made     bool      // the page was made by Dealbell, and nobody else edited it
}

// Write is what Dealbell is about to write. It is stored before, so that
// Dealbell knows its own hand whenever and however it sees the values: in the
// answer, or later when that got lost.
type Write struct {
	Page   string           // id, or NewPage
	Values map[string]Value // by property id
}

// NewPage stands for the id of a page that is about to be made.
func NewPage(database, key string) string { return "new " + database + " " + key }

// Change is one property of one page that went from one value to another.
type Change struct {
	ID       int64  // grows in the order in which changes were seen
	Page     string // id
	Database string // as configured
	Property string // id
	Old      Value  // Kind "" when the page or the property is new
	New      Value
	EditedBy string    // user id of the page's last editor
	EditedAt time.Time // Notion's minute
	SeenAt   time.Time
	SeenBy   SeenBy
	Own      bool // made by Dealbell itself: it rings nothing
}

// Clue says that a page may have changed.
type Clue struct {
	Database string // as configured; "" when not known
	Page     string
	At       time.Time // when, by the clock of who says so
	By       SeenBy
	NotedAt  time.Time // when it was stored: a later word is another clue
}

// Event is one webhook event of Notion, authentic and kept raw.
type Event struct {
	ID   string // the same in every delivery of the event
	Type string
	At   time.Time // when it happened, as Notion says
	Body []byte
}

// Person is a member of the Notion workspace.
type Person struct {
	ID    string
	Name  string
	Email string // "" without the capability to see it
	Slack string // member id; "" when not known
	// LookedUpAt is when Slack was asked for the member id; zero for never.
	LookedUpAt time.Time
}
