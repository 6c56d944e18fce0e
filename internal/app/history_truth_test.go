package app_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/sandbox"
	"github.com/dealbell/dealbell/internal/store"
)

// state is what a row is from some time on.
type state struct {
	from  time.Time
	stage string
	title string
	value int
	live  bool
}

// row is a deal or a contact, with all its past.
type row struct {
	code     string // unique, and part of its title for ever
	page     string
	database string
	gone     bool
	past     []state
}

func (r *row) now() state  { return r.past[len(r.past)-1] }
func (r *row) add(s state) { r.past = append(r.past, s) }
func (r *row) until(i int) time.Time {
	if i+1 < len(r.past) {
		return r.past[i+1].from
	}
	return time.Now().Add(time.Hour)
}

func (r *row) change(edit func(*state)) {
	s := r.now()
	s.from = time.Now()
	edit(&s)
	r.add(s)
}

type span struct{ from, to time.Time }

// truth is what really happened.
type truth struct {
	deals    []*row
	known    []*row // contacts that somebody touched
	contacts int    // made by hand
	leads    int
	names    map[string]string      // of the property and its options, where they are not the first ones
	renamed  map[string][]time.Time // when an option got or lost another name
	ups      []span                 // when Dealbell ran
	outages  []span                 // when Notion was cut off
	lost     int                    // commits
	story    []line
}

type line struct {
	at   time.Time
	code string // "" for everybody
	text string
}

func (h *history) tell(code, format string, args ...any) {
	h.story = append(h.story, line{time.Now(), code, fmt.Sprintf(format, args...)})
}

// stay is a time that a row spent in one stage, in the trash or not.
type stay struct {
	stage string
	span
	live    []span // when it could be seen
	trashed bool   // at some time
}

func (r *row) stays() []stay {
	var all []stay
	for i, s := range r.past {
		if len(all) == 0 || all[len(all)-1].stage != s.stage {
			all = append(all, stay{stage: s.stage, span: span{from: s.from}})
		}
		last := &all[len(all)-1]
		last.to = r.until(i)
		last.trashed = last.trashed || !s.live
		switch n := len(last.live); {
		case !s.live:
		case n > 0 && last.live[n-1].to.Equal(s.from):
			last.live[n-1].to = last.to
		default:
			last.live = append(last.live, span{s.from, last.to})
		}
	}
	return all
}

// looks lists when Notion answered Dealbell what had changed in a database,
// as of when the index showed it, and Dealbell lived on to remember it.
func (h *history) looks(db *sandbox.Database) (at []time.Time) {
	for _, x := range h.notion.Transcript() {
		about := strings.Contains(x.Path, db.ID) || strings.Contains(x.Path, db.DataSourceID)
		if !about || !strings.HasSuffix(x.Path, "/query") || !strings.Contains(string(x.Body), "last_edited_time") {
			continue
		}
		if x.Status == http.StatusOK && x.Fault == "" && !x.Abandoned && h.livesThrough(x.Start, x.End.Add(time.Second)) {
			at = append(at, x.End)
		}
	}
	return at
}

func (h *history) livesThrough(from, to time.Time) bool {
	return slices.ContainsFunc(h.ups, func(up span) bool { return !from.Before(up.from) && to.Before(up.to) })
}

// apart is how far two looks have to be apart for the later one to settle what
// the earlier one may have doubted.
const apart = 90 * time.Second

// surely reports whether a stay was certainly seen.
func (s stay) surely(looks []time.Time, lag time.Duration) bool {
	for _, live := range s.live {
		var first time.Time
		for _, at := range looks {
			switch shown := at.Add(-lag); {
			case shown.Before(live.from) || !at.Before(live.to):
			case first.IsZero():
				first = at
			case at.Sub(first) >= apart:
				return true
			}
		}
	}
	return false
}

// text is what is said about one row, in the outbox or in Slack.
type text struct{ rule, title, value string }

func (s text) code() string { code, _, _ := strings.Cut(s.title, " "); return code }

var ringing = regexp.MustCompile(`(Deal won|Deal lost|In negotiation|Customer|Touched): \*([DC]\d\d[^*]*)\*(?: — \$([\d,]+))?`)

// meaning is the stage that a text tells of; nothing may be told of touching.
var meaning = map[string]string{"Deal won": "Won", "Deal lost": "Lost", "In negotiation": "Negotiation", "Customer": "Customer"}

// texts takes a message apart, which may list many.
func texts(message string) (found []text) {
	for _, m := range ringing.FindAllStringSubmatch(message, -1) {
		found = append(found, text{m[1], m[2], strings.ReplaceAll(m[3], ",", "")})
	}
	return found
}

// ring is a message of the outbox with the change that it answers.
type ring struct {
	crm.Message
	text
	seen time.Time
}

