package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	changeAge    = 2 * 365 * 24 * time.Hour // how long the ledger of changes reaches back
	messageAge   = 90 * 24 * time.Hour      // how long the outbox and the taken slots do
	forgottenAge = 90 * 24 * time.Hour      // how long what was forgotten stays away
	importAge    = 30 * 24 * time.Hour      // how long an import that does not go on is kept
)

// Leads come in between the steps of a clean-up; each takes a few
// milliseconds.
const (
	pruneStep  = 20  // rows
	shrinkStep = 100 // pages
	// Free pages that the file keeps for what comes next.
	slackPages = 256
)

// past is what is deleted of a table: rows that are older than an age.
type past struct {
	table, key string
	condition  string // about ?1, the time before which they are too old
	age        time.Duration
}

func pasts(keep time.Duration) []past {
	return []past{
		{"idempotency", "scope, token", "expires_at <= ?1", 0},
		{"quarantine", "id", "received_at <= ?1", quarantineAge},
		{"events", "id", "received_at <= ?1 and received_at < (select max(received_at) from events)", eventAge},
		{"writes", "page, property", "at <= ?1", writeAge},
		{"changes", "id", "seen_at <= ?1", changeAge},
		{"steps", "id", "at <= ?1", changeAge},
		{"outbox", "id", "created_at <= ?1 and state = 'draft'", time.Hour},
		{"outbox", "id", "created_at <= ?1 and state not in ('queued', 'sending')", messageAge},
		{
			"slots", "schedule, slot",
			"taken_at <= ?1 and slot < (select max(slot) from slots as newest where newest.schedule = slots.schedule)", messageAge,
		},
		{"forgotten", "hash", "at <= ?1", forgottenAge},
		{"import_rows", "import, line", "import in (select id from imports where state not in ('running') and begun_at <= ?1)", importAge},
		{"imports", "id", "state not in ('running') and begun_at <= ?1", importAge},
		{"import_sums", "sum", "at <= ?1", changeAge},
		{"sessions", "hash", "seen_at <= ?1", sessionAge},
		{"setup_links", "hash", "expires_at <= ?1", 0},
		{ // a message may still have to be kept
			"inbox", "seq", "state in ('done', 'dropped') and done_at <= ?1 and not exists (select 1 from jobs where jobs.key = inbox.id)", keep,
		},
	}
}

// Prune deletes what is past its time: idempotency tokens, quarantined
// deliveries, events, old changes, steps and messages, and deliveries that ended
// more than keep ago.
func (db *DB) Prune(ctx context.Context, keep time.Duration) error {
	for _, p := range pasts(keep) {
		for more := true; more; {
			if err := db.write(ctx, func(tx *tx) error {
				n, err := tx.affected(fmt.Sprintf(`delete from %[1]s where (%[2]s) in (select %[2]s from %[1]s where %[3]s limit %[4]d)`,
					p.table, p.key, p.condition, pruneStep), tx.now-p.age.Milliseconds())
				more = n == pruneStep
				return err
			}); err != nil {
				return fmt.Errorf("prune %s: %w", p.table, err)
			}
		}
	}
	return nil
}

// Shrink gives back to the file system what pruned rows have left, while
// leads are accepted.
func (db *DB) Shrink(ctx context.Context) error {
	for more := true; more; {
		if err := db.write(ctx, func(tx *tx) error {
			var free, pages int
			if _, err := tx.row(`pragma freelist_count`, nil, &free); err != nil {
				return err
			}
			if _, err := tx.row(`pragma page_count`, nil, &pages); err != nil {
				return err
			}
			surplus := free - max(slackPages, pages/20)
			if more = surplus > 0; !more {
				return nil
			}
			// Each row that it returns is a page that it gave back.
			return tx.rows(fmt.Sprintf(`pragma incremental_vacuum(%d)`, shrinkStep), nil, func(*sql.Rows) error { return nil })
		}); err != nil {
			return fmt.Errorf("shrink database: %w", err)
		}
	}
	return nil
}

// compactFact stands while the file has to be written anew at the next start.
const compactFact = "compact at start"

// arrange writes the whole file anew where that is due: once for a database
// from before it could shrink bit by bit, and when somebody was forgotten
// beside a daemon that could not wait for it.
func (db *DB) arrange(ctx context.Context) error {
	var mode, pages, due int
	if err := errors.Join(
		db.writer.QueryRowContext(ctx, `pragma auto_vacuum`).Scan(&mode),
		db.writer.QueryRowContext(ctx, `pragma page_count`).Scan(&pages),
		db.writer.QueryRowContext(ctx, `select count(*) from facts where name = ?`, compactFact).Scan(&due),
	); err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	const incremental = 2
	if mode == incremental && due == 0 {
		return nil
	}
	db.log.Info("the database is written anew, once", "megabytes", pages>>8)
	_, err := db.writer.ExecContext(ctx, `vacuum`)
	switch err = classify(err); {
	case errors.Is(err, ErrFull):
		db.log.Warn("there is no room to write the database anew; the next start tries again", "error", err)
		return nil
	case err != nil:
		return fmt.Errorf("write the database anew: %w", err)
	}
	if _, err := db.writer.ExecContext(ctx, `delete from facts where name = ?`, compactFact); err != nil {
		return fmt.Errorf("open database: %w", classify(err))
	}
	return nil
}
