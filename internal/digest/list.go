package digest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
	"github.com/dealbell/dealbell/internal/slack"
)

// question is one digest with what is needed to answer it.
type question struct {
	bound   *Bound
	ledger  crm.Read // how far the database was read
	stale   bool     // Notion could not be asked
	context rules.Context
}

func (q question) answer(ctx context.Context, state State) ([]letter, error) {
	if q.bound.pipeline() {
		return q.pipeline(ctx, state)
	}
	return q.list(ctx, state)
}

// entry is a row that may be named.
type entry struct {
	row    rules.Row
	places []place
}

// list names the rows that are kept, to each owner the own ones.
func (q question) list(ctx context.Context, state State) ([]letter, error) {
	groups := map[string]*top[entry]{} // by owner, "" for none
	err := state.Rows(ctx, q.bound.database, func(snapshot crm.Snapshot) error {
		row := rowOf(snapshot)
		if !q.keeps(row) {
			return nil
		}
		e := entry{row, q.bound.places(snapshot, q.context.Zone)}
		for _, owner := range q.owners(row) {
			if groups[owner] == nil {
				groups[owner] = &top[entry]{limit: q.bound.spec.Limit, compare: func(a, b entry) int { return q.bound.compare(a.places, b.places) }}
			}
			groups[owner].add(e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(groups) == 0 {
		return q.empty(), nil
	}
	var letters []letter
	for _, owner := range slices.Sorted(maps.Keys(groups)) {
		text, err := q.group(owner, groups[owner])
		if err != nil {
			return nil, err
		}
		letters = append(letters, letter{owner, text})
	}
	return letters, nil
}

func rowOf(s crm.Snapshot) rules.Row {
	return rules.Row{Page: s.Page, URL: s.URL, Values: s.Values, EditedBy: s.EditedBy, CreatedAt: s.CreatedAt}
}

func (q question) keeps(row rules.Row) bool {
	return q.bound.filter == nil || q.bound.filter.Keeps(row, q.context)
}

// owners returns whose row it is; "" stands for nobody, and for all where the
// digest does not ask.
func (q question) owners(row rules.Row) []string {
	if q.bound.spec.Owner == "" {
		return []string{""}
	}
	if ids := row.Values[q.bound.owner.ID].IDs; len(ids) > 0 {
		return ids
	}
	return []string{""}
}

// group says what there is for one reader.
func (q question) group(owner string, rows *top[entry]) (string, error) {
	shown := "all"
	if rows.count > len(rows.kept) {
		shown = fmt.Sprintf("top %d", q.bound.spec.Limit)
	}
	w := writer{context: q.context}
	b := body{foot: q.age(), all: rows.count}
	b.head = w.line(q.bound.head, rules.Row{}, map[string]any{"Name": q.bound.name, "Count": rows.count, "Shown": shown})
	for _, e := range rows.kept {
		w.add(q.bound.line, e.row, nil)
	}
	b.lines = w.lines
	if q.bound.spec.Owner != "" && owner == "" {
		b.foot = append([]string{fmt.Sprintf("_Nobody is %s of these._", slack.Escape(q.bound.owner.Name))}, b.foot...)
	}
	return b.text(), w.err
}

// empty is what is said when there is no row.
func (q question) empty() []letter {
	if q.bound.spec.Empty == "" {
		return nil
	}
	return []letter{{text: body{head: q.bound.spec.Empty, foot: q.age()}.text()}}
}

// age says how old the answer is when Notion could not be asked.
func (q question) age() []string {
	if !q.stale {
		return nil
	}
	at := q.ledger.PolledAt.In(q.context.Zone).Format("2006-01-02 15:04")
	return []string{"_Notion is not reachable; this is as of " + at + "._"}
}
