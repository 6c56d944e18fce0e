package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// JobFilter chooses jobs; empty fields choose all.
type JobFilter struct {
	ID     int64
	State  crm.JobState
	Kind   string
	Reason string // that the last error contains, whatever the case of ASCII letters
	Limit  int    // 0: 100
}

// Jobs lists jobs, oldest first.
func (db *DB) Jobs(ctx context.Context, f JobFilter) ([]crm.Job, error) {
	if f.Limit == 0 {
		f.Limit = 100
	}
	var found []crm.Job
	rows, err := db.reader.QueryContext(ctx, `select `+jobColumns+` from jobs
		where (?1 = 0 or id = ?1) and (?2 = '' or state = ?2) and (?3 = '' or kind = ?3)
			and (?4 = '' or instr(lower(last_error), lower(?4)) > 0) order by id limit ?5`,
		f.ID, f.State, f.Kind, f.Reason, f.Limit)
	err = each(rows, err, func(r *sql.Rows) error {
		j, err := scanJob(r)
		found = append(found, j)
		return err
	})
	return found, err
}

// JobDeliveries lists the deliveries that a job is about: those of a dead
// letter, the open ones of its contact, or the one whose message it keeps.
func (db *DB) JobDeliveries(ctx context.Context, j crm.Job) ([]crm.Delivery, error) {
	if j.State == crm.JobDead {
		return db.deliveries(ctx, `where job = ? and job <> 0 or id = ? order by seq`, j.ID, j.Key)
	}
	return db.deliveries(ctx, `where key = ? and state in ('queued', 'noting') or id = ? order by seq`, j.Key, j.Key)
}

// RetryJob gives a dead letter another life, with its deliveries.
func (db *DB) RetryJob(ctx context.Context, j crm.Job) error {
	j.NotBefore = time.Time{}
	return db.removeDead(ctx, j, func(tx *tx) error {
		return firstError(
			func() error { return tx.byHand(crm.StepRetried, j.Key, j.ID) },
			func() error { return tx.revive(j) },
			func() error { return tx.enqueue(j) },
		)
	})
}

// revive lets the deliveries of a dead letter go on.
func (t *tx) revive(j crm.Job) error {
	return t.exec(`update inbox set state = `+onward+`, job = 0 where job = ? and job <> 0`, j.ID)
}

// DropJob gives a dead letter up, and its deliveries with it.
func (db *DB) DropJob(ctx context.Context, j crm.Job) error {
	return db.removeDead(ctx, j, func(tx *tx) error {
		return firstError(
			func() error { return tx.byHand(crm.StepDropped, j.Key, j.ID) },
			func() error {
				return tx.exec(`update inbox set state = 'dropped', job = 0, done_at = ? where job = ? and job <> 0`, tx.now, j.ID)
			},
		)
	})
}

func (db *DB) removeDead(ctx context.Context, j crm.Job, then func(*tx) error) error {
	return db.write(ctx, func(tx *tx) error {
		n, err := tx.affected(`delete from jobs where id = ? and state = 'dead'`, j.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		return then(tx)
	})
}

// Depth counts the jobs of one lane in one state.
type Depth struct {
	Lane   crm.Lane
	State  crm.JobState
	Count  int
	Oldest time.Time // when the oldest of them was created
}

// Summary is the state of everything, in numbers.
type Summary struct {
	Depths      []Depth
	Open        int // deliveries that are not in Notion yet
	Held        int // deliveries that wait for a person
	Quarantined int
	Leftovers   int
	Unsure      int // creates whose outcome is unknown
	Reads       []crm.Read
	Messages    map[crm.MessageState]int
	Bytes       int64 // of the database and its write-ahead log
}

// Summarise reads the numbers that status pages and metrics show.
func (db *DB) Summarise(ctx context.Context) (Summary, error) {
	var s Summary
	rows, err := db.reader.QueryContext(ctx, `select lane, state, count(*), min(created_at) from jobs group by lane, state order by lane, state`)
	if err := each(rows, err, func(r *sql.Rows) error {
		var d Depth
		var oldest int64
		err := r.Scan(&d.Lane, &d.State, &d.Count, &oldest)
		d.Oldest = moment(oldest)
		s.Depths = append(s.Depths, d)
		return err
	}); err != nil {
		return s, err
	}
	if err := db.reader.QueryRowContext(ctx, `select (select count(*) from inbox where state in ('queued', 'noting')), (select count(*) from inbox where state = 'held'),
		(select count(*) from quarantine), (select count(*) from leftovers), (select count(*) from intents where unsure_at <> 0)`).
		Scan(&s.Open, &s.Held, &s.Quarantined, &s.Leftovers, &s.Unsure); err != nil {
		return s, err
	}
	rows, err = db.reader.QueryContext(ctx, `select `+readColumns+` from reads order by database`)
	if err := each(rows, err, func(r *sql.Rows) error {
		read, err := scanRead(r.Scan)
		s.Reads = append(s.Reads, read)
		return err
	}); err != nil {
		return s, err
	}
	s.Messages = map[crm.MessageState]int{}
	rows, err = db.reader.QueryContext(ctx, `select state, count(*) from outbox group by state`)
	if err := each(rows, err, func(r *sql.Rows) error {
		var state crm.MessageState
		var n int
		err := r.Scan(&state, &n)
		s.Messages[state] = n
		return err
	}); err != nil {
		return s, err
	}
	space, err := db.Space()
	s.Bytes = space.File + space.Log
	return s, err
}

// leadRoom is what the largest lead and its job take, with room to spare: a
// small write may still fit where a lead does not.
const leadRoom = 1 << 20

// CheckWritable makes a small write and looks how much room is left, to learn
// whether the next lead could be stored.
func (db *DB) CheckWritable(ctx context.Context) error {
	if err := db.Err(); err != nil {
		return err
	}
	space, err := db.Space()
	if err != nil {
		return err
	}
	if space.Free < leadRoom {
		return fmt.Errorf("%w: %d bytes are free", ErrFull, space.Free)
	}
	return db.saveFact(ctx, "last write check", fmt.Sprint(time.Now().Unix()))
}
