package store

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

const (
	maxBatch   = 256 // writes that share one fsync
	maxWaiting = 512 // writes that wait; beyond it callers are told ErrBusy
)

// committer lets concurrent writes share one fsync. There is no timer: while
// one commit sits in its fsync, the next callers queue up behind it.
type committer struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt // used by the goroutine only
	broken     error                // the disk failed; likewise
	fail       func(error)
	follow     Follow
	queue      chan write
	done       chan struct{} // closed when the goroutine has ended
	mu         sync.RWMutex  // held for reading while sending to queue
	closed     bool
}

type write struct {
	fn     func(*tx) error
	result chan error
}

func newCommitter(conn *sql.Conn, fail func(error)) *committer {
	c := &committer{
		conn: conn, statements: map[string]*sql.Stmt{}, fail: fail,
		queue: make(chan write, maxWaiting), done: make(chan struct{}),
	}
	go c.run()
	return c
}

// do hands fn to the committer and waits for its transaction to be durable.
// When ctx ends early the write may still happen.
func (c *committer) do(ctx context.Context, fn func(*tx) error) error {
	w := write{fn: fn, result: make(chan error, 1)}
	if err := c.send(ctx, w); err != nil {
		return err
	}
	select {
	case err := <-w.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *committer) send(ctx context.Context, w write) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.queue <- w:
		return nil
	default:
		return ErrBusy
	}
}

func (c *committer) close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.queue)
	}
	c.mu.Unlock()
	<-c.done
}

func (c *committer) run() {
	defer close(c.done)
	defer c.closeStatements()
	batch := make([]write, 0, maxBatch)
	for first := range c.queue {
		batch = append(batch[:0], first)
		// On one CPU the committer and a single handler would otherwise hand
		// the processor to each other and every batch would be of one.
		runtime.Gosched()
		for len(batch) > 0 {
			culprit, err := c.commit(&batch)
			if culprit >= 0 { // the others must not suffer: go again without it
				batch[culprit].result <- err
				batch = slices.Delete(batch, culprit, culprit+1)
				continue
			}
			for _, w := range batch {
				w.result <- err
			}
			break
		}
	}
}

// commit runs the batch in one transaction, taking in writes that arrive
// meanwhile. When one of them fails by its own fault nothing is written and
// culprit is its index; otherwise culprit is -1 and err holds for all.
func (c *committer) commit(batch *[]write) (culprit int, err error) {
	if c.broken != nil { // nothing more is promised
		return -1, c.broken
	}
	if err := c.command("begin immediate"); err != nil {
		return -1, c.check(err)
	}
	t := &tx{committer: c, now: time.Now().UnixMilli()}
	for i := 0; i < len(*batch); i++ { //nolint:intrange // the batch grows meanwhile
		if err := (*batch)[i].fn(t); err != nil {
			c.rollback()
			if errors.Is(classify(err), ErrFull) || broken(err) {
				return -1, c.check(err)
			}
			return i, err
		}
		if i == len(*batch)-1 && len(*batch) < maxBatch {
			select {
			case w, ok := <-c.queue:
				if ok {
					*batch = append(*batch, w)
				}
			default:
			}
		}
	}
	if err := c.command("commit"); err != nil {
		c.rollback()
		return -1, c.check(err)
	}
	return -1, nil
}

// rollback ends a transaction that SQLite may have ended by itself, as it
// does when the disk is full.
func (c *committer) rollback() {
	_ = c.command("rollback") // "no transaction is active" is what we want
}

func (c *committer) command(statement string) error {
	_, err := c.conn.ExecContext(context.Background(), statement)
	return err
}

func (c *committer) check(err error) error {
	if broken(err) {
		c.broken = err
		c.fail(err)
	}
	return err
}

func (c *committer) closeStatements() {
	for _, s := range c.statements {
		s.Close()
	}
	c.conn.Close()
}

// tx is a running transaction with its one timestamp.
type tx struct {
	*committer
	now     int64    // UTC milliseconds
	changed bool     // followUp has to enqueue the job of changes
	clued   []string // databases for which it has to enqueue the job of clues
}

// prepare keeps each statement: preparing one costs more than running it.
func (t *tx) prepare(query string) (*sql.Stmt, error) {
	if s, ok := t.statements[query]; ok {
		return s, nil
	}
	s, err := t.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	t.statements[query] = s
	return s, nil
}

// exec runs a statement that returns nothing.
func (t *tx) exec(query string, args ...any) error {
	_, err := t.affected(query, args...)
	return err
}

// affected runs a statement and counts the rows it changed.
func (t *tx) affected(query string, args ...any) (int64, error) {
	s, err := t.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := s.Exec(args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row reads at most one row; ok is false when there is none.
func (t *tx) row(query string, args []any, into ...any) (ok bool, err error) {
	s, err := t.prepare(query)
	if err != nil {
		return false, err
	}
	err = s.QueryRow(args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// rows calls scan for each row.
func (t *tx) rows(query string, args []any, scan func(*sql.Rows) error) error {
	s, err := t.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.Query(args...)
	return each(rows, err, scan)
}

// each walks the result of a query and closes it.
func each(rows *sql.Rows, err error, scan func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
