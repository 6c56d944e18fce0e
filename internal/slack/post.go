package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/dealbell/dealbell/internal/crm"
)

// Post sends text, which is mrkdwn and escaped, to a configured channel. It is
// not idempotent: after [crm.ErrAmbiguous] the message may be there. What is
// longer than 12,000 characters is cut.
//
// The error wraps ErrInvalid, ErrForbidden, ErrUnavailable or ErrAmbiguous of
// package crm, and no other.
func (c *Client) Post(ctx context.Context, channel, text string) error {
	op := fmt.Sprintf("post to channel %q", channel)
	out, ok := c.channels[channel]
	if !ok {
		return c.unknown(op)
	}
	if out.webhook.Empty() {
		return c.postMessage(ctx, toChannel, op, out.id, text)
	}
	return c.send(toWebhook, op, text, func(h *http.Client, text string) error {
		off := false
		return slackgo.PostWebhookCustomHTTPContext(ctx, out.webhook.Reveal(), h,
			&slackgo.WebhookMessage{Text: text, UnfurlLinks: &off, UnfurlMedia: &off})
	})
}

// unknown is the error of a channel that nobody configured.
func (c *Client) unknown(op string) error {
	known := "none is configured"
	if len(c.channels) > 0 {
		var names []string
		for _, name := range slices.Sorted(maps.Keys(c.channels)) {
			names = append(names, strconv.Quote(name))
		}
		known = "configured are " + strings.Join(names, ", ")
	}
	e := &Error{Op: op, Message: "there is no such channel; " + known, kind: crm.ErrInvalid}
	return crm.WithHint(e, "use the name of a configured channel, or configure this one with a webhook or a channel id")
}

// memberPattern keeps Direct from posting to a channel.
var memberPattern = regexp.MustCompile(`^[UW]\w{1,63}$`)

// Direct sends text to a member as a direct message; member is an id as
// [Client.Member] returns it. It needs the token, and otherwise is like
// [Client.Post].
func (c *Client) Direct(ctx context.Context, member, text string) error {
	const op = "send direct message"
	if !memberPattern.MatchString(member) {
		return &Error{Op: op, Message: "the recipient is not the id of a Slack member", kind: crm.ErrInvalid}
	}
	return c.postMessage(ctx, toMember, op+" to "+member, member, text)
}

// postMessage calls chat.postMessage
// (https://docs.slack.dev/reference/methods/chat.postMessage).
func (c *Client) postMessage(ctx context.Context, e errand, op, to, text string) error {
	if !c.HasToken() {
		return noToken(op)
	}
	return c.send(e, op, text, func(h *http.Client, text string) error {
		_, _, err := c.api(h).PostMessageContext(ctx, to, slackgo.MsgOptionText(text, false),
			slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl())
		return err
	})
}

// hardLimit is the last line of defence; callers cut earlier, with a link.
// Slack advises 4,000 characters and truncates at 40,000
// (https://docs.slack.dev/reference/methods/chat.postMessage,
// https://api.slack.com/changelog/2018-04-truncating-really-long-messages),
// but was seen to refuse messages from about 13,200 on
// (https://github.com/slackapi/bolt-js/issues/2509).
const hardLimit = 12_000

func (c *Client) send(e errand, op, text string, ask func(h *http.Client, text string) error) error {
	if strings.TrimSpace(text) == "" {
		return &Error{Op: op, Message: "the text is empty", kind: crm.ErrInvalid}
	}
	x := c.exchange(e, op)
	return x.do(func(h *http.Client) error { return ask(h, Cut(text, hardLimit, "")) })
}

// Member finds the member with an email address
// (https://docs.slack.dev/reference/methods/users.lookupByEmail). It needs the
// token. The error wraps [crm.ErrNotFound] when there is none, or none that is
// active.
func (c *Client) Member(ctx context.Context, email string) (id string, err error) {
	const op = "look up member by email"
	if !c.HasToken() {
		return "", noToken(op)
	}
	if email = strings.TrimSpace(email); email == "" {
		return "", &Error{Op: op, Message: "the email address is empty", kind: crm.ErrInvalid}
	}
	x := c.exchange(lookup, op)
	if err := x.do(func(h *http.Client) error {
		_, err := c.api(h).GetUserByEmailContext(ctx, email)
		return err
	}); err != nil {
		return "", err
	}
	return x.member()
}

// member reads the answer to a lookup.
func (x *exchange) member() (string, error) {
	var a struct {
		User struct {
			ID      string `json:"id"`
			Deleted bool   `json:"deleted"`
		} `json:"user"`
	}
	if err := json.Unmarshal(x.body, &a); err != nil || !memberPattern.MatchString(a.User.ID) {
		return "", &Error{Op: x.op, Message: "the answer is not a member", kind: crm.ErrUnavailable}
	}
	if a.User.Deleted {
		return "", &Error{Op: x.op, Message: "the member is deactivated", kind: crm.ErrNotFound}
	}
	return a.User.ID, nil
}

// api makes a client of the library for one call: it costs nothing, and the
// http.Client is that of the call.
func (c *Client) api(h *http.Client) *slackgo.Client {
	return slackgo.New(c.token.Reveal(), slackgo.OptionAPIURL(c.baseURL), slackgo.OptionHTTPClient(h))
}

func noToken(op string) error {
	return crm.WithHint(&Error{Op: op, Message: "there is no bot token", kind: crm.ErrForbidden}, hintBot)
}

func (c *Client) exchange(e errand, op string) *exchange {
	return &exchange{errand: e, op: op, next: c.transport, timeout: c.timeout}
}
