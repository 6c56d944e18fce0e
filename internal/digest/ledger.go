package digest

import (
	"context"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/pipeline"
)

// week is how many days back a pipeline tells what moved.
const week = 7

// move is the way of a row from the first to the last stage of a week.
type move struct {
	from, to crm.Value
	last     int64 // id of the last change
}

// history is what the ledger tells about stages, and by page what moved.
type history struct {
	pipeline.History
	moves map[string]move
}

// history reads the ledger of a pipeline's stage.
func (q question) history(ctx context.Context, state State) (history, error) {
	h := history{pipeline.NewHistory(), map[string]move{}}
	recent := q.context.Now.In(q.context.Zone).AddDate(0, 0, -week)
	err := pipeline.EachChange(ctx, state, q.bound.database, q.bound.stage.ID, func(c crm.Change) {
		h.Add(c)
		h.move(c, recent)
	})
	return h, err
}

// move notes what moved. When it was seen counts, so that what was seen late
// is told once, too. The first stage of a new row is no move.
func (h history) move(c crm.Change, recent time.Time) {
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
