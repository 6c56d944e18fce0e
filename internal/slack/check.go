package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	slackgo "github.com/slack-go/slack"

	"github.com/dealbell/dealbell/internal/crm"
)

// Check asks Slack whether a configured channel's webhook or the bot token
// would be taken, without posting: a webhook is sent a message without text,
// which Slack refuses with no_text when all else is right
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks),
// and the token goes to auth.test. Whether the bot is in the channel, only a
// message can tell.
//
// The error wraps what [Client.Post] would.
func (c *Client) Check(ctx context.Context, channel string) error {
	op := fmt.Sprintf("ask Slack about channel %q", channel)
	out, ok := c.channels[channel]
	if !ok {
		return c.unknown(op)
	}
	if out.webhook.Empty() {
		return c.checkToken(ctx, op)
	}
	err := c.exchange(toWebhook, op).do(func(h *http.Client) error {
		return slackgo.PostWebhookCustomHTTPContext(ctx, out.webhook.Reveal(), h, &slackgo.WebhookMessage{})
	})
	if e, refused := errors.AsType[*Error](err); refused && e.Status != 0 && errors.Is(err, crm.ErrInvalid) {
		return nil // it is the message that is refused
	}
	return err
}

func (c *Client) checkToken(ctx context.Context, op string) error {
	return c.exchange(lookup, op).do(func(h *http.Client) error {
		_, err := c.api(h).AuthTestContext(ctx)
		return err
	})
}
