package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/slack"
)

const (
	pace   = time.Second      // between messages of a channel (https://docs.slack.dev/apis/web-api/rate-limits/)
	window = 10 * time.Second // in which a rule may write
	most   = 5                // messages; beyond them they become one
	settle = 2 * time.Second  // how long a burst has to be quiet before it is sent
	// Slack cuts texts at 40,000 characters and advises 4,000
	// (https://docs.slack.dev/changelog/2018-truncating-really-long-messages/).
	longest     = 4000
	longestList = 12_000
	longestLine = 300
)

// step is what to do next in a channel: to send messages as one text, or to
// wait.
type step struct {
	send []crm.Message // the first one stands for all
	text string
	wait time.Time
}

// next decides what to do in a channel. waiting are the messages to send and
// recent those that were sent in the last window, both oldest first.
//
// The first message of a rule goes out at once. What follows it closely is
// held until the burst is over, for a window at most, so that fifty deals
// moved by a script are one list and not fifty messages.
func next(now time.Time, waiting, recent []crm.Message) step {
	// A clock that was set back must not silence a channel: what seems to be
	// sent in the future is over.
	recent = slices.DeleteFunc(slices.Clone(recent), func(m crm.Message) bool { return m.SentAt.After(now) })
	if free := freeAt(recent); now.Before(free) {
		return step{wait: free}
	}
	var earliest time.Time
	for _, group := range byRule(waiting) {
		if until := held(now, group, recent); now.Before(until) {
			if earliest.IsZero() || until.Before(earliest) {
				earliest = until
			}
			continue
		}
		if len(group) > 1 && len(group)+len(written(group[0].Rule, recent)) > most {
			return list(group)
		}
		return step{send: group[:1], text: one(group[0])}
	}
	return step{wait: earliest}
}

// byRule groups messages, in the order of each group's first. A digest is a
// group of its own.
func byRule(messages []crm.Message) [][]crm.Message {
	var groups [][]crm.Message
	index := map[string]int{}
	for _, m := range messages {
		i, seen := index[m.Rule]
		if m.Change == 0 || !seen {
			i = len(groups)
			groups = append(groups, nil)
		}
		if m.Change != 0 {
			index[m.Rule] = i
		}
		groups[i] = append(groups[i], m)
	}
	return groups
}

// freeAt returns when a channel takes the next message.
func freeAt(recent []crm.Message) time.Time {
	if len(recent) == 0 {
		return time.Time{}
	}
	return recent[len(recent)-1].SentAt.Add(pace)
}

// held returns until when a rule's messages wait for more of their burst, or
// a single one for its rule to have written less.
func held(now time.Time, group, recent []crm.Message) time.Time {
	first, last := group[0], group[len(group)-1]
	if first.Change == 0 || first.CreatedAt.After(now) {
		return now
	}
	if posts := written(first.Rule, recent); len(group) == 1 && len(posts) >= most {
		return posts[len(posts)-most].SentAt.Add(window)
	}
	follows := func(m crm.Message) bool {
		return m.Rule == first.Rule && m.CreatedAt.After(first.CreatedAt.Add(-settle))
	}
	if len(group) == 1 && !slices.ContainsFunc(recent, follows) {
		return now
	}
	until := last.CreatedAt.Add(settle)
	if latest := first.CreatedAt.Add(window); latest.Before(until) {
		return latest
	}
	return until
}

// written are the posts of a rule.
func written(rule string, recent []crm.Message) []crm.Message {
	var posts []crm.Message
	for _, m := range recent {
		if m.Rule == rule && m.With == 0 && m.Change != 0 {
			posts = append(posts, m)
		}
	}
	return posts
}

func one(m crm.Message) string { return slack.Cut(m.Text, longest, pageLink(m.Page)) }

// list makes one text of as many messages as fit.
func list(group []crm.Message) step {
	var b strings.Builder
	n := 0
	for _, m := range group {
		line := "\n• " + slack.Cut(m.Text, longestLine, pageLink(m.Page))
		if b.Len()+len(line) > longestList-100 {
			break
		}
		b.WriteString(line)
		n++
	}
	return step{send: group[:n], text: fmt.Sprintf("%d at once:%s", n, b.String())}
}

func pageLink(page string) string {
	if page == "" {
		return ""
	}
	return "https://www.notion.so/" + strings.ReplaceAll(page, "-", "")
}
