package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// Turn is one step of the queue, in one transaction: the ends of runs are
// written, waiting jobs whose time has come become ready, and as many ready
// jobs as there is room for are claimed: most urgent lane first, oldest first
// within it. next is when the earliest waiting job is due; zero when none
// waits.
func (db *DB) Turn(ctx context.Context, ends []crm.End, room crm.Room) (claimed []crm.Job, next time.Time, err error) {
	var jobs []crm.Job
	var due sql.NullInt64
	err = db.write(ctx, func(tx *tx) error {
		jobs = jobs[:0]
		for _, e := range ends {
			if err := tx.end(e); err != nil {
				return err
			}
		}
		if err := tx.exec(`update jobs set state = 'ready' where state = 'waiting' and not_before <= ?`, tx.now); err != nil {
			return err
		}
		started := 0 // of those that need Notion
		for _, lane := range crm.Lanes {
			n := room.In(lane, started)
			if n <= 0 {
				continue
			}
			// With a bare parameter as its limit SQLite would prepare the
			// statement anew at every run, for a plan of that limit.
			err := tx.rows(`update jobs set state = 'running' where id in (select id from jobs where state = 'ready' and lane = ? order by ahead desc, id limit 0 + ?)
				returning `+jobColumns, []any{lane, n},
				func(r *sql.Rows) error {
					j, err := scanJob(r)
					jobs = append(jobs, j)
					if lane.NeedsNotion() {
						started++
					}
					return err
				})
			if err != nil {
				return err
			}
		}
		_, err := tx.row(`select min(not_before) from jobs where state = 'waiting'`, nil, &due)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, e := range ends {
		db.watches.tell(e.Commit.Progress)
	}
	return jobs, moment(due.Int64), nil
}

// lookForWork asks everything that Idle needs to know in one statement: it
// runs after every accepted lead. The lanes are those of crm.Lanes.
const lookForWork = `select (select min(not_before) from jobs where state = 'waiting'),
	exists (select 1 from jobs where state = 'ready' and lane = 0), exists (select 1 from jobs where state = 'ready' and lane = 1),
	exists (select 1 from jobs where state = 'ready' and lane = 2), exists (select 1 from jobs where state = 'ready' and lane = 3)`

// Idle reports whether a Turn would find nothing to do, without writing:
// no job is ready in a lane with room and none is due.
func (db *DB) Idle(ctx context.Context, now time.Time, room crm.Room) (idle bool, next time.Time, err error) {
	var due sql.NullInt64
	var ready [len(crm.Lanes)]bool
	if err := db.look.QueryRowContext(ctx).Scan(&due, &ready[0], &ready[1], &ready[2], &ready[3]); err != nil {
		return false, time.Time{}, err
	}
	if next = moment(due.Int64); due.Valid && !next.After(now) {
		return false, next, nil
	}
	for _, lane := range crm.Lanes {
		if ready[lane] && room.In(lane, 0) > 0 {
			return false, next, nil
		}
	}
	return true, next, nil
}

// Queued reports whether a job of this kind and Unique waits for its turn.
func (db *DB) Queued(ctx context.Context, kind, unique string) (queued bool, err error) {
	err = db.reader.QueryRowContext(ctx, `select exists (select 1 from jobs where kind = ? and uniq = ? and uniq <> ''
		and state in ('ready', 'waiting', 'blocked'))`, kind, unique).Scan(&queued)
	return queued, err
}

// enqueue adds a job, or lets the one that already waits with the same Unique
// stand for both: the newest payload wins, the more urgent lane and the
// earlier time hold. Jobs of its key that it has to wait for become as urgent
// as it is.
func (t *tx) enqueue(j crm.Job) error {
	state, notBefore := crm.JobReady, milliAfter(j.NotBefore)
	if notBefore > t.now {
		state = crm.JobWaiting
	} else {
		notBefore = 0
	}
	payload := string(j.Payload)
	if payload == "" {
		payload = "null"
	}
	found, err := t.row(`insert into jobs (kind, lane, key, uniq, payload, state, created_at, not_before, ahead)
		values (?1, ?2, ?3, ?4, ?5,
			case when ?3 <> '' and exists (select 1 from jobs where key = ?3 and state <> 'dead') then 'blocked' else ?6 end, ?7, ?8, ?9)
		on conflict (kind, uniq) where uniq <> '' and state in ('ready', 'waiting', 'blocked') do update set
			payload = excluded.payload, lane = min(lane, excluded.lane), ahead = max(ahead, excluded.ahead), not_before = min(not_before, excluded.not_before),
			created_at = excluded.created_at, -- no giving up on the newest before its time
			state = case when state = 'waiting' and excluded.not_before = 0 then 'ready' else state end
		returning state`, []any{j.Kind, j.Lane, j.Key, j.Unique, payload, state, t.now, notBefore, j.Ahead}, &state)
	if err != nil || !found || state != crm.JobBlocked {
		return err
	}
	return t.exec(`update jobs set lane = ?1 where key = ?2 and lane > ?1 and state in ('ready', 'waiting', 'blocked')`, j.Lane, j.Key)
}

// end writes how a run ended and lets the next job of its key go on.
func (t *tx) end(e crm.End) error {
	if err := t.apply(e.Commit); err != nil {
		return err
	}
	attempts := e.Job.Attempts
	if e.Tried {
		attempts++
	}
	if e.State == crm.JobWaiting && e.Job.Unique != "" {
		// A newer job with the same Unique stands for both and takes over
		// the wait.
		n, err := t.affected(`update jobs set attempts = ?, not_before = ?, last_error = ?, state = 'waiting'
			where kind = ? and uniq = ? and uniq <> '' and state in ('ready', 'waiting', 'blocked')`,
			attempts, milliAfter(e.At), e.Reason, e.Job.Kind, e.Job.Unique)
		if err != nil {
			return err
		}
		if n > 0 {
			return t.exec(`delete from jobs where id = ?`, e.Job.ID)
		}
	}
	switch e.State {
	case crm.JobWaiting, crm.JobDead:
		if err := t.exec(`update jobs set state = ?, attempts = ?, not_before = ?, last_error = ? where id = ?`,
			e.State, attempts, milliAfter(e.At), e.Reason, e.Job.ID); err != nil {
			return err
		}
	default:
		if err := t.exec(`delete from jobs where id = ?`, e.Job.ID); err != nil {
			return err
		}
	}
	switch e.State {
	case crm.JobWaiting:
		return nil // the key is still taken
	case crm.JobDead:
		if err := t.bury(e.Job); err != nil {
			return err
		}
	}
	return t.release(e.Job.Key)
}

// hurry ends the waiting of all jobs of a kind.
func (t *tx) hurry(kind string) error {
	return t.exec(`update jobs set state = 'ready' where kind = ? and state = 'waiting'`, kind)
}

// rerunInterrupted makes running jobs ready again. One whose newer twin waits
// behind it leaves the work to the twin, as after any run that did not end.
func (t *tx) rerunInterrupted() error {
	const twins = `jobs as ran join jobs as twin on twin.kind = ran.kind and twin.uniq = ran.uniq
		and twin.uniq <> '' and twin.state in ('ready', 'waiting', 'blocked') where ran.state = 'running'`
	return firstError(
		func() error {
			return t.exec(`update jobs set state = 'ready' where id in (select twin.id from ` + twins + `)`)
		},
		func() error {
			return t.exec(`delete from jobs where state = 'running' and id in (select ran.id from ` + twins + `)`)
		},
		func() error { return t.exec(`update jobs set state = 'ready' where state = 'running'`) },
	)
}

// release lets the oldest blocked job of a key go on.
func (t *tx) release(key string) error {
	if key == "" {
		return nil
	}
	return t.exec(`update jobs set state = case when not_before > ? then 'waiting' else 'ready' end
		where id = (select id from jobs where key = ? and state = 'blocked' order by id limit 1)
		and not exists (select 1 from jobs where key = ? and state in ('ready', 'running', 'waiting'))`, t.now, key, key)
}

const jobColumns = `id, kind, lane, ahead, key, uniq, payload, state, attempts, created_at, not_before, last_error`

func scanJob(r *sql.Rows) (crm.Job, error) {
	var j crm.Job
	var payload string
	var created, notBefore int64
	err := r.Scan(&j.ID, &j.Kind, &j.Lane, &j.Ahead, &j.Key, &j.Unique, &payload, &j.State, &j.Attempts, &created, &notBefore, &j.LastError)
	j.Payload, j.CreatedAt, j.NotBefore = []byte(payload), moment(created), moment(notBefore)
	return j, err
}
