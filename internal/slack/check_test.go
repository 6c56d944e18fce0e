package slack_test

import (
	"testing"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/secret"
	"github.com/dealbell/dealbell/internal/slack"
)

// TestCheckPostsNothing asks a Slack about ways to it that work and others
// that do not; in no channel may a message appear.
func TestCheckPostsNothing(t *testing.T) {
	t.Parallel()
	s := sandbox.NewSlack(sandbox.SlackOptions{Token: "xoxb-right"})
	hook := secret.New(s.Webhook("sales"))
	for _, tt := range []struct {
		name  string
		hook  secret.String
		token string
		down  bool
		want  string // the sentinel
	}{
		{name: "a webhook that works is fine", hook: hook, want: "fine"},
		{name: "a webhook that was deleted needs a person", hook: secret.New("https://hooks.slack.com/services/T0/B0/gone"), want: "forbidden"},
		{name: "a webhook of a Slack that is down may be right", hook: hook, down: true, want: "unavailable"},
		{name: "a token that works is fine", token: "xoxb-right", want: "fine"},
		{name: "a token that was revoked needs a person", token: "xoxb-wrong", want: "forbidden"},
	} {
		o := slack.Options{Transport: s.Transport(), Token: secret.New(tt.token)}
		if tt.token == "" {
			o.Webhooks = map[string]secret.String{"sales": tt.hook}
		} else {
			o.Channels = map[string]string{"sales": "C0SALES"}
		}
		c, err := slack.New(o)
		if err != nil {
			t.Fatal(err)
		}
		s.SetDown(tt.down)
		err = c.Check(t.Context(), "sales")
		if got := kind(t, err); got != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
		if _, hinted := crm.Hint(err); tt.want == "forbidden" && !hinted {
			t.Errorf("%s: %v has no hint", tt.name, err)
		}
	}
	if posted := s.Messages(""); len(posted) != 0 {
		t.Errorf("%d messages were posted", len(posted))
	}
}

func TestCheckOfAnUnknownChannelNamesTheOthers(t *testing.T) {
	t.Parallel()
	if err := open(t, &double{answer: good}).Check(t.Context(), "slaes"); kind(t, err) != "invalid" {
		t.Errorf("got %v", err)
	}
}
