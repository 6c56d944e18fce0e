// Package config turns the environment and one YAML file into a validated
// Config.
//
// With only the environment set, the result is the standard CRM. The file
// overrides any of it. Unknown keys are errors with the place and a
// suggestion, so that a typing error is never a silent no-op. Secrets come
// from the environment only, or from files that it names (X_FILE).
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/lead"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/secret"
)

// Config is everything that can be set. The env tags name the variables; the
// yaml tags name the keys of the file.
type Config struct {
	Data        string `yaml:"data" env:"DEALBELL_DATA"`                 // state directory
	Listen      string `yaml:"listen" env:"DEALBELL_LISTEN"`             // public listener, host:port
	AdminListen string `yaml:"admin_listen" env:"DEALBELL_ADMIN_LISTEN"` // admin listener, host:port
	PublicURL   string `yaml:"public_url" env:"DEALBELL_PUBLIC_URL"`     // where the world finds the public listener; "" when not told
	Timezone    string `yaml:"timezone"`                                 // IANA name; "" is the machine's
	// TrustedProxies are addresses (or CIDR networks) of proxies beside those on
	// this machine whose X-Forwarded-For tells the client's address.
	TrustedProxies []Network `yaml:"trusted_proxies"`

	// AdminHosts are names by which browsers reach the dashboard, beside
	// addresses and names of this machine. The first is its address in links.
	AdminHosts []string `yaml:"admin_hosts" env:"DEALBELL_ADMIN_HOSTS"`

	// PrivateHosts are names of servers, such as a Slack-like chat's, that may
	// lead to private addresses. Any other name may not.
	PrivateHosts []string `yaml:"private_hosts"`

	Notion     Notion                 `yaml:"notion"`
	Contacts   Database               `yaml:"contacts" envPrefix:"NOTION_CONTACTS_DB_"`
	Deals      Database               `yaml:"deals" envPrefix:"NOTION_DEALS_DB_"`
	Activities Database               `yaml:"activities" envPrefix:"NOTION_ACTIVITIES_DB_"`
	Databases  map[string]Database    `yaml:"databases"` // further ones that rules and digests look at, by name
	Lead       Lead                   `yaml:"lead"`
	Forms      map[string]Form        `yaml:"forms"`
	Slack      Slack                  `yaml:"slack"`
	Rules      map[string]rules.Spec  `yaml:"rules"`
	Digests    map[string]digest.Spec `yaml:"digests"`

	NotionToken  secret.String   `yaml:"-" env:"NOTION_TOKEN"`
	WebhookToken secret.String   `yaml:"-" env:"NOTION_WEBHOOK_SECRET"` // of Notion's webhook subscription
	FormSecrets  []secret.String `yaml:"-" env:"FORM_SECRET"`           // any of them may sign
	SlackWebhook secret.String   `yaml:"-" env:"SLACK_WEBHOOK_URL"`     // of the channel "default"
	SlackToken   secret.String   `yaml:"-" env:"SLACK_BOT_TOKEN"`

	// Written says which rules and digests the file names; the others are the
	// standard ones.
	Written struct{ Rules, Digests map[string]bool } `yaml:"-"`
	// File is the YAML file that was read; "" for none.
	File string `yaml:"-"`
	// Zone is Timezone, loaded.
	Zone *time.Location `yaml:"-"`
}

// Notion is how to reach Notion, and how fast.
type Notion struct {
	URL   string  `yaml:"url" env:"DEALBELL_NOTION_URL"`
	Rate  float64 `yaml:"rate"`  // requests per second
	Burst int     `yaml:"burst"` // requests at once
}

// Database is a Notion database that the CRM uses.
type Database struct {
	ID   string   `yaml:"id" env:"ID"` // database id, data source id or link
	Poll Duration `yaml:"poll"`        // how often it is read
}

// Lead is where the parts of a lead go, by property name.
type Lead struct {
	Key      string            `yaml:"key"`             // property that holds the email
	Fields   map[string]string `yaml:"fields"`          // field of the form -> property
	Initial  map[string]string `yaml:"initial"`         // property -> value of a new contact
	Touch    *string           `yaml:"last_contacted"`  // property that gets the day of the last submission
	Keep     Duration          `yaml:"keep_deliveries"` // how long a finished delivery stays in the inbox
	Activity Activity          `yaml:"activity"`
}

// Activity names properties of the Activities database.
type Activity struct {
	Type    string `yaml:"type"`
	At      string `yaml:"at"`
	Details string `yaml:"details"`
	Contact string `yaml:"contact"`
	ID      string `yaml:"id"`
}

// Network is written like 10.0.0.0/8, or as one address.
type Network netip.Prefix

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Network) UnmarshalText(text []byte) error {
	prefix, err := netip.ParsePrefix(string(text))
	if one, isOne := netip.ParseAddr(string(text)); isOne == nil {
		prefix, err = netip.PrefixFrom(one, one.BitLen()), nil
	}
	*n = Network(prefix)
	return err
}

// Duration is written like 5m or 720h.
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// Error is a mistake of the operator; the command exits with 2.
type Error struct {
	Problem string
	Advice  string
}

func (e *Error) Error() string { return e.Problem }

// Hint returns the next step.
func (e *Error) Hint() string { return e.Advice }

func defaults() Config {
	return Config{
		Data: "/var/lib/dealbell", Listen: "127.0.0.1:3000", AdminListen: "127.0.0.1:3001",
		Notion: Notion{URL: "https://api.notion.com", Rate: 2.5, Burst: 3},
		Slack:  Slack{URL: "https://slack.com/api/"},
	}
}

