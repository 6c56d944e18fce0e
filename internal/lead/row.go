package lead

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/form"
	"github.com/dealbell/dealbell/internal/upsert"
)

// Row makes one submission a row of its form's database.
func (s *Service) Row(ctx context.Context, job crm.Job) (crm.Commit, error) {
	d, err := s.o.State.Delivery(ctx, job.Key)
	if err != nil {
		return crm.Commit{}, fmt.Errorf("read delivery %s: %w", job.Key, err)
	}
	if d.State != crm.DeliveryQueued && d.State != crm.DeliveryNoting {
		return crm.Commit{}, nil // it was worked in meanwhile
	}
	ctx = crm.About(ctx, crm.Record{Key: job.Key})
	took(ctx, d)
	l, err := s.read(d)
	if err != nil {
		return crm.Commit{}, err
	}
	if l.form.Database == "" { // its submissions are leads by now
		sentOn(ctx, "the submissions of its form are leads by now", d)
		return crm.Commit{Jobs: []crm.Job{l.form.Job(d.ID, d.ID)}}, nil
	}
	return s.rows.WithSchema(ctx, l.form.Database, func(schema crm.Schema) (crm.Commit, error) {
		return s.makeRow(ctx, schema, l)
	})
}

func (s *Service) makeRow(ctx context.Context, schema crm.Schema, l lead) (crm.Commit, error) {
	b, err := s.rows.Bind(ctx, schema, l.form.properties())
	if err != nil {
		return crm.Commit{}, err
	}
	row := s.draftRow(b, l)
	made, err := s.findMade(ctx, b, made{database: l.form.Database, id: l.form.ID, delivery: l.delivery.ID, again: l.delivery.State == crm.DeliveryNoting})
	if err != nil {
		return crm.Commit{}, err
	}
	commit := crm.Commit{Settled: []crm.Intent{{Database: l.form.Database, Key: l.delivery.ID}}}
	if made != "" {
		crm.Note(ctx, crm.Step{Kind: crm.StepFound, Page: made})
	} else {
		var page crm.Page
		page, commit, err = s.rows.Once(ctx, upsert.Creation{
			Database: l.form.Database, DataSource: schema.DataSource, Key: l.delivery.ID, Values: row.values, Text: row.text,
		})
		if err != nil {
			return commit, err
		}
		made = page.ID
		crm.Note(ctx, crm.Step{Kind: crm.StepMade, Page: made})
	}
	commit.Progress = append(commit.Progress, crm.Progress{Delivery: l.delivery.ID, State: crm.DeliveryDone, Outcome: crm.Created, Page: made})
	return s.keep(ctx, commit, l.form.Database, made, row.leftovers), nil
}

// made is a row that may have been made for a delivery.
type made struct {
	database, id, delivery string // id: the property that carries the delivery's id
	again                  bool   // it was worked in before
}

// findMade looks for the row of a delivery that may have one.
func (s *Service) findMade(ctx context.Context, b upsert.Bindings, m made) (page string, err error) {
	_, begun, err := s.o.State.Intent(ctx, m.database, m.delivery)
	if err != nil || !begun && !m.again {
		return "", err
	}
	id, ok := b.Property(m.id)
	if !ok {
		return "", crm.WithHint(fmt.Errorf("%w: whether the row was made cannot be looked up: %s", crm.ErrInvalid, b.Explain(m.id, "rich_text")),
			fmt.Sprintf("look whether it is there; if not, add a text property %q to the database and retry the job", m.id))
	}
	rows, err := s.o.Notion.Query(ctx, b.Schema.DataSource, crm.Query{Key: id, KeyIs: []string{m.delivery}, Size: 1})
	if err != nil {
		return "", fmt.Errorf("look up row: %w", err)
	}
	for _, p := range rows.Pages {
		page = p.ID
	}
	return page, nil
}

// row is what a submission wants Notion to hold.
type row struct {
	values    map[string]crm.Value // by property id
	text      []crm.Paragraph
	leftovers []crm.Leftover
}

// draftRow gives every field a place: the property it is mapped to, the one
// of the same name, or else the page's text. What every new row gets comes
// before properties of the same name: a browser may send fields of any name.
func (s *Service) draftRow(b upsert.Bindings, l lead) row {
	r := row{values: map[string]crm.Value{}}
	write := func(property, text string) {
		if property != "" && text != "" {
			r.leftovers = b.Put(r.values, r.leftovers, property, text)
		}
	}
	write(l.form.ID, l.delivery.ID)
	write(l.form.SubmittedAt, l.when().In(s.o.Zone).Format(time.RFC3339))
	_, named := b.Property(l.form.Submitter)
	write(l.form.Submitter, l.submitter())
	var others []form.Field
	for _, f := range l.Fields {
		property, mapped := l.form.about(f)
		if !mapped || !r.free(b, property) {
			others = append(others, f)
		}
		write(property, f.Value)
	}
	for _, property := range slices.Sorted(maps.Keys(l.form.Values)) {
		write(property, l.form.Values[property])
	}
	var rest []string
	for _, f := range others {
		property, same := sameName(b, f)
		switch {
		case same && r.free(b, property):
			write(property, f.Value)
		case !named || f.Value != l.submitter():
			rest = append(rest, f.Name+": "+f.Value)
		}
	}
	if title := b.Schema.Title(); r.values[title.ID].Blank() {
		r.values[title.ID] = crm.Text(title.Kind, cmp.Or(l.Name, l.submitter(), l.label()))
	}
	if len(rest) > 0 {
		r.text = []crm.Paragraph{{{Text: strings.Join(rest, "\n")}}}
	}
	return r
}

// free reports whether a property is there and gets nothing yet.
func (r row) free(b upsert.Bindings, property string) bool {
	p, there := b.Property(property)
	_, taken := r.values[p.ID]
	waits := slices.ContainsFunc(r.leftovers, func(l crm.Leftover) bool { return crm.SameName(l.Property, property) })
	return there && !taken && !waits
}

// sameName finds the property that is called like a field and takes text.
func sameName(b upsert.Bindings, f form.Field) (property string, ok bool) {
	p, ok := b.Bindings.Property(f.Name)
	if !ok || !upsert.Takes(p.Kind) {
		return "", false
	}
	return p.Name, true
}
