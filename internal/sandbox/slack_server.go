package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// post is a message that someone wants to post, whichever way it came.
type post struct {
	text        string
	blocks      json.RawMessage
	attachments bool
	thread      string
}

const (
	maxSlackText = 40_000
	slackBurst   = 5
)

func (s *Slack) admit(time.Time) *reply { return nil } // its limit is one of channels

func (s *Slack) process(r *http.Request, body []byte, now time.Time) (reply, *call) {
	c := &call{now: now}
	switch {
	case strings.HasPrefix(r.URL.Path, "/services/"):
		return s.webhook(c, r, body), c
	case strings.HasPrefix(r.URL.Path, "/api/"):
		return s.method(c, r, body), c
	default:
		return plainReply(http.StatusNotFound, "not_found"), c
	}
}

func (s *Slack) spoil(h hit, r *http.Request, out reply, c *call) reply {
	if !c.wrote {
		return out
	}
	return s.faultReply(h.fault, 0, r)
}

func plainReply(status int, text string) reply {
	h := http.Header{}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	return reply{status: status, header: h, body: []byte(text)}
}

func apiReply(status int, fields map[string]any) reply {
	b, err := json.Marshal(fields)
	if err != nil {
		b = []byte(`{"ok":false,"error":"internal_error"}`)
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=utf-8")
	return reply{status: status, header: h, body: b}
}

// slackRefusal is an error in the form of whatever was called: a word for webhooks,
// JSON for methods.
func slackRefusal(r *http.Request, status int, word string) reply {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		return apiReply(status, map[string]any{"ok": false, "error": word})
	}
	return plainReply(status, word)
}

func tooMany(r *http.Request) reply {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		return slackRefusal(r, http.StatusTooManyRequests, "ratelimited")
	}
	return slackRefusal(r, http.StatusTooManyRequests, "rate_limited")
}

func (s *Slack) faultReply(f Fault, wait time.Duration, r *http.Request) reply {
	switch f {
	case ConnectionRefused:
		return reply{broken: errRefused}
	case ResetBefore, HangBefore:
		return reply{broken: errReset}
	case RateLimitedAbsurd:
		return s.faultReply(RateLimited, absurdWait, r)
	case RateLimitedBare:
		return tooMany(r)
	case RateLimited:
		out := tooMany(r)
		out.header.Set("Retry-After", seconds(wait))
		return out
	case RateLimitedDate:
		out := tooMany(r)
		out.header.Set("Retry-After", time.Now().Add(wait).UTC().Format(http.TimeFormat))
		return out
	case BadGatewayHTML:
		return badGateway()
	case Unavailable, SavedButUnavailable, Overloaded:
		return slackRefusal(r, http.StatusServiceUnavailable, "service_unavailable")
	case GatewayTimeout:
		return slackRefusal(r, http.StatusGatewayTimeout, "request_timeout")
	case BadRequest:
		return slackRefusal(r, http.StatusBadRequest, "invalid_payload")
	case Unauthorized:
		return slackRefusal(r, http.StatusForbidden, "invalid_token")
	case Forbidden:
		return slackRefusal(r, http.StatusForbidden, "action_prohibited")
	case NotFound:
		return slackRefusal(r, http.StatusNotFound, "channel_not_found")
	default:
		return slackRefusal(r, http.StatusInternalServerError, "internal_error")
	}
}

// deliver puts a message into a channel, or says with a word why not.
func (s *Slack) deliver(c *channel, p post, now time.Time) (*SlackMessage, string) {
	switch {
	case c.archived:
		return nil, "is_archived"
	case p.text == "" && len(p.blocks) == 0 && !p.attachments:
		return nil, "no_text"
	case !validBlocks(p.blocks):
		return nil, "invalid_blocks"
	case !c.take(now, s.opts.Lenient):
		return nil, "ratelimited"
	}
	name := c.name
	if c.with != nil {
		name = c.id
	}
	m := &SlackMessage{
		Time: now, Channel: name, User: s.bot.name, Text: cut(p.text, maxSlackText),
		Blocks: p.blocks, TS: s.newTS(now), ThreadTS: p.thread,
	}
	s.messages = append(s.messages, m)
	return m, ""
}

// take spends one message of the channel's limit: one per second.
func (c *channel) take(now time.Time, lenient bool) bool {
	burst := 1
	if lenient {
		burst = slackBurst
	}
	if now.Before(c.free.Add(-time.Duration(burst-1) * time.Second)) {
		return false
	}
	if c.free.Before(now) {
		c.free = now
	}
	c.free = c.free.Add(time.Second)
	return true
}

// newTS is the time of a message and its id within the channel.
func (s *Slack) newTS(now time.Time) string {
	s.lastTS = max(s.lastTS+1, now.UnixMicro())
	return fmt.Sprintf("%d.%06d", s.lastTS/1e6, s.lastTS%1e6)
}

func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit])
}
