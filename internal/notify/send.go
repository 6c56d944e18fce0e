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

// Send hands the next messages of a channel to Slack and asks to be called
// for those that follow.
func (s *Service) Send(ctx context.Context, job crm.Job) (crm.Commit, error) {
	var channel string
	if err := json.Unmarshal(job.Payload, &channel); err != nil {
		return crm.Commit{}, fmt.Errorf("%w: payload: %w", crm.ErrInvalid, err)
	}
	if err := s.recover(ctx, channel); err != nil {
		return crm.Commit{}, err
	}
	now := time.Now()
	waiting, err := s.o.State.Waiting(ctx, channel)
	if err != nil || len(waiting) == 0 {
		return crm.Commit{}, err
	}
	if until := s.o.Quiet.Until(now.In(s.o.Zone)); until.After(now) && !urgent(waiting) {
		return crm.Commit{Jobs: []crm.Job{SendJob(channel, until)}}, nil
	}
	recent, err := s.o.State.SentSince(ctx, channel, now.Add(-window))
	if err != nil {
		return crm.Commit{}, err
	}
	do := next(now, waiting, recent)
	if len(do.send) == 0 {
		return crm.Commit{Jobs: []crm.Job{SendJob(channel, do.wait)}}, nil
	}
	commit, err := s.post(ctx, channel, do)
	if len(waiting) > len(do.send) && err == nil {
		commit.Jobs = append(commit.Jobs, SendJob(channel, time.Now().Add(pace)))
	}
	return commit, err
}

// urgent reports whether somebody asked for the first message just now.
func urgent(waiting []crm.Message) bool { return strings.HasPrefix(waiting[0].Slot, ByHand) }

// ByHand begins the slot of a digest that a person asked for.
const ByHand = "by hand "

// recover decides about messages that were handed to Slack when the process
// ended: nobody knows whether they arrived.
func (s *Service) recover(ctx context.Context, channel string) error {
	waiting, err := s.o.State.Waiting(ctx, channel)
	if err != nil {
		return err
	}
	var commit crm.Commit
	for _, m := range waiting {
		if m.State == crm.MessageSending {
			commit.Delivered = append(commit.Delivered, s.unknown(m, "the process ended while it was sent"))
		}
	}
	return s.o.State.Apply(ctx, commit)
}

// unknown is what becomes of a message when nobody knows whether Slack took
// it: an alert that rings twice is worse than one that may be missing, a
// digest that is missing is worse than one that comes twice.
func (s *Service) unknown(m crm.Message, reason string) crm.Delivered {
	if m.Repeat {
		return crm.Delivered{Message: m.ID, State: crm.MessageQueued, Reason: reason}
	}
	s.o.Log.Warn("nobody knows whether Slack took a message; it is not repeated", "message", m.ID, "rule", m.Rule, "reason", reason,
		"hint", "look into the channel")
	return crm.Delivered{Message: m.ID, State: crm.MessageMaybe, Reason: reason}
}

// post sends one text that stands for one message or more.
func (s *Service) post(ctx context.Context, channel string, do step) (crm.Commit, error) {
	text := s.resolve(ctx, do.text)
	to, err := s.address(ctx, channel)
	if err != nil {
		return s.outcome(do, err)
	}
	if err := s.o.State.Apply(ctx, crm.Commit{Delivered: mark(do, crm.MessageSending, "")}); err != nil {
		return crm.Commit{}, err
	}
	if to != "" {
		err = s.o.Slack.Direct(ctx, to, text)
	} else {
		err = s.o.Slack.Post(ctx, channel, text)
	}
	return s.outcome(do, err)
}

// address returns the Slack member that a direct message goes to; "" for a
// channel.
func (s *Service) address(ctx context.Context, channel string) (string, error) {
	id, direct := strings.CutPrefix(channel, personPrefix)
	if !direct {
		return "", nil
	}
	member, _ := s.member(ctx, id)
	if member == "" {
		return "", crm.WithHint(fmt.Errorf("%w: nobody in Slack is known to be person %s of Notion", crm.ErrInvalid, id),
			"set SLACK_BOT_TOKEN with the scope users:read.email, or name the member under slack: members: in the configuration file")
	}
	return member, nil
}

// outcome records what became of the messages.
func (s *Service) outcome(do step, err error) (crm.Commit, error) {
	switch {
	case err == nil:
		return crm.Commit{Delivered: mark(do, crm.MessageSent, "")}, nil
	case errors.Is(err, crm.ErrInvalid):
		hint, _ := crm.Hint(err)
		s.o.Log.Error("Slack refuses a message; it is given up", "message", do.send[0].ID, "rule", do.send[0].Rule, "error", err, "hint", hint)
		return crm.Commit{Delivered: mark(do, crm.MessageRefused, err.Error()), Jobs: []crm.Job{SendJob(do.send[0].Channel, time.Now())}}, nil
	case errors.Is(err, crm.ErrForbidden), errors.Is(err, crm.ErrUnavailable):
		return crm.Commit{Delivered: mark(do, crm.MessageQueued, err.Error())}, err
	}
	var commit crm.Commit
	for i, d := range mark(do, crm.MessageMaybe, err.Error()) {
		unknown := s.unknown(do.send[i], err.Error())
		unknown.With = d.With
		commit.Delivered = append(commit.Delivered, unknown)
	}
	if do.send[0].Repeat {
		return commit, err
	}
	return commit, nil
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
