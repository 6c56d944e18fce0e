package lead

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
)

// What one run takes: its messages fit into one request to Notion, which is
// 100 blocks and 500 KB (https://developers.notion.com/reference/request-limits),
// also when every character needs an escape and one message fills a property
// as well.
const (
	maxGroup      = 40
	maxGroupBytes = 128 << 10
)

// Upsert brings the open deliveries of one contact into Notion.
func (s *Service) Upsert(ctx context.Context, job crm.Job) (crm.Commit, error) {
	deliveries, err := s.o.State.Pending(ctx, job.Key, maxGroup+1)
	if err != nil || len(deliveries) == 0 {
		return crm.Commit{}, err
	}
	group := fitting(deliveries)
	leads, strays := s.readAll(group, job.Key)
	var commit crm.Commit
	if len(leads) > 0 {
		u := &upsert{Service: s, key: job.Key, leads: leads}
		commit, err = s.withSchema(ctx, s.o.Contacts, func(schema crm.Schema) (crm.Commit, error) { return u.try(ctx, schema) })
	}
	if err == nil && len(group) < len(deliveries) {
		commit.Jobs = append(commit.Jobs, UpsertJob(job.Key))
	}
	elsewhere := s.redirect(strays)
	commit.Addressed, commit.Jobs = append(commit.Addressed, elsewhere.Addressed...), append(commit.Jobs, elsewhere.Jobs...)
	return commit, err
}

// fitting returns the first deliveries, as many as one run takes.
func fitting(deliveries []crm.Delivery) []crm.Delivery {
	size := 0
	for i, d := range deliveries {
		if size += len(d.Body); i > 0 && (i == maxGroup || size > maxGroupBytes) {
			return deliveries[:i]
		}
	}
	return deliveries
}

// upsert is one run for one contact.
type upsert struct {
	*Service
	key   string
	leads []lead
	plan  plan
	db    observe.Database
	to    string // data source
}

// try makes a plan and carries it out.
func (u *upsert) try(ctx context.Context, schema crm.Schema) (crm.Commit, error) {
	b, err := u.bind(ctx, schema, u.contactNames())
	if err != nil {
		return crm.Commit{}, err
	}
	if u.plan, err = u.o.Mapping.draft(b, u.leads, u.o.Zone); err != nil {
		return crm.Commit{}, err
	}
	u.db, u.to = observe.Database{ID: u.o.Contacts, Key: u.plan.key}, schema.DataSource
	// A known page can turn out to be gone, or another person's, once or twice
	// if people tidy up.
	for range 3 {
		page, found, err := u.find(ctx)
		if err != nil {
			return crm.Commit{}, err
		}
		if !found {
			return u.create(ctx)
		}
		commit, err := u.update(ctx, page)
		switch {
		case errors.Is(err, crm.ErrNotFound), errors.Is(err, crm.ErrTrashed):
			// Only while the database itself can be read is a page that
			// cannot be read gone.
			if err := u.lookUp(ctx); err != nil {
				return crm.Commit{}, err
			}
			commit = crm.Commit{Gone: []string{page.Page}}
		case !errors.Is(err, errSomebodyElse):
			return commit, err
		}
		if err := u.o.State.Apply(ctx, commit); err != nil {
			return crm.Commit{}, err
		}
	}
	return crm.Commit{}, fmt.Errorf("%w: the contact's page keeps disappearing", crm.ErrConflict)
}

// update fills blanks and touches. What is blank is decided by a fresh look,
// unless there is nothing to fill.
func (u *upsert) update(ctx context.Context, page crm.Snapshot) (crm.Commit, error) {
	fill := blanks(u.plan.fill, page.Values)
	touch := later(u.plan.touch, page.Values)
	if len(fill) > 0 || len(touch) == 0 {
		askedAt := time.Now()
		fresh, err := u.o.Notion.Page(ctx, page.Page)
		if err != nil {
			return crm.Commit{}, fmt.Errorf("read contact: %w", err)
		}
		if seen, err := u.see(crm.SeenFetch, askedAt, fresh); err != nil {
			return seen, err
		}
		fill, touch = blanks(u.plan.fill, fresh.Values), later(u.plan.touch, fresh.Values)
	}
	maps.Copy(fill, touch)
	seen := crm.Commit{}
	if len(fill) > 0 {
		if err := u.o.State.Apply(ctx, crm.Commit{Writes: []crm.Write{{Page: page.Page, Values: fill}}}); err != nil {
			return crm.Commit{}, err
		}
		askedAt := time.Now()
		after, err := u.o.Notion.Update(ctx, page.Page, fill)
		if errors.Is(err, crm.ErrInvalid) { // perhaps the page was moved to another database
			if fresh, readErr := u.o.Notion.Page(ctx, page.Page); readErr == nil {
				if seen, changed := u.see(crm.SeenFetch, askedAt, fresh); changed != nil {
					return seen, changed
				}
			}
		}
		if err != nil {
			return unwritten(page.Page, err), fmt.Errorf("update contact: %w", err)
		}
		if seen, err = u.see(crm.SeenWrite, askedAt, after); err != nil {
			return seen, err
		}
	}
	return u.finish(ctx, page.Page, seen)
}

