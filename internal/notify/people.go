package notify

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/slack"
)

const (
	memberAge   = 24 * time.Hour // how long a look-up of a person holds
	lookUpLimit = 5 * time.Second
	lookUpPause = time.Minute      // after one that failed
	scopePause  = 15 * time.Minute // after one that is not allowed
)

// mention is a person of Notion in a text: values are escaped, so nothing
// else looks like it.
var mention = regexp.MustCompile(`<@([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})>`)

// resolve turns people of Notion into members of Slack, or into their names.
// The text does not get longer, as it was cut to Slack's limits before.
func (s *Service) resolve(ctx context.Context, text string) string {
	return mention.ReplaceAllStringFunc(text, func(token string) string {
		member, name, _ := s.member(ctx, mention.FindStringSubmatch(token)[1])
		switch {
		case member != "":
			return "<@" + member + ">"
		case name != "":
			return slack.Cut(slack.Escape(name), len(token), "")
		}
		return "(somebody)"
	})
}

// member finds out who a person of Notion is in Slack. An error says that
// this cannot be learnt now: no text waits for it.
func (s *Service) member(ctx context.Context, id string) (member, name string, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpLimit)
	defer cancel()
	p, _, err := s.o.State.Person(ctx, id)
	if err != nil {
		s.o.Log.Warn("a person could not be looked up", "person", id, "error", err)
		return "", "", err
	}
	if m, ok := s.configured(p); ok {
		return m, p.Name, nil
	}
	if time.Since(p.LookedUpAt) < memberAge {
		return p.Slack, p.Name, nil
	}
	if p.Email == "" || p.Name == "" {
		p, err = s.askNotion(ctx, p)
	}
	if m, ok := s.configured(p); ok {
		return m, p.Name, nil
	}
	if p.Email != "" && s.o.Slack.HasToken() {
		p, err = s.askSlack(ctx, p)
	}
	return p.Slack, p.Name, err
}

// configured looks a person up in the configuration: by id, else by email,
// else by name.
func (s *Service) configured(p crm.Person) (string, bool) {
	for _, is := range []func(key string) bool{
		func(key string) bool { return crm.NormalID(key) == p.ID },
		func(key string) bool { return p.Email != "" && crm.SameName(key, p.Email) },
		func(key string) bool { return p.Name != "" && crm.SameName(key, p.Name) },
	} {
		for _, key := range slices.Sorted(maps.Keys(s.o.Members)) {
			if is(key) {
				return s.o.Members[key], true
			}
		}
	}
	return "", false
}

// lookUp is how a look-up went: until when it is not repeated, and why.
type lookUp struct {
	until time.Time
	err   error // nil when the answer stands
}

func (l lookUp) holds() bool { return time.Now().Before(l.until) }

// askNotion asks for the name and the email, once in a while: without the
// capability to see emails Notion never tells them.
func (s *Service) askNotion(ctx context.Context, p crm.Person) (crm.Person, error) {
	s.mu.Lock()
	before := s.asked[p.ID]
	s.mu.Unlock()
	if before.holds() {
		return p, before.err
	}
	now := lookUp{until: time.Now().Add(memberAge)}
	found, err := s.o.Workspace.Person(ctx, p.ID)
	switch {
	case err == nil:
		p.Name, p.Email = cmp.Or(found.Name, p.Name), cmp.Or(found.Email, p.Email)
		s.learn(ctx, p)
	case errors.Is(err, crm.ErrNotFound), errors.Is(err, crm.ErrForbidden), errors.Is(err, crm.ErrInvalid):
		s.o.Log.Debug("a person cannot be looked up in Notion", "person", p.ID, "error", err)
	default:
		now = lookUp{time.Now().Add(lookUpPause), err}
	}
	s.mu.Lock()
	s.asked[p.ID] = now
	s.mu.Unlock()
	return p, now.err
}

// askSlack asks for the member with the person's email. While Slack does not
// answer, or does not allow it, it is not asked for everybody anew.
func (s *Service) askSlack(ctx context.Context, p crm.Person) (crm.Person, error) {
	s.mu.Lock()
	before := s.lookUps
	s.mu.Unlock()
	if before.holds() {
		return p, before.err
	}
	var now lookUp
	found, err := s.o.Slack.Member(ctx, p.Email)
	switch {
	case err == nil, errors.Is(err, crm.ErrNotFound):
		p.Slack, p.LookedUpAt = found, time.Now()
		s.learn(ctx, p)
	default:
		now = lookUp{lookUpEnd(err), err}
		if before.err == nil {
			hint, _ := crm.Hint(err)
			s.o.Log.Warn("a person cannot be looked up in Slack; names stand for mentions", "person", p.ID, "error", err, "hint", hint)
		}
	}
	s.mu.Lock()
	s.lookUps = now
	s.mu.Unlock()
	return p, now.err
}

// lookUpEnd returns until when a failed look-up holds back others.
func lookUpEnd(err error) time.Time {
	at, known := crm.RetryAt(err)
	switch {
	case known:
		return at
	case errors.Is(err, crm.ErrForbidden):
		return time.Now().Add(scopePause)
	}
	return time.Now().Add(lookUpPause)
}

func (s *Service) learn(ctx context.Context, p crm.Person) {
	if err := s.o.State.Apply(ctx, crm.Commit{People: []crm.Person{p}}); err != nil {
		s.o.Log.Warn("what was learnt of a person could not be stored", "person", p.ID, "error", err)
	}
}
