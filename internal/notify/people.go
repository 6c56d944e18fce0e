package notify

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/slack"
)

const (
	memberAge   = 24 * time.Hour // how long a look-up of a person holds
	lookUpLimit = 5 * time.Second
)

// mention is a person of Notion in a text: values are escaped, so nothing
// else looks like it.
var mention = regexp.MustCompile(`<@([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})>`)

// resolve turns people of Notion into members of Slack, or into their names.
func (s *Service) resolve(ctx context.Context, text string) string {
	return mention.ReplaceAllStringFunc(text, func(token string) string {
		member, name := s.member(ctx, mention.FindStringSubmatch(token)[1])
		switch {
		case member != "":
			return "<@" + member + ">"
		case name != "":
			return slack.Escape(name)
		}
		return "(somebody)"
	})
}

// member finds out who a person of Notion is in Slack. What cannot be learnt
// now stays open: no message waits for it.
func (s *Service) member(ctx context.Context, id string) (member, name string) {
	ctx, cancel := context.WithTimeout(ctx, lookUpLimit)
	defer cancel()
	p, _, err := s.o.State.Person(ctx, id)
	if err != nil {
		s.o.Log.Warn("a person could not be looked up", "person", id, "error", err)
	}
	if m, ok := s.configured(p); ok {
		return m, p.Name
	}
	if time.Since(p.LookedUpAt) < memberAge {
		return p.Slack, p.Name
	}
	if p.Email == "" || p.Name == "" {
		if known, err := s.o.Workspace.Person(ctx, id); err == nil {
			p.Name, p.Email = known.Name, known.Email
		} else {
			s.o.Log.Debug("Notion does not tell who a person is", "person", id, "error", err)
		}
	}
	if m, ok := s.configured(p); ok {
		s.learn(ctx, p)
		return m, p.Name
	}
	if s.o.Slack.HasToken() && p.Email != "" {
		found, err := s.o.Slack.Member(ctx, p.Email)
		if err == nil || errors.Is(err, crm.ErrNotFound) {
			p.Slack, p.LookedUpAt = found, time.Now()
		} else {
			hint, _ := crm.Hint(err)
			s.o.Log.Warn("Slack does not tell who a person is; the name stands for a mention", "person", id, "error", err, "hint", hint)
		}
	}
	s.learn(ctx, p)
	return p.Slack, p.Name
}

func (s *Service) configured(p crm.Person) (string, bool) {
	for key, member := range s.o.Members {
		if crm.NormalID(key) == p.ID || p.Email != "" && crm.SameName(key, p.Email) || p.Name != "" && crm.SameName(key, p.Name) {
			return member, true
		}
	}
	return "", false
}

func (s *Service) learn(ctx context.Context, p crm.Person) {
	if err := s.o.State.Apply(ctx, crm.Commit{People: []crm.Person{p}}); err != nil {
		s.o.Log.Warn("what was learnt of a person could not be stored", "person", p.ID, "error", err)
	}
}
