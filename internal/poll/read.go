package poll

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const (
	mostRows = 10_000 // that one query shows (https://developers.notion.com/reference/query-a-data-source)
	overlap  = 2 * time.Minute
	// skew is how far our clock and Notion's may be apart: when nothing was
	// edited, the watermark follows our clock at this distance, so that a
	// large edit is not read again at every poll.
	skew = 10 * time.Minute
	// firstReadWait is how often it is looked whether a first read is over.
	firstReadWait = time.Minute
)

// Read reads a database once and asks to be called for the next time.
func (s *Service) Read(ctx context.Context, job crm.Job) (crm.Commit, error) {
	w, ok, err := s.watched(job)
	if err != nil || !ok {
		return crm.Commit{}, err
	}
	src, err := s.open(ctx, w, s.o.Calm)
	if err != nil {
		return crm.Commit{}, err
	}
	at, first, err := src.read(ctx, nil)
	if err != nil {
		return crm.Commit{}, fmt.Errorf("read database %s: %w", w.Database, err)
	}
	commit := crm.Commit{Reads: []crm.Read{at}, Jobs: []crm.Job{Job(w.Database, time.Now().Add(w.Every))}}
	if first {
		commit.Hurry = append(slices.Clone(w.Then), KindClues)
		commit.Jobs = append(commit.Jobs, ReconcileJob(w.Database, time.Now().Add(reconcileEvery)))
	}
	return commit, nil
}

// Freshen reads what changed in a database, now, for those who are about to
// ask the replica.
func (s *Service) Freshen(ctx context.Context, database string) error {
	w, ok := s.watch[database]
	if !ok {
		return fmt.Errorf("%w: database %s is not watched", crm.ErrInvalid, database)
	}
	src, err := s.open(ctx, w, s.o.Calm)
	if err != nil {
		return fmt.Errorf("read database %s: %w", database, err)
	}
	at, err := src.reread(ctx, nil)
	if err != nil {
		return fmt.Errorf("read database %s: %w", database, err)
	}
	return s.o.State.Apply(ctx, crm.Commit{Reads: []crm.Read{at}})
}

// reading is one read of one database.
type reading struct {
	*source
	at     crm.Read
	by     crm.SeenBy
	newest time.Time // last_edited_time of any row seen
	rows   int
	seen   func(pages []crm.Page, askedAt time.Time) // told of every answer; may be nil
}

// reread reads what changed, for those who cannot wait for the next poll. The
// first read is left to its own job: two of them would undo each other's
// progress, and the second would be in vain.
func (s *source) reread(ctx context.Context, seen func([]crm.Page, time.Time)) (at crm.Read, err error) {
	if at, err = s.o.State.Read(ctx, s.Database); err != nil {
		return at, err
	}
	if at.CompletedAt.IsZero() {
		return at, crm.Later(time.Now().Add(firstReadWait), "the first read of the database is not complete")
	}
	at, _, err = s.read(ctx, seen)
	return at, err
}

// read reads everything the first time and what changed later on.
func (s *source) read(ctx context.Context, seen func([]crm.Page, time.Time)) (at crm.Read, first bool, err error) {
	r := &reading{source: s, by: crm.SeenPoll, seen: seen}
	if r.at, err = s.o.State.Read(ctx, s.Database); err != nil {
		return at, false, err
	}
	began, first := time.Now(), r.at.PolledAt.IsZero() // at all, or since the state was restored
	if r.at.CompletedAt.IsZero() {
		err = r.everything(ctx)
	} else {
		err = r.changes(ctx)
	}
	if err == nil {
		err = s.refresh(ctx)
	}
	r.at.PolledAt = began
	return r.at, first, err
}

// everything reads all rows, from where an interrupted first read stopped.
func (r *reading) everything(ctx context.Context) error {
	started := time.Now()
	if r.at.Watermark.IsZero() {
		r.at.Watermark = started // of the first try: rows read then may have changed since
	}
	if err := r.partitions(ctx, crm.Query{CreatedSince: r.at.ResumeAt}, r.note); err != nil {
		return err
	}
	if !r.newest.IsZero() && r.newest.Before(r.at.Watermark) {
		r.at.Watermark = r.newest
	}
	r.at.CompletedAt, r.at.ResumeAt = time.Now(), time.Time{}
	r.o.Log.Info("database read for the first time", "database", r.schema.Name, "rows", r.rows, "took", time.Since(started).Round(time.Millisecond))
	return nil
}

