package notion

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// ReasonFull is the block_limit of a workspace on the Free plan that has used
// its blocks up: pages can be changed and no more be made
// (https://developers.notion.com/reference/request-limits).
const ReasonFull = "block_creation"

const hintFull = "the workspace is on Notion's Free plan and has used up its blocks, and deleting pages gives none back: " +
	"upgrade the plan, or move the databases to another workspace; leads wait meanwhile"

// full remembers since when the workspace takes no new blocks. The gate's lock
// guards it.
type full struct {
	log   *slog.Logger
	since time.Time
}

// Hint returns the operator's next step; "" where none is known.
func (e *Error) Hint() string {
	if e.Reason == ReasonFull {
		return hintFull
	}
	hint, _ := crm.Hint(e.cause)
	return hint
}

// refusedBlocks says once, in words of its own, that the workspace is full:
// nothing but a decision about money mends it.
func (g *gate) refusedBlocks(e *Error) {
	if e.Reason != ReasonFull {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.full.since.IsZero() {
		g.full.since = time.Now()
		g.full.log.Error("notion takes no new pages: the workspace is full", slog.String("error", e.brief()), slog.String("hint", hintFull))
	}
}

// tookBlocks is told of every request that was done.
func (g *gate) tookBlocks(x *exchange) {
	if x.endpoint != createEndpoint && x.endpoint != appendEndpoint {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.full.since.IsZero() {
		g.full.log.Info("notion takes new pages again", slog.Duration("after", time.Since(g.full.since).Round(time.Second)))
		g.full.since = time.Time{}
	}
}

// The requests that need new blocks.
const (
	createEndpoint = "POST pages"
	appendEndpoint = "PATCH blocks/{id}/children"
)

// compareClocks learns from the head of an answer how far the clocks are
// apart. Its time has seconds only and was taken between sending and receiving.
func (g *gate) compareClocks(sent, received time.Time, date string) {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return
	}
	ours := sent.Add(received.Sub(sent) / 2)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.skew = theirs.Add(time.Second / 2).Sub(ours)
}
