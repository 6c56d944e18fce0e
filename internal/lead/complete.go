package lead

import (
	"context"
	"errors"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/upsert"
)

const (
	completeSoon  = 20 * time.Second
	completeGroup = 50     // values written in one run
	completeList  = 10_000 // values looked through in one run
)

// Complete writes values that did not fit before and fit now, where the
// property is still blank, and comes back as long as any are left.
func (s *Service) Complete(ctx context.Context, _ crm.Job) (crm.Commit, error) {
	s.inspect(ctx)
	var commit crm.Commit
	var next time.Time
	if !s.inspected.Load() {
		next = time.Now().Add(patience(time.Time{}))
	}
	for database := range s.databases() {
		left, err := s.o.State.Leftovers(ctx, database, completeList)
		if err != nil {
			return commit, err
		}
		if len(left) == 0 {
			continue
		}
		completed, err := s.completeAll(ctx, database, left)
		commit.Completed = append(commit.Completed, completed...)
		if err != nil {
			return commit, err
		}
		if len(completed) < len(left) {
			next = time.Now().Add(patience(left[len(left)-1].NotedAt))
		}
		if len(completed) == completeGroup {
			next = time.Now()
		}
	}
	if !next.IsZero() {
		commit.Jobs = append(commit.Jobs, CompleteJob(next))
	}
	return commit, nil
}

// databases maps each database that leads go to, to the properties used there.
func (s *Service) databases() map[string][]string {
	used := map[string][]string{s.o.Contacts: s.contactNames()}
	if s.o.Activities != "" {
		used[s.o.Activities] = s.o.Mapping.Activity.names()
	}
	for _, f := range s.o.Forms {
		if f.Database != "" {
			used[f.Database] = append(used[f.Database], f.properties()...)
		}
	}
	return used
}

// inspect says once, after the start, which properties a database lacks. One
// that cannot be read is not its business.
func (s *Service) inspect(ctx context.Context) {
	if s.inspected.Swap(true) {
		return
	}
	for database, names := range s.databases() {
		schema, err := s.calm.Schema(ctx, database)
		if err != nil {
			s.inspected.Store(false) // another time
			continue
		}
		b, err := s.calm.Bind(ctx, schema, names)
		if missing := b.Missing(names); err == nil && len(missing) > 0 {
			s.o.Log.Warn("the database lacks properties; they are skipped", "database", schema.Name, "properties", missing,
				"hint", "add them in Notion, or name others under lead: or forms: in the configuration file")
		}
	}
}

// patience is how long to wait before asking for the schema again: the longer
// nobody has fixed it, the longer.
func patience(newest time.Time) time.Duration {
	switch age := time.Since(newest); {
	case age < 10*time.Minute:
		return completeSoon
	case age < time.Hour:
		return time.Minute
	}
	return 15 * time.Minute
}

func (s *Service) completeAll(ctx context.Context, database string, left []crm.Leftover) (completed []crm.Leftover, err error) {
	schema, err := s.calm.Refresh(ctx, database)
	if err != nil {
		return nil, err
	}
	b, err := s.calm.Bind(ctx, schema, s.databases()[database])
	if err != nil {
		return nil, err
	}
	for _, l := range left {
		p, known := b.Property(l.Property)
		value, misfit := upsert.Fit(p, l.Value.Text)
		if !known || misfit != nil {
			continue
		}
		err := s.completeOne(ctx, l.Page, p, value)
		if errors.Is(err, crm.ErrInvalid) {
			continue // the schema says it fits, Notion does not: ask again later
		}
		if err != nil {
			return completed, err
		}
		if completed = append(completed, l); len(completed) == completeGroup {
			break
		}
	}
	return completed, nil
}

// completeOne fills the property if it is still blank. A page that is gone
// needs nothing.
func (s *Service) completeOne(ctx context.Context, page string, p crm.Property, value crm.Value) error {
	ctx = crm.About(ctx, crm.Record{Page: page})
	fresh, err := s.o.Calm.Page(ctx, page)
	if err == nil && !fresh.Trashed && fresh.Values[p.ID].Blank() {
		values := map[string]crm.Value{p.ID: value}
		if err := s.o.State.Apply(ctx, crm.Commit{Steps: crm.Noted(ctx), Writes: []crm.Write{{Page: page, Values: values}}}); err != nil {
			return err
		}
		if _, err = s.o.Calm.Update(ctx, page, values); err == nil {
			crm.Note(ctx, crm.Step{Kind: crm.StepCompleted, Page: page, Properties: []string{p.ID}})
		}
	} else if err == nil {
		crm.Note(ctx, crm.Step{Kind: crm.StepLeft, Page: page})
	}
	if errors.Is(err, crm.ErrNotFound) || errors.Is(err, crm.ErrTrashed) {
		return nil
	}
	return err
}
