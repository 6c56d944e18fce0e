package digest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/store"
)

const (
	patience = 20 * time.Second // with Notion, before the replica has to do
	again    = time.Minute      // until the next look for a replica
	tooLate  = 6 * time.Hour    // after its slot, as with slots that were missed
)

// nothingToSay stands in a draft for the message that would not be sent.
const nothingToSay = "(nothing to say)"

// State is what the package needs of the store.
type State interface {
	Schema(ctx context.Context, database string) (crm.Schema, bool, error)
	Bindings(ctx context.Context, database string) (map[string]string, error)
	SaveBindings(ctx context.Context, database string, names map[string]string) error
	Read(ctx context.Context, database string) (crm.Read, error)
	Rows(ctx context.Context, database string, visit func(crm.Snapshot) error) error
	Changes(ctx context.Context, f store.ChangeFilter) ([]crm.Change, error)
	Person(ctx context.Context, id string) (crm.Person, bool, error)
}

// Options are what a Service needs.
type Options struct {
	State   State
	Freshen func(ctx context.Context, database string) error // reads what changed in Notion, now
	Digests []*Digest
	Zone    *time.Location
	Log     *slog.Logger
	Send    func(channel string) crm.Job // the job that sends what waits for a channel
	Direct  func(person string) string   // the channel of direct messages to a person
}

// Service handles the jobs of digests.
type Service struct{ o Options }

// New returns a Service.
func New(o Options) *Service { return &Service{o: o} }

// Make makes the messages of a digest and asks for them to be sent.
func (s *Service) Make(ctx context.Context, job crm.Job) (crm.Commit, error) {
	var p payload
	if err := json.Unmarshal(job.Payload, &p); err != nil {
		return crm.Commit{}, fmt.Errorf("%w: payload: %w", crm.ErrInvalid, err)
	}
	i := slices.IndexFunc(s.o.Digests, func(d *Digest) bool { return d.name == p.Name })
	if i < 0 {
		s.o.Log.Info("a digest is no longer configured; its slot passes", "digest", p.Name, "slot", p.Slot)
		return crm.Commit{}, nil
	}
	d := s.o.Digests[i]
	switch {
	case p.onWeekend() && d.spec.Weekends != nil && !*d.spec.Weekends:
		return crm.Commit{}, nil
	case p.late(job):
		s.o.Log.Warn("a digest could not be made in time; it is given up", "digest", d.name, "slot", p.Slot, "reason", job.LastError, "hint", "dealbell status; by hand: dealbell digest "+d.name)
		return crm.Commit{}, nil
	}
	stale, err := s.freshen(ctx, d)
	if err != nil {
		return crm.Commit{}, err
	}
	letters, err := s.answer(ctx, d, stale)
	switch {
	case errors.Is(err, errLacks) && p.asked():
		return crm.Commit{}, fmt.Errorf("%w: %w", crm.ErrInvalid, err)
	case errors.Is(err, errLacks):
		s.o.Log.Warn("a digest is skipped", "digest", d.name, "slot", p.Slot, "problem", err, "hint", "dealbell check")
		return crm.Commit{}, nil
	case err != nil:
		return crm.Commit{}, fmt.Errorf("make digest: %w", err)
	}
	return s.commit(p, d, letters), nil
}

// freshen reads what changed in Notion. stale says that this failed.
func (s *Service) freshen(ctx context.Context, d *Digest) (stale bool, err error) {
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = s.o.Freshen(short, d.database)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil:
		s.o.Log.Warn("a digest is made from what is known, as Notion cannot be read", "digest", d.name, "error", err)
	}
	return err != nil, nil
}

// answer asks the replica, once the database was read completely.
func (s *Service) answer(ctx context.Context, d *Digest, stale bool) ([]letter, error) {
	read, err := s.o.State.Read(ctx, d.database)
	if err != nil {
		return nil, err
	}
	schema, found, err := s.o.State.Schema(ctx, d.database)
	if err != nil {
		return nil, err
	}
	if read.CompletedAt.IsZero() || !found {
		return nil, crm.Later(time.Now().Add(again), "database "+d.database+" was never read completely")
	}
	bound, err := s.bind(ctx, d, schema)
	if err != nil {
		return nil, err
	}
	q := question{bound: bound, ledger: read, stale: stale, context: s.context(ctx)}
	return q.answer(ctx, s.o.State)
}

// bind binds a digest and remembers the ids of the properties that it names.
func (s *Service) bind(ctx context.Context, d *Digest, schema crm.Schema) (*Bound, error) {
	known, err := s.o.State.Bindings(ctx, d.database)
	if err != nil {
		return nil, err
	}
	to := crm.Bindings{Schema: schema, Known: known}
	bound, mistakes := d.Bind(to)
	if learnt := to.Learn(bound.names); len(learnt) > 0 {
		if err := s.o.State.SaveBindings(ctx, d.database, learnt); err != nil {
			return nil, err
		}
	}
	for _, m := range mistakes {
		if m.Stops {
			return nil, misfit(m, len(to.Missing(bound.names)) > 0)
		}
		s.o.Log.Warn("a digest does not fit its database", "digest", d.name, "problem", m.Text, "hint", m.Hint)
	}
	return bound, nil
}

// errLacks means that the database never had a property that the digest
// needs. Not every CRM has all of the standard one: only who asks is told so.
var errLacks = errors.New("the database lacks a property")

// misfit is the error of a digest that cannot be made. A property that was
// there once has to be mended by a person.
func misfit(m rules.Mistake, never bool) error {
	kind, text := crm.ErrInvalid, m.Text
	if never {
		kind = errLacks
	}
	if m.Hint != "" {
		text += "; " + m.Hint
	}
	return crm.WithHint(fmt.Errorf("%w: %s", kind, text), "dealbell check")
}

// context remembers the names of people while one digest is made.
func (s *Service) context(ctx context.Context) rules.Context {
	names := map[string]string{}
	return rules.Context{Zone: s.o.Zone, Now: time.Now(), Person: func(id string) string {
		name, known := names[id]
		if !known {
			p, _, err := s.o.State.Person(ctx, id)
			if err == nil {
				name = p.Name
			}
			names[id] = name
		}
		return name
	}}
}

// commit turns the letters of a digest into messages.
func (s *Service) commit(p payload, d *Digest, letters []letter) crm.Commit {
	var c crm.Commit
	for _, l := range letters {
		channel := d.spec.Channel
		if l.person != "" {
			channel = s.o.Direct(l.person)
		}
		c.Messages = append(c.Messages, p.message(channel, l.text))
		if !p.Dry {
			c.Jobs = append(c.Jobs, s.o.Send(channel))
		}
	}
	if len(letters) == 0 && p.Dry {
		c.Messages = []crm.Message{p.message(d.spec.Channel, nothingToSay)}
	}
	return c
}
