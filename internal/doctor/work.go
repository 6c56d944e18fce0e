package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/store"
)

func (s *Service) daemon(context.Context) []Finding {
	const check = "daemon"
	switch {
	case s.o.Store == nil:
		return []Finding{{check, Failing, "it has never run with this state directory", "systemctl enable --now dealbell, or dealbell serve"}}
	case !s.o.Running:
		return []Finding{{check, Failing, "it is not running: no lead is taken, nothing rings", "systemctl start dealbell, or dealbell serve"}}
	}
	return []Finding{fine(check, "it is running")}
}

// looked is how many waiting jobs are looked at.
const looked = 10_000

func (s *Service) waiting(ctx context.Context) ([]crm.Job, error) {
	if s.o.Store == nil {
		return nil, nil
	}
	return s.o.Store.Jobs(ctx, store.JobFilter{State: crm.JobWaiting, Limit: looked})
}

// lateLead is when a lead that is not in Notion is worth a word, and
// stuckLead when something must be wrong.
const (
	lateLead  = 5 * time.Minute
	stuckLead = time.Hour
)

func (s *Service) queue(ctx context.Context) (found []Finding) {
	const check = "queue"
	if s.o.Store == nil {
		return nil
	}
	sum, err := s.o.Store.Summarise(ctx)
	if err != nil {
		return unreadable(check, err, "dealbell status")
	}
	found = append(s.age(ctx, sum), s.left(sum)...)
	if len(found) == 0 {
		return []Finding{fine(check, "every lead is in Notion, and nothing waits for you")}
	}
	return found
}

// age says how long the oldest lead waits, and why.
func (s *Service) age(ctx context.Context, sum store.Summary) []Finding {
	const check = "queue"
	oldest := time.Time{}
	for _, d := range sum.Depths {
		if d.Lane == crm.Live && d.State != crm.JobDead && (oldest.IsZero() || d.Oldest.Before(oldest)) {
			oldest = d.Oldest
		}
	}
	waited := time.Since(oldest)
	if oldest.IsZero() || sum.Open == 0 || waited < lateLead {
		return nil
	}
	f := Finding{check, Warning, fmt.Sprintf("%s not in Notion yet, the oldest job for %s", rules.Count(sum.Open, "lead is", "leads are"), crm.Span(waited)), "dealbell jobs list"}
	if waited >= stuckLead {
		f.State = Failing
	}
	waits, err := s.waiting(ctx)
	if err != nil {
		return unreadable(check, err, "dealbell status")
	}
	for _, j := range waits {
		if j.Lane == crm.Live && j.LastError != "" {
			f.Text += ": " + notion.Brief(j.LastError)
			break
		}
	}
	return []Finding{f}
}

// left is what waits for a person.
func (s *Service) left(sum store.Summary) (found []Finding) {
	dead := 0
	for _, d := range sum.Depths {
		if d.State == crm.JobDead {
			dead += d.Count
		}
	}
	for _, item := range []struct {
		n          int
		state      State
		one, many  string
		what, next string
	}{
		{dead, Failing, "dead letter", "dead letters", "will not succeed without you", "dealbell jobs list --state dead"},
		{sum.Held, Warning, "submission is", "submissions are", "held for review", "dealbell replay --show"},
		{sum.Quarantined, Warning, "body was", "bodies were", "rejected for a wrong signature in the last 7 days; if a lead is among them, a secret is wrong", "dealbell replay"},
		{sum.Leftovers, Warning, "value does", "values do", "not fit their properties and wait", "dealbell status"},
	} {
		if item.n > 0 {
			found = append(found, Finding{"queue", item.state, rules.Count(item.n, item.one, item.many) + " " + item.what, item.next})
		}
	}
	return found
}

func (s *Service) outbox(ctx context.Context) []Finding {
	const check = "outbox"
	if s.o.Store == nil {
		return nil
	}
	sum, err := s.o.Store.Summarise(ctx)
	if err != nil {
		return unreadable(check, err, "dealbell status")
	}
	if n := sum.Messages[crm.MessageRefused]; n > 0 {
		return []Finding{{check, Warning, "Slack refused " + rules.Count(n, "message", "messages") + " in the last 90 days", "dealbell status"}}
	}
	if n := sum.Messages[crm.MessageMaybe]; n > 0 {
		return []Finding{{check, Warning, "nobody knows whether Slack took " + rules.Count(n, "message", "messages"), "look into the channel; dealbell status names them"}}
	}
	return nil
}