// note remembers how far a first read came.
func (r *reading) note(last time.Time, newestFirst bool) []crm.Read {
	if newestFirst || last.IsZero() {
		return nil
	}
	r.at.ResumeAt = last
	return []crm.Read{r.at}
}

// changes reads what was edited since the watermark. The new watermark is the
// newest edit seen, but not after the start: a row that was read early may
// have been edited while the rest was read.
func (r *reading) changes(ctx context.Context) error {
	watermark := time.Now()
	if r.at.Watermark.After(watermark.Add(skew)) {
		if err := r.stepBack(ctx); err != nil {
			return err
		}
	}
	if err := r.partitions(ctx, crm.Query{EditedSince: r.at.Watermark.Add(-overlap)}, nil); err != nil {
		return err
	}
	if quiet := watermark.Add(-skew); r.newest.Before(watermark) {
		watermark = latest(r.newest, quiet)
	}
	r.at.Watermark = latest(r.at.Watermark, watermark)
	return nil
}

// stepBack mends a watermark from a time when our clock was ahead: it goes
// back to the newest edit that is known.
func (r *reading) stepBack(ctx context.Context) error {
	newest, err := r.o.State.NewestEdit(ctx, r.Database)
	if err != nil {
		return err
	}
	r.o.Log.Warn("the clock was ahead at an earlier read; what was edited since the newest known edit is read again",
		"database", r.schema.Name, "watermark", r.at.Watermark, "newest", newest)
	r.at.Watermark = newest
	return nil
}

// progress is told how far a read came after each answer; what it returns is
// committed with the answer's rows.
type progress func(last time.Time, newestFirst bool) []crm.Read

// partitions asks a query as often as it is cut: one shows 10,000 rows at
// most, oldest first, so each starts at the minute of the last row before.
// Rows of that minute are seen twice, which changes nothing.
func (r *reading) partitions(ctx context.Context, q crm.Query, note progress) error {
	for {
		last, cut, err := r.query(ctx, q, note)
		if err != nil || !cut {
			return err
		}
		if !last.After(q.CreatedSince) {
			if last, err = r.crowdedMinute(ctx, q, last, note); err != nil {
				return err
			}
		}
		q.CreatedSince = last
	}
}

// crowdedMinute reads a minute in which more rows were made than one query
// shows, as a large import does, from its other end, and returns the next.
func (r *reading) crowdedMinute(ctx context.Context, q crm.Query, minute time.Time, note progress) (time.Time, error) {
	q.CreatedUntil, q.Newest = minute.Truncate(time.Minute).Add(time.Minute), true
	_, cut, err := r.query(ctx, q, note)
	if cut {
		r.o.Log.Warn("more than 20,000 rows were made within one minute; those in the middle are found by look-ups only",
			"database", r.schema.Name, "minute", minute)
	}
	return q.CreatedUntil, err
}

// query takes all rows that one query shows into the replica. last is the
// creation time of the newest row.
func (r *reading) query(ctx context.Context, q crm.Query, note progress) (last time.Time, cut bool, err error) {
	for seen := 0; ; {
		rows, err := r.take(ctx, q, func(rows crm.Rows) []crm.Read {
			for _, p := range rows.Pages {
				last = latest(last, p.CreatedAt)
			}
			if note == nil {
				return nil
			}
			return note(last, q.Newest)
		})
		if err != nil {
			return last, false, err
		}
		seen += len(rows.Pages)
		if q.Cursor = rows.Next; q.Cursor == "" {
			return last, rows.Cut || seen >= mostRows, nil
		}
	}
}

// take asks for one batch of rows and remembers them, together with how far
// that brings the read.
func (r *reading) take(ctx context.Context, q crm.Query, note func(crm.Rows) []crm.Read) (crm.Rows, error) {
	askedAt := time.Now()
	rows, err := r.notion.Query(ctx, r.schema.DataSource, q)
	if err != nil {
		return rows, err
	}
	for _, p := range rows.Pages {
		r.newest = latest(r.newest, p.EditedAt)
	}
	r.rows += len(rows.Pages)
	sights, err := r.look(ctx, r.by, askedAt, rows.Pages...)
	if err != nil {
		return rows, err
	}
	if r.seen != nil {
		r.seen(rows.Pages, askedAt)
	}
	return rows, r.o.State.Apply(ctx, crm.Commit{Sights: sights, Reads: note(rows)})
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
