// Package observe turns a look at Notion into what Dealbell remembers of it.
//
// Every sight of a page, whether a poll listed it, an event led to it, or our
// own write returned it, goes through See, so that no two parts of the program
// can disagree about a page, no edit counts twice, and the order in which
// sights arrive does not matter. It is pure: the store calls it inside the
// transaction that makes the result durable, and nothing else decides what a
// change is.
package observe

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dealbell/dealbell/internal/crm"
)

// lag is how long the index behind queries may show an older state of a page
// than the page itself. It is not documented; seconds have been reported.
const lag = time.Minute

// clockStep is longer than any request takes.
const clockStep = 10 * time.Minute

// Database is a watched database.
type Database struct {
	ID  string       // as configured
	Key crm.Property // the property that identifies a row; zero for none
}

// Look returns the sights of pages of one database.
func (db Database) Look(by crm.SeenBy, askedAt time.Time, pages ...crm.Page) []crm.Sight {
	sights := make([]crm.Sight, 0, len(pages))
	for _, p := range pages {
		sights = append(sights, crm.Sight{Database: db.ID, Key: Key(p.Values[db.Key.ID]), Page: p, By: by, AskedAt: askedAt})
	}
	return sights
}

// Seen is what follows from a sight.
type Seen struct {
	News     bool         // Snapshot has to be written
	Snapshot crm.Snapshot // the page as it is known now
	Changes  []crm.Change
	// Doubt is set when the sight may show an older state than the one that is
	// known. It changes nothing; the page has to be fetched.
	Doubt bool
}

// See compares a sight with what is known of the page; known is nil for a
// page that was never seen. baseline is when the first read of the database
// was complete, zero before that: rows that were there already are no news.
// wrote are the values that Dealbell has written to the page, or tried to,
// and not seen since.
func See(known *crm.Snapshot, baseline time.Time, wrote map[string]crm.Value, s crm.Sight) Seen {
	next := crm.Snapshot{
		Page: s.Page.ID, Database: s.Database, Key: s.Key, URL: s.Page.URL, CreatedAt: s.Page.CreatedAt,
		EditedAt: s.Page.EditedAt, EditedBy: s.Page.EditedBy, Trashed: s.Page.Trashed, Values: s.Page.Values,
	}
	if known == nil {
		return Seen{News: true, Snapshot: next, Changes: arrival(baseline, wrote, s)}
	}
	next.Values = carry(*known, next)
	switch {
	case s.Page.EditedAt.Before(known.EditedAt), equal(*known, next):
		return Seen{Snapshot: *known} // overtaken by a newer sight, or no news
	case doubtful(*known, s):
		return Seen{Snapshot: *known, Doubt: true}
	}
	return Seen{News: true, Snapshot: next, Changes: compare(*known, next, wrote, s)}
}

// carry keeps the values that a sight leaves out: those of a page in the
// trash until it comes back, and single ones that Notion could not work out.
func carry(known, next crm.Snapshot) map[string]crm.Value {
	switch {
	case next.Trashed:
		return known.Values
	case known.Database != next.Database:
		return next.Values
	}
	values := map[string]crm.Value{}
	maps.Copy(values, known.Values)
	maps.Copy(values, next.Values)
	return values
}

// arrival returns the changes of a page that is seen for the first time: its
// values are news if it was made after the database was read.
func arrival(baseline time.Time, wrote map[string]crm.Value, s crm.Sight) []crm.Change {
	if s.Page.Trashed || baseline.IsZero() || s.Page.CreatedAt.Before(baseline.Truncate(time.Minute)) {
		return nil
	}
	var found []crm.Change
	for _, id := range slices.Sorted(maps.Keys(s.Page.Values)) {
		if v := s.Page.Values[id]; !v.Blank() && !slices.Contains(bookkeeping, v.Kind) {
			c := change(s, id, crm.Value{}, v, wrote)
			c.Own = c.Own || s.Made
			found = append(found, c)
		}
	}
	return found
}

// doubtful reports whether a sight that differs may be older than what is
// known. Notion's edit times are whole minutes, so within one minute only our
// own clock can tell.
func doubtful(known crm.Snapshot, s crm.Sight) bool {
	if !s.Page.EditedAt.Equal(known.EditedAt) {
		return false
	}
	newer := known.SeenAt
	if s.By.Listed() {
		newer = newer.Add(lag)
	}
	// A clock that was set back tells nothing.
	return s.AskedAt.Before(newer) && newer.Sub(s.AskedAt) < clockStep
}

func equal(a, b crm.Snapshot) bool {
	return a.Database == b.Database && a.Key == b.Key && a.URL == b.URL && a.Trashed == b.Trashed && a.EditedBy == b.EditedBy &&
		a.EditedAt.Equal(b.EditedAt) && maps.EqualFunc(a.Values, b.Values, crm.Value.Equal)
}

// bookkeeping are the kinds that Notion keeps by itself: they change with
// every edit and are no news.
var bookkeeping = []crm.Kind{"created_time", "created_by", "last_edited_time", "last_edited_by"}

// computed are the kinds that may change although nobody edited the page,
// such as a formula that counts days.
var computed = []crm.Kind{"formula", "rollup"}

// compare returns the changes of a page that was seen before.
func compare(known, next crm.Snapshot, wrote map[string]crm.Value, s crm.Sight) []crm.Change {
	if known.Database != next.Database {
		return nil // moved, with other properties
	}
	edited := next.EditedAt.After(known.EditedAt)
	var found []crm.Change
	for _, id := range slices.Sorted(maps.Keys(next.Values)) {
		now := next.Values[id]
		before, had := known.Values[id]
		switch {
		case slices.Contains(bookkeeping, now.Kind), before.Same(now):
		case !had:
			// A property was added to the database: its first value is where
			// it starts, as with the first read.
		case !edited && (before.Kind != now.Kind || slices.Contains(computed, now.Kind)):
			// The database was edited, not the page: a property was retyped,
			// or a formula counts on.
		default:
			found = append(found, change(s, id, before, now, wrote))
		}
	}
	return found
}

// change is our own when it is what we wrote, whoever edited the page since.
func change(s crm.Sight, property string, before, now crm.Value, wrote map[string]crm.Value) crm.Change {
	ours, written := wrote[property]
	return crm.Change{
		Page: s.Page.ID, Database: s.Database, Property: property, Old: before, New: now,
		EditedBy: s.Page.EditedBy, EditedAt: s.Page.EditedAt, SeenBy: s.By, Own: written && Shows(now, ours),
	}
}

// Shows reports whether a value is what became of one that was written:
// Notion takes no commas in options, trims, and cuts what is too long.
func Shows(now, wrote crm.Value) bool {
	if now.Same(wrote) {
		return true
	}
	shown, full := bare(now.String()), bare(wrote.String())
	return shown != "" && (shown == full || len(shown) >= shortest && strings.HasPrefix(full, shown))
}

// shortest is less than any limit at which Notion or its client cuts.
const shortest = 50

// bare leaves only letters and digits of a text.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// Key returns the form of a key property by which rows are compared: the
// normalised address where it is an email, the folded text otherwise.
func Key(v crm.Value) string {
	text := v.String()
	if email, err := crm.ParseEmail(text); err == nil {
		return email.Key
	}
	return strings.ToLower(strings.TrimSpace(text))
}
