package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dealbell/dealbell/internal/ingest"
)

// writeCheckAge is how long one answer of the disk holds for health checks.
const writeCheckAge = 2 * time.Second

// writeCheck remembers the last answer, so that probes do not wear the disk.
type writeCheck struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// Alive implements ingest.Health: a daemon that is not alive should be
// restarted.
func (a *App) Alive(context.Context) []ingest.Part {
	part := ingest.Part{Name: "store", OK: true}
	if err := a.db.Err(); err != nil {
		part.OK, part.Detail = false, "the disk failed; the daemon restarts"
	}
	return []ingest.Part{part}
}

// Ready implements ingest.Health: a daemon that is not ready cannot take a
// lead. Notion's being away does not count: leads wait in the queue.
func (a *App) Ready(ctx context.Context) []ingest.Part {
	parts := []ingest.Part{{Name: "store", OK: true}, {Name: "intake", OK: true}, a.notionPart()}
	if err := a.checkWritable(ctx); err != nil {
		parts[0].OK, parts[0].Detail = false, "cannot write: "+err.Error()
	}
	select {
	case <-a.draining:
		parts[1].OK, parts[1].Detail = false, "stopping"
	default:
	}
	return parts
}

func (a *App) notionPart() ingest.Part {
	part := ingest.Part{Name: "notion", OK: true}
	switch s := a.notion.State(); {
	case s.Refused:
		part.Detail = "the token is refused; leads wait in the queue"
	case !s.FullSince.IsZero():
		part.Detail = fmt.Sprintf("takes no new pages since %s: the Free plan's blocks are used up; leads wait in the queue", s.FullSince.UTC().Format(time.RFC3339))
	case s.Open:
		part.Detail = fmt.Sprintf("away since %s; leads wait in the queue", s.Since.UTC().Format(time.RFC3339))
	case !s.PausedUntil.IsZero():
		part.Detail = fmt.Sprintf("asked for a pause until %s; leads wait in the queue", s.PausedUntil.UTC().Format(time.RFC3339))
	}
	return part
}

func (a *App) checkWritable(ctx context.Context) error {
	w := &a.writable
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.at) > writeCheckAge {
		w.err = a.db.CheckWritable(context.WithoutCancel(ctx)) // it answers the next prober too
		w.at = time.Now()
	}
	return w.err
}
