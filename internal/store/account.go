package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// mostOfAKind is how many rows of each table an account holds: the newest.
const mostOfAKind = 1000

// Whose says whose account is asked for: the first field that is set.
type Whose struct {
	Key      string // a contact's
	Page     string // id
	Delivery string // id, also of a rejected one
}

// Received is a delivery with what became of it.
type Received struct {
	crm.Delivery
	Outcome crm.Outcome // once done
	Page    string      // once done
	Job     int64       // the dead letter it is part of; 0 for none
	DoneAt  time.Time
}

// Account is all that is stored about one contact, or about one page or
// delivery that belongs to none. Of each kind there are at most the newest
// 1,000, oldest first; Cut says that there are more.
type Account struct {
	Key        string // the contact's; "" for none
	Deliveries []Received
	Rejected   []Rejected // that name the address, or are asked for
	Steps      []crm.Step
	Pages      []crm.Snapshot
	Elsewhere  []crm.Snapshot // pages of the deliveries that carry another key by now
	Changes    []crm.Change
	Messages   []crm.Message
	Jobs       []crm.Job // that are not finished
	Leftovers  []crm.Leftover
	Intents    []crm.Intent
	Cut        bool
}

// Empty reports whether nothing is known.
func (a Account) Empty() bool {
	return len(a.Deliveries)+len(a.Rejected)+len(a.Steps)+len(a.Pages)+len(a.Changes)+len(a.Messages)+len(a.Jobs)+len(a.Leftovers)+len(a.Intents) == 0
}

// querier is what is read from. An account has one transaction for all: who
// holds a connection and asks for a second one waits for ever once a few do.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// account is the search for one.
type account struct {
	Account
	querier
	page     string   // that was asked for
	delivery string   // likewise
	pages    []string // ids of the record's
}

