package digest

import (
	"context"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// week is how many days back a pipeline tells what moved.
const week = 7

// changesByLook is how many changes are in memory at a time.
const changesByLook = 1000

// move is the way of a row from the first to the last stage of a week.
type move struct {
	from, to crm.Value
	last     int64 // id of the last change
}

// history is what the ledger tells about stages, by page.
type history struct {
	since map[string]time.Time // when it came to the stage in which it is
	moves map[string]move
}

// history reads the ledger of a pipeline's stage.
func (q question) history(ctx context.Context, state State) (history, error) {
	h := history{since: map[string]time.Time{}, moves: map[string]move{}}
	recent := q.context.Now.In(q.context.Zone).AddDate(0, 0, -week)
	look := store.ChangeFilter{Database: q.bound.database, Property: q.bound.stage.ID, Limit: changesByLook}
	for {
		changes, err := state.Changes(ctx, look)
		if err != nil {
			return h, err
		}
		for _, c := range changes {
			h.add(c, recent)
		}
		if len(changes) < changesByLook {
			return h, nil
		}
		look.After = changes[len(changes)-1].ID
	}
}

func (h history) add(c crm.Change, recent time.Time) {
	h.since[c.Page] = c.EditedAt
	if c.EditedAt.IsZero() {
		h.since[c.Page] = c.SeenAt
	}
	// When it was seen counts, so that what was seen late is told once, too.
	// The first stage of a new row is no move.
	if c.SeenAt.Before(recent) || c.Old.Kind == "" {
		return
	}
	m, known := h.moves[c.Page]
	if !known {
		m.from = c.Old
	}
	m.to, m.last = c.New, c.ID
	h.moves[c.Page] = m
}

// inStage returns since when a row is in its stage. Of a row that was there
// before the ledger, without a change since, it is only known that its stage
// is older than its last edit and than the ledger.
func (h history) inStage(row crm.Snapshot, ledger crm.Read) (since time.Time, atLeast bool) {
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
