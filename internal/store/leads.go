package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// Standing groups the states of deliveries as people ask for them.
type Standing string

// The standings.
const (
	StandingAny     Standing = ""
	StandingHeld    Standing = "held"
	StandingOpen    Standing = "open" // on the way to Notion
	StandingDone    Standing = "done"
	StandingDead    Standing = "dead"
	StandingDropped Standing = "dropped"
)

// conditions repeat those of the partial indexes.
var conditions = map[Standing]string{
	StandingAny:     "true",
	StandingHeld:    "state = 'held'",
	StandingOpen:    "state in ('queued', 'noting')",
	StandingDone:    "state = 'done'",
	StandingDead:    "job <> 0 and state = 'dead'",
	StandingDropped: "state = 'dropped'",
}

// LeadFilter chooses deliveries; zero fields choose all.
type LeadFilter struct {
	Standing Standing
	Form     string
	Key      string // the contact's
	Text     string // somewhere in the body, however that is encoded
	Before   int64  // Seq: older ones only
	Limit    int
}

// Lead is a delivery with what became of it.
type Lead struct {
	crm.Delivery
	Seq     int64 // order of arrival
	Outcome crm.Outcome
	Page    string // in Notion, once done
	URL     string // of the page, where it was seen
	Job     int64  // the dead letter it belongs to
}

const (
	// A text is looked for in so many deliveries at a time, for so long; then
	// whoever asks decides whether to go on.
	searchStep   = 5000
	searchBudget = 120 * time.Millisecond
)

// Leads lists deliveries, newest first. before is where to go on; 0 at the
// end. Where a text is looked for, fewer may be found than there are.
func (db *DB) Leads(ctx context.Context, f LeadFilter) (found []Lead, before int64, err error) {
	top := f.Before
	if top == 0 {
		if err := db.reader.QueryRowContext(ctx, `select coalesce(max(seq), 0) + 1 from inbox`).Scan(&top); err != nil {
			return nil, 0, err
		}
	}
	for begun := time.Now(); top > 1; {
		low := int64(0)
		if f.Text != "" {
			low = max(0, top-searchStep)
		}
		some, err := db.leadsBetween(ctx, f, low, top, f.Limit+1-len(found))
		if err != nil {
			return nil, 0, err
		}
		found, top = append(found, some...), low
		if len(found) > f.Limit {
			found = found[:f.Limit]
			return found, found[f.Limit-1].Seq, nil
		}
		if time.Since(begun) > searchBudget {
			break
		}
	}
	if top <= 1 {
		top = 0
	}
	return found, top, nil
}

func (db *DB) leadsBetween(ctx context.Context, f LeadFilter, low, top int64, limit int) (found []Lead, err error) {
	query, args := leadsQuery(f, low, top, limit)
	rows, err := db.reader.QueryContext(ctx, query, args...)
	return found, each(rows, err, func(r *sql.Rows) error {
		var l Lead
		var at int64
		err := r.Scan(&l.Seq, &l.ID, &l.Source, &l.Key, &l.ContentType, &l.Body, &at, &l.State, &l.Reason, &l.Outcome, &l.Page, &l.Job, &l.URL)
		l.ReceivedAt = moment(at)
		found = append(found, l)
		return err
	})
}

func leadsQuery(f LeadFilter, low, top int64, limit int) (query string, args []any) {
	seq := `seq`
	if f.Standing == StandingOpen || f.Standing == StandingDead {
		seq = `+seq` // few, so that sorting them is quicker than looking through all by seq
	}
	where := seq + ` < ? and ` + seq + ` >= ? and ` + conditions[f.Standing]
	args = []any{top, low}
	if f.Key != "" {
		where += ` and key = ?`
		args = append(args, f.Key)
	}
	if f.Form != "" {
		where += ` and source = ?`
		args = append(args, f.Form)
	}
	if f.Text != "" {
		spellings := spellingsOf(f.Text)
		where += ` and (` + strings.TrimPrefix(strings.Repeat(` or cast(body as text) like ? escape '\'`, len(spellings)), " or ") + `)`
		for _, s := range spellings {
			args = append(args, "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)+"%")
		}
	}
	return `select ` + leadColumns + ` from inbox where ` + where + ` order by ` + seq + ` desc limit ?`, append(args, limit)
}

const leadColumns = `seq, id, source, key, content_type, body, received_at, state, reason, outcome, page, job,
	coalesce((select url from snapshots where snapshots.page = inbox.page), '')`

// Lead finds one delivery with what became of it, or ErrNotFound.
func (db *DB) Lead(ctx context.Context, id string) (Lead, error) {
	d, err := db.Delivery(ctx, id)
	if err != nil {
		return Lead{}, err
	}
	l := Lead{Delivery: d}
	err = db.reader.QueryRowContext(ctx, `select seq, outcome, page, job, coalesce((select url from snapshots where snapshots.page = inbox.page), '') from inbox where id = ?`, id).
		Scan(&l.Seq, &l.Outcome, &l.Page, &l.Job, &l.URL)
	return l, err
}
