package demo

import (
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// ledger remembers every lead that was acknowledged, so that none can get lost
// without notice.
type ledger struct {
	mu       sync.Mutex
	known    map[string]bool // deliveries, by id
	accepted int
	repeats  int
	waiting  []receipt // acknowledged, not seen in Notion yet
}

// receipt is the acknowledgement of a lead.
type receipt struct {
	lead  sandbox.Lead
	at    time.Time
	named bool // its arrival is told
}

// heard notes an acknowledgement, and says whether its delivery is new. A
// repeat is told by its id: of one whose first answer got lost, Dealbell says
// "duplicate" although nobody has heard of it. The arrival of a named lead is
// told.
func (l *ledger) heard(lead sandbox.Lead, a sandbox.Acceptance, named bool) (fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[a.ID] {
		l.repeats++
		return false
	}
	if l.known == nil {
		l.known = map[string]bool{}
	}
	l.known[a.ID] = true
	l.accepted++
	l.waiting = append(l.waiting, receipt{lead, time.Now(), named})
	return true
}

// owed counts what is not in Notion as far as is known.
func (l *ledger) owed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}

// settle takes out what has arrived, and returns those that are named. Of
// the first due it returns how many are still owed.
func (l *ledger) settle(contacts roll, due int) (arrived []receipt, missing int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var waiting []receipt
	for i, r := range l.waiting {
		switch {
		case !contacts.has(r.lead):
			waiting = append(waiting, r)
			if i < due {
				missing++
			}
		case r.named:
			arrived = append(arrived, r)
		}
	}
	l.waiting = waiting
	return arrived, missing
}

func (l *ledger) counts() (accepted, repeats, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted, l.repeats, len(l.waiting)
}

// roll is the contacts of a moment, by address.
type roll map[string][]sandbox.Row

// roll reads the contacts as a person in Notion sees them.
func (c *company) roll() roll {
	out := roll{}
	for _, row := range c.notion.Rows(c.crm.Contacts) {
		if !row.InTrash {
			key := address(row.Values["Email"])
			out[key] = append(out[key], row)
		}
	}
	return out
}

func address(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// has says whether a lead has arrived with its message.
func (r roll) has(lead sandbox.Lead) bool {
	return slices.ContainsFunc(r[address(lead.Email)], func(row sandbox.Row) bool {
		return strings.Contains(letters(strings.Join(row.Blocks, " ")), letters(lead.Message))
	})
}

// arrived counts the leads that are in Notion.
func (r roll) arrived(leads []sandbox.Lead) int {
	n := 0
	for _, lead := range leads {
		if r.has(lead) {
			n++
		}
	}
	return n
}

// twice counts the contacts that are there although another has their address.
func (r roll) twice() int {
	n := 0
	for email, rows := range r {
		if email != "" {
			n += len(rows) - 1
		}
	}
	return n
}

// letters is what no clean-up of a text changes.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
}
