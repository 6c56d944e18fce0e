package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// PersonChannel is the channel of direct messages to a member of the Notion
// workspace.
func PersonChannel(id string) string { return personPrefix + id }

const personPrefix = "person "

func payload(channel string) json.RawMessage {
	text, _ := json.Marshal(channel) // a string
	return text
}

// patience is how long failed tries count. The queue gives up in the end what
// counts, and nothing else would send these messages.
const patience = 24 * time.Hour

// Send hands the next messages of a channel to Slack and asks to be called
// for those that follow.
func (s *Service) Send(ctx context.Context, job crm.Job) (crm.Commit, error) {
	var channel string
	if err := json.Unmarshal(job.Payload, &channel); err != nil {
		return crm.Commit{}, fmt.Errorf("%w: payload: %w", crm.ErrInvalid, err)
	}
	commit, err := s.send(ctx, channel)
	if err != nil && !errors.Is(err, crm.ErrForbidden) && time.Since(job.CreatedAt) > patience {
		err = crm.Later(time.Now().Add(time.Minute), err.Error())
	}
	return commit, err
}

func (s *Service) send(ctx context.Context, channel string) (crm.Commit, error) {
	if err := s.recover(ctx, channel); err != nil {
		return crm.Commit{}, err
	}
	now := time.Now()
	waiting, err := s.o.State.Waiting(ctx, channel)
	if err != nil || len(waiting) == 0 {
		return crm.Commit{}, err
	}
	ready, later := s.ready(now, channel, waiting)
	if len(ready) == 0 {
		return crm.Commit{Jobs: []crm.Job{SendJob(channel, later)}}, nil
	}
	recent, err := s.o.State.SentSince(ctx, channel, now.Add(-window))
	if err != nil {
		return crm.Commit{}, err
	}
	do := next(now, ready, recent)
	if len(do.send) == 0 {
		return crm.Commit{Jobs: []crm.Job{SendJob(channel, earlier(do.wait, later))}}, nil
	}
	commit, err := s.post(ctx, channel, do)
	if len(waiting) > len(do.send) && err == nil {
		commit.Jobs = append(commit.Jobs, SendJob(channel, time.Now().Add(pace)))
	}
	return commit, err
}

// ready returns the messages that may be sent now, and when the first of the
// others may.
func (s *Service) ready(now time.Time, channel string, waiting []crm.Message) (ready []crm.Message, later time.Time) {
	if until := s.pausedUntil(channel); until.After(now) {
		return nil, until
	}
	loud := s.o.Quiet.Until(now.In(s.o.Zone))
	for _, m := range waiting {
		until := s.doubtUntil(m.ID)
		if !urgent(m) && loud.After(until) {
			until = loud
		}
		if until.After(now) {
			later = earlier(later, until)
			continue
		}
		ready = append(ready, m)
	}
	return ready, later
}

// earlier returns the earlier of two times; zero stands for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// urgent reports whether somebody asked for a message just now.
func urgent(m crm.Message) bool { return strings.HasPrefix(m.Slot, ByHand) }

// ByHand begins the slot of a digest that a person asked for.
const ByHand = "by hand "

// SlotByHand returns the slot of a digest that a person asks for at a moment.
func SlotByHand(at time.Time) string { return ByHand + at.UTC().Format(time.RFC3339Nano) }

// post sends one text that stands for one message or more.
func (s *Service) post(ctx context.Context, channel string, do step) (crm.Commit, error) {
	to, err := s.address(ctx, channel)
	if errors.Is(err, crm.ErrInvalid) {
		return s.refused(do, err), nil
	}
	if err != nil {
		return s.unsent(channel, do, err)
	}
	text := s.resolve(ctx, do.text)
	if err := s.o.State.Apply(ctx, crm.Commit{Delivered: mark(do, crm.MessageSending, "")}); err != nil {
		return s.unsent(channel, do, err) // it may be marked all the same
	}
	if to != "" {
		err = s.o.Slack.Direct(ctx, to, text)
	} else {
		err = s.o.Slack.Post(ctx, channel, text)
	}
	return s.outcome(channel, do, err)
}

// address returns the Slack member that a direct message goes to; "" for a
// channel.
func (s *Service) address(ctx context.Context, channel string) (string, error) {
	id, direct := strings.CutPrefix(channel, personPrefix)
	if !direct {
		return "", nil
	}
	member, _, err := s.member(ctx, id)
	if member == "" && err == nil {
		return "", crm.WithHint(fmt.Errorf("%w: nobody in Slack is known to be person %s of Notion", crm.ErrInvalid, id),
			"set SLACK_BOT_TOKEN with the scope users:read.email, or name the member under slack: members: in the configuration file")
	}
	if member == "" {
		return "", fmt.Errorf("look up person %s: %w", id, err)
	}
	return member, nil
}

// outcome records what became of the messages that were handed to Slack.
func (s *Service) outcome(channel string, do step, err error) (crm.Commit, error) {
	switch {
	case err == nil:
		s.note(channel, nil)
		for _, m := range do.send {
			s.forget(m.ID)
		}
		return crm.Commit{Delivered: mark(do, crm.MessageSent, "")}, nil
	case errors.Is(err, crm.ErrInvalid):
		return s.refused(do, err), nil
	case errors.Is(err, crm.ErrForbidden), errors.Is(err, crm.ErrUnavailable):
		return s.unsent(channel, do, err)
	}
	commit := crm.Commit{Jobs: []crm.Job{SendJob(channel, time.Now().Add(pace))}}
	for i, d := range mark(do, crm.MessageMaybe, err.Error()) {
		commit.Delivered = append(commit.Delivered, s.unknown(do.send[i], d.With, d.Reason))
	}
	return commit, nil
}

// unsent leaves the messages where they are.
func (s *Service) unsent(channel string, do step, err error) (crm.Commit, error) {
	s.note(channel, err)
	return crm.Commit{Delivered: mark(do, crm.MessageQueued, err.Error())}, err
}

// refused gives the messages up: Slack would refuse them again.
func (s *Service) refused(do step, err error) crm.Commit {
	hint, _ := crm.Hint(err)
	s.o.Log.Error("a message is refused by Slack and given up", "message", do.send[0].ID, "rule", do.send[0].Rule, "error", err, "hint", hint)
	for _, m := range do.send {
		s.forget(m.ID)
	}
	return crm.Commit{Delivered: mark(do, crm.MessageRefused, err.Error())}
}

// mark moves all messages of a step to a state; the first carries the text.
func mark(do step, state crm.MessageState, reason string) []crm.Delivered {
	moved := make([]crm.Delivered, len(do.send))
	for i, m := range do.send {
		moved[i] = crm.Delivered{Message: m.ID, State: state, Reason: reason}
		if i > 0 && state != crm.MessageQueued {
			moved[i].With = do.send[0].ID
		}
	}
	return moved
}