// Account collects everything about a record, as it was at one moment.
func (db *DB) Account(ctx context.Context, w Whose) (Account, error) {
	tx, err := db.reader.BeginTx(ctx, nil)
	if err != nil {
		return Account{}, err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	a := newAccount(tx, w)
	if err := a.collect(ctx); err != nil {
		return Account{}, err
	}
	return a.Account, nil
}

func newAccount(from querier, w Whose) *account {
	return &account{Account: Account{Key: w.Key}, querier: from, page: w.Page, delivery: w.Delivery, pages: []string{w.Page}}
}

func (a *account) collect(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		a.whose, a.deliveries, a.snapshots, a.steps, a.changes, a.messages, a.jobs, a.leftovers, a.intents, a.rejected,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// whose finds the contact's key of a page or delivery.
func (a *account) whose(ctx context.Context) error {
	var err error
	switch {
	case a.Key != "":
	case a.page != "":
		err = a.QueryRowContext(ctx, `select key from snapshots where page = ?`, a.page).Scan(&a.Key)
	default:
		err = a.QueryRowContext(ctx, `select case when key <> id then key else '' end from inbox where id = ?`, a.delivery).Scan(&a.Key)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// What rows of a record have: as their key that of the contact (?1) or of one
// of its deliveries (?3), and as their page one of those (?2).
const (
	ofKeys  = `(select ?1 where ?1 <> '' union select id from inbox where key = ?1 and ?1 <> '' union select ?3 where ?3 <> '')`
	ofPages = `(select value from json_each(?2))`
)

// list calls scan with the rows of a query that has ?4 as its limit.
func (a *account) list(ctx context.Context, query string, scan func(*sql.Rows) error) error {
	pages, err := json.Marshal(a.pages)
	if err != nil {
		return err
	}
	n := 0
	rows, err := a.QueryContext(ctx, query, a.Key, string(pages), a.delivery, mostOfAKind+1)
	return each(rows, err, func(r *sql.Rows) error {
		if n++; n > mostOfAKind {
			a.Cut = true
			return nil
		}
		return scan(r)
	})
}

func (a *account) deliveries(ctx context.Context) error {
	if a.Key != "" {
		a.delivery = "" // it is one of the contact's
	}
	where := `(key = ?1 and ?1 <> '' or id = ?3)`
	if a.Key == "" && a.page != "" { // a row that a form made
		where = `id in (select key from steps where page in ` + ofPages + ` and page <> '')`
	}
	err := a.list(ctx, `select `+deliveryColumns+`, outcome, page, job, done_at from inbox where `+where+` order by seq desc limit ?4`, func(r *sql.Rows) error {
		var d Received
		var done int64
		err := scanDelivery(r, &d.Delivery, &d.Outcome, &d.Page, &d.Job, &done)
		d.DoneAt = moment(done)
		a.Deliveries = append(a.Deliveries, d)
		return err
	})
	slices.Reverse(a.Deliveries)
	if len(a.Deliveries) == 1 && a.Key == "" {
		a.delivery = a.Deliveries[0].ID
	}
	return err
}

// snapshots finds the record's pages: those that carry the key, the one that
// was asked for, and those of the deliveries unless they are another's now.
func (a *account) snapshots(ctx context.Context) error {
	for _, d := range a.Deliveries {
		if !slices.Contains(a.pages, d.Page) {
			a.pages = append(a.pages, d.Page)
		}
	}
	err := a.list(ctx, `select `+snapshotColumns+` from snapshots where page in `+ofPages+`
		union all select `+snapshotColumns+` from snapshots where database in (select database from reads) and key = ?1 and ?1 <> '' and page not in `+ofPages+`
		order by trashed, created_at limit ?4`, func(r *sql.Rows) error {
		s, err := scanSnapshot(r.Scan)
		if s.Key != "" && s.Key != a.Key && s.Page != a.page {
			a.Elsewhere = append(a.Elsewhere, s)
			return err
		}
		a.Pages = append(a.Pages, s)
		return err
	})
	for _, s := range a.Pages {
		if !slices.Contains(a.pages, s.Page) {
			a.pages = append(a.pages, s.Page)
		}
	}
	a.pages = slices.DeleteFunc(a.pages, func(id string) bool {
		return id == "" || slices.ContainsFunc(a.Elsewhere, func(s crm.Snapshot) bool { return s.Page == id })
	})
	return err
}

func (a *account) steps(ctx context.Context) error {
	var rows [][]crm.Step
	err := a.list(ctx, `select job, key, page, list from steps where id in (
		select id from steps where key in `+ofKeys+` and key <> '' union select id from steps where page in `+ofPages+` and page <> '')
		order by id desc limit ?4`, func(r *sql.Rows) error {
		steps, err := scanSteps(r)
		rows = append(rows, steps)
		return err
	})
	slices.Reverse(rows)
	a.Steps = slices.Concat(rows...)
	return err
}

func (a *account) changes(ctx context.Context) error {
	err := a.list(ctx, `select `+changeColumns+` from changes where page in `+ofPages+` order by id desc limit ?4`, func(r *sql.Rows) error {
		c, err := scanChange(r)
		a.Changes = append(a.Changes, c)
		return err
	})
	slices.Reverse(a.Changes)
	return err
}

func (a *account) messages(ctx context.Context) error {
	err := a.list(ctx, `select `+messageColumns+` from outbox where page in `+ofPages+` and page <> '' order by id desc limit ?4`, func(r *sql.Rows) error {
		m, err := scanMessage(r)
		a.Messages = append(a.Messages, m)
		return err
	})
	slices.Reverse(a.Messages)
	return err
}

func (a *account) jobs(ctx context.Context) error {
	return a.list(ctx, `select `+jobColumns+` from jobs where key in `+ofKeys+` order by id limit ?4`, func(r *sql.Rows) error {
		j, err := scanJob(r)
		a.Jobs = append(a.Jobs, j)
		return err
	})
}

func (a *account) leftovers(ctx context.Context) error {
	return a.list(ctx, `select `+leftoverColumns+` from leftovers where page in `+ofPages+` order by noted_at, property limit ?4`, func(r *sql.Rows) error {
		l, err := scanLeftover(r)
		a.Leftovers = append(a.Leftovers, l)
		return err
	})
}

func (a *account) intents(ctx context.Context) error {
	return a.list(ctx, `select database, key, begun_at, unsure_at, looks from intents where key in `+ofKeys+` limit ?4`, func(r *sql.Rows) error {
		var i crm.Intent
		var begun, unsure int64
		err := r.Scan(&i.Database, &i.Key, &begun, &unsure, &i.Looks)
		i.BegunAt, i.UnsureAt = moment(begun), moment(unsure)
		a.Intents = append(a.Intents, i)
		return err
	})
}

// rejected finds what was not believed and names the address, in any spelling.
func (a *account) rejected(ctx context.Context) error {
	email, none := crm.ParseEmail(a.Key)
	return eachRejected(ctx, a, func(q Rejected) {
		if q.ID == a.delivery || none == nil && len(email.Mentions(q.Body)) > 0 {
			a.Rejected = append(a.Rejected, q)
		}
	}, allRejected)
}

// Keys calls visit with each key of a contact that wrote or was seen in
// Notion, some of them more than once.
func (db *DB) Keys(ctx context.Context, visit func(key string) error) error {
	for _, query := range []string{
		`select distinct key from inbox where key <> id`,
		`select key from snapshots where database in (select database from reads) and key <> ''`,
	} {
		rows, err := db.reader.QueryContext(ctx, query)
		if err := each(rows, err, func(r *sql.Rows) error {
			var key string
			if err := r.Scan(&key); err != nil {
				return err
			}
			return visit(key)
		}); err != nil {
			return err
		}
	}
	return nil
}
