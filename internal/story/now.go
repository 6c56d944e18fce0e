package story

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/store"
)

// now says where the record stands: what is stuck first, then what is under
// way, then what is done.
func (t *teller) now() Now {
	for _, look := range []func() (Now, bool){t.dead, t.held, t.open, t.rejected, t.leftOut, t.unheard} {
		if n, found := look(); found {
			return n
		}
	}
	return t.settled()
}

// dead is a dead letter: the newest, when there are several.
func (t *teller) dead() (Now, bool) {
	for _, j := range slices.Backward(t.account.Jobs) {
		if j.State == crm.JobDead {
			return Now{
				Text: fmt.Sprintf("stuck since job %d needs a person: %s", j.ID, j.LastError), Stuck: true,
				Next: fmt.Sprintf("dealbell jobs show %d", j.ID),
			}, true
		}
	}
	return Now{}, false
}

func (t *teller) held() (Now, bool) {
	for _, d := range slices.Backward(t.account.Deliveries) {
		if d.State == crm.DeliveryHeld {
			return Now{Text: "held for review because of " + list(d.Reason), Stuck: true, Next: "dealbell replay --show " + d.ID}, true
		}
	}
	return Now{}, false
}

// open is what a job still works on.
func (t *teller) open() (Now, bool) {
	if n := t.count(crm.DeliveryQueued, crm.DeliveryNoting); n == 0 && len(t.account.Jobs) == 0 {
		return Now{}, false
	}
	for _, j := range t.account.Jobs {
		switch {
		case j.State == crm.JobRunning:
			return Now{Text: fmt.Sprintf("job %d is at work on it", j.ID)}, true
		case j.State == crm.JobWaiting && j.LastError == "":
			return Now{Text: fmt.Sprintf("job %d goes on at %s", j.ID, t.clock(j.NotBefore))}, true
		case j.State == crm.JobWaiting:
			return Now{
				Text: fmt.Sprintf("waits until %s%s: %s", t.clock(j.NotBefore), tries(j.Attempts), j.LastError),
				Next: "dealbell doctor",
			}, true
		}
	}
	return Now{Text: "in the queue, not in Notion yet", Next: "dealbell status"}, true
}

// tries tells of failures that count; a Notion that is away is none.
func tries(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", after 1 failed try"
	}
	return fmt.Sprintf(", after %d failed tries", n)
}

func (t *teller) clock(at time.Time) string { return at.In(t.zone).Format("2006-01-02 15:04:05 MST") }

func (t *teller) count(states ...crm.DeliveryState) (n int) {
	for _, d := range t.account.Deliveries {
		if slices.Contains(states, d.State) {
			n++
		}
	}
	return n
}

// rejected is a delivery that was not believed, when none was that came later.
func (t *teller) rejected() (Now, bool) {
	if len(t.account.Rejected) == 0 {
		return Now{}, false
	}
	last := t.account.Rejected[len(t.account.Rejected)-1]
	if slices.ContainsFunc(t.account.Deliveries, func(d store.Received) bool { return d.ReceivedAt.After(last.ReceivedAt) }) {
		return Now{}, false
	}
	return Now{Text: "rejected: " + last.Reason, Stuck: true, Next: "dealbell replay --show " + last.ID}, true
}

// leftOut is a value that does not fit its property.
func (t *teller) leftOut() (Now, bool) {
	if len(t.account.Leftovers) == 0 {
		return Now{}, false
	}
	l := t.account.Leftovers[0]
	return Now{
		Text: fmt.Sprintf("in Notion without %s: expected %s, got %s; it is filled in once the property is mended in Notion", l.Property, l.Expected, l.Got),
		Next: "dealbell doctor",
	}, true
}

// unheard is a message that may not have rung.
func (t *teller) unheard() (Now, bool) {
	if len(t.account.Messages) == 0 {
		return Now{}, false
	}
	switch m := t.account.Messages[len(t.account.Messages)-1]; m.State {
	case crm.MessageQueued, crm.MessageSending:
		return Now{Text: "in Notion; the message of rule " + m.Rule + " waits for Slack", Next: "dealbell status"}, true
	case crm.MessageRefused, crm.MessageMaybe:
		return Now{Text: "in Notion; the message " + messageText(m), Stuck: m.State == crm.MessageRefused, Next: "dealbell status"}, true
	}
	return Now{}, false
}

// settled is what there is when nothing is under way.
func (t *teller) settled() Now {
	done := t.count(crm.DeliveryDone)
	text := ""
	if done > 0 {
		text = ", with all " + count(done, "submission")
		if done == 1 {
			text = ", with its 1 submission"
		}
	}
	for _, p := range t.account.Pages {
		if !p.Trashed {
			return Now{Text: "in Notion" + text + ", last seen " + t.clock(p.SeenAt)}
		}
	}
	switch {
	case len(t.account.Pages) > 0:
		return Now{Text: "its page is in Notion's trash, or gone: the next submission makes a new one"}
	case len(t.account.Elsewhere) > 0:
		other := t.account.Elsewhere[len(t.account.Elsewhere)-1].Page
		return Now{Text: "worked in" + text + "; " + page(other) + " carries another address by now, and the next submission makes a new one", Next: "dealbell why " + other}
	case done > 0:
		return Now{Text: "worked in; its page " + cmp.Or(short(t.account.Deliveries[len(t.account.Deliveries)-1].Page), "in Notion") + " is not known any more"}
	case t.count(crm.DeliveryDropped) > 0:
		return Now{Text: "dropped by a person", Next: "dealbell replay " + t.account.Deliveries[len(t.account.Deliveries)-1].ID}
	}
	return Now{Text: "over: only this is left of it"}
}
