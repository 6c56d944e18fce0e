package web

import (
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/store"
)

// trouble is something that is not as it should be, with the way to mend it.
type trouble struct {
	Text  string
	Path  string // where it is mended; "" where waiting does it
	Label string // of the link
	Bad   bool   // it does not mend itself
}

// lateLead is how long the oldest job of a lead may wait before that is odd.
const lateLead = 5 * time.Minute

// troubles says what is wrong, the worst first.
func (s *site) troubles(sum store.Summary, hooks store.Hooks, v overviewView, now time.Time) (found []trouble) {
	add := func(when bool, t trouble) {
		if when {
			found = append(found, t)
		}
	}
	state := v.Notion.State
	add(state.Refused, trouble{"Notion refuses the token. Leads are taken and kept, but none reaches Notion.", "/health", "See what to do", true})
	add(!state.FullSince.IsZero(), trouble{"The Notion workspace is full: it takes no new pages. Leads are taken and kept.", "/health", "See what to do", true})
	dead := 0
	for _, l := range v.Lanes {
		dead += l.Dead
	}
	add(dead > 0, trouble{rules.Count(dead, "job cannot", "jobs cannot") + " go on without you.", "/failures", "Look and retry", true})
	add(sum.Held > 0, trouble{rules.Count(sum.Held, "submission waits", "submissions wait") + " for somebody to look at.", "/leads?state=held", "Release or drop", false})
	add(sum.Quarantined > 0, trouble{rules.Count(sum.Quarantined, "submission was", "submissions were") + " rejected in the last 7 days.", "/failures#rejected", "See why", false})
	add(sum.Leftovers > 0, trouble{rules.Count(sum.Leftovers, "value does", "values do") + " not fit Notion and will be written once that is mended.", "/failures#values", "See which", false})
	refused := sum.Messages[crm.MessageRefused]
	add(refused > 0, trouble{rules.Count(refused, "Slack message was", "Slack messages were") + " refused.", "/rules#messages", "See why", false})
	maybe := sum.Messages[crm.MessageMaybe]
	add(maybe > 0, trouble{"Nobody knows whether Slack took " + rules.Count(maybe, "message", "messages") + ".", "/rules#messages", "See which", false})
	add(state.Open && !state.Refused, trouble{"Notion does not answer. Leads are taken and kept; they go on by themselves.", "", "", false})
	add(late(sum.Depths, now) && !state.Open, trouble{"A lead has been waiting for more than " + crm.Span(lateLead) + ".", "/failures", "See the queue", false})
	add(!hooks.SilentSince(now, s.Subscribed).IsZero(), trouble{"Notion's webhook has fallen silent. Changes are seen by polling, a few minutes later.", "/health", "See what to do", false})
	for _, r := range v.Reads {
		add(r.Overdue && !state.Open, trouble{"The database " + r.Name + " was not read for a while.", "/health", "See what to do", false})
	}
	return found
}

// late reports whether a job of a lead is overdue. One that waits for its time
// has a reason, which is told elsewhere.
func late(depths []store.Depth, now time.Time) bool {
	for _, d := range depths {
		if d.Lane == crm.Live && d.State == crm.JobReady && now.Sub(d.Oldest) > lateLead {
			return true
		}
	}
	return false
}