// ledger reads what Dealbell remembers of its messages and changes.
func (h *history) ledger() (rings []ring, changes []crm.Change) {
	var messages []crm.Message
	h.attached(func(db *store.DB) (err error) {
		if messages, err = db.Outbox(context.Background(), 1_000_000); err != nil {
			return err
		}
		changes, err = db.Changes(context.Background(), store.ChangeFilter{Limit: 1_000_000})
		return err
	})
	seen := map[int64]time.Time{}
	for _, c := range changes {
		seen[c.ID] = c.SeenAt
	}
	for _, m := range slices.Backward(messages) {
		if m.Change == 0 {
			continue // a digest
		}
		found := texts(m.Text)
		if len(found) != 1 || seen[m.Change].IsZero() {
			h.t.Fatalf("message %d is about no row or no change: %q", m.ID, m.Text)
		}
		rings = append(rings, ring{m, found[0], seen[m.Change]})
	}
	return rings, changes
}

// problem is what is wrong with a row.
type problem struct {
	code string
	span
	text string
}

// trial is the comparison of what was heard with what happened.
type trial struct {
	*history
	rings    []ring
	changes  []crm.Change
	problems []problem
	must     int // how many rings could not be missed
}

func (h *history) check() {
	h.t.Helper()
	c := &trial{history: h}
	c.rings, c.changes = h.ledger()
	c.checkLooks()
	c.checkSlack()
	c.checkTouches()
	for db, rows := range map[*sandbox.Database][]*row{h.crm.Deals: h.deals, h.crm.Contacts: h.known} {
		looks := h.looks(db)
		for _, r := range rows {
			c.checkRow(r, looks)
		}
	}
	h.t.Logf("seed=%d: %d deals, %d contacts, %d starts, %d commits lost, %d rings, of which %d could not be missed",
		h.seed, len(h.deals), len(h.known), len(h.ups), h.lost, len(c.rings), c.must)
	for i, p := range c.problems {
		if i == 5 {
			h.t.Errorf("and %d problems more", len(c.problems)-i)
			break
		}
		h.t.Errorf("seed=%d, %s at %s: %s\n%s", h.seed, p.code, stamp(p.from), p.text, c.around(p))
	}
}

func (c *trial) fail(code string, at time.Time, format string, args ...any) {
	c.problems = append(c.problems, problem{code, span{at, at}, fmt.Sprintf(format, args...)})
}

// longestGap is how long a Dealbell that runs may go without a look, whatever
// fails: polls are five minutes apart.
const longestGap = 15 * time.Minute

// checkLooks asks for a look at each database every few minutes.
func (c *trial) checkLooks() {
	for _, db := range []*sandbox.Database{c.crm.Deals, c.crm.Contacts} {
		looks := c.looks(db)
		for _, up := range c.ups {
			last := up.from
			for _, at := range append(slices.Clone(looks), up.to) {
				if at.Before(up.from) || at.After(up.to) {
					continue
				}
				if gap := at.Sub(last) - c.outage(span{last, at}); gap > longestGap {
					c.fail("", at, "nobody had looked at %s for %v", db.Name, gap)
				}
				last = at
			}
		}
	}
}

// outage returns for how much of a time Notion was cut off.
func (c *trial) outage(in span) (sum time.Duration) {
	for _, o := range c.outages {
		sum += time.Duration(max(0, min(o.to.UnixNano(), in.to.UnixNano())-max(o.from.UnixNano(), in.from.UnixNano())))
	}
	return sum
}

// checkSlack asks for each message that was sent to be heard once, and for
// each that may be sent to be heard once at most.
func (c *trial) checkSlack() {
	sent, maybe, heard := map[text]int{}, map[text]int{}, map[text]int{}
	at := map[text]time.Time{}
	for _, r := range c.rings {
		switch at[r.text] = r.CreatedAt; r.State {
		case crm.MessageSent:
			sent[r.text]++
		case crm.MessageMaybe:
			maybe[r.text]++
		default:
			c.fail(r.code(), r.CreatedAt, "message %d is %s in the end: %s", r.ID, r.State, r.Reason)
		}
	}
	for _, m := range c.slack.Messages("sales") {
		for _, said := range texts(m.Text) {
			heard[said]++
			at[said] = m.Time
		}
	}
	for said, when := range at {
		if n := heard[said]; n < sent[said] || n > sent[said]+maybe[said] {
			c.fail(said.code(), when, "Slack heard %v %d times; the outbox has %d that were sent and %d that may be", said, n, sent[said], maybe[said])
		}
	}
}

// checkTouches asks that nothing rings which only Dealbell wrote.
func (c *trial) checkTouches() {
	rows := slices.Concat(c.deals, c.known)
	for _, r := range c.rings {
		switch {
		case meaning[r.rule] == "":
			c.fail(r.code(), r.seen, "message %d tells of Dealbell's own write", r.ID)
		case !slices.ContainsFunc(rows, func(known *row) bool { return known.page == r.Page }):
			c.fail(r.code(), r.seen, "message %d tells %s of a row that nobody moved", r.ID, r.rule)
		}
	}
}

