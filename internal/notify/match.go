package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/slack"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	changesByRun = 500 // that one run looks at
	// What was edited longer ago than this is known and no news any more: a
	// database that comes back after months must not ring for all of them.
	oldNews = 30 * 24 * time.Hour
)

// all is a limit that does not limit.
const all = 1 << 30

// Match lets the rules look at the changes that they have not seen. That they
// have, and what they say, is one commit, also when a later change has to
// wait.
func (s *Service) Match(ctx context.Context, _ crm.Job) (crm.Commit, error) {
	after, err := s.o.State.Matched(ctx)
	if err != nil {
		return crm.Commit{}, err
	}
	changes, err := s.o.State.Changes(ctx, store.ChangeFilter{After: after, Limit: changesByRun})
	if err != nil || len(changes) == 0 {
		return crm.Commit{}, err
	}
	more := len(changes) == changesByRun
	var commit crm.Commit
	for _, sight := range sights(changes, more) {
		messages, err := s.fire(ctx, sight)
		if err != nil {
			return sending(commit), fmt.Errorf("match changes of page %s: %w", sight[0].Page, err)
		}
		commit.Messages = append(commit.Messages, messages...)
		commit.Matched = sight[len(sight)-1].ID
	}
	if more {
		commit.Jobs = append(commit.Jobs, MatchJob())
	}
	return sending(commit), nil
}

// sights groups the changes that one look at a page brought. When there are
// more changes, the last group may not be whole and is left to the next run.
func sights(changes []crm.Change, more bool) [][]crm.Change {
	var groups [][]crm.Change
	for i, c := range changes {
		if i > 0 && c.Page == changes[i-1].Page && c.SeenAt.Equal(changes[i-1].SeenAt) && c.Property > changes[i-1].Property {
			groups[len(groups)-1] = append(groups[len(groups)-1], c)
			continue
		}
		groups = append(groups, []crm.Change{c})
	}
	if more && len(groups) > 1 {
		return groups[:len(groups)-1]
	}
	return groups
}

// sending adds the jobs that send the messages of a commit.
func sending(commit crm.Commit) crm.Commit {
	var channels []string
	for _, m := range commit.Messages {
		channels = append(channels, m.Channel)
	}
	slices.Sort(channels)
	for _, channel := range slices.Compact(channels) {
		commit.Jobs = append(commit.Jobs, SendJob(channel, time.Time{}))
	}
	return commit
}

// fire returns what the rules say about one sight of a page.
func (s *Service) fire(ctx context.Context, changes []crm.Change) ([]crm.Message, error) {
	bound, err := s.rulesOf(ctx, changes[0].Database)
	if err != nil || len(bound) == 0 {
		return nil, err
	}
	if edited := changes[0].EditedAt; !edited.IsZero() && changes[0].SeenAt.Sub(edited) > oldNews {
		s.o.Log.Info("an edit of more than 30 days ago rings nothing", "page", changes[0].Page, "edited", edited)
		return nil, nil
	}
	row, err := s.row(ctx, changes)
	if err != nil {
		return nil, err
	}
	var messages []crm.Message
	for _, b := range bound {
		c, fires := b.FiresAny(changes, row, s.context(ctx))
		if !fires {
			continue
		}
		text, err := b.Text(c, row, s.context(ctx))
		if err != nil {
			s.o.Log.Error("a rule fired and cannot say so", "rule", b.Rule().Name(), "change", c.ID, "error", err, "hint", "dealbell rules test "+c.Page)
			text = fmt.Sprintf("rule %q fired: %s", slack.Escape(b.Rule().Name()), pageLink(c.Page))
		}
		messages = append(messages, crm.Message{Channel: b.Rule().Channel(), Rule: b.Rule().Name(), Change: c.ID, Page: c.Page, Text: text})
	}
	return messages, nil
}

