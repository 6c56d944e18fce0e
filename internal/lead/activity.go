package lead

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/upsert"
)

// activity is the payload of a KindActivity job.
type activity struct {
	Delivery string `json:"delivery"`
	Contact  string `json:"contact"` // page
	Again    bool   `json:"again"`   // the delivery was worked in before: look first
}

// activityJobs returns one job for each message. Their key is the delivery,
// which the store keeps until they are done.
func (g *group) activityJobs(page string) []crm.Job {
	var jobs []crm.Job
	for _, l := range g.leads {
		if l.message() == "" {
			continue
		}
		payload, err := json.Marshal(activity{l.delivery.ID, page, l.delivery.State == crm.DeliveryNoting})
		if err != nil {
			continue // strings always encode
		}
		jobs = append(jobs, crm.Job{Kind: KindActivity, Lane: crm.Live, Key: l.delivery.ID, Unique: l.delivery.ID, Payload: payload})
	}
	return jobs
}

// Careful makes a job look first that may have been done before: after a
// backup was made from which its state was restored.
func Careful(job crm.Job) crm.Job {
	var a activity
	if job.Kind != KindActivity || json.Unmarshal(job.Payload, &a) != nil {
		return job
	}
	a.Again = true
	if payload, err := json.Marshal(a); err == nil {
		job.Payload = payload
	}
	return job
}

// Activity makes one message a row of the Activities database.
func (s *Service) Activity(ctx context.Context, job crm.Job) (crm.Commit, error) {
	var a activity
	if err := json.Unmarshal(job.Payload, &a); err != nil {
		return crm.Commit{}, fmt.Errorf("%w: read payload: %w", crm.ErrInvalid, err)
	}
	delivery, err := s.o.State.Delivery(ctx, a.Delivery)
	if err != nil {
		return crm.Commit{}, fmt.Errorf("read delivery %s: %w", a.Delivery, err)
	}
	ctx = crm.About(ctx, crm.Record{Key: job.Key, Page: a.Contact})
	took(ctx, delivery)
	l, err := s.readLead(delivery)
	if err != nil {
		return crm.Commit{}, err
	}
	return s.rows.WithSchema(ctx, s.o.Activities, func(schema crm.Schema) (crm.Commit, error) {
		return s.makeActivity(ctx, schema, a, l)
	})
}

func (s *Service) makeActivity(ctx context.Context, schema crm.Schema, a activity, l lead) (crm.Commit, error) {
	b, err := s.rows.Bind(ctx, schema, s.o.Mapping.Activity.names())
	if err != nil {
		return crm.Commit{}, err
	}
	found, err := s.findMade(ctx, b, made{database: s.o.Activities, id: s.o.Mapping.Activity.ID, delivery: a.Delivery, again: a.Again})
	if err != nil {
		return crm.Commit{}, err
	}
	if found != "" {
		kept(ctx, found, a.Delivery)
		return crm.Commit{Settled: []crm.Intent{{Database: s.o.Activities, Key: a.Delivery}}}, nil
	}
	values, leftovers := s.activityValues(b, l, a.Contact)
	page, commit, err := s.rows.Once(ctx, upsert.Creation{
		Database: s.o.Activities, DataSource: schema.DataSource, Key: a.Delivery, Values: values,
	})
	if err != nil {
		return commit, err
	}
	kept(ctx, page.ID, a.Delivery)
	return s.keep(ctx, commit, s.o.Activities, page.ID, leftovers), nil
}

func (a Activity) names() []string { return []string{a.Type, a.At, a.Details, a.Contact, a.ID} }

func (s *Service) activityValues(b upsert.Bindings, l lead, contact string) (map[string]crm.Value, []crm.Leftover) {
	names := s.o.Mapping.Activity
	message := l.message()
	values := map[string]crm.Value{}
	title := b.Schema.Title()
	values[title.ID] = crm.Text(title.Kind, upperFirst(l.label())+": "+firstLine(message, 80))
	b.Put(values, nil, names.Type, "Form") // a derived value is not worth keeping
	b.Put(values, nil, names.At, l.delivery.ReceivedAt.In(s.o.Zone).Format(time.RFC3339))
	b.Put(values, nil, names.ID, l.delivery.ID)
	if p, ok := b.Property(names.Contact); ok && p.Kind == crm.KindRelation {
		values[p.ID] = crm.Value{Kind: p.Kind, IDs: []string{contact}}
	}
	return values, b.Put(values, nil, names.Details, message)
}

func firstLine(s string, most int) string {
	line, _, _ := strings.Cut(s, "\n")
	if runes := []rune(line); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return line
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