// checkRow matches the rings of one row with its stays, each with one of its
// own, and asks for those that could not be missed.
func (c *trial) checkRow(r *row, looks []time.Time) {
	stays := r.stays()
	rung := make([]bool, len(stays))
	for _, ring := range c.rings {
		stage := meaning[ring.rule]
		if ring.Page != r.page || stage == "" {
			continue
		}
		shown := span{ring.seen.Add(-c.lag - 2*time.Second), ring.seen}
		i := 0
		if c.old(r) {
			i = 1
		}
		for i < len(stays) && (rung[i] || stays[i].stage != stage || !stays[i].visible(shown)) {
			i++
		}
		if i == len(stays) {
			c.fail(r.code, ring.seen, "message %d tells %q of no transition of its own", ring.ID, stage)
			continue
		}
		rung[i] = true
		if !r.was(ring.text, stage, shown) {
			c.fail(r.code, ring.seen, "message %d tells what was not so: %v", ring.ID, ring.text)
		}
	}
	c.checkMust(r, stays, rung, looks)
}

func (s stay) visible(in span) bool {
	return slices.ContainsFunc(s.live, func(live span) bool { return live.overlaps(in) })
}

func (s span) overlaps(o span) bool { return !s.from.After(o.to) && !o.from.After(s.to) }

// was reports whether the row looked like this at some time in a span.
func (r *row) was(said text, stage string, in span) bool {
	for i, s := range r.past {
		same := s.stage == stage && s.title == said.title && (said.value == "" || said.value == strconv.Itoa(s.value))
		if same && s.live && (span{s.from, r.until(i)}).overlaps(in) {
			return true
		}
	}
	return false
}

// checkMust takes the stays that were certainly seen. Where one is in a stage
// that rings and the one before it is not in that stage, something rang.
func (c *trial) checkMust(r *row, stays []stay, rung []bool, looks []time.Time) {
	last := -1 // before it was made, a row was in no stage
	for i, s := range stays {
		if !s.surely(looks, c.lag) {
			continue
		}
		from := last
		last = i
		if !c.hasToRing(r, stays, from, i) {
			continue
		}
		c.must++
		n := 0
		for j := from + 1; j <= i; j++ {
			if stays[j].stage == s.stage && rung[j] {
				n++
			}
		}
		if n == 0 {
			c.problems = append(c.problems, problem{r.code, s.span, fmt.Sprintf("it was in %q until %s and nothing rang", s.stage, stamp(s.to))})
		}
	}
}

// hasToRing reports whether the way from one stay to another has to ring.
func (c *trial) hasToRing(r *row, stays []stay, from, to int) bool {
	s := stays[to]
	rings := slices.Contains(slices.Collect(maps.Values(meaning)), s.stage)
	if from >= 0 {
		return rings && stays[from].stage != s.stage && !c.wasRenamed(s.stage, span{stays[from].to, s.to})
	}
	// Of a row that was first seen in the trash, nobody knows what it was before.
	trashed := slices.ContainsFunc(stays[:to+1], func(s stay) bool { return s.trashed })
	return rings && !c.old(r) && !trashed && !c.wasRenamed(s.stage, span{stays[0].from, s.to})
}

// old reports whether a row was there at the first read, so that it is no news
// where it was then.
func (c *trial) old(r *row) bool { return r.past[0].from.Before(c.ups[0].from.Add(time.Minute)) }

// wasRenamed reports whether a stage had another name at some time in a span:
// a rule that looks for its name does not know it then.
func (c *trial) wasRenamed(stage string, in span) bool {
	at := append(slices.Clone(c.renamed[stage]), time.Now())
	for i := 0; i+1 < len(at); i += 2 {
		if in.overlaps(span{at[i], at[i+1]}) {
			return true
		}
	}
	return false
}

func stamp(t time.Time) string { return t.UTC().Format("02 15:04:05.000") }

// around tells the story of a row near a problem: what people did, what
// Dealbell saw, what it said.
func (c *trial) around(p problem) string {
	lines := slices.Clone(c.story)
	page := ""
	for _, r := range slices.Concat(c.deals, c.known) {
		if r.code == p.code {
			page = r.page
		}
	}
	for _, s := range c.changes {
		if s.Page == page {
			lines = append(lines, line{s.SeenAt, p.code, fmt.Sprintf("    seen by %s: %q -> %q, edited %s, own %v, change %d",
				s.SeenBy, s.Old.String(), s.New.String(), stamp(s.EditedAt), s.Own, s.ID)})
		}
	}
	for _, r := range c.rings {
		if r.code() == p.code {
			lines = append(lines, line{r.CreatedAt, p.code, fmt.Sprintf("    message %d of change %d is written, in the end %s %s: %s", r.ID, r.Change, r.State, r.Reason, r.Text)})
		}
	}
	for _, m := range c.slack.Messages("sales") {
		if strings.Contains(m.Text, "*"+p.code) {
			lines = append(lines, line{m.Time, p.code, "    Slack hears " + strings.ReplaceAll(m.Text, "\n", " / ")})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	var b strings.Builder
	for _, l := range lines {
		far := max(p.from.Sub(l.at), l.at.Sub(p.to))
		if l.code == p.code && far < 30*time.Minute || l.code == "" && far < 5*time.Minute {
			fmt.Fprintf(&b, "  %s %s %s\n", stamp(l.at), l.code, l.text)
		}
	}
	return b.String()
}