func (s *Service) webhook(ctx context.Context) []Finding {
	const check, arm = "notion webhook", "dealbell webhook arm, then make a subscription in the connection's settings; dealbell webhook status shows the token to paste"
	if s.o.Store == nil {
		return nil
	}
	hooks, err := s.o.Store.Hooks(ctx)
	if err != nil {
		return unreadable(check, err, "dealbell status")
	}
	switch since := hooks.SilentSince(time.Now(), s.o.Subscribed); {
	case len(hooks.Tokens) == 0 && !s.o.Subscribed:
		return []Finding{{check, Warning, "there is no subscription: a moved deal rings when the next poll sees it, after minutes", arm}}
	case !since.IsZero():
		return []Finding{{
			check, Failing, fmt.Sprintf("no event told of what polls have seen change for %s", crm.Span(time.Since(since))),
			"is the subscription paused or deleted in the connection's settings in Notion? else: dealbell webhook arm, and subscribe anew",
		}}
	case hooks.LastEvent.IsZero():
		return []Finding{{check, Unknown, "no event has come yet", "change a page in Notion and look again"}}
	}
	return []Finding{fine(check, fmt.Sprintf("the last event came %s ago", crm.Span(time.Since(hooks.LastEvent))))}
}

func (s *Service) channels(ctx context.Context) (found []Finding) {
	if len(s.o.Channels) == 0 {
		return []Finding{{"slack", Warning, "no channel is configured: nothing rings", "make an incoming webhook in Slack and set SLACK_WEBHOOK_URL to its URL"}}
	}
	for _, name := range s.o.Channels {
		check := "slack channel " + name
		if err := s.o.Slack.Check(ctx, name); err != nil {
			found = append(found, unreadable(check, err, "is Slack reachable from here? look at slack-status.com")...)
			continue
		}
		found = append(found, fine(check, "Slack would take a message"))
	}
	return found
}

const (
	littleRoom = 200 << 20 // bytes
	noRoom     = 20 << 20
	longLog    = 64 << 20 // the write-ahead log shrinks to 16 MB by itself
)

func (s *Service) disk(context.Context) []Finding {
	const check = "disk"
	if s.o.Store == nil {
		return nil
	}
	space, err := s.o.Store.Space()
	if err != nil {
		return unreadable(check, err, "look at the disk: df -h")
	}
	text := fmt.Sprintf("%s free; the database takes %s, its write-ahead log %s", room(int64(space.Free)), room(space.File), room(space.Log))
	switch {
	case space.Free < noRoom:
		return []Finding{{check, Failing, text + ": leads are refused soon", "free some space: df -h"}}
	case space.Free < littleRoom:
		return []Finding{{check, Warning, text, "free some space: df -h"}}
	case space.Log > longLog:
		return []Finding{{check, Warning, text + ": something reads an old state for long", "is a backup or an export under way? else restart the daemon"}}
	}
	return []Finding{fine(check, text)}
}

// oldBackup is when the latest backup is no backup any more.
const oldBackup = 48 * time.Hour

func (s *Service) backup(ctx context.Context) []Finding {
	const check, next = "backup", "dealbell backup DIR --keep 14, every night"
	if s.o.Store == nil {
		return nil
	}
	at, err := s.o.Store.LastBackup(ctx)
	switch {
	case err != nil:
		return unreadable(check, err, "dealbell status")
	case at.IsZero():
		return []Finding{{check, Warning, "there has never been one", next}}
	case time.Since(at) > oldBackup:
		return []Finding{{check, Warning, fmt.Sprintf("the last one is %s old", crm.Span(time.Since(at))), next}}
	}
	return []Finding{fine(check, fmt.Sprintf("the last one is %s old", crm.Span(time.Since(at))))}
}

func room(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.0f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
