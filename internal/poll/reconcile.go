package poll

import (
	"context"
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

const (
	reconcileEvery = 24 * time.Hour
	// Each run of a reconcile asks for so many batches, so that the slot and
	// the drain of a stop never wait for a large database.
	reconcileBatches = 20
	// Rows younger than this may not be listed yet.
	reconcileAge = 5 * time.Minute
)

// Reconcile compares rows, oldest first, with what is known of them. Those
// that Notion does not list any more are looked at one by one: they were
// deleted, moved away or are no longer shared.
func (s *Service) Reconcile(ctx context.Context, job crm.Job) (crm.Commit, error) {
	w, ok, err := s.watched(job)
	if err != nil || !ok {
		return crm.Commit{}, err
	}
	read, err := s.o.State.Read(ctx, w.Database)
	if err != nil {
		return crm.Commit{}, err
	}
	if read.CompletedAt.IsZero() { // the first read sees everything; its end asks for this again
		return crm.Commit{}, nil
	}
	at, err := s.o.State.Reconcile(ctx, w.Database)
	if err != nil {
		return crm.Commit{}, err
	}
	src, err := s.open(ctx, w, s.o.Bulk)
	if err != nil {
		return crm.Commit{}, err
	}
	src.stale = src.stale || at.ResumeAt.IsZero() // properties are read once a day as well
	if err := src.refresh(ctx); err != nil {
		return crm.Commit{}, err
	}
	commit, err := src.reconcile(ctx, at)
	if err != nil {
		return crm.Commit{}, fmt.Errorf("reconcile database %s: %w", w.Database, err)
	}
	return commit, nil
}

// ReconcileDue returns when a database has to be reconciled next; the zero
// time before its first read.
func (s *Service) ReconcileDue(ctx context.Context, database string) (time.Time, error) {
	read, err := s.o.State.Read(ctx, database)
	if err != nil || read.CompletedAt.IsZero() {
		return time.Time{}, err
	}
	at, err := s.o.State.Reconcile(ctx, database)
	done := latest(read.CompletedAt, at.CompletedAt)
	if done.After(time.Now()) { // by a clock that was ahead
		done = time.Now()
	}
	return done.Add(reconcileEvery), err
}

// sweep walks over the rows of a database by their creation time. Behind from
// every row was compared.
type sweep struct {
	*reading
	from time.Time
	seen map[string]time.Time // rows at or after from that were listed
}

func (s *source) reconcile(ctx context.Context, at crm.Reconcile) (crm.Commit, error) {
	started := time.Now()
	w := sweep{reading: &reading{source: s, by: crm.SeenPoll}, from: at.ResumeAt, seen: map[string]time.Time{}}
	done, err := w.walk(ctx)
	if err != nil {
		return crm.Commit{}, err
	}
	if !done {
		at.ResumeAt = w.from
		return crm.Commit{Reconciles: []crm.Reconcile{at}, Jobs: []crm.Job{ReconcileJob(s.Database, time.Time{})}}, nil
	}
	clues, err := w.missing(ctx, started.Add(-reconcileAge))
	at.ResumeAt, at.CompletedAt = time.Time{}, started
	return crm.Commit{
		Reconciles: []crm.Reconcile{at}, Clues: clues, Jobs: []crm.Job{ReconcileJob(s.Database, started.Add(reconcileEvery))},
	}, err
}

// walk compares one batch after the other; done is false when it stopped
// before the end.
func (w *sweep) walk(ctx context.Context) (done bool, err error) {
	q, start := crm.Query{CreatedSince: w.from}, w.from
	for batch, inQuery := 1, 0; ; batch++ {
		rows, err := w.take(ctx, q, func(crm.Rows) []crm.Read { return nil })
		if err != nil {
			return false, err
		}
		last := w.from
		for _, p := range rows.Pages {
			w.seen[p.ID] = p.CreatedAt
			last = latest(last, p.CreatedAt)
		}
		inQuery += len(rows.Pages)
		cut := rows.Next == "" && (rows.Cut || inQuery >= mostRows)
		if rows.Next == "" && !cut {
			return true, nil
		}
		if err := w.advance(ctx, last, cut); err != nil {
			return false, err
		}
		if q.Cursor = rows.Next; cut {
			q, inQuery = crm.Query{CreatedSince: w.from}, 0
		}
		if batch >= reconcileBatches && w.from.After(start) {
			return false, nil
		}
	}
}

// advance looks for rows that are missing before until. A minute that is too
// crowded to be listed whole is left out.
func (w *sweep) advance(ctx context.Context, until time.Time, cut bool) error {
	if cut && !until.After(w.from) {
		w.from = until.Truncate(time.Minute).Add(time.Minute)
		clear(w.seen)
		return nil
	}
	clues, err := w.missing(ctx, until)
	if err != nil {
		return err
	}
	w.from = until
	for id, created := range w.seen {
		if created.Before(until) {
			delete(w.seen, id)
		}
	}
	return w.o.State.Apply(ctx, crm.Commit{Clues: clues})
}

// missing returns the known rows made before until that were not listed.
func (w *sweep) missing(ctx context.Context, until time.Time) ([]crm.Clue, error) {
	known, err := w.o.State.Made(ctx, w.Database, w.from, until)
	if err != nil {
		return nil, err
	}
	var clues []crm.Clue
	for _, page := range known {
		if _, listed := w.seen[page]; !listed {
			clues = append(clues, crm.Clue{Database: w.Database, Page: page, At: time.Now(), By: crm.SeenFetch})
		}
	}
	return clues, nil
}
