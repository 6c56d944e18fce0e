package pipeline

import (
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// History is what the ledger of changes tells about the stages of rows, by
// page.
type History struct {
	since map[string]time.Time // when it came to the stage in which it is
	stays map[string][]stay    // the stages that it has left
}

// stay is the time of a row in a stage that it has left.
type stay struct {
	stage       string
	from, until time.Time // from is zero where the ledger does not tell
}

// NewHistory returns a history without changes.
func NewHistory() History {
	return History{since: map[string]time.Time{}, stays: map[string][]stay{}}
}

// Add takes the next change of a stage, in the order of the ledger.
func (h History) Add(c crm.Change) {
	at := c.EditedAt
	if at.IsZero() {
		at = c.SeenAt
	}
	if c.Old.Kind != "" {
		h.stays[c.Page] = append(h.stays[c.Page], stay{c.Old.String(), h.since[c.Page], at})
	}
	h.since[c.Page] = at
}

// InStage returns since when a row is in its stage. Of a row that was there
// before the ledger, without a change since, it is only known that its stage
// is older than its last edit and than the ledger, which begins with the first
// read.
func (h History) InStage(row crm.Snapshot, ledger crm.Read) (since time.Time, atLeast bool) {
	if at, known := h.since[row.Page]; known {
		return at, false
	}
	if !row.CreatedAt.Before(ledger.CompletedAt) || !row.EditedAt.After(row.CreatedAt) {
		return row.CreatedAt, false
	}
	if row.EditedAt.Before(ledger.CompletedAt) {
		return row.EditedAt, true
	}
	return ledger.CompletedAt, true
}

// left returns how long a row was in each stage that it has left. The first
// stay of a row that is older than the ledger has no known beginning.
func (h History) left(row crm.Snapshot, ledger crm.Read) map[string][]time.Duration {
	found := map[string][]time.Duration{}
	for _, s := range h.stays[row.Page] {
		if s.from.IsZero() && !row.CreatedAt.Before(ledger.CompletedAt) {
			s.from = row.CreatedAt
		}
		if s.stage != "" && !s.from.IsZero() && s.until.After(s.from) {
			found[s.stage] = append(found[s.stage], s.until.Sub(s.from))
		}
	}
	return found
}

// closed reports whether the ledger has seen when a row came to its stage.
func (h History) closed(page string) (at time.Time, seen bool) {
	at, seen = h.since[page]
	return at, seen
}
