package sandbox

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// SlackOptions shapes a Slack. Every zero value has a meaning.
type SlackOptions struct {
	// BaseURL is where it is reached; webhook URLs begin with it. Default
	// "https://hooks.slack.com".
	BaseURL string
	// Token is the bot token that is accepted. Default "xoxb-sandbox".
	Token string
	// Seed makes ids and fault draws repeatable.
	Seed uint64
	// Latency is how long each request takes. Default none.
	Latency time.Duration
	// Lenient tolerates bursts of five messages to a channel. Without it, the
	// second message within a second gets 429.
	Lenient bool
	// MissingScopes are scopes that the bot was not given, such as
	// "users:read.email".
	MissingScopes []string
}

// Slack is one Slack workspace in memory: incoming webhooks and the few methods
// of the Web API that a bot needs to ring. It works like Workspace does, with
// the same faults; those that only Notion knows count as InternalError.
type Slack struct {
	front

	opts SlackOptions

	// The lock of the front guards everything below.
	rng      *rand.Rand
	token    string
	teamID   string
	bot      *member
	members  []*member
	channels []*channel
	hooks    map[string]*channel // by path
	messages []*SlackMessage
	lastTS   int64 // in microseconds
}

type member struct{ id, name, email string }

type channel struct {
	id, name string
	with     *member // of a direct message
	archived bool
	free     time.Time // when its messages so far are paid for, one per second
}

// SlackMessage is one message in a channel.
type SlackMessage struct {
	Time     time.Time
	Channel  string // its name, or the id of a direct message
	User     string // who posted it: the bot's name
	Text     string // as posted: raw mrkdwn, cut at 40,000 characters
	Blocks   json.RawMessage
	TS       string
	ThreadTS string // of the message that it answers
}

// NewSlack returns a Slack with a bot, and with neither people nor channels.
func NewSlack(o SlackOptions) *Slack {
	if o.BaseURL == "" {
		o.BaseURL = "https://hooks.slack.com"
	}
	if o.Token == "" {
		o.Token = "xoxb-sandbox"
	}
	s := &Slack{
		front: front{latency: o.Latency, seed: o.Seed, faults: newFaultPlan(Faults{}, o.Seed)},
		opts:  o, token: o.Token, rng: rand.New(rand.NewPCG(o.Seed, 1)), hooks: map[string]*channel{},
	}
	s.backend = s
	s.teamID = s.newID("T")
	s.bot = &member{id: s.newID("U"), name: "dealbell"}
	return s
}

func (s *Slack) newID(prefix string) string {
	return prefix + "0" + word(s.rng, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 9)
}

// SetToken replaces the accepted token: whoever holds the old one gets
// invalid_auth.
func (s *Slack) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// AddMember lets someone join and returns their id.
func (s *Slack) AddMember(name, email string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &member{id: s.newID("U"), name: name, email: email}
	s.members = append(s.members, m)
	return m.id
}

// AddChannel makes a channel, or finds the one of that name, and returns its
// id.
func (s *Slack) AddChannel(name string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addChannel(name).id
}

func (s *Slack) addChannel(name string) *channel {
	if c := s.channel(name); c != nil {
		return c
	}
	c := &channel{id: s.newID("C"), name: strings.TrimPrefix(name, "#")}
	s.channels = append(s.channels, c)
	return c
}

// Webhook adds an incoming webhook to a channel, which it makes if needed.
func (s *Slack) Webhook(channel string) (url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	secret := word(s.rng, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 24)
	path := fmt.Sprintf("/services/%s/%s/%s", s.teamID, s.newID("B"), secret)
	s.hooks[path] = s.addChannel(channel)
	return strings.TrimSuffix(s.opts.BaseURL, "/") + path
}

// Revoke removes a webhook: its URL answers 404 no_service.
func (s *Slack) Revoke(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.hooks, strings.TrimPrefix(url, strings.TrimSuffix(s.opts.BaseURL, "/")))
}

// Archive closes a channel: nobody can post to it.
func (s *Slack) Archive(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addChannel(channel).archived = true
}

// channel finds a channel by name, with or without #, or by id.
func (s *Slack) channel(key string) *channel {
	for _, c := range s.channels {
		if c.id == key || c.name != "" && c.name == strings.TrimPrefix(key, "#") {
			return c
		}
	}
	return nil
}

func (s *Slack) member(key string) *member {
	for _, m := range append(slices.Clone(s.members), s.bot) {
		if m.id == key || m.email != "" && strings.EqualFold(m.email, key) {
			return m
		}
	}
	return nil
}

// direct is the conversation of the bot with a member.
func (s *Slack) direct(m *member) *channel {
	for _, c := range s.channels {
		if c.with == m {
			return c
		}
	}
	c := &channel{id: s.newID("D"), with: m}
	s.channels = append(s.channels, c)
	return c
}

// Messages lists the messages of a channel by name or id, of a person by id or
// address, or all of them for "".
func (s *Slack) Messages(channel string) []SlackMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []SlackMessage
	c, m := s.channel(channel), s.member(channel)
	for _, msg := range s.messages {
		in := s.channel(msg.Channel)
		if channel == "" || in == c || m != nil && in.with == m {
			out = append(out, *msg)
		}
	}
	return out
}

// Shown is what people read: the texts of the blocks where there are some.
func (m SlackMessage) Shown() string {
	var blocks []any
	if json.Unmarshal(m.Blocks, &blocks) != nil || len(blocks) == 0 {
		return m.Text
	}
	return strings.Join(blockTexts(blocks), "\n")
}
