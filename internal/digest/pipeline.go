package digest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/rules"
)

// The lines about rows of a pipeline.
const (
	movedLine = `• *{{title}}* {{.From}} → {{.To}}`
	stuckLine = `• *{{title}}* in {{.Stage}} for {{if .AtLeast}}at least {{end}}{{.Days}} days`
)

// noStage is the name of a blank stage.
const noStage = "no stage"

// stage is what a pipeline counts of one stage.
type stage struct {
	name  string // "" for none
	count int
	value float64
}

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

// pipeline is what is kept of the rows.
type pipeline struct {
	question
	history history
	open    stage // all open ones together
	stages  map[string]*stage
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
	p := &pipeline{question: q, history: known, stages: map[string]*stage{}}
	p.moved = top[movedRow]{limit: limit, compare: func(a, b movedRow) int { return cmp.Compare(b.last, a.last) }}
	p.stuck = top[stuckRow]{limit: limit, compare: func(a, b stuckRow) int { return a.since.Compare(b.since) }}
	if err := state.Rows(ctx, q.bound.database, p.visit); err != nil {
		return nil, err
	}
	if p.open.count+p.moved.count == 0 {
		return q.empty(), nil
	}
	text, err := p.text()
	return []letter{{text: text}}, err
}

func (p *pipeline) visit(snapshot crm.Snapshot) error {
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
	p.count(name, row)
	if since, atLeast := p.history.inStage(snapshot, p.ledger); name != "" && p.bound.spec.StuckDays > 0 && p.days(since) > p.bound.spec.StuckDays {
		p.stuck.add(stuckRow{row, name, since, atLeast})
	}
	return nil
}

func (p *pipeline) count(name string, row rules.Row) {
	s := p.stages[strings.ToLower(name)]
	if s == nil {
		s = &stage{name: name}
		p.stages[strings.ToLower(name)] = s
	}
	value, err := row.Values[p.bound.value.ID].Number.Float64()
	if err != nil {
		value = 0 // none
	}
	for _, of := range []*stage{s, &p.open} {
		of.count++
		of.value += value
	}
}

// days counts calendar days in the zone.
func (q question) days(since time.Time) int {
	midnight := func(t time.Time) time.Time {
		y, m, d := t.In(q.context.Zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(q.context.Now).Sub(midnight(since)).Hours() / 24)
}

func (p *pipeline) text() (string, error) {
	w := writer{context: p.context}
	head := w.line(p.bound.head, rules.Row{}, p.open.fields(map[string]any{"Name": p.bound.name}))
	for _, s := range p.inOrder() {
		w.add(p.bound.line, rules.Row{}, s.fields(map[string]any{"Stage": cmp.Or(s.name, noStage)}))
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

// inOrder lists the stages as Notion does, then those it no longer has.
func (p *pipeline) inOrder() []*stage {
	place := func(s *stage) int {
		i := slices.IndexFunc(p.bound.stage.Options, func(o string) bool { return crm.SameName(o, s.name) })
		switch {
		case s.name == "":
			return len(p.bound.stage.Options) + 1
		case i < 0:
			return len(p.bound.stage.Options)
		}
		return i
	}
	return slices.SortedFunc(maps.Values(p.stages), func(a, b *stage) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a.name, b.name))
	})
}

// fields adds what is counted to the fields of a text.
func (s stage) fields(to map[string]any) map[string]any {
	to["Count"], to["Value"] = s.count, strconv.FormatFloat(s.value, 'f', 2, 64)
	return to
}
