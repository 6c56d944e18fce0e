package digest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/pipeline"
	"github.com/dealbell/dealbell/internal/rules"
)

// The lines about rows of a pipeline.
const (
	movedLine = `• *{{title}}* {{.From}} → {{.To}}`
	stuckLine = `• *{{title}}* in {{.Stage}} for {{if .AtLeast}}at least {{end}}{{.Days}} days`
)

// noStage is the name of a blank stage.
const noStage = "no stage"

type movedRow struct {
	row rules.Row
	move
}

type stuckRow struct {
	row     rules.Row
	stage   string
	since   time.Time
	atLeast bool
}

// stages is what is kept of the rows.
type stages struct {
	question
	history history
	open    *pipeline.Tally
	moved   top[movedRow]
	stuck   top[stuckRow]
}

// pipeline counts rows and value by stage, and names the rows that moved and
// those that did not.
func (q question) pipeline(ctx context.Context, state State) ([]letter, error) {
	known, err := q.history(ctx, state)
	if err != nil {
		return nil, err
	}
	limit := q.bound.spec.Limit
	p := &stages{question: q, history: known, open: pipeline.NewTally()}
	p.moved = top[movedRow]{limit: limit, compare: func(a, b movedRow) int { return cmp.Compare(b.last, a.last) }}
	p.stuck = top[stuckRow]{limit: limit, compare: func(a, b stuckRow) int { return a.since.Compare(b.since) }}
	if err := state.Rows(ctx, q.bound.database, p.visit); err != nil {
		return nil, err
	}
	if p.open.All.Count+p.moved.count == 0 {
		return q.empty(), nil
	}
	text, err := p.text()
	return []letter{{text: text}}, err
}

func (p *stages) visit(snapshot crm.Snapshot) error {
	row := rowOf(snapshot)
	if !p.keeps(row) {
		return nil
	}
	if m, ok := p.history.moves[row.Page]; ok && !m.from.Same(m.to) {
		p.moved.add(movedRow{row, m})
	}
	name := row.Values[p.bound.stage.ID].String()
	if slices.ContainsFunc(p.bound.spec.Closed, func(c string) bool { return crm.SameName(c, name) }) {
		return nil
	}
	p.open.Add(name, row.Values[p.bound.value.ID])
	if since, atLeast := p.history.InStage(snapshot, p.ledger); name != "" && p.bound.spec.StuckDays > 0 && p.days(since) > p.bound.spec.StuckDays {
		p.stuck.add(stuckRow{row, name, since, atLeast})
	}
	return nil
}

// days counts calendar days in the zone.
func (q question) days(since time.Time) int {
	midnight := func(t time.Time) time.Time {
		y, m, d := t.In(q.context.Zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(q.context.Now).Sub(midnight(since)).Hours() / 24)
}

func (p *stages) text() (string, error) {
	w := writer{context: p.context}
	head := w.line(p.bound.head, rules.Row{}, fields(p.open.All, map[string]any{"Name": p.bound.name}))
	for _, s := range p.open.InOrder(p.bound.stage.Options) {
		w.add(p.bound.line, rules.Row{}, fields(s, map[string]any{"Stage": cmp.Or(s.Name, noStage)}))
	}
	w.section("Moved this week:", p.moved.count, len(p.moved.kept))
	for _, m := range p.moved.kept {
		w.add(p.bound.moved, m.row, map[string]any{"From": cmp.Or(m.from.String(), noStage), "To": cmp.Or(m.to.String(), noStage)})
	}
	w.rest()
	w.section(fmt.Sprintf("Stuck for more than %d days:", p.bound.spec.StuckDays), p.stuck.count, len(p.stuck.kept))
	for _, s := range p.stuck.kept {
		w.add(p.bound.stuck, s.row, map[string]any{"Stage": s.stage, "Days": p.days(s.since), "AtLeast": s.atLeast})
	}
	w.rest()
	return body{head: head, lines: w.lines, foot: p.age(), all: len(w.lines)}.text(), w.err
}

// fields adds what is counted to the fields of a text.
func fields(s pipeline.Stage, to map[string]any) map[string]any {
	to["Count"], to["Value"] = s.Count, strconv.FormatFloat(s.Value, 'f', 2, 64)
	return to
}
