package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/dealbell/dealbell/internal/setup"
)

// readFlags takes what needs no Notion to be judged.
func (r *initRun) readFlags() error {
	if r.flags.Config != "" {
		return &usageError{errors.New("--config: init writes " + setup.YAMLName + " into a directory"), "name the directory with --dir"}
	}
	for _, line := range r.c.Map {
		if _, _, err := parseMap(line); err != nil {
			return err
		}
	}
	if r.c.SlackWebhookFile != "" {
		content, err := os.ReadFile(r.c.SlackWebhookFile)
		if err == nil {
			err = r.takeSlack(strings.TrimSpace(string(content)))
		}
		if err != nil {
			return &usageError{fmt.Errorf("--slack-webhook-file: %w", err), "name a file that holds the URL of an incoming webhook: https://hooks.slack.com/services/T…/B…/…"}
		}
	}
	if err := r.takePublic(r.c.PublicURL); err != nil {
		return &usageError{fmt.Errorf("--public-url: %w", err), "write something like https://crm.example.com"}
	}
	if err := r.takeSite(r.c.Site); err != nil {
		return &usageError{fmt.Errorf("--site: %w", err), "write something like https://www.example.com"}
	}
	return nil
}

// complete finds questions that nobody will answer, before anything is asked
// of Notion.
func (r *initRun) complete() error {
	if r.asking() {
		return nil
	}
	if token, err := r.knownToken(); err != nil || token.Empty() {
		return cmp.Or(err, missing("--token-file, or NOTION_TOKEN in the environment", "there is no token"))
	}
	for _, role := range setup.Roles() {
		flag := r.flag(role)
		if flag == create && r.c.Parent == "" {
			return missing("--parent", "on which page the new database goes is not said")
		}
		if flag == "" && r.present(role) == "" && !r.accepting() {
			return missing("--"+string(role), "which database is "+role.Title()+" is not said")
		}
	}
	if !r.accepting() {
		return missing("--yes", "nobody agrees to this")
	}
	return nil
}