// errSomebodyElse says that a page's email was changed in Notion: it belongs
// to another contact now.
var errSomebodyElse = errors.New("the page carries another email now")

// see remembers a page and checks that it is still the contact's.
func (u *upsert) see(by crm.SeenBy, askedAt time.Time, page crm.Page) (crm.Commit, error) {
	seen := crm.Commit{Sights: u.db.Look(by, askedAt, page)}
	sight := &seen.Sights[0]
	email, shown := page.Values[u.plan.key.ID]
	if !shown {
		sight.Key = u.key
	}
	moved := page.DataSource != "" && page.DataSource != u.to
	switch {
	case page.Trashed, moved: // in another database it is none of ours
		return seen, crm.ErrTrashed
	case shown && observe.Key(email) != u.key:
		return seen, errSomebodyElse
	}
	return seen, nil
}

// create makes the contact, unless somebody's create may still turn up.
func (u *upsert) create(ctx context.Context) (crm.Commit, error) {
	text := u.notes()
	inPage, err := u.notesOnPage(ctx)
	if err != nil {
		return crm.Commit{}, err
	}
	if !inPage {
		text = nil
	}
	askedAt := time.Now()
	page, commit, err := u.createOnce(ctx, creation{
		database: u.o.Contacts, dataSource: u.to, key: u.key, values: u.plan.create, text: text,
		begin: u.noting(),
	})
	if err != nil {
		return commit, err
	}
	// The key is what was written, whatever the answer shows of it.
	if _, ok := page.Values[u.plan.key.ID]; !ok {
		page.Values = u.plan.create
	}
	commit.Sights = u.db.Look(crm.SeenWrite, askedAt, page)
	commit.Sights[0].Made = true
	if !inPage {
		commit.Jobs = u.activityJobs(page.ID)
	}
	return u.done(page.ID, crm.Created, commit, append(u.plan.leftovers, u.plan.onCreate...)), nil
}

// finish keeps the messages of an update and says what became of each
// delivery. Where a create was begun, what was found is what it made.
func (u *upsert) finish(ctx context.Context, page string, commit crm.Commit) (crm.Commit, error) {
	outcome, leftovers := crm.Updated, u.plan.leftovers
	intent, begun, err := u.o.State.Intent(ctx, u.o.Contacts, u.key)
	if err != nil {
		return commit, err
	}
	if begun {
		outcome, leftovers = crm.Created, append(leftovers, u.plan.onCreate...)
		commit.Settled = append(commit.Settled, intent)
	}
	onPage, err := u.notesOnPage(ctx)
	if err == nil && onPage {
		err = u.note(ctx, page)
	}
	if err != nil {
		return commit, err // what was done so far is remembered
	}
	if !onPage {
		commit.Jobs = append(commit.Jobs, u.activityJobs(page)...)
	}
	return u.done(page, outcome, commit, leftovers), nil
}

func (u *upsert) done(page string, outcome crm.Outcome, commit crm.Commit, leftovers []crm.Leftover) crm.Commit {
	for _, l := range u.leads {
		commit.Progress = append(commit.Progress, crm.Progress{Delivery: l.delivery.ID, State: crm.DeliveryDone, Outcome: outcome, Page: page})
		outcome = crm.Updated
	}
	return u.keep(commit, u.o.Contacts, page, leftovers)
}

// keep adds what did not fit to a commit, and the job that looks after it.
func (s *Service) keep(commit crm.Commit, database, page string, leftovers []crm.Leftover) crm.Commit {
	for _, l := range leftovers {
		l.Database, l.Page = database, page
		commit.Leftovers = append(commit.Leftovers, l)
		s.o.Log.Warn("a value does not fit its database; it is kept until it does",
			"property", l.Property, "expected", l.Expected, "page", page, "hint", "fix the property in Notion; dealbell status shows what waits")
	}
	if len(leftovers) > 0 {
		commit.Jobs = append(commit.Jobs, CompleteJob(time.Now().Add(completeSoon)))
	}
	return commit
}
