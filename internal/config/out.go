package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/digest"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/schedule"
	"github.com/dealbell/dealbell/internal/secret"
)

// DefaultChannel is the channel of SLACK_WEBHOOK_URL.
const DefaultChannel = "default"

// Slack is where messages go.
type Slack struct {
	URL string `yaml:"url" env:"DEALBELL_SLACK_URL"` // of the Web API
	// Channels are places by name: an incoming webhook's URL, file:/path of a
	// file that holds one, or #name or id of a channel that the bot is in.
	Channels      map[string]secret.String `yaml:"channels"`
	Members       map[string]string        `yaml:"members"` // a person's email, name or id in Notion -> member id in Slack
	QuietHours    string                   `yaml:"quiet_hours"`
	QuietWeekends bool                     `yaml:"quiet_weekends"`
}

// Named is a database with the name it has in the configuration.
type Named struct {
	Name string
	Database
}

// databases lists all databases by the names that rules and digests use.
func (c *Config) databases() []Named {
	all := []Named{{"contacts", c.Contacts}, {"deals", c.Deals}, {"activities", c.Activities}}
	for _, name := range slices.Sorted(maps.Keys(c.Databases)) {
		all = append(all, Named{name, c.Databases[name]})
	}
	return all
}

// Used lists the databases that have an id, each once.
func (c *Config) Used() []Named {
	seen := map[string]bool{"": true}
	return slices.DeleteFunc(c.databases(), func(n Named) bool {
		known := seen[n.ID]
		seen[n.ID] = true
		return known
	})
}

// Watched lists the databases that are read: those that are used, Activities
// only where a rule or digest looks at it.
func (c *Config) Watched() []Named {
	return slices.DeleteFunc(c.Used(), func(n Named) bool { return n.Name == "activities" && !c.looksAt(n.Name) })
}

// WatchedIDs lists the ids of the databases that are read.
func (c *Config) WatchedIDs() (ids []string) {
	for _, db := range c.Watched() {
		ids = append(ids, db.ID)
	}
	return ids
}

func (c *Config) looksAt(database string) bool {
	for _, s := range c.Rules {
		if crm.SameName(s.Database, database) {
			return true
		}
	}
	for _, s := range c.Digests {
		if crm.SameName(s.Database, database) {
			return true
		}
	}
	return false
}

// DatabaseID returns the id of a database by its name in the configuration.
// known is false for a name that means none; a known one may have no id yet.
func (c *Config) DatabaseID(name string) (id string, known bool) {
	for _, n := range c.databases() {
		if crm.SameName(n.Name, name) {
			return n.ID, true
		}
	}
	return "", false
}

// databaseNames lists the names that rules and digests may use.
func (c *Config) databaseNames() []string {
	var names []string
	for _, n := range c.databases() {
		names = append(names, n.Name)
	}
	return names
}

// finishOut completes and checks what is said to Slack.
func (c *Config) finishOut() error {
	c.Written.Rules, c.Written.Digests = named(c.Rules), named(c.Digests)
	c.Rules = rules.Merge(rules.Standard(), c.Rules)
	c.Digests = rules.Merge(digest.Standard(), c.Digests)
	return errors.Join(c.readChannels(), c.checkRules(), c.checkDigests(), c.checkQuiet())
}

func named[T any](all map[string]T) map[string]bool {
	names := map[string]bool{}
	for name := range all {
		names[name] = true
	}
	return names
}

// readChannels reads webhook URLs from files and adds the default channel.
func (c *Config) readChannels() error {
	channels := map[string]secret.String{}
	for name, place := range c.Slack.Channels {
		path, isFile := strings.CutPrefix(strings.TrimSpace(place.Reveal()), "file:")
		if isFile {
			content, err := os.ReadFile(path)
			if err != nil {
				return &Error{fmt.Sprintf("slack.channels.%s: %v", name, err), "the file must hold the URL of an incoming webhook"}
			}
			place = secret.New(string(content))
		}
		channels[name] = secret.New(strings.TrimSpace(place.Reveal()))
	}
	if _, named := channels[DefaultChannel]; !named && !c.SlackWebhook.Empty() {
		channels[DefaultChannel] = c.SlackWebhook
	}
	c.Slack.Channels = channels
	return nil
}

