package lead

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// looks are the times, from when the outcome of a create became unknown, at
// which Notion is asked whether the page is there. A new page may take
// seconds to appear in queries; after the last look it was never made.
var looks = [...]time.Duration{2 * time.Second, 7 * time.Second, 15 * time.Second, 30 * time.Second}

// creation is a page that must be made once. The caller has just looked for
// it and found none.
type creation struct {
	database   string
	dataSource string
	key        string
	values     map[string]crm.Value
	text       []crm.Paragraph
	begin      crm.Commit // made durable together with the intent
}

// createOnce makes the page. Its commit goes with the end of the job also
// when there is an error, which is crm.Later while the outcome of an earlier
// or of this create is unknown.
func (s *Service) createOnce(ctx context.Context, c creation) (crm.Page, crm.Commit, error) {
	if waiting, err := s.unsettled(ctx, c); err != nil {
		return crm.Page{}, waiting, err
	}
	intent := crm.Intent{Database: c.database, Key: c.key, BegunAt: time.Now()}
	c.begin.Intents = append(c.begin.Intents, intent)
	c.begin.Writes = append(c.begin.Writes, crm.Write{Page: crm.NewPage(c.database, c.key), Values: c.values})
	if err := s.o.State.Apply(ctx, c.begin); err != nil {
		return crm.Page{}, crm.Commit{}, fmt.Errorf("store intent: %w", err)
	}
	page, err := s.o.Notion.Create(ctx, c.dataSource, c.values, c.text)
	if id, committed := crm.CommittedID(err); committed {
		if page, err = s.o.Notion.Page(ctx, id); err != nil {
			err = fmt.Errorf("%w: read the page that was saved: %w", crm.ErrAmbiguous, err)
		}
	}
	switch {
	case err == nil:
		return page, crm.Commit{Settled: []crm.Intent{intent}}, nil
	case errors.Is(err, crm.ErrAmbiguous):
		intent.UnsureAt = time.Now()
		return crm.Page{}, crm.Commit{Intents: []crm.Intent{intent}},
			crm.Later(intent.UnsureAt.Add(looks[0]), "look whether the page was made: "+err.Error())
	}
	commit := unwritten(crm.NewPage(c.database, c.key), err)
	commit.Settled = []crm.Intent{intent}
	return crm.Page{}, commit, fmt.Errorf("create page: %w", err)
}

// unwritten takes back what a write was stored for, when it was refused: a
// person who writes the same later does it anew.
func unwritten(page string, err error) crm.Commit {
	if errors.Is(err, crm.ErrInvalid) || errors.Is(err, crm.ErrNotFound) || errors.Is(err, crm.ErrTrashed) || errors.Is(err, crm.ErrForbidden) {
		return crm.Commit{Unwritten: []string{page}}
	}
	return crm.Commit{}
}

// unsettled counts this look of an earlier create whose outcome is unknown,
// and asks for another one until all were in vain.
func (s *Service) unsettled(ctx context.Context, c creation) (crm.Commit, error) {
	intent, begun, err := s.o.State.Intent(ctx, c.database, c.key)
	if err != nil || !begun {
		return crm.Commit{}, err
	}
	if intent.UnsureAt.IsZero() {
		intent.UnsureAt = time.Now()
	}
	if due := intent.UnsureAt.Add(looks[min(intent.Looks, len(looks)-1)]); time.Now().Before(due) {
		return crm.Commit{Intents: []crm.Intent{intent}}, crm.Later(due, "the outcome of a create is unknown")
	}
	if intent.Looks++; intent.Looks < len(looks) {
		return crm.Commit{Intents: []crm.Intent{intent}},
			crm.Later(intent.UnsureAt.Add(looks[intent.Looks]), "the outcome of a create is unknown")
	}
	return crm.Commit{}, nil
}
