package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// removed stands where an address was named by what is kept of others.
const removed = "(removed)"

// Removal says what Forget did, or would do.
type Removal struct {
	Email      string         `json:"email"`
	Spellings  []string       `json:"spellings"` // in which it was found
	DryRun     bool           `json:"dry_run"`
	Removed    map[string]int `json:"removed"`    // rows that are gone, by table
	Changed    map[string]int `json:"changed"`    // rows of others that named the address and no longer do
	Deliveries []string       `json:"deliveries"` // that are gone
	Pages      []PageLeft     `json:"pages"`      // of the person, in Notion
	Naming     []PageLeft     `json:"naming"`     // of others, that name the address in Notion
	Sent       []SlackLeft    `json:"sent"`       // messages that stand in Slack
	Backups    []string       `json:"backups"`    // files in the state directory that may hold the person
	Returned   bool           `json:"returned"`   // the person wrote anew meanwhile; that is kept
	Compacted  bool           `json:"compacted"`  // the file was written anew; else the daemon does it at its next start
}

var (
	errDryRun    = errors.New("dry run")
	errStillRuns = crm.WithHint(errors.New("forget: a job that is about the person still runs"), "all else is gone; run the same again in a minute")
)

// PageLeft is a page of Notion.
type PageLeft struct {
	ID       string `json:"id"`
	Database string `json:"database"`
	URL      string `json:"url,omitempty"`
}

// SlackLeft is a message that was sent, or may have been.
type SlackLeft struct {
	Channel string    `json:"channel"`
	At      time.Time `json:"at"`
}

// Oblivion says what to forget.
type Oblivion struct {
	Email   crm.Email
	Pages   []string // that are known to be the person's, beside those of the state directory
	Related string   // a database whose rows belong to the contact that they name
	DryRun  bool
}

const (
	// How long Forget waits for a job that is about the person and runs.
	forgetPatience = time.Minute
	forgetLook     = 100 * time.Millisecond
	forgetRounds   = 1000 // more than that takes
)

// Forget removes a person: all that belongs to the deliveries and pages of
// the address, and the address itself from what is kept of others. What was
// deleted is in no file of the database afterwards. Deliveries that are sent
// once more have no effect for 90 days; a new one from the person counts.
//
// It works beside a daemon: a job that is about the person and runs is waited
// for. ErrNotFound means that there was nothing.
func (db *DB) Forget(ctx context.Context, o Oblivion) (Removal, error) {
	p := newPerson(o.Email, o.Related)
	for _, page := range o.Pages {
		p.ids[page] = true
	}
	r := Removal{
		Email: p.email.Key, DryRun: o.DryRun, Removed: map[string]int{}, Changed: map[string]int{},
		Deliveries: []string{}, Pages: []PageLeft{}, Naming: []PageLeft{}, Sent: []SlackLeft{},
	}
	if err := db.forget(ctx, p, &r); err != nil {
		return r, err
	}
	if len(r.Removed)+len(r.Changed)+len(o.Pages) == 0 {
		return r, ErrNotFound
	}
	var err error
	r.Spellings = sortedKeys(p.spellings)
	if r.Backups, err = backupsIn(db.dir); err == nil && !o.DryRun {
		r.Compacted, err = db.wipe(ctx)
	}
	return r, err
}

// forget removes in rounds, until there is nothing left to remove and no job
// that could still write something.
func (db *DB) forget(ctx context.Context, p *person, r *Removal) error {
	patience := time.NewTimer(forgetPatience)
	defer patience.Stop()
	quiet := false // no job was left that could write something when the search began
	var awaited map[int64]bool
	for range forgetRounds {
		found, err := db.search(ctx, p)
		if err != nil {
			return fmt.Errorf("forget: %w", err)
		}
		if r.Returned = p.back; p.back {
			return nil
		}
		alive, err := Running(db.dir)
		if err != nil {
			return err
		}
		var done round
		err = db.write(ctx, func(tx *tx) error {
			done = round{tx: tx, person: p, awaited: maps.Clone(awaited), alive: alive, removed: map[string]int{}, changed: map[string]int{}}
			if err := done.remove(found); err != nil || !r.DryRun {
				return err
			}
			return errDryRun
		})
		if err != nil && !errors.Is(err, errDryRun) {
			return fmt.Errorf("forget: %w", err)
		}
		r.add(done)
		awaited = done.awaited
		if r.DryRun || quiet && done.acted == 0 {
			return nil
		}
		if quiet = done.running == 0; quiet {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-patience.C:
			return errStillRuns
		case <-time.After(forgetLook):
		}
	}
	return errStillRuns
}

func (r *Removal) add(done round) {
	for table, n := range done.removed {
		r.Removed[table] += n
	}
	for table, n := range done.changed {
		r.Changed[table] += n
	}
	r.Deliveries = append(r.Deliveries, done.deliveries...)
	r.Pages, r.Naming, r.Sent = append(r.Pages, done.pages...), append(r.Naming, done.naming...), append(r.Sent, done.sent...)
}