// Ways splits the channels into webhooks, and channels of the bot.
func (s Slack) Ways() (webhooks map[string]secret.String, channels map[string]string) {
	webhooks, channels = map[string]secret.String{}, map[string]string{}
	for name, place := range s.Channels {
		if strings.Contains(place.Reveal(), "://") {
			webhooks[name] = place
		} else {
			channels[name] = place.Reveal()
		}
	}
	return webhooks, channels
}

// CompiledRules returns the rules that are on and whose database is there.
func (c *Config) CompiledRules() ([]notify.Rule, error) {
	var found []notify.Rule
	for _, name := range slices.Sorted(maps.Keys(c.Rules)) {
		r, err := rules.Compile(name, c.Rules[name])
		if err != nil {
			return nil, err
		}
		if id, _ := c.DatabaseID(r.Database()); id != "" && !r.Off() {
			found = append(found, notify.Rule{Database: id, Rule: r})
		}
	}
	return found, nil
}

func (c *Config) checkRules() error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(c.Rules)) {
		r, err := rules.Compile(name, c.Rules[name])
		if err != nil {
			wrong = append(wrong, mistake(err))
			continue
		}
		wrong = append(wrong, c.checkPlace(fmt.Sprintf("rule %q", name), r.Database(), r.Channel()))
	}
	return errors.Join(wrong...)
}

func (c *Config) checkDigests() error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(c.Digests)) {
		d, err := digest.Compile(name, "", c.Digests[name])
		if err == nil {
			_, err = schedule.Parse(c.Digests[name].Schedule, time.UTC)
			if err != nil {
				err = fmt.Errorf("digest %q: schedule: %w", name, err)
			}
		}
		if err != nil {
			wrong = append(wrong, mistake(err))
			continue
		}
		wrong = append(wrong, c.checkPlace(fmt.Sprintf("digest %q", name), c.Digests[name].Database, d.Channel()))
	}
	return errors.Join(wrong...)
}

// checkPlace checks where something looks and where it speaks. Without any
// channel nothing is said at all, which is no mistake.
func (c *Config) checkPlace(who, database, channel string) error {
	if _, known := c.DatabaseID(database); !known {
		return &Error{fmt.Sprintf("%s: there is no database %q (databases: %s)", who, database, strings.Join(c.databaseNames(), ", ")), suggestion(database, c.databaseNames())}
	}
	if _, known := c.Slack.Channels[channel]; !known && channel != "" && channel != DefaultChannel {
		names := slices.Sorted(maps.Keys(c.Slack.Channels))
		return &Error{fmt.Sprintf("%s: there is no channel %q (channels: %s)", who, channel, strings.Join(names, ", ")), suggestion(channel, names)}
	}
	return nil
}

func suggestion(word string, names []string) string {
	if near := crm.Nearest(word, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "see the annotated example: deploy/dealbell.yaml"
}

func (c *Config) checkQuiet() error {
	_, err := c.Quiet()
	return err
}

// Quiet returns when messages wait.
func (c *Config) Quiet() (notify.Quiet, error) {
	q, err := notify.ParseQuiet(c.Slack.QuietHours, c.Slack.QuietWeekends)
	if err != nil {
		return q, mistake(fmt.Errorf("slack.quiet_hours: %w", err))
	}
	return q, nil
}

// mistake turns an error with a hint into one of the configuration.
func mistake(err error) error {
	hint, ok := crm.Hint(err)
	if !ok {
		hint = "see the annotated example: deploy/dealbell.yaml"
	}
	return &Error{err.Error(), hint}
}

// CompiledDigests returns the digests that are on and whose database is there.
func (c *Config) CompiledDigests() ([]*digest.Digest, error) {
	var found []*digest.Digest
	for _, name := range slices.Sorted(maps.Keys(c.Digests)) {
		id, _ := c.DatabaseID(c.Digests[name].Database)
		d, err := digest.Compile(name, id, c.Digests[name])
		if err != nil {
			return nil, err
		}
		if id != "" && !d.Off() {
			found = append(found, d)
		}
	}
	return found, nil
}
