package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/setup"
)

// slack asks for the webhook that rings.
func (r *initRun) slack() error {
	if !r.asking() || r.given(setup.EnvSlack) || !r.settings.SlackWebhook.Empty() || len(r.settings.Slack.Channels) > 0 {
		return nil
	}
	fmt.Fprint(r.Stderr, "\n5. Slack, if you like. At api.slack.com/apps create an app, switch on Incoming Webhooks,\n   add one to a channel, and copy its URL; it is not shown here.\n")
	return r.ask.secret("   URL of the webhook [none]", r.takeSlack)
}

func (r *initRun) takeSlack(text string) error {
	if text == "" {
		return nil
	}
	if u, err := url.Parse(text); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return crm.WithHint(errors.New("that is not the URL of an incoming webhook"), "it looks like https://hooks.slack.com/services/T…/B…/…")
	}
	return r.env.Set(setup.EnvSlack, text)
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
