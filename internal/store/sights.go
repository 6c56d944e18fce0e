package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
)

// Follow says which jobs follow from sights. They become durable together
// with what was seen.
type Follow struct {
	Changed crm.Job                       // looks at changes
	Clue    func(database string) crm.Job // looks into the clues of a database
	Wake    func()                        // called after they were enqueued
}

// Follow sets the jobs that follow from sights; without it there are none.
// Call it before the first sight.
func (db *DB) Follow(f Follow) { db.writes.follow = f }

// wake tells that jobs may follow from a commit.
func (db *DB) wake(c crm.Commit) {
	if db.writes.follow.Wake != nil && len(c.Sights)+len(c.Clues)+len(c.Jobs) > 0 {
		db.writes.follow.Wake()
	}
}

const snapshotColumns = `page, database, key, url, created_at, edited_at, edited_by, trashed, property_values, seen_at`

func scanSnapshot(scan func(...any) error) (crm.Snapshot, error) {
	var s crm.Snapshot
	var created, edited, seen int64
	var values string
	if err := scan(&s.Page, &s.Database, &s.Key, &s.URL, &created, &edited, &s.EditedBy, &s.Trashed, &values, &seen); err != nil {
		return s, err
	}
	s.CreatedAt, s.EditedAt, s.SeenAt = moment(created), moment(edited), moment(seen)
	return s, json.Unmarshal([]byte(values), &s.Values)
}

// see compares a sight with what is known and writes what is new.
func (t *tx) see(s crm.Sight) error {
	known, err := t.known(s.Page.ID)
	if err != nil {
		return err
	}
	var baseline int64
	if known == nil {
		if unwanted, err := t.unwanted(s); err != nil || unwanted {
			return err
		}
		if _, err := t.row(`select completed_at from reads where database = ?`, []any{s.Database}, &baseline); err != nil {
			return err
		}
	}
	page := s.Page.ID
	if known == nil {
		page = crm.NewPage(s.Database, s.Key)
	}
	wrote, err := t.wrote(page)
	if err != nil {
		return err
	}
	seen := observe.See(known, moment(baseline), wrote, s)
	switch {
	case seen.Doubt:
		return t.saveClue(crm.Clue{Database: s.Database, Page: s.Page.ID, At: moment(t.now), By: crm.SeenFetch})
	case !seen.News:
		return nil
	}
	return firstError(
		func() error { return t.saveSnapshot(seen.Snapshot) },
		func() error { return t.saw(page, known == nil, wrote, s.Page.Values) },
		all(seen.Changes, t.saveChange),
		all(s.Page.People, t.savePerson),
	)
}

func (t *tx) known(page string) (*crm.Snapshot, error) {
	s, err := scanSnapshot(func(into ...any) error {
		found, err := t.row(`select `+snapshotColumns+` from snapshots where page = ?`, []any{page}, into...)
		if err == nil && !found {
			return sql.ErrNoRows
		}
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &s, err
}

func (t *tx) saveSnapshot(s crm.Snapshot) error {
	values, err := json.Marshal(s.Values) // keys are sorted, so equal values give equal bytes
	if err != nil {
		return err
	}
	sum := sha256.Sum256(values)
	return t.exec(`insert into snapshots (page, database, key, url, created_at, edited_at, edited_by, trashed, hash, property_values, seen_at)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (page) do update set database = excluded.database, key = excluded.key, url = excluded.url, created_at = excluded.created_at,
			edited_at = excluded.edited_at, edited_by = excluded.edited_by, trashed = excluded.trashed, hash = excluded.hash,
			property_values = excluded.property_values, seen_at = excluded.seen_at`,
		s.Page, s.Database, s.Key, s.URL, milli(s.CreatedAt), milli(s.EditedAt), s.EditedBy, s.Trashed,
		hex.EncodeToString(sum[:16]), string(values), t.now)
}

// followUp enqueues the jobs that follow from what was written.
func (t *tx) followUp() error {
	changed, clued := t.changed, t.clued
	t.changed, t.clued = false, nil
	if t.follow.Clue == nil {
		return nil
	}
	if changed {
		if err := t.enqueue(t.follow.Changed); err != nil {
			return err
		}
	}
	for _, database := range slices.Compact(slices.Sorted(slices.Values(clued))) {
		if err := t.enqueue(t.follow.Clue(database)); err != nil {
			return err
		}
	}
	return nil
}

// news leaves out the sights that change nothing, so that looking at an
// unchanged page takes no write transaction.
func (db *DB) news(ctx context.Context, sights []crm.Sight) ([]crm.Sight, error) {
	var kept []crm.Sight
	for _, s := range sights {
		known, found, err := db.Snapshot(ctx, s.Page.ID)
		if err != nil {
			return nil, err
		}
		if found {
			if seen := observe.See(&known, time.Time{}, nil, s); !seen.News && !seen.Doubt {
				continue
			}
		}
		kept = append(kept, s)
	}
	return kept, nil
}

// Snapshot returns what is known of a page.
func (db *DB) Snapshot(ctx context.Context, page string) (s crm.Snapshot, found bool, err error) {
	s, err = scanSnapshot(db.reader.QueryRowContext(ctx, `select `+snapshotColumns+` from snapshots where page = ?`, page).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	return s, err == nil, err
}

// Rows calls visit for each row of a database that is not in the trash,
// oldest first, as it is a moment before. No connection is held meanwhile, so
// visit may ask for more.
func (db *DB) Rows(ctx context.Context, database string, visit func(crm.Snapshot) error) error {
	var last crm.Snapshot
	for {
		var batch []crm.Snapshot
		rows, err := db.reader.QueryContext(ctx, rowsAfter, database, milli(last.CreatedAt), last.Page, rowsBatch)
		if err := each(rows, err, func(r *sql.Rows) error {
			s, err := scanSnapshot(r.Scan)
			batch = append(batch, s)
			return err
		}); err != nil {
			return err
		}
		for _, s := range batch {
			if err := visit(s); err != nil {
				return err
			}
		}
		if len(batch) < rowsBatch {
			return nil
		}
		last = batch[len(batch)-1]
	}
}

const (
	rowsBatch = 500
	rowsAfter = `select ` + snapshotColumns + ` from snapshots
		where database = ? and trashed = 0 and (created_at, page) > (?, ?) order by created_at, page limit ?`
)

// NewestEdit returns the newest last_edited_time that is known of a database,
// that is not in the future. It looks at every row.
func (db *DB) NewestEdit(ctx context.Context, database string) (time.Time, error) {
	var newest sql.NullInt64
	err := db.reader.QueryRowContext(ctx, `select max(edited_at) from snapshots where database = ? and edited_at <= ?`, database, time.Now().UnixMilli()).Scan(&newest)
	return moment(newest.Int64), err
}

// Made returns the ids of the rows of a database that were created from one
// time until before another and are not in the trash.
func (db *DB) Made(ctx context.Context, database string, from, until time.Time) ([]string, error) {
	var pages []string
	rows, err := db.reader.QueryContext(ctx, `select page from snapshots
		where database = ? and created_at >= ? and created_at < ? and trashed = 0`, database, milli(from), milli(until))
	return pages, each(rows, err, func(r *sql.Rows) error {
		pages = append(pages, "")
		return r.Scan(&pages[len(pages)-1])
	})
}