// Mapping returns the lead mapping: the standard one with what the file says
// put over it.
func (l Lead) Mapping() lead.Mapping {
	m := lead.StandardMapping()
	override(&m.Key, l.Key)
	override(&m.Activity.Type, l.Activity.Type)
	override(&m.Activity.At, l.Activity.At)
	override(&m.Activity.Details, l.Activity.Details)
	override(&m.Activity.Contact, l.Activity.Contact)
	override(&m.Activity.ID, l.Activity.ID)
	if l.Touch != nil {
		m.Touch = *l.Touch
	}
	return m
}

func override(target *string, value string) {
	if value != "" {
		*target = value
	}
}

// overrideAll puts values over target, names compared without regard to case.
// One that is set to "" is left out.
func overrideAll(target, values map[string]string) {
	for k, v := range values {
		for have := range target {
			if crm.SameName(have, k) {
				delete(target, have)
			}
		}
		if v != "" {
			target[strings.TrimSpace(k)] = v
		}
	}
}

// finish checks the values and fills in what follows from them.
func (c *Config) finish(getenv func(string) string) error {
	var err error
	if c.Zone, err = loadZone(c.Timezone); err != nil {
		return &Error{fmt.Sprintf("timezone: %q is not a known time zone", c.Timezone), "write an IANA name such as Europe/Lisbon"}
	}
	for i, s := range c.FormSecrets { // people write "new, old"
		c.FormSecrets[i] = secret.New(strings.TrimSpace(s.Reveal()))
	}
	c.FormSecrets = slices.DeleteFunc(c.FormSecrets, secret.String.Empty)
	for _, db := range []*Database{&c.Contacts, &c.Deals, &c.Activities} {
		db.finish()
	}
	for name, db := range c.Databases {
		db.finish()
		c.Databases[name] = db
	}
	if c.Lead.Keep == 0 {
		c.Lead.Keep = Duration(30 * 24 * time.Hour)
	}
	return errors.Join(c.checkIDs(), c.checkAddresses(), c.checkNumbers(), c.finishForms(getenv), c.finishOut())
}

func (db *Database) finish() {
	db.ID = crm.NormalID(db.ID)
	if db.Poll == 0 {
		db.Poll = Duration(5 * time.Minute)
	}
}

func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.Local, nil
	}
	return time.LoadLocation(name)
}

func (c *Config) checkIDs() error {
	for _, db := range c.databases() {
		name := "databases." + db.Name + ".id"
		if _, extra := c.Databases[db.Name]; !extra {
			name = "NOTION_" + strings.ToUpper(db.Name) + "_DB_ID"
		}
		if strings.ContainsAny(db.ID, " /?#") {
			return &Error{fmt.Sprintf("%s: %q holds no Notion id", name, db.ID), "open the database as a full page in Notion and copy its link"}
		}
	}
	return nil
}

func (c *Config) checkAddresses() error {
	for name, address := range map[string]string{"DEALBELL_LISTEN": c.Listen, "DEALBELL_ADMIN_LISTEN": c.AdminListen} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return &Error{fmt.Sprintf("%s: %q is not host:port", name, address), "write something like 127.0.0.1:3000"}
		}
	}
	for name, address := range map[string]string{"DEALBELL_NOTION_URL": c.Notion.URL, "DEALBELL_SLACK_URL": c.Slack.URL} {
		if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return &Error{fmt.Sprintf("%s: %q is not an http(s) URL", name, address), "leave it out to use the real Notion or Slack"}
		}
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "") {
		return &Error{fmt.Sprintf("DEALBELL_PUBLIC_URL: %q is not the address of a site", c.PublicURL), "write something like https://crm.example.com"}
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	for _, host := range c.PrivateHosts {
		if host == "" || strings.ContainsAny(host, "/:@?# *") {
			return &Error{fmt.Sprintf("private_hosts: %q is not a host name", host), "write the name alone, such as chat.example.com"}
		}
	}
	return nil
}

func (c *Config) checkNumbers() error {
	switch {
	case c.Notion.Rate <= 0 || c.Notion.Rate > 10:
		return &Error{fmt.Sprintf("notion.rate: %v is not between 0 and 10 requests per second", c.Notion.Rate), "Notion allows 3 on average; the default is 2.5"}
	case c.Notion.Burst < 1 || c.Notion.Burst > 25:
		return &Error{fmt.Sprintf("notion.burst: %d is not between 1 and 25", c.Notion.Burst), "the default is 3"}
	case time.Duration(c.Lead.Keep) < 24*time.Hour:
		return &Error{"lead.keep_deliveries: must be at least 24h, or a repeated form could count twice", "the default is 720h"}
	}
	for _, db := range c.databases() {
		if time.Duration(db.Poll) < 10*time.Second {
			return &Error{db.Name + ".poll: must be at least 10s", "the default is 5m"}
		}
	}
	return nil
}

// CheckServe reports what the daemon still needs.
func (c *Config) CheckServe() error {
	const tokenHint = "create an internal connection at notion.so/profile/integrations, share the databases with it, and set NOTION_TOKEN to its secret"
	switch {
	case c.NotionToken.Empty():
		return &Error{"NOTION_TOKEN is not set", tokenHint}
	case c.Contacts.ID == "":
		return &Error{"NOTION_CONTACTS_DB_ID is not set", "open the Contacts database in Notion, copy its link, and set NOTION_CONTACTS_DB_ID to it"}
	case len(c.FormSecrets) == 0:
		return &Error{"FORM_SECRET is not set", "make one with: openssl rand -hex 32; your website signs each lead with it"}
	}
	return c.needSecrets()
}
