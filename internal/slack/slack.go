// Package slack posts messages to Slack, in the words of package crm.
//
// It owns the two ways out, incoming webhooks and the Web API with a bot
// token, the limits of a message, and what an answer of Slack means. The
// requests are made by github.com/slack-go/slack; each goes through an
// [http.RoundTripper] of our own, which sends it, reads the whole answer and
// judges it, because the library follows redirects, cannot read every
// Retry-After, loses Slack's reasons and writes webhook URLs into errors.
//
// It promises:
//   - a message is sent once. When nobody knows whether Slack took it the error
//     is [crm.ErrAmbiguous]; any other error means that it was not posted;
//   - errors carry no webhook URL, token, message text or email address, and of
//     Slack's words only the reason, such as no_service;
//   - only the configured servers are asked, no redirect is followed, and no
//     request lasts longer than its time-out;
//   - a 429 is [crm.ErrUnavailable] with a [crm.RetryAt].
//
// It refuses to know why a message is sent, and it never waits, repeats or
// paces: the outbox does. Texts arrive escaped; whoever puts a value into one
// calls [Escape].
package slack

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/outbound"
	"github.com/dealbell/dealbell/internal/secret"
)

const (
	defaultBaseURL = "https://slack.com/api/"
	defaultTimeout = 10 * time.Second
)

// Options says how to reach Slack. Every field may be left out.
type Options struct {
	Webhooks  map[string]secret.String // incoming webhook URL by channel name as configured
	Channels  map[string]string        // Slack's channel id or "#name" by configured name, posted to with the token
	Token     secret.String            // bot token; empty for none
	BaseURL   string                   // of the Web API; default https://slack.com/api/
	Transport http.RoundTripper        // nil for the network, of which it sees BaseURL and Webhooks alone
	Private   []string                 // host names that may lead to private addresses
	Timeout   time.Duration            // per request; default 10 s
}

// Client posts to the configured channels. Its methods may be called by many
// goroutines at once.
type Client struct {
	channels  map[string]outlet
	token     secret.String
	baseURL   string // ends with a slash
	transport http.RoundTripper
	timeout   time.Duration
}

// outlet is the one way to a channel: webhook is empty when the token posts.
type outlet struct {
	webhook secret.String
	id      string
}

// New checks the options and makes a client. It sends nothing.
func New(o Options) (*Client, error) {
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	c := &Client{
		channels:  map[string]outlet{},
		token:     trimmed(o.Token),
		baseURL:   base,
		transport: o.Transport,
		timeout:   o.Timeout,
	}
	if c.transport == nil {
		targets := []string{base}
		for _, webhook := range o.Webhooks {
			targets = append(targets, trimmed(webhook).Reveal())
		}
		c.transport = newTransport(outbound.Guard{Targets: targets, Private: o.Private})
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	for _, name := range slices.Sorted(maps.Keys(o.Webhooks)) {
		if err := c.addWebhook(name, trimmed(o.Webhooks[name])); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Channels)) {
		if err := c.addChannel(name, strings.TrimSpace(o.Channels[name])); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// trimmed drops the line break that files with secrets end with.
func trimmed(s secret.String) secret.String { return secret.New(strings.TrimSpace(s.Reveal())) }

func parseBase(s string) (string, error) {
	s = cmp.Or(s, defaultBaseURL)
	if u, ok := parseURL(s); !ok || u.RawQuery != "" || u.Fragment != "" {
		// The text is not repeated: it may hold a password.
		return "", crm.WithHint(errors.New("open slack client: the address of the Web API is not an http or https URL"), hintAddress)
	}
	return strings.TrimRight(s, "/") + "/", nil
}

func parseURL(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	return u, err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

func (c *Client) addWebhook(name string, webhook secret.String) error {
	if _, ok := parseURL(webhook.Reveal()); !ok {
		return crm.WithHint(fmt.Errorf("open slack client: the webhook of channel %q is not an http or https URL", name), hintWebhook)
	}
	c.channels[name] = outlet{webhook: webhook}
	return nil
}

func (c *Client) addChannel(name, id string) error {
	const op = "open slack client: "
	switch {
	case id == "":
		return crm.WithHint(fmt.Errorf(op+"channel %q has no id", name), "give it Slack's channel id, such as C0123456789")
	case c.Knows(name):
		return crm.WithHint(fmt.Errorf(op+"channel %q has both a webhook and a channel id", name), "keep one of the two")
	case !c.HasToken():
		return crm.WithHint(fmt.Errorf(op+"channel %q needs a bot token, and there is none", name), hintBot)
	}
	c.channels[name] = outlet{id: id}
	return nil
}

// newTransport keeps connections for a short time only. Messages are rare, and
// one that is written to a connection that a router forgot counts as maybe
// sent.
func newTransport(g outbound.Guard) http.RoundTripper {
	return g.Transport(&http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     15 * time.Second,
	}, net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second})
}

// HasToken reports whether there is a bot token, and so direct messages and
// member lookups.
func (c *Client) HasToken() bool { return !c.token.Empty() }

// Knows reports whether a channel of that name is configured.
func (c *Client) Knows(channel string) bool {
	_, ok := c.channels[channel]
	return ok
}
