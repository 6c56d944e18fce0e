package upsert

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

// Creation is a page that must be made once. The caller has just looked for
// it and found none.
type Creation struct {
	Database   string // as configured
	DataSource string
	Key        string               // by which it is looked for
	Values     map[string]crm.Value // by property id
	Text       []crm.Paragraph
	Begin      crm.Commit // made durable together with the intent
}

// Once makes the page. Its commit goes with the end of the job also
// when there is an error, which is [crm.Later] while the outcome of an earlier
// or of this create is unknown.
func (w Writer) Once(ctx context.Context, c Creation) (crm.Page, crm.Commit, error) {
	if waiting, err := w.unsettled(ctx, c); err != nil {
		return crm.Page{}, waiting, err
	}
	intent := crm.Intent{Database: c.Database, Key: c.Key, BegunAt: time.Now()}
	c.Begin.Intents = append(c.Begin.Intents, intent)
	c.Begin.Writes = append(c.Begin.Writes, crm.Write{Page: crm.NewPage(c.Database, c.Key), Values: c.Values})
	sees(ctx, crm.StepBegan, "")
	c.Begin.Steps = crm.Noted(ctx)
	if err := w.State.Apply(ctx, c.Begin); err != nil {
		return crm.Page{}, crm.Commit{}, fmt.Errorf("store intent: %w", err)
	}
	page, err := w.Notion.Create(ctx, c.DataSource, c.Values, c.Text)
	if id, committed := crm.CommittedID(err); committed {
		if page, err = w.Notion.Page(ctx, id); err != nil {
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
	commit := unwritten(crm.NewPage(c.Database, c.Key), err)
	commit.Settled = []crm.Intent{intent}
	return crm.Page{}, commit, err
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
func (w Writer) unsettled(ctx context.Context, c Creation) (crm.Commit, error) {
	intent, begun, err := w.State.Intent(ctx, c.Database, c.Key)
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