func (s *Service) context(ctx context.Context) rules.Context {
	return rules.Context{Zone: s.o.Zone, Now: time.Now(), Person: func(id string) string {
		p, _, err := s.o.State.Person(ctx, id)
		if err != nil {
			return ""
		}
		return p.Name
	}}
}

// row returns the page as it was when the changes were seen: what changed
// since is undone.
func (s *Service) row(ctx context.Context, changes []crm.Change) (rules.Row, error) {
	last := changes[len(changes)-1]
	page, _, err := s.o.State.Snapshot(ctx, last.Page)
	if err != nil {
		return rules.Row{}, err
	}
	since, err := s.o.State.Changes(ctx, store.ChangeFilter{After: last.ID, Page: last.Page, Limit: all})
	if err != nil {
		return rules.Row{}, err
	}
	if page.Values == nil { // the page is not known any more
		page.Values = map[string]crm.Value{}
	}
	for _, c := range slices.Backward(since) {
		if page.Values[c.Property] = c.Old; c.Old.Kind == "" {
			delete(page.Values, c.Property)
		}
	}
	row := rules.Row{Page: last.Page, URL: page.URL, Values: page.Values, EditedBy: last.EditedBy, CreatedAt: page.CreatedAt}
	if row.URL == "" {
		row.URL = pageLink(last.Page)
	}
	return row, nil
}

// bound are the rules of a database, bound to one state of its schema.
type bound struct {
	shape string
	rules []*rules.Bound
}

// shape tells whether a schema has changed, whenever it was read.
func shape(schema crm.Schema) string {
	schema.ReadAt = time.Time{}
	text, _ := json.Marshal(schema) // texts and lists of them
	return string(text)
}

// rulesOf returns the rules of a database as they fit what was read of it
// last.
func (s *Service) rulesOf(ctx context.Context, database string) ([]*rules.Bound, error) {
	if !slices.ContainsFunc(s.o.Rules, func(r Rule) bool { return r.Database == database }) {
		return nil, nil
	}
	schema, found, err := s.o.State.Schema(ctx, database)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, crm.Later(time.Now().Add(10*time.Second), "the properties of database "+database+" were never read")
	}
	return s.bind(ctx, schema)
}

// bind binds the rules of a database, anew when its schema has changed, and
// says then what is wrong with them.
func (s *Service) bind(ctx context.Context, schema crm.Schema) ([]*rules.Bound, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.bound[schema.Database]; ok && known.shape == shape(schema) {
		return known.rules, nil
	}
	names, err := s.o.State.Bindings(ctx, schema.Database)
	if err != nil {
		return nil, err
	}
	fresh, mistakes, used := Bind(s.o.Rules, crm.Bindings{Schema: schema, Known: names})
	if learnt := (crm.Bindings{Schema: schema, Known: names}).Learn(used); len(learnt) > 0 {
		if err := s.o.State.SaveBindings(ctx, schema.Database, learnt); err != nil {
			return nil, err
		}
	}
	for _, m := range mistakes {
		s.o.Log.Warn("a rule does not fit its database", "rule", m.Rule, "problem", m.Text, "hint", m.Hint)
	}
	s.bound[schema.Database] = bound{shape(schema), fresh}
	return fresh, nil
}

// Bind binds those rules that are about a database, and returns the names of
// properties that they use.
func Bind(configured []Rule, to crm.Bindings) (found []*rules.Bound, mistakes []rules.Mistake, names []string) {
	for _, r := range configured {
		if r.Database != to.Schema.Database {
			continue
		}
		one, wrong := r.Bind(to.Schema, to.Property)
		found, mistakes, names = append(found, one), append(mistakes, wrong...), append(names, r.Names()...)
	}
	return found, mistakes, names
}

// Lists returns the ids of a database's properties that rules look at, so
// that long lists of them are read to their end.
func (s *Service) Lists(ctx context.Context, schema crm.Schema) ([]string, error) {
	bound, err := s.bind(ctx, schema)
	var ids []string
	for _, b := range bound {
		ids = append(ids, b.Properties()...)
	}
	return ids, err
}
