package notify

import (
	"context"
	"errors"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// repeats are the waits before a message is sent again of which nobody knows
// whether it arrived. They end: something that takes messages and answers
// nonsense would else be told the same for days.
var repeats = [...]time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute}

// doubt is a message of which nobody knows whether it arrived.
type doubt struct {
	times int
	until time.Time // when it is sent again
}

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
			commit.Delivered = append(commit.Delivered, s.unknown(m, m.With, "the process ended while it was sent"))
		}
	}
	return s.o.State.Apply(ctx, commit)
}

// unknown is what becomes of a message when nobody knows whether Slack took
// it: an alert that rings twice is worse than one that may be missing, a
// digest that is missing is worse than one that comes twice.
func (s *Service) unknown(m crm.Message, with int64, reason string) crm.Delivered {
	if m.Repeat && s.again(m.ID) {
		s.o.Log.Warn("nobody knows whether Slack took a message; it is sent again", "message", m.ID, "rule", m.Rule, "reason", reason)
		return crm.Delivered{Message: m.ID, State: crm.MessageQueued, Reason: "sent before, perhaps: " + reason}
	}
	s.forget(m.ID)
	s.o.Log.Warn("nobody knows whether Slack took a message; it is not repeated", "message", m.ID, "rule", m.Rule, "reason", reason,
		"hint", "look into the channel")
	return crm.Delivered{Message: m.ID, State: crm.MessageMaybe, With: with, Reason: reason}
}

// again reports whether a message is worth another try, and remembers when.
func (s *Service) again(message int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.doubts[message]
	if d.times == len(repeats) {
		return false
	}
	s.doubts[message] = doubt{d.times + 1, time.Now().Add(repeats[d.times])}
	return true
}

func (s *Service) doubtUntil(message int64) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.doubts[message].until
}

func (s *Service) forget(messages ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range messages {
		delete(s.doubts, id)
	}
}

// line is how the way to a channel stands.
type line struct {
	pausedUntil time.Time // Slack asked to wait; new messages wait with the others
	broken      bool      // the log says so
}

func (s *Service) pausedUntil(channel string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[channel].pausedUntil
}

// note remembers how the latest try to reach a channel went, and says when
// that changes.
func (s *Service) note(channel string, err error) {
	s.mu.Lock()
	before := s.lines[channel]
	at, _ := crm.RetryAt(err)
	now := line{at, errors.Is(err, crm.ErrForbidden) || errors.Is(err, crm.ErrUnavailable)}
	if s.lines[channel] = now; now == (line{}) {
		delete(s.lines, channel)
	}
	s.mu.Unlock()
	switch {
	case now.broken && !before.broken:
		hint, _ := crm.Hint(err)
		s.o.Log.Warn("a channel of Slack takes no messages; they wait", "channel", channel, "error", err, "hint", hint)
	case before.broken && !now.broken:
		s.o.Log.Info("a channel of Slack takes messages again", "channel", channel)
	}
}
