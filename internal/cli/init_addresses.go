package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/dealbell/dealbell/internal/config"
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/setup"
	"github.com/dealbell/dealbell/internal/slack"
)

// slack asks for the webhook that rings.
func (r *initRun) slack() error {
	if !r.asking() || r.given(setup.EnvSlack) || !r.settings.SlackWebhook.Empty() || len(r.settings.Slack.Channels) > 0 {
		return nil
	}
	fmt.Fprint(r.Stderr, "\n5. Slack, if you like. At api.slack.com/apps create an app, switch on Incoming Webhooks,\n   add one to a channel, and copy its URL; it is not shown here.\n")
	return r.ask.secret("   URL of the webhook [none]", func(answer string) error {
		err := checkWebhook(answer)
		if err == nil && answer != "" {
			err = r.tryChannel(secret.New(answer))
		}
		if err != nil {
			return err
		}
		return r.takeSlack(answer)
	})
}

// tryChannel asks Slack whether it would take a message. That Slack is not
// reached says nothing about the webhook.
func (r *initRun) tryChannel(webhook secret.String) error {
	client, err := slack.New(slack.Options{
		Webhooks: map[string]secret.String{config.DefaultChannel: webhook}, BaseURL: r.settings.Slack.URL, Private: r.settings.PrivateHosts,
	})
	if err != nil {
		return err
	}
	err = client.Check(r.ctx, config.DefaultChannel)
	if errors.Is(err, crm.ErrUnavailable) || errors.Is(err, crm.ErrAmbiguous) {
		fmt.Fprintf(r.Stderr, "   Note: it could not be checked: %s\n", oneLine(err.Error()))
		return nil
	}
	return err
}

func (r *initRun) takeSlack(text string) error {
	if err := checkWebhook(text); err != nil || text == "" {
		return err
	}
	return r.env.Set(setup.EnvSlack, text)
}

// checkWebhook refuses what is no URL of a webhook. Nothing is none.
func checkWebhook(text string) error {
	if text == "" {
		return nil
	}
	if u, err := url.Parse(text); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return crm.WithHint(errors.New("that is not the URL of an incoming webhook"), "it looks like https://hooks.slack.com/services/T…/B…/…")
	}
	return nil
}

// addresses asks where Dealbell and the website are.
func (r *initRun) addresses() error {
	if !r.asking() {
		return nil
	}
	public := r.settings.PublicURL
	fmt.Fprint(r.Stderr, "\n6. Addresses\n")
	if r.c.PublicURL == "" {
		fmt.Fprint(r.Stderr, "   Where the world will find Dealbell, such as https://crm.example.com.\n")
		if err := r.ask.ask("   Its address", public, cmp.Or(public, "none yet"), r.takePublic); err != nil {
			return err
		}
	}
	if _, has := r.settings.Forms["contact"]; r.c.Site != "" || has {
		return nil
	}
	fmt.Fprint(r.Stderr, "   A site with a form and without a server that could sign it, such as https://www.example.com.\n")
	return r.ask.ask("   Its address", "", "none", r.takeSite)
}

func (r *initRun) takePublic(text string) error {
	origin, err := originOf(text)
	if err != nil || origin == "" {
		return err
	}
	return r.env.Set(setup.EnvPublicURL, origin)
}

func (r *initRun) takeSite(text string) (err error) {
	r.answers.Site, err = originOf(text)
	return err
}

// originOf takes what people type for the address of a site.
func originOf(text string) (string, error) {
	if text = strings.TrimRight(strings.TrimSpace(text), "/"); text == "" {
		return "", nil
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil || u.Fragment != "" ||
		strings.ContainsAny(u.Host, " _") || !strings.ContainsAny(u.Host, ".:") && u.Hostname() != "localhost" {
		return "", fmt.Errorf("%q is not the address of a site", text)
	}
	return strings.ToLower(u.Scheme + "://" + u.Host), nil
}
