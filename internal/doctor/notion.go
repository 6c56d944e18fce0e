package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notion"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/upsert"
)

func (s *Service) token(ctx context.Context) []Finding {
	const check = "notion token"
	me, err := s.o.Notion.Me(ctx)
	switch {
	case errors.Is(err, crm.ErrForbidden):
		return unreadable(check, err, "copy the secret of the connection again from notion.so/profile/integrations into NOTION_TOKEN, and restart")
	case err != nil:
		return unreadable(check, err, "is Notion reachable from here? look at status.notion.com, this machine's network and its DNS")
	case me.Person:
		return []Finding{{
			check, Warning, "it is a person's own token: what that person edits in Notion cannot be told from Dealbell's own writes, and rings nothing",
			"create an internal connection at notion.so/profile/integrations and use its secret",
		}}
	}
	return s.capabilities(ctx)
}

// capabilities finds what the connection may not do.
func (s *Service) capabilities(ctx context.Context) []Finding {
	const check, next = "notion token", "tick it under Capabilities of the connection at notion.so/profile/integrations"
	can, err := s.o.Notion.Capabilities(ctx)
	switch lacks := can.Lacks(); {
	case err != nil:
		return unreadable(check, err, "dealbell doctor again, when Notion answers")
	case len(lacks) > 0:
		return []Finding{{check, Failing, "the connection lacks a capability: " + strings.Join(lacks, ", "), next}}
	case !can.Emails:
		return []Finding{{check, Warning, "Notion accepts it, but the connection may not see the addresses of people: owners are not mentioned in Slack", next}}
	}
	return []Finding{fine(check, "Notion accepts it, and it may read, update and insert")}
}

// mostRows is how many rows Notion's query returns at most
// (https://developers.notion.com/reference/query-a-data-source).
const mostRows = 10_000

func (s *Service) databases(ctx context.Context) (found []Finding) {
	if s.o.Connection().Refused {
		return []Finding{{"databases", Unknown, "not looked at, because Notion refuses the token", ""}}
	}
	for _, db := range s.o.Databases {
		found = append(found, s.database(ctx, db)...)
	}
	return found
}

func (s *Service) database(ctx context.Context, db Database) (found []Finding) {
	check := "database " + db.Name
	schema, err := s.o.Notion.RefreshSchema(ctx, db.ID)
	switch {
	case errors.Is(err, crm.ErrNotFound):
		return []Finding{{
			check, Failing, "Notion shows no such database to the connection",
			fmt.Sprintf("open it in Notion, choose ••• › Connections and add the connection; is its link the one that is configured for %s?", db.Name),
		}}
	case err != nil:
		return unreadable(check, err, "dealbell doctor again, when Notion answers")
	}
	b := crm.Bindings{Schema: schema}
	if s.o.Store != nil {
		if b.Known, err = s.o.Store.Bindings(ctx, db.ID); err != nil {
			return unreadable(check, err, "dealbell status")
		}
	}
	found = append(s.misfits(check, db, b), s.mistakes(check, db, b)...)
	if len(found) == 0 {
		found = []Finding{fine(check, fmt.Sprintf("%q is shared and has what is needed", schema.Name))}
	}
	return append(found, s.rows(ctx, check, db)...)
}

// misfits are properties that cannot take what is written to them.
func (s *Service) misfits(check string, db Database, b crm.Bindings) (found []Finding) {
	for _, need := range s.o.Needs {
		if need.Database != db.ID {
			continue
		}
		misfit := need.Fit(upsert.Bindings{Bindings: b})
		if misfit == nil {
			continue
		}
		f := Finding{check, Failing, misfit.Text, misfit.Next}
		if misfit.Gone && !need.Required {
			f.State = Warning // it is skipped
		}
		found = append(found, f)
	}
	return found
}

// mistakes are names in rules and digests that the database does not know.
func (s *Service) mistakes(check string, db Database, b crm.Bindings) (found []Finding) {
	if s.o.Mistakes == nil {
		return nil
	}
	b.Schema.Database = db.ID
	own, standard, err := s.o.Mistakes(b)
	if err != nil {
		return unreadable(check, err, "dealbell check")
	}
	note := func(state State, all []rules.Mistake) {
		for _, m := range all {
			f := Finding{check, state, m.String(), m.Hint}
			if !strings.HasPrefix(m.Hint, "did you") { // it lists what there is
				f.Text, f.Next = strings.TrimSpace(f.Text+" "+m.Hint), "write a name that is there into the configuration file, or add it in Notion"
			}
			found = append(found, f)
		}
	}
	note(Failing, own)
	note(Warning, standard)
	return found
}

func (s *Service) rows(ctx context.Context, check string, db Database) []Finding {
	if s.o.Store == nil {
		return nil
	}
	n, err := s.o.Store.Count(ctx, db.ID)
	switch {
	case err != nil:
		return unreadable(check, err, "dealbell status")
	case n < mostRows*9/10:
		return nil
	}
	return []Finding{{
		check, Warning, fmt.Sprintf("it has %d rows; a single query of Notion's returns %d at most. Dealbell reads all of them in parts, other tools may not", n, mostRows),
		"move rows that nobody needs any more to another database",
	}}
}

// The website's clock may differ by five minutes from this one, so that the
// first minute is worth a warning.
const (
	oddSkew = 30 * time.Second
	badSkew = 4 * time.Minute
)

func (s *Service) clock(context.Context) []Finding {
	const check, next = "clock", "switch on time synchronisation: timedatectl set-ntp true"
	connection := s.o.Connection()
	apart := connection.Skew.Abs()
	text := "it differs from Notion's by " + crm.Span(apart)
	switch {
	case connection.Skew == 0:
		return []Finding{{check, Unknown, "nothing to compare it with: Notion did not say what time it is", ""}}
	case apart >= badSkew:
		return []Finding{{check, Failing, text + ": signed forms with a time, and vendors' webhooks, are refused", next}}
	case apart >= oddSkew:
		return []Finding{{check, Warning, text, next}}
	}
	return []Finding{fine(check, "it agrees with Notion's")}
}

// blocks finds the wall of the Free plan, which leads run into one by one.
func (s *Service) blocks(ctx context.Context) []Finding {
	const check = "notion plan"
	waits, err := s.waiting(ctx)
	if err != nil {
		return unreadable(check, err, "dealbell status")
	}
	n := 0
	for _, j := range waits {
		if strings.Contains(j.LastError, notion.ReasonFull) {
			n++
		}
	}
	if n == 0 && s.o.Connection().FullSince.IsZero() {
		return nil
	}
	return []Finding{{
		check, Failing, fmt.Sprintf("the workspace is on the Free plan and has used up its blocks: Notion takes no new page, and %d jobs wait for that", n),
		"upgrade the plan in Notion (deleting pages gives no block back); what waits goes on by itself",
	}}
}
