package lead

import (
	"context"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/upsert"
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
	ctx = crm.About(ctx, crm.Record{Key: job.Key})
	taken := fitting(deliveries)
	leads, strays := s.readAll(taken, job.Key)
	took(ctx, taken...)
	sentOn(ctx, "not of this contact, by what the forms are configured to now", strays...)
	var commit crm.Commit
	if len(leads) > 0 {
		g := &group{Service: s, key: job.Key, leads: leads}
		commit, err = s.rows.WithSchema(ctx, s.o.Contacts, func(schema crm.Schema) (crm.Commit, error) { return g.write(ctx, schema) })
	}
	if err == nil && len(taken) < len(deliveries) {
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

// group is the leads of one contact that one run takes.
type group struct {
	*Service
	key    string
	leads  []lead
	onPage bool // messages go on the contact's page
	fresh  bool // with which they are made
}

// write makes a plan and carries it out.
func (g *group) write(ctx context.Context, schema crm.Schema) (crm.Commit, error) {
	b, err := g.rows.Bind(ctx, schema, g.contactNames())
	if err != nil {
		return crm.Commit{}, err
	}
	plan, err := g.o.Mapping.draft(b, g.leads, g.o.Zone)
	if err != nil {
		return crm.Commit{}, err
	}
	row := upsert.Row{
		Database: g.o.Contacts, DataSource: schema.DataSource, Property: plan.key, Key: g.key,
		Create: plan.create, Fill: plan.fill, Touch: plan.touch, Content: g.content, Then: g.then,
	}
	for _, l := range g.leads {
		row.Typed = append(row.Typed, l.email.Typed)
	}
	written, commit, err := g.rows.Write(ctx, row)
	if err != nil {
		return commit, err
	}
	switch {
	case !g.onPage:
		commit.Jobs = append(commit.Jobs, g.activityJobs(written.Page)...)
	case g.fresh:
		kept(ctx, written.Page, g.messages("")...)
	}
	if written.Outcome == crm.Created {
		plan.leftovers = append(plan.leftovers, plan.onCreate...)
	}
	return g.done(ctx, written, commit, plan.leftovers), nil
}

// content is what a new contact's page begins with.
func (g *group) content(ctx context.Context) (text []crm.Paragraph, begin crm.Commit, err error) {
	if g.onPage, err = g.notesOnPage(ctx); err == nil && g.onPage {
		text, g.fresh = g.notes(), true
	}
	return text, g.noting(), err
}

// then keeps the messages of a contact that was there.
func (g *group) then(ctx context.Context, page string) (err error) {
	g.fresh = false
	if g.onPage, err = g.notesOnPage(ctx); err == nil && g.onPage {
		err = g.note(ctx, page)
	}
	return err
}

// done says what became of each delivery.
func (g *group) done(ctx context.Context, written upsert.Written, commit crm.Commit, leftovers []crm.Leftover) crm.Commit {
	outcome := written.Outcome
	for _, l := range g.leads {
		commit.Progress = append(commit.Progress, crm.Progress{Delivery: l.delivery.ID, State: crm.DeliveryDone, Outcome: outcome, Page: written.Page})
		outcome = crm.Updated
	}
	return g.keep(ctx, commit, g.o.Contacts, written.Page, leftovers)
}

// keep adds what did not fit to a commit, and the job that looks after it.
func (s *Service) keep(ctx context.Context, commit crm.Commit, database, page string, leftovers []crm.Leftover) crm.Commit {
	for _, l := range leftovers {
		l.Database, l.Page = database, page
		crm.Note(ctx, crm.Step{Kind: crm.StepLeftOut, Page: page, Properties: []string{l.Property}, Why: "expected " + l.Expected})
		commit.Leftovers = append(commit.Leftovers, l)
		s.o.Log.Warn("a value does not fit its database; it is kept until it does",
			"property", l.Property, "expected", l.Expected, "page", page, "hint", "fix the property in Notion; dealbell status shows what waits")
	}
	if len(leftovers) > 0 {
		commit.Jobs = append(commit.Jobs, CompleteJob(time.Now().Add(completeSoon)))
	}
	return commit
}
